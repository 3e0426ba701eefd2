//! Lists and downloads.

use super::world::{PART, World, answer, error};
use crate::support::{pattern, put};
use engine::storage::{Error, ErrorKind, Storage, read_small};
use engine::testing::fake::{Action, Fault, Reply};
use futures_util::StreamExt;
use std::time::Duration;

async fn keys(storage: &dyn Storage, prefix: &str) -> Vec<String> {
    let listing = storage.list(prefix).await.unwrap();
    assert!(listing.complete);
    listing.entries.into_iter().map(|entry| entry.key).collect()
}

pub async fn a_page_that_fails_is_an_error() {
    let world = World::new().await;
    let names: Vec<String> = (0..8).map(|n| format!("many/{n}")).collect();
    for name in &names {
        put(&*world.storage(), name, b"x").await.unwrap();
    }
    assert_eq!(keys(&*world.storage(), "many").await, names);
    assert_eq!(world.count("GET", "continuation-token"), 2, "three pages");
    world.plan(Fault::once("GET", "continuation-token", answer(500, "InternalError")).skip(1));
    let error = world.storage().list("many").await.unwrap_err();
    world.assert_told(&error, ErrorKind::Unavailable, "s3:ListBucket");
    world.once("GET", "continuation-token", Action::CutReply(100));
    assert_eq!(world.storage().list("many").await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(keys(&world.patient(), "many").await, names);
}

pub async fn a_listing_that_is_cut_says_so() {
    let world = World::new().await;
    let page = |token: &str| {
        let xml = format!(
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>true</IsTruncated>{token}\
             <Contents><Key>{}</Key><Size>1</Size></Contents></ListBucketResult>",
            world.object("a")
        );
        Action::Answer(Reply { body: xml.into(), ..Reply::status(200) })
    };
    world.once("GET", "list-type", page(""));
    let listing = world.storage().list("").await.unwrap();
    assert_eq!((listing.entries.len(), listing.complete), (1, false), "more, but no way to get at it");
    world.plan(Fault::always(
        "GET",
        "list-type",
        page("<NextContinuationToken>same</NextContinuationToken>"),
    ));
    let listing = world.storage().list("").await.unwrap();
    assert!(!listing.complete, "the same way again");
    world.proxy.heal();
    world.assert_end(&[]).await;
}

pub async fn odd_keys_of_others_are_passed_over() {
    let world = World::new().await;
    put(&*world.storage(), "odd/ours", b"x").await.unwrap();
    let theirs = ["odd/", "odd/folder/", "odd/a//b", "odd/tab\there", "odd/../up", "odd/back\\slash"];
    for key in theirs {
        world.plant(key, b"y").await;
    }
    assert_eq!(keys(&*world.storage(), "odd").await, ["odd/ours"]);
    world.storage().delete("odd/ours").await.unwrap();
    assert_eq!(keys(&*world.storage(), "odd").await, Vec::<String>::new());
    let left = world.objects().await;
    assert!(theirs.iter().all(|key| left.contains_key(*key)), "{:?}", left.keys());
}

pub async fn any_name_can_be_stored() {
    let world = World::new().await;
    let names = [
        "names/ leading and trailing ",
        "names/%2Fpercent%25",
        "names/!*'()&$@=;:+,?#[]{}^`|~\"<>",
        "names/plus+and space",
        "names/Für den Laden/日本語/🛍.tgz",
        "names/.hidden/...",
        &format!("names/{}", "é".repeat(120)),
    ];
    for (n, name) in names.iter().enumerate() {
        let content = pattern(if n % 2 == 0 { 10 } else { 2 * PART }, n as u64);
        world.patient().put(name, &crate::support::bytes(&content)).await.unwrap();
        assert_eq!(world.storage().stat(name).await.unwrap().size_bytes, content.len() as u64);
        assert!(read_small(&*world.storage(), name, 1 << 20).await.unwrap() == content, "{name}");
    }
    let mut listed = keys(&*world.storage(), "names").await;
    let mut expected = names.map(str::to_owned).to_vec();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for name in names {
        world.storage().delete(name).await.unwrap();
    }
    world.assert_end(&[]).await;
    // With its prefix it is longer than a key may be.
    let long = vec!["x".repeat(250); 4].join("/");
    let error = put(&*world.storage(), &format!("{long}/0123456789"), b"x").await.unwrap_err();
    world.assert_told(&error, ErrorKind::InvalidConfig, "longer than the 1024 bytes");
}

pub async fn a_download_that_breaks_off_is_an_error() {
    let world = World::new().await;
    let content = pattern(3 * PART, 4);
    world.plant("set/large", &content).await;
    world.once("GET", "set/large", Action::CutReply(PART));
    let mut stream = world.storage().open("set/large", 0).await.unwrap();
    let (mut got, mut end) = (Vec::new(), None);
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => got.extend_from_slice(&chunk),
            Err(error) => end = Some(Error::from(error)),
        }
    }
    assert_eq!(got, content[..got.len()]);
    world.assert_told(&end.unwrap(), ErrorKind::Unavailable, "broke off");
    world.assert_end(&[("set/large", &content)]).await;
}

pub async fn a_download_that_goes_silent_ends() {
    let mut world = World::new().await;
    world.tuning.silence = Duration::from_millis(300);
    world.tuning.quick = Duration::from_secs(2);
    world.plant("set/small", b"x").await;
    world.once("GET", "set/small", Action::Stall);
    let error = world.storage().open("set/small", 0).await.err().unwrap();
    world.assert_told(&error, ErrorKind::Unavailable, "did not answer within 2 seconds");
    world.assert_end(&[("set/small", b"x")]).await;
}

pub async fn a_server_that_ignores_ranges_is_found_out() {
    let world = World::new().await;
    world.plant("set/small", b"0123456789").await;
    world.once("GET", "set/small", Action::Answer(Reply::text(200, "0123456789")));
    let error = world.storage().open("set/small", 3).await.err().unwrap();
    world.assert_told(&error, ErrorKind::Other, "from byte 3 on");
    let mut stream = world.storage().open("set/small", 3).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "3456789");
    world.assert_end(&[("set/small", b"0123456789")]).await;
}

/// `HEAD` has no body to say why.
pub async fn a_refusal_without_a_reason_is_explained() {
    let world = World::new().await;
    world.plant("set/there", b"x").await;
    let head = |status: u16| world.once("HEAD", "set/there", Action::Answer(Reply::status(status)));
    head(403);
    world.once("GET", "list-type", Action::Answer(error(403, "InvalidAccessKeyId", "unknown")));
    let told = world.storage().stat("set/there").await.unwrap_err();
    world.assert_told(&told, ErrorKind::InvalidConfig, "does not know the access key ID");
    head(403);
    let told = world.storage().stat("set/there").await.unwrap_err();
    world.assert_told(&told, ErrorKind::PermissionDenied, "s3:GetObject");
    head(400);
    assert_eq!(world.storage().stat("set/there").await.unwrap_err().kind, ErrorKind::Other);
    let absent = world.storage().stat("set/absent").await.unwrap_err();
    world.assert_told(&absent, ErrorKind::NotFound, "set/absent");
    world.assert_end(&[("set/there", b"x")]).await;
}
