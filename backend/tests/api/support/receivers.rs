//! What messages are sent to: a web address and a mail server on the loopback address, which remember what came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// With its query.
    pub target: String,
    /// By lower-cased name.
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// A web server that answers everything in the same way.
#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    received: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Mutex<(u16, Option<String>)>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Receiver { port, received: Arc::default(), answer: Arc::new(Mutex::new((200, None))) };
        let server = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// From now on; with a place to go to instead.
    pub fn answer(&self, status: u16, location: Option<String>) {
        *self.answer.lock().unwrap() = (status, location);
    }

    pub fn received(&self) -> Vec<Request> {
        self.received.lock().unwrap().clone()
    }

    /// What came, once it is so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Request> {
        let came = async {
            while self.received().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, came).await.unwrap_or_else(|_| {
            panic!("{count} requests were waited for, these came: {:?}", self.received())
        });
        self.received()
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        self.received.lock().unwrap().push(Request { method, target, headers, body });
        let (status, location) = self.answer.lock().unwrap().clone();
        let location = location.map(|l| format!("Location: {l}\r\n")).unwrap_or_default();
        let answer =
            format!("HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// What was said to sign in, if anything.
    pub auth: Option<String>,
    /// Headers and text, as they came.
    pub data: String,
}

/// A mail server without TLS.
#[derive(Clone)]
pub struct MailServer {
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// What it says to every recipient instead of taking it.
    refusal: Arc<Mutex<Option<String>>>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = MailServer { port, mails: Arc::default(), refusal: Arc::default() };
        let this = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let this = this.clone();
                // A client may hang up whenever it likes.
                tokio::spawn(async move { this.talk(stream).await.ok() });
            }
        });
        server
    }

    pub fn refuse(&self, with: Option<&str>) {
        *self.refusal.lock().unwrap() = with.map(str::to_owned);
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.example.org ready\r\n").await?;
        let mut mail = Mail::default();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            let upper = line.to_uppercase();
            let answer = if upper.starts_with("EHLO") {
                "250-mail.example.org\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".to_owned()
            } else if upper.starts_with("AUTH") {
                mail.auth = Some(line.to_owned());
                "235 welcome".into()
            } else if upper.starts_with("MAIL FROM:") {
                mail.from = line[10..].to_owned();
                "250 fine".into()
            } else if upper.starts_with("RCPT TO:") {
                match self.refusal.lock().unwrap().clone() {
                    Some(refusal) => refusal,
                    None => {
                        mail.to.push(line[8..].to_owned());
                        "250 fine".into()
                    }
                }
            } else if upper == "DATA" {
                stream.write_all(b"354 go on\r\n").await?;
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await?;
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data += &line;
                }
                self.mails.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken".into()
            } else if upper == "QUIT" {
                "221 bye".into()
            } else {
                "250 fine".into()
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}
