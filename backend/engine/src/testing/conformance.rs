//! The contract of [`Storage`], as a test that every driver passes.

#![expect(clippy::unwrap_used, reason = "a test suite: what goes wrong is to end the test, with its place")]

use crate::storage::{Body, ByteStream, BytesBody, Error, ErrorKind, Storage, read_small};
use bytes::Bytes;
use futures_util::StreamExt;
use std::io;
use std::time::Duration;

/// Tries the whole contract below `prefix` (one or more safe segments) and leaves nothing there.
///
/// # Panics
/// At the first departure from the contract, with what was expected.
pub async fn verify(storage: &dyn Storage, prefix: &str) {
    let s = Suite { storage, prefix };
    s.nothing_is_there_at_first().await;
    s.what_was_put_is_seen_at_once().await;
    s.objects_of_all_sizes_come_back().await;
    s.any_offset_can_be_read().await;
    s.a_second_put_replaces_the_first().await;
    s.names_with_spaces_and_accents_are_fine().await;
    s.a_listing_ends_at_a_slash().await;
    s.a_listing_holds_every_object().await;
    s.a_broken_body_leaves_what_was_there().await;
    s.a_body_of_another_size_is_refused().await;
    s.a_dropped_put_leaves_nothing().await;
    s.unsafe_keys_are_refused().await;
    s.puts_side_by_side_do_not_mix().await;
    s.many_are_deleted_in_one_call().await;
    s.deleting_is_idempotent().await;
}

struct Suite<'a> {
    storage: &'a dyn Storage,
    prefix: &'a str,
}

/// Reads like a body of `size_bytes`; gives `chunks`, and then ends, fails or waits for ever.
struct Odd {
    size_bytes: u64,
    chunks: Vec<Bytes>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Quiet,
    Error,
    Never,
}

#[async_trait::async_trait]
impl Body for Odd {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn sha256(&self) -> Option<String> {
        None
    }

    async fn open(&self, _offset: u64) -> io::Result<ByteStream> {
        let chunks = futures_util::stream::iter(self.chunks.clone().into_iter().map(Ok));
        Ok(match self.end {
            End::Quiet => chunks.boxed(),
            End::Error => chunks
                .chain(futures_util::stream::iter([Err(io::Error::other("the disk is on fire"))]))
                .boxed(),
            End::Never => chunks.chain(futures_util::stream::pending()).boxed(),
        })
    }
}

fn pattern(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(31) >> 3) as u8 ^ seed).collect()
}

impl Suite<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    async fn put(&self, name: &str, content: &[u8]) {
        let stored =
            self.storage.put(&self.key(name), &BytesBody(Bytes::copy_from_slice(content))).await.unwrap();
        assert_eq!(stored.size_bytes, content.len() as u64, "put reports the size of `{name}`");
        if let Some(sha256) = stored.sha256 {
            use sha2::{Digest, Sha256};
            assert_eq!(sha256, hex::encode(Sha256::digest(content)), "put reports the hash of `{name}`");
        }
    }

    async fn get(&self, name: &str) -> Vec<u8> {
        read_small(self.storage, &self.key(name), usize::MAX).await.unwrap()
    }

    async fn delete(&self, names: &[&str]) {
        for name in names {
            self.storage.delete(&self.key(name)).await.unwrap();
        }
    }

    /// The keys below a folder, sorted.
    async fn list(&self, folder: &str) -> Vec<String> {
        let prefix = if folder.is_empty() { self.prefix.to_string() } else { self.key(folder) };
        let listing = self.storage.list(&prefix).await.unwrap();
        assert!(listing.complete, "the listing of `{prefix}` is complete");
        let mut keys: Vec<_> = listing.entries.into_iter().map(|e| e.key).collect();
        keys.sort_unstable();
        keys
    }

    async fn kind_of_open(&self, name: &str) -> ErrorKind {
        match self.storage.open(&self.key(name), 0).await {
            Ok(_) => panic!("`{name}` must not be there"),
            Err(Error { kind, .. }) => kind,
        }
    }

    async fn nothing_is_there_at_first(&self) {
        assert_eq!(self.list("").await, Vec::<String>::new(), "the suite needs an empty prefix");
        assert_eq!(self.list("absent/folder").await, Vec::<String>::new());
        let error = self.storage.stat(&self.key("absent")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(self.kind_of_open("absent").await, ErrorKind::NotFound);
        assert_eq!(self.kind_of_open("absent/deeper").await, ErrorKind::NotFound);
        self.storage.remove_empty_dir(&self.key("absent")).await.unwrap();
    }

    async fn what_was_put_is_seen_at_once(&self) {
        self.put("seen/a.txt", b"content").await;
        assert_eq!(self.list("").await, [self.key("seen/a.txt")]);
        let entry = self.storage.stat(&self.key("seen/a.txt")).await.unwrap();
        assert_eq!((entry.key, entry.size_bytes), (self.key("seen/a.txt"), 7));
        assert_eq!(self.get("seen/a.txt").await, b"content");
        self.storage.remove_empty_dir(&self.key("seen")).await.unwrap();
        assert_eq!(self.get("seen/a.txt").await, b"content", "a folder that is not empty stays");
        self.delete(&["seen/a.txt"]).await;
        self.storage.remove_empty_dir(&self.key("seen/")).await.unwrap();
        assert_eq!(self.list("").await, Vec::<String>::new());
    }

    async fn objects_of_all_sizes_come_back(&self) {
        for size in [0, 1, 4096, 262_144, 262_145, 5 * 1024 * 1024 + 3] {
            let content = pattern(size, 7);
            self.put("size.bin", &content).await;
            assert!(self.get("size.bin").await == content, "{size} bytes come back as they were");
            let entry = self.storage.stat(&self.key("size.bin")).await.unwrap();
            assert_eq!(entry.size_bytes, size as u64);
        }
        self.delete(&["size.bin"]).await;
    }

    async fn any_offset_can_be_read(&self) {
        let content = pattern(700_000, 1);
        self.put("range.bin", &content).await;
        for offset in [1, 262_144, 500_001, 699_999] {
            let mut stream = self.storage.open(&self.key("range.bin"), offset as u64).await.unwrap();
            let mut rest = Vec::new();
            while let Some(chunk) = stream.next().await {
                rest.extend_from_slice(&chunk.unwrap());
            }
            assert!(rest == content[offset..], "what follows offset {offset}");
        }
        self.delete(&["range.bin"]).await;
    }

    async fn a_second_put_replaces_the_first(&self) {
        self.put("twice", b"the first, which is longer").await;
        self.put("twice", b"the second").await;
        assert_eq!(self.get("twice").await, b"the second");
        assert_eq!(self.list("").await.len(), 1);
        self.delete(&["twice"]).await;
    }

    async fn names_with_spaces_and_accents_are_fine(&self) {
        let names = ["Für den Laden/ein Name.tgz.001", "a+b&c=d%20#e'f.txt", "日本/☃"];
        for name in names {
            self.put(name, name.as_bytes()).await;
            assert_eq!(self.get(name).await, name.as_bytes());
        }
        assert_eq!(self.list("").await.len(), names.len());
        for name in names {
            assert!(self.list("").await.contains(&self.key(name)), "{name}");
        }
        self.delete(&names).await;
    }

    async fn a_listing_ends_at_a_slash(&self) {
        let names = ["set/x", "set/deep/er/y", "set-2/z", "setz", "other/w"];
        for name in names {
            self.put(name, b"x").await;
        }
        let expected = [self.key("set/deep/er/y"), self.key("set/x")];
        assert_eq!(self.list("set").await, expected);
        assert_eq!(self.list("set/").await, expected);
        assert_eq!(self.list("").await.len(), names.len());
        self.delete(&names).await;
    }

    /// More objects than a page of any provider holds would take minutes there; drivers test their paging with small pages.
    async fn a_listing_holds_every_object(&self) {
        let names: Vec<String> = (0..120).map(|n| format!("many/{:02}/{n:03}", n / 10)).collect();
        let puts = names.iter().map(|name| self.put(name, name.as_bytes()));
        futures_util::stream::iter(puts).buffer_unordered(8).collect::<Vec<()>>().await;
        let expected: Vec<_> = names.iter().map(|n| self.key(n)).collect();
        assert_eq!(self.list("many").await, expected);
        for name in &names {
            self.delete(&[name]).await;
        }
        assert_eq!(self.list("many").await, Vec::<String>::new());
    }

    async fn a_broken_body_leaves_what_was_there(&self) {
        let broken = Odd { size_bytes: 100_000, chunks: vec![pattern(50_000, 3).into()], end: End::Error };
        let error = self.storage.put(&self.key("new"), &broken).await.unwrap_err();
        assert!(error.message.contains("the disk is on fire"), "the cause is told: {error}");
        assert_eq!(self.list("").await, Vec::<String>::new(), "nothing of a failed put is seen");
        self.put("old", b"good").await;
        self.storage.put(&self.key("old"), &broken).await.unwrap_err();
        assert_eq!(self.get("old").await, b"good", "the object before a failed put is still there");
        self.delete(&["old"]).await;
    }

    async fn a_body_of_another_size_is_refused(&self) {
        for size in [10, 30] {
            let wrong = Odd { size_bytes: size, chunks: vec![pattern(20, 3).into()], end: End::Quiet };
            let error = self.storage.put(&self.key("wrong"), &wrong).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Integrity, "20 bytes that were announced as {size}");
        }
        assert_eq!(self.list("").await, Vec::<String>::new());
    }

    async fn a_dropped_put_leaves_nothing(&self) {
        let endless = Odd { size_bytes: 100_000, chunks: vec![pattern(50_000, 3).into()], end: End::Never };
        let key = self.key("dropped");
        let put = self.storage.put(&key, &endless);
        assert!(tokio::time::timeout(Duration::from_millis(200), put).await.is_err());
        assert_eq!(self.list("").await, Vec::<String>::new(), "nothing of a put that was dropped is seen");
    }

    async fn unsafe_keys_are_refused(&self) {
        for bad in ["../out", "/etc/passwd", "a//b", "a/./b", "a/", "", "a\0b", "a\\b", "a\nb"] {
            let key = if bad.starts_with('/') { bad.to_string() } else { self.key(bad) };
            let body = BytesBody(Bytes::from_static(b"x"));
            let invalid = ErrorKind::InvalidConfig;
            assert_eq!(self.storage.put(&key, &body).await.unwrap_err().kind, invalid, "put {bad:?}");
            assert_eq!(self.storage.stat(&key).await.unwrap_err().kind, invalid, "stat {bad:?}");
            assert_eq!(self.storage.delete(&key).await.unwrap_err().kind, invalid, "delete {bad:?}");
            assert!(self.storage.open(&key, 0).await.is_err(), "open {bad:?}");
            let error = self.storage.delete_all(&[self.key("good"), key]).await.unwrap_err();
            assert_eq!(error.kind, invalid, "delete_all {bad:?}");
        }
        assert_eq!(self.storage.list("../x").await.unwrap_err().kind, ErrorKind::InvalidConfig);
        assert_eq!(self.list("").await, Vec::<String>::new());
    }

    async fn puts_side_by_side_do_not_mix(&self) {
        let contents: Vec<_> = (0..8u8).map(|n| pattern(300_000 + usize::from(n), n)).collect();
        let names: Vec<_> = (0..8).map(|n| format!("side/{n}")).collect();
        let puts = names.iter().zip(&contents).map(|(name, content)| self.put(name, content));
        futures_util::future::join_all(puts).await;
        for (name, content) in names.iter().zip(&contents) {
            assert!(self.get(name).await == *content, "{name}");
            self.delete(&[name]).await;
        }
    }

    async fn many_are_deleted_in_one_call(&self) {
        self.storage.delete_all(&[]).await.unwrap();
        let names = ["all/a", "all/deeper/b+ &c", "all/Für.001", "all/d"];
        for name in names {
            self.put(name, name.as_bytes()).await;
        }
        // One that was never there, and one that stays.
        let keys = ["all/a", "all/deeper/b+ &c", "all/never", "all/Für.001"].map(|name| self.key(name));
        self.storage.delete_all(&keys).await.unwrap();
        assert_eq!(self.list("").await, [self.key("all/d")]);
        self.storage.delete_all(&keys).await.unwrap();
        self.storage.delete_all(&[self.key("all/d")]).await.unwrap();
        assert_eq!(self.list("").await, Vec::<String>::new());
        for folder in ["all/deeper", "all"] {
            self.storage.remove_empty_dir(&self.key(folder)).await.unwrap();
        }
    }

    async fn deleting_is_idempotent(&self) {
        self.put("gone", b"x").await;
        self.delete(&["gone", "gone", "never/was"]).await;
        assert_eq!(self.kind_of_open("gone").await, ErrorKind::NotFound);
        for folder in
            ["side", "many", "set/deep/er", "set/deep", "set", "set-2", "other", "日本", "Für den Laden"]
        {
            self.storage.remove_empty_dir(&self.key(folder)).await.unwrap();
        }
        assert_eq!(self.list("").await, Vec::<String>::new());
    }
}
