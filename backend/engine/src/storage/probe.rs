//! *Test connection*: the piece of a destination's contract that a pass lives on, tried on the real account.

use super::{BytesBody, Error, ErrorKind, Result, Storage, read_small};
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::future::Future;
use std::time::Duration;

/// What the folder's name begins with; something random follows.
pub const FOLDER: &str = ".storekeep-probe-";

const SIZE: usize = 4096;
const RANGE_FROM: u64 = 1000;
/// How long one step may take, and removing what a failed probe left.
const LIMIT: Duration = Duration::from_secs(60);

/// What was tried, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Write,
    Read,
    List,
    Delete,
}

#[derive(Debug)]
pub struct ProbeReport {
    /// The first that fails is the last.
    pub steps: Vec<(Step, Result<()>)>,
    /// What the administrator ought to know all the same ([`Storage::notes`]); asked for when all else is well.
    pub notes: Vec<String>,
}

impl ProbeReport {
    /// Why the destination cannot be used.
    pub fn failure(&self) -> Option<&Error> {
        self.steps.iter().find_map(|(_, result)| result.as_ref().err())
    }
}

/// Writes a small object into a folder of its own, reads it back whole and in part, finds it in a list, and deletes it. Nothing of it
/// stays, whatever happens; other objects are not touched. `Integrity` is the kind of a step where the destination did not do what it said.
pub async fn probe(storage: &dyn Storage) -> ProbeReport {
    let folder = format!("{FOLDER}{:016x}", rand::random::<u64>());
    let key = format!("{folder}/object");
    let content = content();
    let mut steps = Vec::new();
    let tried = async {
        let mut note = |step: Step, result: Result<()>| {
            let fine = result.is_ok();
            steps.push((step, result));
            fine.then_some(())
        };
        note(Step::Write, within(write(storage, &key, &content)).await)?;
        note(Step::Read, within(read(storage, &key, &content)).await)?;
        note(Step::List, within(find(storage, &folder, &key, true)).await)?;
        note(Step::Delete, within(delete(storage, &folder, &key)).await)
    };
    if tried.await.is_some() {
        let notes = within(storage.notes()).await.unwrap_or_default();
        return ProbeReport { steps, notes };
    }
    if within(clear_up(storage, &folder, &key)).await.is_err() {
        tracing::warn!(folder, "what a probe wrote could not be removed");
    }
    ProbeReport { steps, notes: Vec::new() }
}

async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
        let text = format!("The destination did not answer within {} seconds.", LIMIT.as_secs());
        Err(Error::new(ErrorKind::Unavailable, text))
    })
}

async fn clear_up(storage: &dyn Storage, folder: &str, key: &str) -> Result<()> {
    storage.abandon(key).await?;
    storage.delete(key).await?;
    storage.remove_empty_dir(folder).await
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
        return Err(wrong("What arrived there is not what was sent."));
    }
    Ok(())
}

async fn read(storage: &dyn Storage, key: &str, content: &Bytes) -> Result<()> {
    if read_small(storage, key, SIZE).await? != *content {
        return Err(wrong("What came back is not what was written."));
    }
    let mut stream = storage.open(key, RANGE_FROM).await?;
    let mut found = Vec::with_capacity(SIZE);
    while let Some(chunk) = stream.next().await {
        found.extend_from_slice(&chunk?);
        if found.len() > SIZE {
            break;
        }
    }
    if found != content[RANGE_FROM as usize..] {
        return Err(wrong("What came back is not the part that was asked for."));
    }
    Ok(())
}

async fn find(storage: &dyn Storage, folder: &str, key: &str, expected: bool) -> Result<()> {
    let listing = storage.list(folder).await?;
    let entry = listing.entries.iter().find(|entry| entry.key == key);
    match entry {
        Some(entry) if expected && entry.size_bytes != SIZE as u64 => Err(wrong(&format!(
            "What was written is listed with {} bytes instead of {SIZE}.",
            entry.size_bytes
        ))),
        Some(_) if !expected => Err(wrong("What was deleted is still listed.")),
        None if expected => Err(wrong("What was written is not in the list of its folder.")),
        _ => Ok(()),
    }
}

async fn delete(storage: &dyn Storage, folder: &str, key: &str) -> Result<()> {
    storage.delete(key).await?;
    find(storage, folder, key, false).await?;
    storage.remove_empty_dir(folder).await
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
        let report = probe(&local).await;
        assert!(report.failure().is_none(), "{report:?}");
        let steps: Vec<_> = report.steps.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [Step::Write, Step::Read, Step::List, Step::Delete]);
        assert_eq!(report.notes, Vec::<String>::new());
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["set"]);
    }

    /// The step that failed, its error's kind, and what is left at the destination.
    async fn after(faults: Vec<Fault>) -> (Step, ErrorKind, Vec<String>) {
        let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
        let storage = FaultStorage::new(memory.clone(), faults);
        let mut report = probe(&storage).await;
        let Some((step, Err(error))) = report.steps.pop() else { panic!("no step failed: {report:?}") };
        assert!(report.failure().is_none(), "{report:?}");
        let left = memory.list("").await.unwrap().entries.into_iter().map(|e| e.key).collect();
        (step, error.kind, left)
    }

    #[tokio::test]
    async fn the_step_that_fails_is_told_and_nothing_stays() {
        let refused = Effect::Fail(ErrorKind::PermissionDenied);
        for (fault, step) in [
            (Fault::once(Op::Put, refused.clone()), Step::Write),
            (Fault::once(Op::Put, Effect::Lose), Step::Read),
            (Fault::once(Op::Put, Effect::FlipBit), Step::Write),
            (Fault::once(Op::Put, Effect::LieAboutSize(1)), Step::Write),
            (Fault::once(Op::Open, refused.clone()), Step::Read),
            (Fault::once(Op::Open, refused.clone()).skip(1), Step::Read),
            (Fault::once(Op::List, refused.clone()), Step::List),
            (Fault::once(Op::List, Effect::HideFromList("object".into())), Step::List),
            (Fault::once(Op::Delete, refused.clone()), Step::Delete),
            (Fault::once(Op::List, refused.clone()).skip(1), Step::Delete),
            (Fault::once(Op::RemoveDir, refused.clone()), Step::Delete),
        ] {
            let told = format!("{fault:?}");
            let (failed, _, left) = after(vec![fault]).await;
            assert_eq!((failed, left), (step, Vec::new()), "{told}");
        }
    }

    #[tokio::test]
    async fn the_kind_of_the_error_stays() {
        for kind in [ErrorKind::NeedsRelink, ErrorKind::PermissionDenied, ErrorKind::QuotaExceeded] {
            let (step, found, _) = after(vec![Fault::once(Op::Put, Effect::Fail(kind.clone()))]).await;
            assert_eq!((step, found), (Step::Write, kind));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_removed_does_not_hide_what_went_wrong() {
        let faults = vec![
            Fault::once(Op::List, Effect::Fail(ErrorKind::Unavailable)),
            Fault::always(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)),
        ];
        let (step, kind, left) = after(faults).await;
        assert_eq!((step, kind, left.len()), (Step::List, ErrorKind::Unavailable, 1));
        assert!(left[0].starts_with(FOLDER) && left[0].ends_with("/object"));
    }
}
