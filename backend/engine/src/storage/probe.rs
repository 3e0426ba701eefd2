//! *Test connection*: the piece of a destination's contract that a pass lives on, tried on the real account.

use super::{BytesBody, Error, ErrorKind, Result, Storage, read_small};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::future::Future;
use std::time::{Duration, Instant};

/// What the folder's name begins with; something random follows.
pub const FOLDER: &str = ".storekeep-probe-";

const SIZE: usize = 4096;
const RANGE_FROM: u64 = 1000;
/// How long removing what a failed probe left may take.
const CLEAR_UP: Duration = Duration::from_secs(60);

/// A probe that succeeded.
#[derive(Debug)]
pub struct ProbeReport {
    /// In the order in which they were taken.
    pub steps: Vec<ProbeStep>,
    /// What the administrator ought to know all the same ([`Storage::notes`]).
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeStep {
    /// As messages call it: `writing a test object`.
    pub name: &'static str,
    pub took: Duration,
}

/// Writes a small object into a folder of its own, reads it back whole and in part, finds it in a list, and deletes it. Nothing of it
/// stays, whatever happens; other objects are not touched.
///
/// # Errors
/// That of the step which failed, of its kind, with the step in front of its message. `Integrity` when the destination did not do what it
/// said.
pub async fn probe(storage: &dyn Storage) -> Result<ProbeReport> {
    let folder = format!("{FOLDER}{:016x}", rand::random::<u64>());
    let mut probe = Probe { storage, key: format!("{folder}/object"), steps: Vec::new() };
    let tried = probe.run(&folder).await;
    if tried.is_err() {
        let cleared = tokio::time::timeout(CLEAR_UP, probe.clear_up(&folder)).await;
        if !matches!(cleared, Ok(Ok(()))) {
            tracing::warn!(folder, "what a probe wrote could not be removed");
        }
    }
    tried?;
    let notes = storage.notes().await.unwrap_or_default();
    Ok(ProbeReport { steps: probe.steps, notes })
}

struct Probe<'a> {
    storage: &'a dyn Storage,
    key: String,
    steps: Vec<ProbeStep>,
}

impl Probe<'_> {
    async fn run(&mut self, folder: &str) -> Result<()> {
        let (storage, key) = (self.storage, self.key.clone());
        let content = content();
        self.step("writing a test object", write(storage, &key, &content)).await?;
        self.step("reading it back", read(storage, &key, &content)).await?;
        self.step("reading a part of it", read_part(storage, &key, &content)).await?;
        self.step("finding it in a list", find(storage, folder, &key, true)).await?;
        self.step("deleting it", storage.delete(&key)).await?;
        self.step("seeing that it is gone", find(storage, folder, &key, false)).await?;
        self.step("removing its folder", storage.remove_empty_dir(folder)).await
    }

    async fn step(&mut self, name: &'static str, work: impl Future<Output = Result<()>>) -> Result<()> {
        let began = Instant::now();
        work.await.map_err(|error| {
            let text = format!("The test failed at {name}: {}", error.message);
            Error::new(error.kind.clone(), text).with_source(error)
        })?;
        self.steps.push(ProbeStep { name, took: began.elapsed() });
        Ok(())
    }

    async fn clear_up(&self, folder: &str) -> Result<()> {
        self.storage.abandon(&self.key).await?;
        self.storage.delete(&self.key).await?;
        self.storage.remove_empty_dir(folder).await
    }
}

/// Bytes of which no two blocks are alike, another each time.
fn content() -> Bytes {
    let mut block = [0u8; SIZE];
    rand::fill(&mut block[..]);
    Bytes::copy_from_slice(&block)
}

fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::Integrity, text)
}

async fn write(storage: &dyn Storage, key: &str, content: &Bytes) -> Result<()> {
    let stored = storage.put(key, &BytesBody(content.clone())).await?;
    let sha256 = hex::encode(Sha256::digest(content));
    if stored.size_bytes != content.len() as u64 || stored.sha256.is_some_and(|hash| hash != sha256) {
        return Err(wrong("what arrived there is not what was sent."));
    }
    Ok(())
}

async fn read(storage: &dyn Storage, key: &str, content: &Bytes) -> Result<()> {
    if read_small(storage, key, SIZE).await? != *content {
        return Err(wrong("what came back is not what was written."));
    }
    Ok(())
}

async fn read_part(storage: &dyn Storage, key: &str, content: &Bytes) -> Result<()> {
    let mut stream = storage.open(key, RANGE_FROM).await?;
    let mut found = Vec::with_capacity(SIZE);
    while let Some(chunk) = stream.next().await {
        found.extend_from_slice(&chunk?);
        if found.len() > SIZE {
            break;
        }
    }
    if found != content[RANGE_FROM as usize..] {
        return Err(wrong("what came back is not the part that was asked for."));
    }
    Ok(())
}

async fn find(storage: &dyn Storage, folder: &str, key: &str, expected: bool) -> Result<()> {
    let listing = storage.list(folder).await?;
    let entry = listing.entries.iter().find(|entry| entry.key == key);
    match entry {
        Some(entry) if expected && entry.size_bytes != SIZE as u64 => {
            Err(wrong(&format!("it is listed with {} bytes instead of {SIZE}.", entry.size_bytes)))
        }
        Some(_) if !expected => Err(wrong("it is still listed.")),
        None if expected => Err(wrong("it is not listed.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{LocalStorage, MemoryStorage, StorageKind};
    use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
    use std::sync::Arc;

    #[tokio::test]
    async fn a_good_destination_passes_and_is_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let local = LocalStorage::new(dir.path());
        local.put("set/other", &BytesBody(Bytes::from_static(b"x"))).await.unwrap();
        let report = probe(&local).await.unwrap();
        let names: Vec<_> = report.steps.iter().map(|step| step.name).collect();
        assert_eq!(names.first(), Some(&"writing a test object"));
        assert_eq!(names.last(), Some(&"removing its folder"));
        assert_eq!(report.notes, Vec::<String>::new());
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["set"]);
    }

    async fn after(faults: Vec<Fault>) -> (Error, Vec<String>) {
        let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
        let storage = FaultStorage::new(memory.clone(), faults);
        let error = probe(&storage).await.unwrap_err();
        let left = memory.list("").await.unwrap().entries.into_iter().map(|e| e.key).collect();
        (error, left)
    }

    #[tokio::test]
    async fn the_step_that_fails_is_told_and_nothing_stays() {
        let refused = Effect::Fail(ErrorKind::PermissionDenied);
        for (fault, step) in [
            (Fault::once(Op::Put, refused.clone()), "writing a test object"),
            (Fault::once(Op::Put, Effect::Lose), "reading it back"),
            (Fault::once(Op::Put, Effect::FlipBit), "writing a test object"),
            (Fault::once(Op::Put, Effect::LieAboutSize(1)), "writing a test object"),
            (Fault::once(Op::Open, refused.clone()), "reading it back"),
            (Fault::once(Op::Open, refused.clone()).skip(1), "reading a part of it"),
            (Fault::once(Op::List, refused.clone()), "finding it in a list"),
            (Fault::once(Op::List, Effect::HideFromList("object".into())), "finding it in a list"),
            (Fault::once(Op::Delete, refused.clone()), "deleting it"),
            (Fault::once(Op::List, refused.clone()).skip(1), "seeing that it is gone"),
            (Fault::once(Op::RemoveDir, refused.clone()), "removing its folder"),
        ] {
            let told = format!("{fault:?}");
            let (error, left) = after(vec![fault]).await;
            assert!(error.message.contains(&format!("failed at {step}: ")), "{told}: {error}");
            assert_eq!(left, Vec::<String>::new(), "{told}");
        }
    }

    #[tokio::test]
    async fn the_kind_of_the_error_stays() {
        let (error, _) = after(vec![Fault::once(Op::Put, Effect::Fail(ErrorKind::NeedsRelink))]).await;
        assert_eq!(error.kind, ErrorKind::NeedsRelink);
        let (error, _) = after(vec![Fault::once(Op::Open, Effect::Fail(ErrorKind::PermissionDenied))]).await;
        assert_eq!(error.kind, ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn what_cannot_be_removed_does_not_hide_what_went_wrong() {
        let faults = vec![
            Fault::once(Op::List, Effect::Fail(ErrorKind::Unavailable)),
            Fault::always(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)),
        ];
        let (error, left) = after(faults).await;
        assert_eq!((error.kind, left.len()), (ErrorKind::Unavailable, 1));
        assert!(left[0].starts_with(FOLDER) && left[0].ends_with("/object"));
    }
}
