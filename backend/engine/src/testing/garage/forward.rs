//! What stands between a driver and the server, so that a test can make things go wrong: `FakeServer` in front, this behind it.

use crate::testing::fake::{Reply, Request, Service};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
/// What signatures leave as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Of one connection, not of the message.
const HOP_BY_HOP: [&str; 4] = ["connection", "transfer-encoding", "content-length", "expect"];

/// Passes requests on as they came, with the host that they were signed for. One that broke off is not passed on: S3 takes a block whole
/// or not at all.
///
/// It waits for the server where it stands, so that tests on one thread send one request after the other.
#[derive(Debug)]
pub struct Forward {
    server: SocketAddr,
    opaque_etags: AtomicBool,
}

impl Forward {
    pub fn new(server: SocketAddr) -> Forward {
        Forward { server, opaque_etags: AtomicBool::new(false) }
    }

    /// From now on objects have ETags that are no MD5, as where they are encrypted with a key of one's own; those of parts stay.
    pub fn make_etags_opaque(&self) {
        self.opaque_etags.store(true, Ordering::Relaxed);
    }

    fn pass(&self, request: &Request) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(self.server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let query: Vec<String> = request
            .query
            .iter()
            .map(|(k, v)| format!("{}={}", utf8_percent_encode(k, ENCODED), utf8_percent_encode(v, ENCODED)))
            .collect();
        let target = if query.is_empty() {
            request.path.clone()
        } else {
            format!("{}?{}", request.path, query.join("&"))
        };
        let mut head = format!("{} {target} HTTP/1.1\r\nconnection: close\r\n", request.method);
        for (name, value) in request.headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str())) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = request.header("content-length") {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(&request.body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&answer, request.method == "HEAD")
            .ok_or_else(|| io::Error::other("the server's answer cannot be read"))
    }
}

impl Service for Forward {
    fn answer(&self, request: &Request) -> Reply {
        if !request.complete {
            return Reply::status(400);
        }
        let reply = match self.pass(request) {
            Ok(reply) => reply,
            Err(error) => return Reply::text(502, &error.to_string()),
        };
        if self.opaque_etags.load(Ordering::Relaxed) && !request.query.contains_key("partNumber") {
            return opaque(reply);
        }
        reply
    }
}

/// The same answer with other ETags; the form of the XML is kept.
fn opaque(mut reply: Reply) -> Reply {
    for (_, value) in reply.headers.iter_mut().filter(|(name, _)| name == "etag") {
        *value = format!("\"{}\"", "f".repeat(32));
    }
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    if text.contains("<CompleteMultipartUploadResult")
        && let Some((before, rest)) = text.split_once("<ETag>")
        && let Some((_, after)) = rest.split_once("</ETag>")
    {
        reply.body = Bytes::from(format!("{before}<ETag>\"{}-9\"</ETag>{after}", "f".repeat(32)));
    }
    reply.with("x-amz-server-side-encryption", "aws:kms")
}

/// An answer of a connection that was closed after it. Of one to `HEAD`, the length is the object's.
fn parse(answer: &[u8], to_head: bool) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut reply = Reply { status, headers: Vec::new(), body: Bytes::copy_from_slice(&answer[end + 4..]) };
    let mut chunked = false;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        chunked |= name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked");
        if (to_head && name == "content-length") || !HOP_BY_HOP.contains(&name.as_str()) {
            reply.headers.push((name, value.to_owned()));
        }
    }
    if chunked {
        reply.body = unchunked(&reply.body)?;
    }
    Some(reply)
}

fn unchunked(mut rest: &[u8]) -> Option<Bytes> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let data = rest.get(end + 2..)?;
        if size == 0 {
            return Some(Bytes::from(whole));
        }
        whole.extend_from_slice(data.get(..size)?);
        rest = data.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_and_without_chunks() {
        let plain =
            parse(b"HTTP/1.1 403 Forbidden\r\ndate: x\r\ncontent-length: 2\r\n\r\nno", false).unwrap();
        assert_eq!((plain.status, &plain.body[..]), (403, &b"no"[..]));
        assert_eq!(plain.headers, [("date".to_string(), "x".to_string())]);
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        assert_eq!(parse(chunked, false).unwrap().body, "abcde");
        let head = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n", true).unwrap();
        assert_eq!(head.headers, [("content-length".to_string(), "7".to_string())]);
        assert!(parse(b"HTTP/1.1 200 OK\r\n", false).is_none());
    }
}
