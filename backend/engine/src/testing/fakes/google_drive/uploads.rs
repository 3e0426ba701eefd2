//! Resumable uploads.

use super::files::Wanted;
use super::items::Maker;
use super::{State, Unaligned, fault};
use crate::testing::fake::{Blob, Record, Reply, Request};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

const GRANULE: u64 = 262_144;
/// So long a session is there.
const LASTS: TimeDelta = TimeDelta::days(7);
/// So long a session that is done says so.
const SAYS_DONE: TimeDelta = TimeDelta::minutes(10);

pub(super) struct Session {
    metadata: Value,
    total: u64,
    content: Blob,
    begun: DateTime<Utc>,
    fields: String,
    /// The file that became of it, and when.
    done: Option<(String, DateTime<Utc>)>,
    /// What it answers once it was ended.
    ended: Option<u16>,
}

/// How the upload server tells that there is no such session, or none any more: without JSON, with a header of its own.
fn of_a_session(status: u16) -> Reply {
    Reply::text(status, "Not Found").with("x-guploader-uploadid", "ABgVH8-fake")
}

/// `bytes a-b/total`, or `bytes */total`.
fn range_of(text: &str) -> Option<(Option<(u64, u64)>, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let total = total.parse().ok()?;
    if range == "*" {
        return Some((None, total));
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < total).then_some((Some((first, last)), total))
}

impl State {
    /// Those that may still become a file.
    pub(super) fn open_sessions(&self, now: DateTime<Utc>) -> usize {
        let open = |s: &&Session| s.done.is_none() && s.ended.is_none() && now - s.begun < LASTS;
        self.sessions.values().filter(open).count()
    }

    pub(super) fn end_sessions(&mut self, status: u16) {
        for session in self.sessions.values_mut() {
            session.ended.get_or_insert(status);
        }
    }

    /// Forgets the last bytes that unfinished sessions have stored.
    pub(super) fn lose_bytes(&mut self, bytes: u64) {
        for session in self.sessions.values_mut().filter(|s| s.done.is_none()) {
            let kept = session.content.size.saturating_sub(bytes);
            let kept = usize::try_from(kept).unwrap_or(usize::MAX);
            session.content =
                Blob::of(session.content.bytes().and_then(|b| b.get(..kept)).unwrap_or_default());
        }
    }

    fn new_session_id(&mut self) -> String {
        self.sessions_made += 1;
        format!("AFakeUploadCapability{:06}", self.sessions_made)
    }

    fn location(&self, id: &str) -> String {
        format!("{}/upload/drive/v3/files?uploadType=resumable&upload_id={id}", self.base)
    }

    pub(super) fn upload(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        match (request.method.as_str(), request.query.get("upload_id")) {
            ("POST", None) => self.start(request, record, now),
            ("PUT", Some(id)) => self.put(&id.clone(), request, record, now),
            ("DELETE", Some(id)) => match self.sessions.get_mut(id) {
                Some(session) if session.done.is_none() && session.ended.is_none() => {
                    session.ended = Some(404);
                    of_a_session(499)
                }
                _ => of_a_session(404),
            },
            _ => {
                record.violation(format!("{} is nothing to do with an upload", request.method));
                fault(400, "badRequest")
            }
        }
    }

    fn start(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        if request.query.get("uploadType").is_none_or(|kind| kind != "resumable") {
            record.violation("an upload that is not resumable");
            return fault(400, "badRequest");
        }
        if request.query.get("supportsAllDrives").is_none_or(|v| v != "true") {
            record.violation("an upload without supportsAllDrives");
        }
        let metadata = request.json();
        if let Err(refusal) = self.wanted(&metadata, record) {
            return refusal;
        }
        let Some(total) = request.header("x-upload-content-length").and_then(|n| n.parse().ok()) else {
            record.violation("an upload that does not say how long it is");
            return fault(400, "badRequest");
        };
        if self.quota.is_some_and(|quota| self.items.used() + total > quota) {
            return fault(403, "storageQuotaExceeded");
        }
        let id = self.new_session_id();
        let reply = Reply::status(200).with("location", self.location(&id));
        let fields = request.query.get("fields").cloned().unwrap_or_default();
        let content = Blob::default();
        let session = Session { metadata, total, content, begun: now, fields, done: None, ended: None };
        self.sessions.insert(id, session);
        reply
    }

    fn put(&mut self, id: &str, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        let Some(session) = self.sessions.get(id) else { return of_a_session(404) };
        if let Some(status) = session.ended {
            return of_a_session(status);
        }
        if now - session.begun >= LASTS {
            return of_a_session(404);
        }
        if let Some((file, at)) = session.done.clone() {
            if now - at >= SAYS_DONE {
                return of_a_session(404);
            }
            let fields = session.fields.clone();
            return Reply::json(200, &self.items.json(&file, &fields, None));
        }
        let (stored, total) = (session.content.size, session.total);
        let Some((range, named)) = request.header("content-range").and_then(range_of) else {
            record.violation("bytes came without a good Content-Range");
            return fault(400, "badRequest");
        };
        if named != total {
            record.violation("the length of an upload changed on the way");
            return fault(400, "badRequest");
        }
        let Some((first, last)) = range else {
            if !request.body.is_empty() {
                record.violation("a question about an upload has a body");
            }
            return if stored == total { self.finish(id, record, now) } else { self.more(id) };
        };
        let length = last - first + 1;
        if request.complete && length != request.body.len() as u64 {
            record.violation("Content-Range and Content-Length differ");
            return fault(400, "badRequest");
        }
        if first != stored {
            record.violation(format!("bytes came for {first}, but {stored} are stored"));
            return self.more(id);
        }
        let mut keep = request.body.len() as u64;
        if request.complete && last + 1 < total && !length.is_multiple_of(GRANULE) {
            record.violation(format!("a piece of {length} bytes is not made of granules"));
            match self.unaligned {
                Unaligned::Reject => return fault(400, "badRequest"),
                Unaligned::Floor => keep = length / GRANULE * GRANULE,
            }
        }
        if request.complete {
            if self.takes_nothing > 0 {
                self.takes_nothing -= 1;
                keep = 0;
            } else if let Some(most) = self.keeps_of_a_piece {
                keep = keep.min(most);
            }
        }
        let Some(session) = self.sessions.get_mut(id) else { return of_a_session(404) };
        let kept = usize::try_from(keep).unwrap_or(usize::MAX).min(request.body.len());
        session.content.append(&request.body[..kept]);
        if session.content.size == total && !self.never_finishes {
            return self.finish(id, record, now);
        }
        self.more(id)
    }

    /// 308: how far it is.
    fn more(&mut self, id: &str) -> Reply {
        let mut reply = Reply::status(308);
        if let Some(stored) = self.sessions.get(id).map(|s| s.content.size).filter(|stored| *stored > 0) {
            reply = reply.with("range", format!("bytes=0-{}", stored - 1));
        }
        if self.moves_sessions {
            let new = self.new_session_id();
            if let Some(session) = self.sessions.remove(id) {
                self.sessions.insert(new.clone(), session);
            }
            reply = reply.with("location", self.location(&new));
        }
        reply
    }

    fn finish(&mut self, id: &str, record: &Record, now: DateTime<Utc>) -> Reply {
        let Some(session) = self.sessions.get(id) else { return of_a_session(404) };
        let (metadata, total) = (session.metadata.clone(), session.total);
        let Wanted { id: file, name, parent, properties } = match self.wanted(&metadata, record) {
            Ok(wanted) => wanted,
            Err(refusal) => {
                // Nothing can become of it any more.
                if let Some(session) = self.sessions.get_mut(id) {
                    session.ended = Some(404);
                }
                return refusal;
            }
        };
        if self.quota.is_some_and(|quota| self.items.used() + total > quota) {
            return fault(403, "storageQuotaExceeded");
        }
        let (hash_waits, lies) = (self.late_hashes, self.lying_hashes > 0);
        self.lying_hashes = self.lying_hashes.saturating_sub(1);
        let Some(session) = self.sessions.get_mut(id) else { return of_a_session(404) };
        let (content, fields) = (std::mem::take(&mut session.content), session.fields.clone());
        session.done = Some((file.clone(), now));
        let item = self.items.add(file.clone(), &name, &parent, Maker::App, now);
        (item.content, item.properties) = (Some(content), properties);
        (item.hash_waits, item.lies) = (hash_waits, lies);
        Reply::json(self.made_status, &self.items.json(&file, &fields, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_strictly() {
        assert_eq!(range_of("bytes 0-9/10"), Some((Some((0, 9)), 10)));
        assert_eq!(range_of("bytes */10"), Some((None, 10)));
        for bad in ["bytes 0-10/10", "bytes 5-4/10", "0-9/10", "bytes 0-9/*", "bytes 0-9"] {
            assert_eq!(range_of(bad), None, "{bad}");
        }
    }
}
