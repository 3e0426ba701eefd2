//! Whether a destination can be used: a small object is written, read back, listed and deleted, in a folder of its own.

use bytes::Bytes;
use contract::StorageTestStep;
use engine::storage::{BytesBody, Error, ErrorKind, Result, Storage, read_small};
use std::time::Duration;

/// How long one step may take.
const STEP: Duration = Duration::from_secs(60);

/// Each step with what it found; the first that fails is the last but for the clearing up.
pub async fn probe(storage: &dyn Storage) -> Vec<StorageTestStep> {
    // In a folder of its own: the one of the row may hold more than can be listed in time.
    let folder = format!("storekeep-test-{}", hex::encode(rand::random::<[u8; 8]>()));
    let key = format!("{folder}/test.txt");
    let content = Bytes::from_static(b"Storekeep wrote this to test the connection. It can be deleted.\n");
    let mut steps = Vec::new();
    let good = async {
        let body = BytesBody(content.clone());
        let put = storage.put(&key, &body);
        note(&mut steps, "write", "A small file was written.", put).await?;
        let read = async {
            let found = read_small(storage, &key, 1024).await?;
            if found == content { Ok(()) } else { Err(differs()) }
        };
        note(&mut steps, "read", "It was read back as it was written.", read).await?;
        let list = async {
            let listing = storage.list(&folder).await?;
            if listing.entries.iter().any(|e| e.key == key) { Ok(()) } else { Err(unlisted()) }
        };
        note(&mut steps, "list", "The folder can be listed.", list).await?;
        let delete = async {
            storage.delete(&key).await?;
            storage.remove_empty_dir(&folder).await
        };
        note(&mut steps, "delete", "It was deleted.", delete).await
    };
    if good.await.is_err() {
        // Nothing is told of it: what went wrong is told already.
        let _ = tokio::time::timeout(STEP, async {
            storage.abandon(&key).await?;
            storage.delete(&key).await?;
            storage.remove_empty_dir(&folder).await
        })
        .await;
    }
    steps
}

async fn note<T>(
    steps: &mut Vec<StorageTestStep>,
    step: &str,
    done: &str,
    call: impl Future<Output = Result<T>>,
) -> Result<()> {
    let result = match tokio::time::timeout(STEP, call).await {
        Ok(result) => result.map(|_| ()),
        Err(_) => Err(silent()),
    };
    let message = result.as_ref().err().map_or_else(|| done.to_owned(), |e| e.message.clone());
    steps.push(StorageTestStep { step: step.into(), ok: result.is_ok(), message });
    result
}

fn silent() -> Error {
    let text = format!("The destination did not answer within {} seconds.", STEP.as_secs());
    Error::new(ErrorKind::Unavailable, text)
}

fn differs() -> Error {
    Error::new(ErrorKind::Integrity, "What was read back is not what was written.")
}

fn unlisted() -> Error {
    Error::new(ErrorKind::Integrity, "The file that was written is not in the list of the folder.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::storage::{MemoryStorage, StorageKind};

    #[tokio::test]
    async fn a_good_destination_passes_every_step_and_is_left_empty() {
        let storage = MemoryStorage::new(StorageKind::Dropbox);
        let steps = probe(&storage).await;
        assert_eq!(
            steps.iter().map(|s| (s.step.as_str(), s.ok)).collect::<Vec<_>>(),
            [("write", true), ("read", true), ("list", true), ("delete", true)]
        );
        assert!(storage.list("").await.unwrap().entries.is_empty());
    }
}
