//! Lists and contents that come in pieces, late, half or not at all.

use super::world::{KEY, World};
use crate::support::{bytes, pattern};
use engine::storage::{ErrorKind, Storage, read_small};
use engine::testing::fake::{Action, Fault, Reply};
use futures_util::StreamExt;

const FILES: &str = "/drive/v3/files";

async fn many(world: &World, count: usize) -> Vec<String> {
    let mut keys = Vec::new();
    for n in 0..count {
        let key = format!("nightly/{}/{n:03}", n % 3);
        world.puts(&key, &bytes(key.as_bytes())).await;
        keys.push(key);
    }
    keys.sort();
    keys
}

async fn ends_with_all(world: &World, keys: &[String]) {
    let all: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), key.as_bytes())).collect();
    world.ends_with(&all).await;
}

pub async fn pages_that_are_short_or_empty() {
    let world = World::new().await;
    let keys = many(&world, 12).await;
    for (most, empty) in [(Some(1), false), (Some(2), true), (Some(5), true), (None, true)] {
        world.fake.pages(most, empty);
        assert_eq!(world.keys().await, keys);
    }
    ends_with_all(&world, &keys).await;
}

pub async fn a_page_whose_token_ran_out() {
    let world = World::new().await;
    let keys = many(&world, 9).await;
    world.fake.pages(Some(2), false);
    world.fake.lose_page_tokens(1);
    assert_eq!(world.storage.list("").await.unwrap().entries.len(), 9, "the list is begun anew");
    ends_with_all(&world, &keys).await;
}

pub async fn pages_whose_tokens_always_run_out() {
    let world = World::new().await;
    let keys = many(&world, 9).await;
    world.fake.pages(Some(2), false);
    world.fake.lose_page_tokens(usize::MAX);
    let error = world.check_error(world.storage.list("").await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Unavailable, "half a list is none");
    world.fake.lose_page_tokens(0);
    ends_with_all(&world, &keys).await;
}

pub async fn a_page_that_fails() {
    let world = World::new().await;
    let keys = many(&world, 9).await;
    world.fake.pages(Some(2), false);
    for action in [Action::Close, Action::Answer(Reply::html_502()), Action::Garbage, Action::CutReply(40)] {
        world.fake.plan(Fault::once("GET", FILES, action).skip(3));
        let error = world.check_error(world.storage.list("").await.unwrap_err());
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(world.keys().await, keys);
    }
    ends_with_all(&world, &keys).await;
}

/// Nothing may be concluded from an absence.
pub async fn a_search_that_did_not_look_everywhere() {
    let mut world = World::new().await;
    let keys = many(&world, 9).await;
    world.fake.incomplete_search(true);
    assert!(!world.storage.list("").await.unwrap().complete);
    assert!(!world.storage.list("nightly").await.unwrap().complete);
    world.patient().remove_empty_dir("nightly").await.unwrap();
    // A process that knows nothing must not take a folder that was not found for one that is not there.
    world.restart();
    let error = world.put_fails(KEY, &bytes(b"new")).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(world.storage.list("").await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(world.storage.delete(&keys[0]).await.unwrap_err().kind, ErrorKind::Unavailable);
    world.fake.incomplete_search(false);
    assert_eq!(world.fake.folders().len(), 6);
    ends_with_all(&world, &keys).await;
}

/// A proxy's 404 is not Google's: nothing is gone.
pub async fn a_proxy_that_finds_nothing() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"content")).await;
    let nothing = || Action::Answer(Reply::text(404, "<html>404 Not Found</html>"));
    world.fake.plan(Fault::always("GET", FILES, nothing()));
    assert_eq!(world.storage.stat(KEY).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(world.storage.list("").await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(world.storage.delete(KEY).await.unwrap_err().kind, ErrorKind::Unavailable);
    world.fake.heal();
    world.fake.plan(Fault::once("DELETE", FILES, nothing()));
    assert_eq!(world.storage.delete(KEY).await.unwrap_err().kind, ErrorKind::Unavailable);
    world.ends_with(&[(KEY, b"content")]).await;
}

async fn rest(world: &World, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut stream = world.patient().open(KEY, offset).await.map_err(std::io::Error::from)?;
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

pub async fn a_range_that_is_ignored() {
    let world = World::new().await;
    let content = pattern(700_000, 5);
    world.puts(KEY, &bytes(&content)).await;
    for ignored in [false, true] {
        world.fake.ignore_ranges(ignored);
        for offset in [0, 1, 300_000, 699_999] {
            assert!(rest(&world, offset as u64).await.unwrap() == content[offset..]);
        }
    }
    world.ends_with(&[(KEY, &content)]).await;
}

pub async fn a_content_that_breaks_off() {
    let world = World::new().await;
    let content = pattern(700_000, 6);
    world.puts(KEY, &bytes(&content)).await;
    // The look at the file, and then its content.
    world.fake.plan(Fault::once("GET", FILES, Action::CutReply(100_000)).skip(1));
    let mut stream = world.storage.open(KEY, 0).await.unwrap();
    let mut read = 0;
    let error = loop {
        match stream.next().await.expect("half a content is never taken for the whole") {
            Ok(piece) => read += piece.len(),
            Err(error) => break engine::storage::Error::from(error),
        }
    };
    assert_eq!((read, world.check_error(error).kind), (100_000, ErrorKind::Unavailable));
    world.ends_with(&[(KEY, &content)]).await;
}

/// Google takes the archive of a shop for harmful.
pub async fn a_content_that_google_flags() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"a shop's own code")).await;
    world.fake.abusive(true);
    assert_eq!(read_small(&*world.storage, KEY, 100).await.unwrap(), b"a shop's own code");
    world.ends_with(&[(KEY, b"a shop's own code")]).await;
}

pub async fn a_token_that_runs_out_before_a_content_is_read() {
    let world = World::new().await;
    world.puts(KEY, &bytes(b"content")).await;
    world.fake.expire_access();
    assert_eq!(rest(&world, 3).await.unwrap(), b"tent");
    world.fake.plan(
        Fault::once("GET", FILES, Action::Answer(Reply::status(429).with("retry-after", "20"))).skip(1),
    );
    assert_eq!(rest(&world, 0).await.unwrap(), b"content");
    world.ends_with(&[(KEY, b"content")]).await;
}
