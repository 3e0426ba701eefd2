//! Lists and downloads.

use super::support::{KEY, ROOT, Rig, SIZE, failed, kind};
use crate::support::{Archive, pattern, put};
use chrono::TimeDelta;
use engine::storage::{ErrorKind, Storage, read_small};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::one_drive::Deed;
use futures_util::StreamExt;

async fn with_files(n: usize) -> Rig {
    let rig = Rig::new().await;
    for i in 0..n {
        put(rig.storage.as_ref(), &format!("shop/a/{i:02}"), b"x").await.unwrap();
    }
    rig
}

pub async fn a_list_has_many_pages() {
    let rig = with_files(20).await;
    let listing = rig.storage.list("").await.unwrap();
    assert_eq!((listing.entries.len(), listing.complete), (20, true));
    assert_eq!(rig.fake.record().count("GET", "/children"), 2 + 7, "two folders on the way, seven pages");
    rig.assert_clean();
}

pub async fn a_list_that_does_not_end_is_not_complete() {
    let rig = with_files(5).await;
    rig.fake.set(|k| k.endless_pages = true);
    let before = rig.fake.record().requests().len();
    let listing = rig.storage.list("shop/a").await.unwrap();
    assert!(!listing.complete);
    assert!(rig.fake.record().requests().len() - before < 5);
    rig.fake.set(|k| k.endless_pages = false);
    assert!(rig.storage.list("shop/a").await.unwrap().complete);
}

pub async fn a_list_that_goes_on_elsewhere_gets_no_token_there() {
    let rig = with_files(5).await;
    rig.fake.set(|k| k.pages_elsewhere = true);
    assert_eq!(kind(rig.storage.list("shop/a").await), ErrorKind::Unavailable);
    rig.assert_clean();
}

pub async fn a_page_that_fails_fails_the_list() {
    for action in [
        Action::Answer(Reply::html_502()),
        Action::Garbage,
        Action::CutReply(50),
        Action::Close,
        Action::Answer(Reply::status(404)),
    ] {
        let rig = with_files(5).await;
        rig.fake.graph().plan(Fault::once("GET", "/children", action.clone()).skip(1));
        assert_eq!(kind(rig.storage.list("shop/a").await), ErrorKind::Unavailable, "{action:?}");
        let listing = rig.patient().list("shop/a").await.unwrap();
        assert_eq!((listing.entries.len(), listing.complete), (5, true));
        rig.assert_clean();
    }
}

pub async fn a_folder_that_seems_to_vanish_makes_the_list_incomplete() {
    let rig = with_files(2).await;
    let gone = Reply::json(404, &serde_json::json!({"error": {"code": "itemNotFound"}}));
    rig.fake.graph().plan(Fault::once("GET", "/children", Action::Answer(gone)).skip(1));
    let listing = rig.storage.list("shop").await.unwrap();
    assert_eq!((listing.entries.len(), listing.complete), (0, false));
}

pub async fn the_404_of_a_proxy_is_no_absence() {
    let rig = with_files(1).await;
    let html = Reply::text(404, "<html>Not Found</html>");
    rig.fake.graph().plan(Fault::always("", "/v1.0/", Action::Answer(html)));
    assert_eq!(kind(rig.storage.list("").await), ErrorKind::Unavailable);
    assert_eq!(kind(rig.storage.stat("shop/a/00").await), ErrorKind::Unavailable);
    assert_eq!(kind(rig.storage.open("shop/a/00", 0).await), ErrorKind::Unavailable);
    assert_eq!(kind(rig.storage.delete("shop/a/00").await), ErrorKind::Unavailable);
    assert_eq!(kind(rig.storage.remove_empty_dir("shop/a").await), ErrorKind::Unavailable);
    rig.fake.graph().heal();
    rig.assert_only(&[("shop/a/00", b"x")]);
    rig.assert_clean();
}

pub async fn a_list_shows_everybodys_files_and_whole_keys() {
    let rig = with_files(1).await;
    rig.fake.put_foreign("Backups/Shop/shop/a/deep/er/Holiday & more.jpg", b"jpg");
    rig.fake.make_foreign_folder("Backups/Shop/shop/empty");
    let mut keys: Vec<_> =
        rig.storage.list("shop").await.unwrap().entries.into_iter().map(|e| (e.key, e.size_bytes)).collect();
    keys.sort_unstable();
    assert_eq!(keys, [("shop/a/00".into(), 1), ("shop/a/deep/er/Holiday & more.jpg".into(), 3)]);
    rig.assert_clean();
}

pub async fn a_download_takes_no_token_to_another_host() {
    let rig = Rig::new().await;
    let content = pattern(50_000, 3);
    put(rig.storage.as_ref(), KEY, &content).await.unwrap();
    assert!(read_small(rig.storage.as_ref(), KEY, 60_000).await.unwrap() == content);
    let mut stream = rig.storage.open(KEY, 49_990).await.unwrap();
    let mut rest = Vec::new();
    while let Some(chunk) = stream.next().await {
        rest.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(rest, content[49_990..]);
    let requests = rig.fake.record().requests();
    let last = requests.iter().rfind(|r| r.path.starts_with("/down/")).unwrap();
    assert_eq!((last.header("range"), last.header("authorization")), (Some("bytes=49990-"), None));
    // A token there is a violation of its own.
    rig.assert_clean();
}

pub async fn a_range_that_is_not_looked_at_is_skipped() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"0123456789").await.unwrap();
    rig.fake.set(|k| k.ignore_ranges = true);
    let mut stream = rig.storage.open(KEY, 7).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "789");
    assert!(stream.next().await.is_none());
    rig.assert_clean();
}

pub async fn a_download_that_is_flagged_is_no_content() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"x").await.unwrap();
    rig.fake.set(|k| k.malware = true);
    let Err(error) = rig.storage.open(KEY, 0).await else { panic!("it must fail") };
    assert_eq!(error.kind, ErrorKind::PermissionDenied);
    assert!(error.message.contains("malware"), "{error}");
    rig.fake.set(|k| k.malware = false);
    rig.assert_stored(b"x").await;
}

pub async fn the_address_of_a_download_runs_out() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"content").await.unwrap();
    for status in [401, 403, 404, 410, 500] {
        rig.fake.content().plan(Fault::once("GET", "/down/", Action::Answer(Reply::status(status))));
        let Err(error) = rig.storage.open(KEY, 0).await else { panic!("it must fail") };
        assert_eq!(error.kind, ErrorKind::Unavailable, "{status}");
        assert!(!error.message.contains("tempauth"), "{error}");
        assert_eq!(read_small(&rig.patient(), KEY, 10).await.unwrap(), b"content");
    }
    rig.assert_clean();
}

pub async fn a_download_is_limited() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"content").await.unwrap();
    let limited = Reply::status(429).with("retry-after", "77");
    rig.fake.content().plan(Fault::once("GET", "/down/", Action::Answer(limited)));
    let read = read_small(&rig.patient(), KEY, 10).await.unwrap();
    assert_eq!(read, b"content");
    rig.assert_clean();
}

pub async fn a_download_that_breaks_off_is_no_whole_file() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.put(&archive).await.unwrap();
    rig.fake.content().plan(Fault::once("GET", "/down/", Action::CutReply(400_000)));
    // It depends on the network how much comes before the break.
    let error = match rig.storage.open(KEY, 0).await {
        Err(error) => error,
        Ok(stream) => {
            let chunks: Vec<_> = stream.collect().await;
            let (last, others) = chunks.split_last().unwrap();
            assert!(others.iter().all(Result::is_ok));
            let told =
                last.as_ref().unwrap_err().get_ref().and_then(|e| e.downcast_ref::<engine::storage::Error>());
            engine::storage::Error::new(told.unwrap().kind.clone(), told.unwrap().message.clone())
        }
    };
    assert_eq!(failed::<()>(Err(error)).kind, ErrorKind::Unavailable);
    rig.assert_stored(&archive.content).await;
}

pub async fn an_answer_without_a_redirect_is_no_content() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"content").await.unwrap();
    for reply in [
        Reply::text(200, "<html>Please sign in to the network</html>"),
        Reply::status(302),
        Reply::status(302).with("location", "http://10.0.0.1/plain"),
        Reply::html_502(),
    ] {
        rig.fake.graph().plan(Fault::once("GET", "/content", Action::Answer(reply)));
        let Err(error) = rig.storage.open(KEY, 0).await else { panic!("it must fail") };
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }
    rig.assert_stored(b"content").await;
}

pub async fn a_file_is_deleted_while_it_is_read() {
    let rig = Rig::new().await;
    put(rig.storage.as_ref(), KEY, b"content").await.unwrap();
    rig.fake.meanwhile("GET", "/down/", 0, Deed::Remove(format!("{ROOT}/{KEY}")));
    assert_eq!(kind(rig.storage.open(KEY, 0).await.map(drop)), ErrorKind::Unavailable);
    assert_eq!(kind(rig.patient().open(KEY, 0).await.map(drop)), ErrorKind::NotFound);
    rig.fake.time().advance(TimeDelta::hours(1));
    assert_eq!(rig.storage.list("").await.unwrap().entries, []);
    rig.assert_clean();
}
