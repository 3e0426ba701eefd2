//! Upload sessions and commits.

use super::reply;
use super::tree::{Content, Tree};
use crate::storage::dropbox::content_hash::ContentHash;
use crate::testing::fake::{Blob, Reply, Request};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MAX_REQUEST: usize = 150 << 20;
const LIFE: TimeDelta = TimeDelta::days(7);

struct Session {
    blob: Blob,
    hash: ContentHash,
    closed: bool,
    until: DateTime<Utc>,
}

impl Session {
    fn append(&mut self, bytes: &[u8]) {
        self.blob.append(bytes);
        self.hash.update(bytes);
    }

    /// As if bytes had never come. For contents that are kept as a whole.
    fn cut(&mut self, to: u64) {
        let kept = self.blob.bytes().unwrap_or_default();
        let kept = &kept[..kept.len().min(usize::try_from(to).unwrap_or(usize::MAX))];
        let mut hash = ContentHash::default();
        hash.update(kept);
        (self.blob, self.hash) = (Blob::of(kept), hash);
    }
}

/// What is left of a session that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterCommit {
    #[default]
    NotFound,
    Closed,
}

/// A commit that Dropbox works at although nobody waits for it any more.
struct Late {
    at: DateTime<Utc>,
    session: String,
    commit: Value,
}

#[derive(Default)]
pub(super) struct Sessions {
    open: BTreeMap<String, Session>,
    committed: BTreeSet<String>,
    made: u32,
    late: Vec<Late>,
    pub after_commit: AfterCommit,
    /// The next bodies arrive with one bit turned.
    pub damage_bodies: u32,
    /// The next commits store other bytes than were sent.
    pub damage_commits: u32,
    /// The next commits take so long.
    pub slow_commits: Vec<TimeDelta>,
    /// The next commits are refused with these tags.
    pub refusals: Vec<Vec<&'static str>>,
}

/// What a commit needs to know beside the session.
pub(super) struct Place<'a> {
    pub tree: &'a mut Tree,
    /// Bytes that still fit in.
    pub free: u64,
    pub now: DateTime<Utc>,
}

impl Sessions {
    pub fn open(&self) -> BTreeMap<String, u64> {
        self.open.iter().map(|(id, session)| (id.clone(), session.blob.size)).collect()
    }

    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.open.keys().chain(&self.committed)
    }

    pub fn forget(&mut self) {
        self.open.clear();
    }

    pub fn close(&mut self) {
        self.open.values_mut().for_each(|session| session.closed = true);
    }

    pub fn cut(&mut self, to: u64) {
        self.open.values_mut().for_each(|session| session.cut(to));
    }

    pub fn grow(&mut self, by: usize) {
        self.open.values_mut().for_each(|session| session.append(&vec![0; by]));
    }

    /// The body as it arrived, or the refusal of one that is not what was announced.
    fn body(&mut self, request: &Request, arg: &Value) -> Result<Vec<u8>, Reply> {
        if request.body.len() > MAX_REQUEST {
            return Err(reply::fault(&["payload_too_large"]));
        }
        let mut bytes = request.body.to_vec();
        if self.damage_bodies > 0
            && let Some(last) = bytes.last_mut()
        {
            self.damage_bodies -= 1;
            *last ^= 1;
        }
        let announced = arg.get("content_hash").and_then(Value::as_str);
        // Of a body that broke off the hash is not known.
        if request.complete && announced.is_some_and(|hash| hash != ContentHash::of(&bytes)) {
            return Err(reply::fault(&["content_hash_mismatch"]));
        }
        Ok(bytes)
    }

    pub fn start(&mut self, request: &Request, arg: &Value, now: DateTime<Utc>) -> Reply {
        let bytes = match self.body(request, arg) {
            Ok(bytes) => bytes,
            Err(refusal) => return refusal,
        };
        self.made += 1;
        let id = format!("pid_upload_session:{:04}-S3CR3T", self.made);
        let mut session =
            Session { blob: Blob::default(), hash: ContentHash::default(), closed: false, until: now + LIFE };
        session.append(&bytes);
        session.closed = arg["close"] == true;
        self.open.insert(id.clone(), session);
        Reply::json(200, &json!({ "session_id": id }))
    }

    /// The session at the offset that the client believes in.
    fn at(
        &mut self,
        cursor: &Value,
        outer: &[&'static str],
        now: DateTime<Utc>,
    ) -> Result<&mut Session, Reply> {
        let refuse = |tag| Err(reply::fault(&[outer, &[tag]].concat()));
        let id = cursor["session_id"].as_str().unwrap_or_default();
        if self.committed.contains(id) && self.after_commit == AfterCommit::Closed {
            return refuse("closed");
        }
        match self.open.get_mut(id) {
            Some(session) if session.until > now => {
                if cursor["offset"] != json!(session.blob.size) {
                    return Err(reply::incorrect_offset(outer, session.blob.size));
                }
                Ok(session)
            }
            _ => refuse("not_found"),
        }
    }

    pub fn append(&mut self, request: &Request, arg: &Value, now: DateTime<Utc>) -> Reply {
        // The offset is looked at before the bytes.
        match self.at(&arg["cursor"], &[], now) {
            Ok(session) if session.closed => return reply::fault(&["closed"]),
            Err(refusal) => return refusal,
            Ok(_) => {}
        }
        let bytes = match self.body(request, arg) {
            Ok(bytes) => bytes,
            Err(refusal) => return refusal,
        };
        match self.at(&arg["cursor"], &[], now) {
            Ok(session) => {
                session.append(&bytes);
                session.closed = arg["close"] == true;
                Reply::json(200, &Value::Null)
            }
            Err(refusal) => refusal,
        }
    }

    pub fn finish(&mut self, request: &Request, arg: &Value, place: Place<'_>) -> Reply {
        let now = place.now;
        let bytes = match self.body(request, arg) {
            Ok(bytes) => bytes,
            Err(refusal) => return refusal,
        };
        let session = match self.at(&arg["cursor"], &["lookup_failed"], now) {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        // Whatever becomes of the commit: the bytes that came with it stay in the session.
        session.append(&bytes);
        if let Some(tags) = self.refusals.pop() {
            return reply::fault(&tags);
        }
        let id = arg["cursor"]["session_id"].as_str().unwrap_or_default();
        if let Some(delay) = self.slow_commits.pop() {
            self.late.push(Late { at: now + delay, session: id.into(), commit: arg["commit"].clone() });
            // Something between gives up waiting.
            return Reply::status(504);
        }
        self.commit(id, &arg["commit"], place)
    }

    /// Does the late commits that are due.
    pub fn settle(&mut self, tree: &mut Tree, now: DateTime<Utc>) {
        while let Some(due) = self.late.iter().position(|late| late.at <= now) {
            let late = self.late.remove(due);
            self.commit(&late.session, &late.commit, Place { tree: &mut *tree, free: u64::MAX, now });
        }
    }

    fn commit(&mut self, id: &str, commit: &Value, place: Place<'_>) -> Reply {
        let Some(session) = self.open.get(id) else { return reply::fault(&["lookup_failed", "not_found"]) };
        let path = commit["path"].as_str().unwrap_or_default();
        let lower = match place.tree.resolve(path) {
            Ok(lower) => lower,
            Err("not_found") => path.to_lowercase(),
            Err(tag) => return reply::fault(&["path", tag]),
        };
        let mut content = Content { blob: session.blob.clone(), content_hash: session.hash.clone().finish() };
        let mut replaced = 0;
        if let Some(there) = place.tree.get(&lower) {
            let Some(file) = &there.file else { return reply::fault(&["path", "conflict", "folder"]) };
            let same = file.content_hash == content.content_hash;
            let mode = &commit["mode"];
            let allowed = match mode.as_str().or(mode[".tag"].as_str()).unwrap_or("add") {
                "overwrite" => true,
                "update" => mode["update"] == json!(file.rev) || same && commit["strict_conflict"] != true,
                _ => same && commit["strict_conflict"] != true,
            };
            if !allowed {
                return reply::fault(&["path", "conflict", "file"]);
            }
            replaced = file.blob.size;
        }
        if content.blob.size > place.free.saturating_add(replaced) {
            return reply::fault(&["path", "insufficient_space"]);
        }
        if self.damage_commits > 0 {
            self.damage_commits -= 1;
            let mut bytes = content.blob.bytes().unwrap_or_default().to_vec();
            if let Some(first) = bytes.first_mut() {
                *first ^= 1;
            }
            content = Content::of(&bytes);
        }
        if let Err(tags) = place.tree.write(path, content, true, place.now) {
            return reply::fault(&[&["path"], tags].concat());
        }
        self.open.remove(id);
        self.committed.insert(id.into());
        Reply::json(200, &place.tree.metadata(&lower, false))
    }
}
