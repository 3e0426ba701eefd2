//! A destination that misbehaves on demand.

use crate::storage::{
    Body, ByteStream, BytesBody, Earlier, Entry, Error, ErrorKind, Listing, Result, Storage, StorageKind,
    Stored, There,
};
use bytes::Bytes;
use futures_util::StreamExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Put,
    Stat,
    List,
    Open,
    /// Of one object, also of each in a batch.
    Delete,
    /// Of a batch; its keys, one a line.
    DeleteAll,
    RemoveDir,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The call fails before anything happens.
    Fail(ErrorKind),
    /// `put` reads so many bytes, then fails; nothing is stored.
    FailAfter(u64, ErrorKind),
    /// The call never ends.
    Hang,
    /// The call takes so long, then does its work.
    Delay(Duration),
    /// `put` reads the body with a pause before each chunk.
    Trickle(Duration),
    /// `put` and `stat` report a size that is off by so many bytes.
    LieAboutSize(i64),
    /// `put` stores the content with one bit flipped, and reports the hash of what it stored.
    FlipBit,
    /// `put` reports success and stores nothing.
    Lose,
    /// `list` leaves out all but the first so many entries, and says that it is incomplete.
    CutListing(usize),
    /// `list` leaves out the keys that contain this text, and says that it is complete.
    HideFromList(String),
    Panic,
}

/// One planned fault: the calls of `op` whose key contains `key`, after the first `skip` of them, `times` in all.
#[derive(Debug, Clone)]
pub struct Fault {
    pub op: Op,
    pub key: String,
    pub skip: usize,
    pub times: usize,
    pub effect: Effect,
}

impl Fault {
    /// Every call of `op`.
    pub fn always(op: Op, effect: Effect) -> Self {
        Fault { op, key: String::new(), skip: 0, times: usize::MAX, effect }
    }

    /// The first call of `op` only.
    pub fn once(op: Op, effect: Effect) -> Self {
        Fault { times: 1, ..Fault::always(op, effect) }
    }

    pub fn on(self, key: &str) -> Self {
        Fault { key: key.into(), ..self }
    }

    pub fn times(self, times: usize) -> Self {
        Fault { times, ..self }
    }

    pub fn skip(self, skip: usize) -> Self {
        Fault { skip, ..self }
    }
}

/// Passes calls to `inner`, with planned faults, and keeps a record of them.
pub struct FaultStorage {
    inner: Arc<dyn Storage>,
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<Vec<(Op, String)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultStorage {
    pub fn new(inner: Arc<dyn Storage>, faults: Vec<Fault>) -> Self {
        FaultStorage { inner, faults: Mutex::new(faults), calls: Mutex::default() }
    }

    /// Every call so far, in the order in which they began.
    pub fn calls(&self) -> Vec<(Op, String)> {
        lock(&self.calls).clone()
    }

    /// The keys of the calls of one kind.
    pub fn keys(&self, op: Op) -> Vec<String> {
        self.calls().into_iter().filter(|(o, _)| *o == op).map(|(_, key)| key).collect()
    }

    pub fn plan(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    /// Ends every planned fault.
    pub fn heal(&self) {
        lock(&self.faults).clear();
    }

    /// Records the call; carries out what comes before its work, and returns what changes the work itself.
    #[expect(clippy::panic, reason = "a planned panic is what the test asked for")]
    async fn begin(&self, op: Op, key: &str) -> Result<Option<Effect>> {
        lock(&self.calls).push((op, key.to_string()));
        let effect = {
            let mut faults = lock(&self.faults);
            let mut matching = |fault: &mut Fault| {
                if fault.op != op || !key.contains(&fault.key) || fault.times == 0 {
                    return None;
                }
                if fault.skip > 0 {
                    fault.skip -= 1;
                    return None;
                }
                fault.times -= 1;
                Some(fault.effect.clone())
            };
            faults.iter_mut().find_map(&mut matching)
        };
        match effect {
            Some(Effect::Fail(kind)) => Err(fault(kind, key)),
            Some(Effect::Hang) => std::future::pending().await,
            Some(Effect::Delay(time)) => {
                tokio::time::sleep(time).await;
                Ok(None)
            }
            Some(Effect::Panic) => panic!("a planned panic at {op:?} {key}"),
            other => Ok(other),
        }
    }
}

fn fault(kind: ErrorKind, key: &str) -> Error {
    let text = format!("a planned fault ({kind:?}) at `{key}`");
    Error::new(kind, text)
}

/// A body that is read slowly, or only in part.
struct Hampered<'a> {
    body: &'a dyn Body,
    key: &'a str,
    pause: Option<Duration>,
    cut: Option<(u64, ErrorKind)>,
}

#[async_trait::async_trait]
impl Body for Hampered<'_> {
    fn size_bytes(&self) -> u64 {
        self.body.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.body.sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        let (pause, cut, key) = (self.pause, self.cut.clone(), self.key.to_string());
        let stream = self.body.open(offset).await?;
        let mut seen = 0;
        let stream = stream.then(move |chunk| {
            seen += chunk.as_ref().map_or(0, |c| c.len() as u64);
            let error = cut.as_ref().filter(|(at, _)| seen > *at).map(|(_, kind)| fault(kind.clone(), &key));
            async move {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                match error {
                    Some(error) => Err(std::io::Error::from(error)),
                    None => chunk,
                }
            }
        });
        Ok(stream.boxed())
    }

    fn earlier(&self) -> &[Earlier] {
        self.body.earlier()
    }

    fn already_there(&self, there: &There) {
        self.body.already_there(there);
    }
}

fn off_by(size: u64, by: i64) -> u64 {
    size.saturating_add_signed(by)
}

#[async_trait::async_trait]
impl Storage for FaultStorage {
    fn kind(&self) -> StorageKind {
        self.inner.kind()
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let plain = Hampered { body, key, pause: None, cut: None };
        match self.begin(Op::Put, key).await? {
            Some(Effect::FailAfter(at, kind)) => {
                self.inner.put(key, &Hampered { cut: Some((at, kind)), ..plain }).await
            }
            Some(Effect::Trickle(pause)) => {
                self.inner.put(key, &Hampered { pause: Some(pause), ..plain }).await
            }
            Some(Effect::LieAboutSize(by)) => {
                let stored = self.inner.put(key, body).await?;
                Ok(Stored { size_bytes: off_by(stored.size_bytes, by), ..stored })
            }
            Some(Effect::FlipBit) => {
                let mut content = Vec::new();
                let mut stream = body.open(0).await?;
                while let Some(chunk) = stream.next().await {
                    content.extend_from_slice(&chunk?);
                }
                if let Some(byte) = content.last_mut() {
                    *byte ^= 1;
                }
                self.inner.put(key, &BytesBody(Bytes::from(content))).await
            }
            Some(Effect::Lose) => {
                let mut stream = body.open(0).await?;
                while let Some(chunk) = stream.next().await {
                    chunk?;
                }
                Ok(Stored { size_bytes: body.size_bytes(), sha256: None })
            }
            _ => self.inner.put(key, body).await,
        }
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        self.inner.abandon(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        let effect = self.begin(Op::Stat, key).await?;
        let entry = self.inner.stat(key).await?;
        Ok(match effect {
            Some(Effect::LieAboutSize(by)) => Entry { size_bytes: off_by(entry.size_bytes, by), ..entry },
            _ => entry,
        })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        let effect = self.begin(Op::List, prefix).await?;
        let mut listing = self.inner.list(prefix).await?;
        match effect {
            Some(Effect::CutListing(entries)) => {
                listing.entries.truncate(entries);
                listing.complete = false;
            }
            Some(Effect::HideFromList(text)) => listing.entries.retain(|entry| !entry.key.contains(&text)),
            _ => {}
        }
        Ok(listing)
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.begin(Op::Open, key).await?;
        self.inner.open(key, offset).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.begin(Op::Delete, key).await?;
        self.inner.delete(key).await
    }

    /// Faults of `Delete` keep the objects that they are planned for, as a provider does that fails some of a batch; the others go.
    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        self.begin(Op::DeleteAll, &keys.join("\n")).await?;
        let (mut going, mut failed) = (Vec::new(), None);
        for key in keys {
            match self.begin(Op::Delete, key).await {
                Ok(_) => going.push(key.clone()),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.inner.delete_all(&going).await?;
        failed.map_or(Ok(()), Err)
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.begin(Op::RemoveDir, prefix).await?;
        self.inner.remove_empty_dir(prefix).await
    }

    fn copies_ranges(&self) -> bool {
        self.inner.copies_ranges()
    }

    async fn notes(&self) -> Result<Vec<String>> {
        self.inner.notes().await
    }
}
