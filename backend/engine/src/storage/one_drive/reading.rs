//! What is there: lists, and the content of files.

use super::api::{At, Children, Item};
use super::classify::Fault;
use super::{Folder, NAME, names};
use crate::storage::http::{self, Answer, Wanted};
use crate::storage::{ByteStream, Entry, Error, ErrorKind, Listing, Result};
use futures_util::{StreamExt, TryStreamExt};
use reqwest::header::RANGE;

/// Folders that are listed at once.
const LISTERS: usize = 4;
/// The longest list that is held in memory.
const MAX_ENTRIES: usize = 500_000;

impl Folder {
    pub(super) async fn list_below(&self, prefix: &str) -> Result<Listing> {
        let prefix = prefix.trim_end_matches('/');
        let path = if prefix.is_empty() { self.root.clone() } else { self.path(prefix)? };
        let mut listing = Listing { entries: Vec::new(), complete: true };
        let Some(item) = self.look(&path).await? else { return Ok(listing) };
        if item.folder.is_none() {
            return Ok(listing);
        }
        // Level by level: what is listed at once stays small.
        let mut folders = vec![(prefix.to_owned(), item.id)];
        while !folders.is_empty() {
            let listed = folders.into_iter().map(|(key, id)| async move {
                let children = self.children_of(&id, &key).await?;
                Ok::<_, Error>((key, children))
            });
            let mut listed = futures_util::stream::iter(listed).buffer_unordered(LISTERS);
            let mut deeper = Vec::new();
            while let Some((folder, children)) = listed.try_next().await? {
                listing.complete &= children.complete;
                for item in children.items {
                    let key = names::join(&folder, &item.name);
                    if item.folder.is_some() {
                        deeper.push((key, item.id));
                    } else if item.file.is_some() {
                        let size_bytes = item.size_bytes(&key)?;
                        listing.entries.push(Entry { key, size_bytes });
                    }
                }
                if listing.entries.len() + deeper.len() > MAX_ENTRIES {
                    listing.complete = false;
                    return Ok(listing);
                }
            }
            folders = deeper;
        }
        Ok(listing)
    }

    /// What a folder holds that has just been seen.
    async fn children_of(&self, id: &str, key: &str) -> Result<Children> {
        if let Some(children) = self.drive.children(id, key).await? {
            return Ok(children);
        }
        // Deleted meanwhile; otherwise the answer is not to be trusted.
        let gone = self.drive.find(At::Id(id), key).await?.is_none();
        Ok(Children { items: Vec::new(), complete: gone })
    }

    /// The content of a file, which is at another address, without a token.
    pub(super) async fn download(&self, key: &str, offset: u64) -> Result<ByteStream> {
        let item = self.file(key).await?;
        let size = item.size_bytes(key)?;
        let doing = format!("Reading `{key}` in {NAME}");
        let url = self.drive.url(At::Id(&item.id), "content", "")?;
        let account = &self.drive.account;
        let answer = self.drive.ask(|| account.http.get(url.clone())).await?;
        let location = match (answer.status, answer.header("location")) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => http::given_url(location)?,
            _ => return Err(self.drive.failed(&answer, &doing)),
        };
        account.pause().await;
        let mut request = account.http.get(location);
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        match account.http.stream(request).await? {
            Ok((head, stream)) => Wanted { provider: NAME, key, offset, size_bytes: size }.of(&head, stream),
            Err(answer) => {
                account.heed(&answer);
                Err(self.refused(&answer, &doing))
            }
        }
    }

    /// The second hop's own refusal. Its address holds for some minutes only: the next try gets another.
    fn refused(&self, answer: &Answer, doing: &str) -> Error {
        let error = self.drive.failed(answer, doing);
        let stale =
            matches!(answer.status, 401 | 403 | 404 | 410) && !Fault::of(answer).has("malwareDetected");
        if stale { Error { kind: ErrorKind::Unavailable, ..error } } else { error }
    }
}

/// Whether what is stored is what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// The size is right, and OneDrive tells no hash.
    SameSize,
    Different,
    Absent,
}

pub(super) fn compare(item: Option<&Item>, size_bytes: u64, quick_xor_hash: &str) -> Verdict {
    let Some(item) = item else { return Verdict::Absent };
    match item.quick_xor_hash() {
        _ if !item.has_size(size_bytes) => Verdict::Different,
        None => Verdict::SameSize,
        Some(hash) if hash == quick_xor_hash => Verdict::Same,
        Some(_) => Verdict::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn item(json: serde_json::Value) -> Item {
        serde_json::from_value(json).unwrap()
    }

    #[rstest]
    #[case(serde_json::json!({"id": "1", "size": 3, "file": {"hashes": {"quickXorHash": "right"}}}), Verdict::Same)]
    #[case(serde_json::json!({"id": "1", "size": 3, "file": {"hashes": {"quickXorHash": "wrong"}}}), Verdict::Different)]
    #[case(serde_json::json!({"id": "1", "size": 4, "file": {"hashes": {"quickXorHash": "right"}}}), Verdict::Different)]
    #[case(serde_json::json!({"id": "1", "size": 3, "file": {"hashes": {}}}), Verdict::SameSize)]
    #[case(serde_json::json!({"id": "1", "size": 3, "file": {"hashes": {"quickXorHash": ""}}}), Verdict::SameSize)]
    #[case(serde_json::json!({"id": "1", "size": 3, "file": {}}), Verdict::SameSize)]
    #[case(serde_json::json!({"id": "1", "file": {}}), Verdict::Different)]
    fn an_item_is_what_was_sent_by_size_and_hash(#[case] json: serde_json::Value, #[case] verdict: Verdict) {
        assert_eq!(compare(Some(&item(json)), 3, "right"), verdict);
    }
}
