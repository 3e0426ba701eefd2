//! One copy to one destination: every archive, the manifest last, everything checked.

use super::Tuning;
use super::space::human;
use super::unchanged::Unchanged;
use crate::archive::ArchiveFile;
use crate::archive::manifest::{MAX_BYTES, Manifest};
use crate::event::{Event, Events, Phase};
use crate::policy::layout;
use crate::storage::{
    Body, ByteStream, BytesBody, Earlier, Error, ErrorKind, FileBody, Result, Retry, Storage, There,
    read_small,
};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// A sealed copy, as uploads see it.
#[derive(Clone)]
pub(super) struct Sealed {
    /// Its folder on this server.
    pub dir: PathBuf,
    /// `<folder>/<timestamp>`
    pub copy_path: String,
    pub archives: Vec<ArchiveFile>,
    /// What destinations get as `manifest.json`.
    pub manifest: Bytes,
}

impl Sealed {
    pub fn size_bytes(&self) -> u64 {
        self.archives.iter().map(|a| a.size_bytes).sum()
    }
}

/// The progress of all uploads of a pass together.
pub(super) struct Progress {
    events: Events,
    bytes: AtomicU64,
    items: AtomicU64,
    /// Bytes by row of the job.
    rows: Vec<AtomicU64>,
    told: Mutex<Instant>,
}

impl Progress {
    /// `rows` is how many the job has in all.
    pub fn start(events: Events, bytes: u64, items: u64, rows: usize) -> Arc<Progress> {
        let (total_bytes, total_items) = (Some(bytes), Some(items));
        events.emit(Event::Started { phase: Phase::Upload, total_bytes, total_items });
        Arc::new(Progress {
            events,
            bytes: AtomicU64::new(0),
            items: AtomicU64::new(0),
            rows: std::iter::repeat_with(AtomicU64::default).take(rows).collect(),
            told: Mutex::new(Instant::now()),
        })
    }

    fn tick(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= PROGRESS_EVERY {
            *told = Instant::now();
            drop(told);
            self.tell();
        }
    }

    fn tell(&self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let items = self.items.load(Ordering::Relaxed);
        self.events.emit(Event::Advanced { phase: Phase::Upload, bytes, bytes_written: bytes, items });
        for (row, bytes) in self.rows.iter().enumerate() {
            let bytes = bytes.load(Ordering::Relaxed);
            if bytes > 0 {
                self.events.emit(Event::RowAdvanced { row, bytes });
            }
        }
    }

    fn advance(&self, row: usize, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(row) = self.rows.get(row) {
            row.fetch_add(bytes, Ordering::Relaxed);
        }
        self.tick();
    }

    pub fn end(&self, ok: bool) {
        self.tell();
        self.events.emit(Event::Ended { phase: Phase::Upload, ok });
    }
}

/// A body that counts what is read from it, and stops when the pass is cancelled.
struct Watched<'a> {
    body: &'a dyn Body,
    progress: &'a Arc<Progress>,
    row: usize,
    /// Bytes of this body in the progress: the furthest that it was read.
    counted: Arc<AtomicU64>,
    active: Arc<Mutex<Instant>>,
    cancel: &'a CancellationToken,
    /// Bytes that need not be sent, as far as the destination's driver has said.
    there: AtomicU64,
}

#[async_trait::async_trait]
impl Body for Watched<'_> {
    fn size_bytes(&self) -> u64 {
        self.body.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.body.sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        let stream = self.body.open(offset).await?;
        let (progress, counted) = (Arc::clone(self.progress), Arc::clone(&self.counted));
        let (active, cancel, row) = (Arc::clone(&self.active), self.cancel.clone(), self.row);
        let mut at = offset;
        let stream = stream.map(move |chunk| {
            if cancel.is_cancelled() {
                return Err(cancelled().into());
            }
            let chunk = chunk?;
            at += chunk.len() as u64;
            let before = counted.fetch_max(at, Ordering::Relaxed);
            *active.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            progress.advance(row, at.saturating_sub(before));
            Ok(chunk)
        });
        Ok(stream.boxed())
    }

    fn earlier(&self) -> &[Earlier] {
        self.body.earlier()
    }

    fn already_there(&self, there: &There) {
        self.there.store(there.bytes(), Ordering::Relaxed);
        self.body.already_there(there);
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, super::pass::CANCELLED)
}

/// One destination during one pass.
pub(super) struct Destination<'a> {
    /// Without retries.
    pub storage: Arc<dyn Storage>,
    pub copy: &'a Sealed,
    pub unchanged: &'a Unchanged,
    pub progress: &'a Arc<Progress>,
    /// Its place among the rows of the job.
    pub row: usize,
    pub cancel: &'a CancellationToken,
    /// Once cancelled, what arrived stays for who goes on with it.
    pub suspend: &'a CancellationToken,
    /// The copy may be there already.
    pub again: bool,
    pub tuning: Tuning,
    /// Bytes of archives that the destination had already, where it can make use of earlier copies.
    pub spared: AtomicU64,
}

impl Destination<'_> {
    pub fn retrying(&self) -> Retry {
        Retry::new(Arc::clone(&self.storage), self.tuning.retry)
    }

    /// Uploads the copy; returns the bytes that are there now. When it fails, what had arrived is removed again, as far as the
    /// destination lets us.
    pub async fn upload(&self) -> Result<u64> {
        if self.again && self.is_whole().await {
            self.progress.advance(self.row, self.copy.size_bytes() + self.copy.manifest.len() as u64);
            return Ok(self.copy.size_bytes());
        }
        let mut sent = Vec::new();
        match self.send_all(&mut sent).await {
            Ok(()) => Ok(self.copy.size_bytes()),
            // Cancelled by nobody here: somebody else has the pass by now, and what is there is theirs.
            Err(error)
                if error.kind == ErrorKind::Cancelled
                    && (self.suspend.is_cancelled() || !self.cancel.is_cancelled()) =>
            {
                Err(error)
            }
            Err(error) => {
                let limit = match error.kind {
                    ErrorKind::Cancelled => self.tuning.clear_up_cancelled.min(self.tuning.clear_up),
                    _ => self.tuning.clear_up,
                };
                let removed = tokio::time::timeout(limit, self.clear_up(sent.is_empty())).await;
                if matches!(removed, Ok(Ok(()))) {
                    return Err(error);
                }
                // The server notes what it sends, and clears it up later.
                let text = format!(
                    "{} What may have arrived of this copy ({}) could not be removed there yet; that follows once the destination answers.",
                    error.message, self.copy.copy_path
                );
                Err(Error::new(error.kind.clone(), text).with_source(error))
            }
        }
    }

    /// The destination has the whole copy: the same manifest, and every archive with its size. A pass that was cut off may have brought it there
    /// before, and nothing may be put over a finished copy.
    async fn is_whole(&self) -> bool {
        let storage = self.retrying();
        let key = |name: &str| format!("{}/{name}", self.copy.copy_path);
        let (folder, name) = self.copy.copy_path.split_once('/').unwrap_or_default();
        let Ok(there) = read_small(&storage, &key(layout::MANIFEST), MAX_BYTES).await else { return false };
        let ours = Manifest::read(&self.copy.manifest, folder, name);
        if !matches!((Manifest::read(&there, folder, name), ours), (Ok(there), Ok(ours)) if there == ours) {
            return false;
        }
        for archive in &self.copy.archives {
            let found = storage.stat(&key(&archive.name)).await;
            if !found.is_ok_and(|entry| entry.size_bytes == archive.size_bytes) {
                return false;
            }
        }
        true
    }

    async fn send_all(&self, sent: &mut Vec<String>) -> Result<()> {
        let mut earlier = self.earlier().await;
        for archive in &self.copy.archives {
            let path = self.copy.dir.join(&archive.name);
            let body = FileBody::new(&path, &archive.name, archive.size_bytes, &archive.sha256);
            let body = body.made_of(earlier.remove(&archive.name).unwrap_or_default());
            self.send(&archive.name, &body, &archive.sha256, sent).await?;
        }
        let body = BytesBody(self.copy.manifest.clone());
        let sha256 = hex::encode(Sha256::digest(&self.copy.manifest));
        self.send(layout::MANIFEST, &body, &sha256, sent).await
    }

    /// What the destination may make each archive of, by its name.
    async fn earlier(&self) -> HashMap<String, Vec<Earlier>> {
        if !self.storage.copies_ranges() {
            return HashMap::new();
        }
        let call = async { Ok(self.unchanged.at(&*self.storage).await) };
        // A destination that does not answer is found out by what is sent to it, and a cancelled pass before that.
        self.patiently(&Mutex::new(Instant::now()), call).await.unwrap_or_default()
    }

    /// Stores one object and makes sure that it is there as it was sent.
    async fn send(&self, name: &str, body: &dyn Body, sha256: &str, sent: &mut Vec<String>) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        let key = format!("{}/{name}", self.copy.copy_path);
        sent.push(name.into());
        let named = |error: Error| {
            let text = format!("Uploading {name} failed: {}", error.message);
            Error::new(error.kind.clone(), text).with_source(error)
        };
        self.put_checked(&key, body, sha256).await.map_err(|error| match error.kind {
            ErrorKind::Cancelled => error,
            _ => named(error),
        })?;
        self.progress.items.fetch_add(1, Ordering::Relaxed);
        self.progress.tick();
        Ok(())
    }

    async fn put_checked(&self, key: &str, body: &dyn Body, sha256: &str) -> Result<()> {
        let active = Arc::new(Mutex::new(Instant::now()));
        let counted = Arc::<AtomicU64>::default();
        let watched = Watched {
            body,
            progress: self.progress,
            row: self.row,
            counted: Arc::clone(&counted),
            active: Arc::clone(&active),
            cancel: self.cancel,
            there: AtomicU64::new(0),
        };
        let storage = self.retrying();
        let stored = self.patiently(&active, storage.put(key, &watched)).await?;
        let wrong = |what: String| {
            Error::new(ErrorKind::Integrity, format!("what arrived is not what was sent ({what})."))
        };
        let sizes = |found: u64| format!("{} instead of {}", human(found), human(body.size_bytes()));
        let bytes = |found: u64| format!("{}, {found} instead of {} bytes", sizes(found), body.size_bytes());
        if stored.size_bytes != body.size_bytes() {
            return Err(wrong(bytes(stored.size_bytes)));
        }
        if stored.sha256.is_some_and(|hash| hash != sha256) {
            return Err(wrong("its SHA-256 differs".into()));
        }
        *active.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let entry = match self.patiently(&active, storage.stat(key)).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Err(wrong("it is not there".into())),
            entry => entry?,
        };
        if entry.size_bytes != body.size_bytes() {
            return Err(wrong(bytes(entry.size_bytes)));
        }
        if !body.earlier().is_empty() {
            self.spared.fetch_add(watched.there.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        // What had arrived before was not read.
        let read = counted.fetch_max(body.size_bytes(), Ordering::Relaxed);
        self.progress.advance(self.row, body.size_bytes().saturating_sub(read));
        Ok(())
    }

    /// Waits for a call as long as something moves. A cancelled one gets a moment to clear up behind itself.
    pub async fn patiently<T>(
        &self,
        active: &Mutex<Instant>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut call = std::pin::pin!(call);
        loop {
            let quiet = active.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
            let Some(left) = self.tuning.stall.checked_sub(quiet).filter(|left| !left.is_zero()) else {
                let minutes = self.tuning.stall.as_secs().div_ceil(60);
                let text = format!("the destination has not answered for {minutes} minutes.");
                return Err(Error::new(ErrorKind::Unavailable, text));
            };
            tokio::select! {
                done = &mut call => return done,
                () = self.cancel.cancelled() => {
                    let _ = tokio::time::timeout(self.tuning.grace, call).await;
                    return Err(cancelled());
                }
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// Whatever came of this copy goes, also what an earlier try has left. The manifest is the first, whether it was sent or not: a copy that
    /// lacks something has none; so nothing else goes when it stays.
    async fn clear_up(&self, nothing_sent: bool) -> Result<()> {
        if nothing_sent {
            return Ok(());
        }
        let key = |name: &str| format!("{}/{name}", self.copy.copy_path);
        let manifest = key(layout::MANIFEST);
        self.storage.abandon(&manifest).await?;
        self.storage.delete(&manifest).await?;
        let archives: Vec<String> = self.copy.archives.iter().map(|archive| key(&archive.name)).collect();
        for archive in &archives {
            self.storage.abandon(archive).await?;
        }
        self.storage.delete_all(&archives).await?;
        let names = self.copy.archives.iter().map(|archive| archive.name.as_str());
        let folders = names.filter_map(|name| name.rsplit_once('/').map(|(folder, _)| folder));
        for folder in folders.collect::<std::collections::BTreeSet<_>>() {
            self.storage.remove_empty_dir(&key(folder)).await?;
        }
        self.storage.remove_empty_dir(&self.copy.copy_path).await
    }
}
