//! Upload sessions and downloads: addresses that are capabilities of their own.

use super::super::super::fake::{Reply, Request};
use super::tree::Content;
use super::{Ending, Knobs, Ranges, State, World};
use crate::storage::one_drive::GRANULE;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// Fragments have to be smaller.
const TOO_LARGE: u64 = 60 << 20;
/// The very same request to a session more often than this is a storm.
const STORM: u32 = 24;

pub(super) struct Session {
    parent: String,
    name: String,
    content: Content,
    /// The size that the first fragment told.
    total: Option<u64>,
    until: DateTime<Utc>,
    unknown: u32,
    /// A fragment was no multiple of the granule.
    misaligned: bool,
    /// Everything has come, and there is no file.
    ended: bool,
}

pub(super) struct Download {
    id: String,
    until: DateTime<Utc>,
}

/// `bytes a-b/total`
fn range_of(request: &Request) -> Option<(u64, u64, u64)> {
    let (range, total) = request.header("content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to, total) = (from.parse().ok()?, to.parse().ok()?, total.parse().ok()?);
    (from <= to && to < total).then_some((from, to, total))
}

impl Session {
    pub fn new(parent: String, name: String, until: DateTime<Utc>, knobs: &Knobs) -> Session {
        Session {
            parent,
            name,
            content: Content::default(),
            total: None,
            until,
            unknown: knobs.new_sessions_unknown,
            misaligned: false,
            ended: false,
        }
    }

    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        now < self.until
    }

    fn held(&self) -> u64 {
        self.content.blob.size
    }

    pub fn json(&self, knobs: &Knobs) -> Value {
        let (next, total) = (self.held(), self.total.unwrap_or(0));
        let range = match knobs.ranges {
            Ranges::Closed if next < total => format!("{next}-{}", total - 1),
            _ => format!("{next}-"),
        };
        let ranges = if self.ended { json!([]) } else { json!([range]) };
        json!({ "expirationDateTime": self.until.to_rfc3339(), "nextExpectedRanges": ranges })
    }
}

impl State {
    /// An address from which a file can be read for some minutes.
    pub fn download(&mut self, id: &str, now: DateTime<Utc>) -> String {
        let name = self.next("download-");
        let until = now + TimeDelta::minutes(5);
        self.downloads.insert(name.clone(), Download { id: id.into(), until });
        name
    }

    /// Flips a bit, if one is to be flipped.
    pub fn damage(&mut self, bytes: &mut [u8]) {
        if let Some(byte) = bytes.first_mut().filter(|_| self.knobs.damage > 0) {
            self.knobs.damage -= 1;
            *byte ^= 1;
        }
    }
}

impl World {
    pub fn content(&self, request: &Request) -> Reply {
        let state = &mut *self.lock();
        if let Some(name) = request.path.strip_prefix("/down/") {
            return if request.complete { self.give(state, request, name) } else { Reply::status(400) };
        }
        let Some(id) = request.path.strip_prefix("/up/").map(str::to_owned) else {
            self.record.violation(format!("{} {} is not there", request.method, request.path));
            return Reply::status(404);
        };
        let same = format!("{} {id} {}", request.method, request.header("content-range").unwrap_or_default());
        let asked = state.asked.entry(same.clone()).or_default();
        *asked += 1;
        if *asked == STORM {
            self.record.violation(format!("{same} came {STORM} times"));
        }
        if state.sessions.get(&id).is_some_and(|session| self.now() >= session.until) {
            state.sessions.remove(&id);
        }
        let Some(session) = state.sessions.get_mut(&id) else { return self.gone(state) };
        if session.unknown > 0 {
            session.unknown -= 1;
            return self.fault(state, 404, "itemNotFound", None);
        }
        match request.method.as_str() {
            "GET" => Reply::json(200, &session.json(&state.knobs)),
            "DELETE" => {
                state.sessions.remove(&id);
                Reply::status(204)
            }
            "PUT" => self.fragment(state, request, &id),
            _ => Reply::status(405),
        }
    }

    fn gone(&self, state: &State) -> Reply {
        match state.knobs.gone_is_400 {
            true => self.fault(state, 400, "invalidRequest", Some("uploadSessionNotFound")),
            false => self.fault(state, 404, "itemNotFound", Some("uploadSessionNotFound")),
        }
    }

    fn fragment(&self, state: &mut State, request: &Request, id: &str) -> Reply {
        let Some((from, to, total)) = range_of(request) else {
            self.record.violation("a fragment has no proper Content-Range");
            return self.fault(state, 400, "invalidRequest", None);
        };
        let length = to - from + 1;
        let mut bytes = request.body.to_vec();
        if request.complete && bytes.len() as u64 != length {
            self.record.violation(format!("a fragment of {} bytes says that it has {length}", bytes.len()));
            return self.fault(state, 400, "invalidRequest", None);
        }
        if length >= TOO_LARGE {
            self.record.violation(format!("a fragment has {length} bytes"));
            return self.fault(state, 413, "invalidRequest", None);
        }
        let Some(session) = state.sessions.get_mut(id) else { return self.gone(state) };
        if *session.total.get_or_insert(total) != total {
            self.record.violation("a fragment tells another total than the first");
            return self.fault(state, 400, "invalidRequest", None);
        }
        let held = session.held();
        if from != held || session.ended {
            let inner = if from < held { "fragmentOverlap" } else { "fragmentOutOfOrder" };
            return self.fault(state, 416, "invalidRange", Some(inner));
        }
        let last = to + 1 == total;
        if !last && !length.is_multiple_of(GRANULE) {
            self.record.violation(format!("a fragment of {length} bytes is no multiple of {GRANULE}"));
            session.misaligned = true;
        }
        if !request.complete {
            if state.knobs.keep_parts {
                self.keep(state, id, &bytes);
            }
            return Reply::status(400);
        }
        if !self.has_room(state, held + length) {
            return self.fault(state, 507, "insufficientStorage", Some("quotaLimitReached"));
        }
        match state.knobs.set_backs.first_mut() {
            Some((0, back)) => {
                let back = *back;
                state.knobs.set_backs.remove(0);
                return self.set_back(state, id, back);
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        if state.knobs.dropped_with_416 > 0 {
            state.knobs.dropped_with_416 -= 1;
            return self.fault(state, 416, "invalidRange", Some("fragmentOverlap"));
        }
        if held == 0 {
            state.damage(&mut bytes);
        }
        if last && state.knobs.keep_of_next.is_none() {
            return self.end(state, id, &bytes);
        }
        if let Some(kept) = state.knobs.keep_of_next.take() {
            bytes.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        }
        self.keep(state, id, &bytes);
        if state.knobs.kept_with_416 > 0 {
            state.knobs.kept_with_416 -= 1;
            return self.fault(state, 416, "invalidRange", Some("fragmentOverlap"));
        }
        let Some(session) = state.sessions.get(id) else { return self.gone(state) };
        let mut answer = session.json(&state.knobs);
        if state.knobs.ranges == Ranges::OnRequest
            && let Some(members) = answer.as_object_mut()
        {
            members.remove("nextExpectedRanges");
        }
        Reply::json(202, &answer)
    }

    /// Keeps bytes in a session; it may be lost by that.
    fn keep(&self, state: &mut State, id: &str, bytes: &[u8]) {
        let until = self.now() + state.knobs.session_life;
        if let Some(session) = state.sessions.get_mut(id) {
            session.content.append(bytes);
            session.until = until;
            let held = session.held();
            if state.knobs.lose_session_at.is_some_and(|at| held >= at) {
                state.knobs.lose_session_at = None;
                state.sessions.remove(id);
            }
        }
    }

    fn set_back(&self, state: &mut State, id: &str, back: u64) -> Reply {
        if let Some(session) = state.sessions.get_mut(id) {
            let kept = session.content.blob.bytes().unwrap_or_default();
            let kept = kept[..kept.len().min(usize::try_from(back).unwrap_or(0))].to_vec();
            session.content = Content::default();
            session.content.append(&kept);
        }
        self.fault(state, 416, "invalidRange", Some("fragmentOutOfOrder"))
    }

    fn end(&self, state: &mut State, id: &str, bytes: &[u8]) -> Reply {
        let ending = match state.knobs.endings.is_empty() {
            true => None,
            false => Some(state.knobs.endings.remove(0)),
        };
        let Some(mut session) = state.sessions.remove(id) else { return self.gone(state) };
        if session.misaligned || ending == Some(Ending::Refuse) {
            state.sessions.insert(id.to_owned(), session);
            return self.fault(state, 500, "generalException", None);
        }
        if let Some(Ending::Conflict(code)) = ending {
            state.sessions.insert(id.to_owned(), session);
            return self.fault(state, 409, code, None);
        }
        session.content.append(bytes);
        let nothing_more =
            json!({ "expirationDateTime": session.until.to_rfc3339(), "nextExpectedRanges": [] });
        if ending == Some(Ending::Nothing) {
            session.ended = true;
            state.sessions.insert(id.to_owned(), session);
            return Reply::json(202, &nothing_more);
        }
        let gone = !state.tree.nodes.contains_key(&session.parent);
        if gone {
            return self.fault(state, 404, "itemNotFound", None);
        }
        let in_place = state.tree.child(&session.parent, &session.name);
        if in_place.and_then(|id| state.tree.nodes.get(&id)).is_some_and(|node| node.content.is_none()) {
            return self.fault(state, 409, "nameAlreadyExists", None);
        }
        let reply = self.store(state, &session.parent, &session.name, session.content);
        match ending {
            Some(Ending::ConflictWithItself) => self.fault(state, 409, "nameAlreadyExists", None),
            Some(Ending::Late) => Reply::json(202, &nothing_more),
            _ => reply,
        }
    }

    fn give(&self, state: &mut State, request: &Request, name: &str) -> Reply {
        let found = state.downloads.get(name).filter(|download| self.now() < download.until);
        let content = found.and_then(|download| state.tree.nodes.get(&download.id)?.content.as_ref());
        let Some(content) = content else { return self.fault(state, 404, "itemNotFound", None) };
        if state.knobs.malware {
            return self.fault(state, 403, "malwareDetected", None);
        }
        let Some(bytes) = content.blob.bytes() else { return Reply::text(500, "too large for this fake") };
        let asked =
            request.header("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let reply = |status, bytes: &[u8]| Reply {
            status,
            headers: vec![("content-type".into(), "application/octet-stream".into())],
            body: bytes.to_vec().into(),
        };
        match asked {
            Some(from) if !state.knobs.ignore_ranges && from < bytes.len() => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                reply(206, &bytes[from..]).with("content-range", range)
            }
            _ => reply(200, bytes),
        }
    }
}
