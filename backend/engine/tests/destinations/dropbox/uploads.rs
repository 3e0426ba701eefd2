//! Sessions that go astray, contents that change, names that are taken, rooms that are full.

use super::world::{CHUNK, KEY, SIZE, World};
use crate::support::{Archive, body_of, bytes, pattern, put};
use chrono::TimeDelta;
use engine::storage::{Body, ByteStream, Cloud, ErrorKind, Storage};
use engine::testing::fake::{Action, Fault};
use engine::testing::until;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const START: &str = "upload_session/start";
const APPEND: &str = "append_v2";
const FINISH: &str = "upload_session/finish";

/// The third chunk breaks, and nobody tries again for now.
async fn half_sent() -> (World, Archive) {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.plan(Fault::once("POST", APPEND, Action::Close).skip(2));
    let error = world.fails(world.storage.put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    assert!(error.advanced, "two chunks are there");
    assert_eq!(world.fake.open_sessions().into_values().collect::<Vec<_>>(), [2 * CHUNK as u64]);
    world.shows(&[]);
    (world, archive)
}

pub async fn the_rest_is_sent_by_the_next_attempt() {
    let (world, archive) = half_sent().await;
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 1);
    // Two, one broken, the question, three.
    assert_eq!(world.count(APPEND), 7);
}

pub async fn a_session_is_forgotten_between_two_attempts() {
    let (world, archive) = half_sent().await;
    world.fake.forget_sessions();
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 2);
}

pub async fn a_session_runs_out_between_two_passes() {
    let (mut world, archive) = half_sent().await;
    world.fake.time().advance(TimeDelta::days(8));
    world.restart();
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 2);
}

pub async fn a_session_was_closed_without_a_commit() {
    let (world, archive) = half_sent().await;
    world.fake.close_sessions();
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 2);
}

pub async fn a_session_is_forgotten_while_it_is_written_to() {
    let world = World::new().await;
    world.fake.refuse_next(APPEND, &["not_found"]);
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(START), 2);
}

pub async fn a_session_is_forgotten_just_before_its_commit() {
    let world = World::new().await;
    world.fake.refuse_commit(&["lookup_failed", "not_found"]);
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(START), 2);
}

pub async fn sessions_that_are_lost_again_and_again_are_given_up_on() {
    let world = World::new().await;
    for _ in 0..20 {
        world.fake.refuse_next(APPEND, &["not_found"]);
    }
    let error = world.fails(world.patient().put(KEY, &Archive::new(SIZE).body()).await, &ErrorKind::Other);
    assert!(error.message.contains("4 times"), "{error}");
    assert_eq!(world.count(START), 4);
    world.ends_with(&[]);
}

pub async fn dropbox_has_less_than_it_had_confirmed() {
    let (world, archive) = half_sent().await;
    world.fake.cut_sessions(CHUNK as u64 + 100);
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 1, "the rest of the same session is sent again");
}

pub async fn dropbox_keeps_losing_what_it_had_confirmed() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    // Each attempt gets two chunks through, which are gone at the next.
    world.plan(Fault::always("POST", APPEND, Action::Close).skip(2));
    let mut attempts = 0;
    while world.count(START) < 2 {
        attempts += 1;
        assert!(attempts < 10, "a session that forgets is not tried for ever");
        world.storage.put(KEY, &archive.body()).await.map(drop).unwrap_err();
        world.fake.server().heal();
        world.plan(Fault::always("POST", APPEND, Action::Close).skip(3));
        world.fake.cut_sessions(0);
    }
    world.fake.server().heal();
    world.arrives(&archive).await;
}

pub async fn dropbox_has_more_than_was_sent() {
    let (world, archive) = half_sent().await;
    world.fake.grow_sessions(SIZE);
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 2, "such a session is of no use");
}

pub async fn dropbox_has_foreign_bytes_in_a_session() {
    let (world, archive) = half_sent().await;
    // Within what there is to send: only the hash of the whole can tell.
    world.fake.grow_sessions(1000);
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 2);
}

pub async fn a_chunk_is_damaged_on_the_line() {
    let world = World::new().await;
    world.fake.damage_bodies(1);
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(START), 1, "it is refused, and sent again");
}

pub async fn a_small_object_is_damaged_on_the_line() {
    let world = World::new().await;
    world.fake.damage_bodies(1);
    world.arrives(&Archive::new(1000)).await;
}

pub async fn an_object_is_damaged_where_it_is_stored() {
    let world = World::new().await;
    world.fake.damage_commits(1);
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count("delete_v2"), 1, "the damaged one was removed");
}

pub async fn every_object_is_damaged_where_it_is_stored() {
    let world = World::new().await;
    world.fake.damage_commits(10);
    let error =
        world.fails(world.patient().put(KEY, &Archive::new(SIZE).body()).await, &ErrorKind::Integrity);
    assert!(error.message.contains("not what was sent"), "{error}");
    world.shows(&[]);
    assert_eq!(world.count(FINISH), 2);
    world.storage.abandon(KEY).await.unwrap();
    world.ends_with(&[]);
}

pub async fn the_hash_of_an_object_comes_late() {
    let world = World::new().await;
    world.fake.hide_hashes(2);
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(START), 1);
}

pub async fn the_hash_of_an_object_never_comes() {
    let world = World::new().await;
    world.fake.hide_hashes(100);
    let archive = Archive::new(SIZE);
    let stored = world.storage.put(KEY, &archive.body()).await.unwrap();
    assert_eq!(
        (stored.size_bytes, stored.sha256),
        (SIZE as u64, None),
        "nothing is claimed that was not checked"
    );
    world.ends_with(&[(KEY, &archive.content)]);
}

pub async fn the_hash_that_was_checked_is_told() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    let stored = world.storage.put(KEY, &archive.body()).await.unwrap();
    assert_eq!(stored.sha256, archive.body().sha256());
}

/// Says that it is `like`, and reads as something else.
struct Changed<'a> {
    like: &'a dyn Body,
    content: Vec<u8>,
    opened: AtomicUsize,
}

impl<'a> Changed<'a> {
    fn new(like: &'a dyn Body, content: Vec<u8>) -> Self {
        Changed { like, content, opened: AtomicUsize::new(0) }
    }
}

#[async_trait::async_trait]
impl Body for Changed<'_> {
    fn size_bytes(&self) -> u64 {
        self.like.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.like.sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        bytes(&self.content).open(offset).await
    }
}

pub async fn the_source_changes_between_two_attempts() {
    // In what was sent already, and in what was not.
    for place in [10, SIZE - 10] {
        let (world, archive) = half_sent().await;
        let mut content = archive.content.clone();
        content[place] ^= 1;
        let body = archive.body();
        let changed = Changed::new(&body, content);
        world.fails(world.patient().put(KEY, &changed).await, &ErrorKind::Integrity);
        assert_eq!(world.count(FINISH), 0);
        world.storage.abandon(KEY).await.unwrap();
        world.ends_with(&[]);
    }
}

pub async fn what_was_sent_as_a_whole_is_not_read_again_for_its_commit() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.refuse_next(FINISH, &["too_many_write_operations"]);
    world.plan(Fault::once("POST", FINISH, Action::Close).skip(1));
    let whole = archive.body();
    let body = Changed::new(&whole, archive.content.clone());
    world.patient().put(KEY, &body).await.unwrap();
    assert_eq!((world.count(FINISH), body.opened.load(Ordering::SeqCst)), (3, 1));
    world.ends_with(&[(KEY, &archive.content)]);
}

pub async fn the_file_on_disk_changes_between_two_attempts() {
    let (world, archive) = half_sent().await;
    let mut content = archive.content.clone();
    content[10] ^= 1;
    std::fs::write(&archive.path, &content).unwrap();
    let error = world.fails(world.patient().put(KEY, &archive.body()).await, &ErrorKind::Integrity);
    assert!(error.message.contains("was changed after it was made"), "{error}");
    world.storage.abandon(KEY).await.unwrap();
    world.ends_with(&[]);
}

pub async fn another_content_follows_a_half_sent_one() {
    let (world, archive) = half_sent().await;
    let content = pattern(SIZE, 99);
    std::fs::write(&archive.path, &content).unwrap();
    world.patient().put(KEY, &body_of(&archive.path, &content)).await.unwrap();
    assert_eq!(world.count(START), 2);
    world.ends_with(&[(KEY, &content)]);
}

pub async fn a_state_that_cannot_be_read_is_forgotten() {
    use engine::storage::Sessions;
    let world = World::new().await;
    world.states.save(KEY, "{\"session\": 7}").await.unwrap();
    world.arrives(&Archive::new(SIZE)).await;
}

pub async fn an_object_stays_as_it_was_until_the_new_one_is_whole() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    put(&*world.storage, KEY, b"the old one").await.unwrap();
    world.plan(Fault::once("POST", APPEND, Action::Close).skip(3));
    world.fails(world.storage.put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    world.shows(&[(KEY, b"the old one")]);
    world.plan(Fault::once("POST", FINISH, Action::Close));
    world.fails(world.storage.put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    world.shows(&[(KEY, b"the old one")]);
    world.arrives(&archive).await;
}

pub async fn somebody_changes_an_object_while_it_is_replaced() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    put(&*world.storage, KEY, b"the old one").await.unwrap();
    world.plan(Fault::once("POST", FINISH, Action::Delay(Duration::from_millis(200))));
    let path = format!("/backups/{KEY}");
    let storage = world.patient();
    let meddling = async {
        let finishing = || world.fake.record().count("POST", FINISH) == 2;
        until("the second commit", finishing).await;
        world.fake.put_foreign(&path, b"changed by hand");
    };
    let body = archive.body();
    let (stored, ()) = tokio::join!(storage.put(KEY, &body), meddling);
    stored.unwrap();
    assert_eq!(world.count(FINISH), 3, "what was not looked at is not replaced at once");
    assert_eq!(world.count(START), 2);
    world.ends_with(&[(KEY, &archive.content)]);
}

pub async fn somebody_puts_the_same_content_there_meanwhile() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.put_foreign(&format!("/backups/{KEY}"), &archive.content);
    world.arrives(&archive).await;
    assert_eq!(world.count(FINISH), 0);
}

pub async fn a_name_in_another_case_is_the_same_object() {
    let world = World::new().await;
    world.fake.put_foreign("/Backups/Shop/2026-11-26T02-30-00z/FILES/Files.TGZ", b"old");
    let archive = Archive::new(SIZE);
    world.patient().put(KEY, &archive.body()).await.unwrap();
    assert_eq!(world.storage.stat(KEY).await.unwrap().size_bytes, SIZE as u64);
    world.ends_with(&[("/Backups/Shop/2026-11-26T02-30-00z/FILES/Files.TGZ", &archive.content)]);
}

pub async fn a_folder_is_in_the_place_of_the_object() {
    for size in [SIZE, 1000] {
        let world = World::new().await;
        world.fake.put_foreign(&format!("/backups/{KEY}/mine.txt"), b"mine");
        let error = world
            .fails(world.patient().put(KEY, &Archive::new(size).body()).await, &ErrorKind::InvalidConfig);
        assert!(error.message.contains("a folder in the place of"), "{error}");
        assert!(error.message.contains("files.tgz"), "{error}");
        if size == SIZE {
            assert_eq!(world.count(START), 0, "it is told before the first byte is sent");
        }
        world.storage.abandon(KEY).await.unwrap();
        world.storage.delete(KEY).await.unwrap();
        world.fails(world.storage.stat(KEY).await, &ErrorKind::NotFound);
        world.ends_with(&[(&format!("{KEY}/mine.txt"), b"mine")]);
    }
}

pub async fn a_file_is_in_the_place_of_a_folder() {
    let world = World::new().await;
    world.fake.put_foreign("/backups/shop", b"mine");
    let error =
        world.fails(world.patient().put(KEY, &Archive::new(SIZE).body()).await, &ErrorKind::InvalidConfig);
    assert!(error.message.contains("a file in the place of a folder"), "{error}");
    world.storage.abandon(KEY).await.unwrap();
    world.ends_with(&[("shop", b"mine")]);
}

pub async fn a_name_is_not_allowed() {
    let world = World::new().await;
    world.fake.refuse_commit(&["path", "disallowed_name"]);
    let error = world.fails(put(&world.patient(), "shop/x", b"x").await, &ErrorKind::InvalidConfig);
    assert!(error.message.contains("does not accept the name"), "{error}");
    world.storage.abandon("shop/x").await.unwrap();
    world.ends_with(&[]);
}

pub async fn a_folder_may_not_be_written_to() {
    let world = World::new().await;
    world.fake.refuse_commit(&["path", "no_write_permission"]);
    world.fails(put(&world.patient(), "shop/x", b"x").await, &ErrorKind::PermissionDenied);
    world.storage.abandon("shop/x").await.unwrap();
    world.ends_with(&[]);
}

pub async fn a_full_account_is_told_before_the_first_byte() {
    let world = World::new().await;
    world.fake.quota(2_000_000_000, 1_999_900_000);
    let error =
        world.fails(world.patient().put(KEY, &Archive::new(SIZE).body()).await, &ErrorKind::QuotaExceeded);
    assert!(error.message.contains("2.00 GB of 2.00 GB used"), "{error}");
    assert_eq!(world.count(START), 0);
    world.ends_with(&[]);
}

pub async fn what_is_replaced_makes_room() {
    let world = World::new().await;
    put(&*world.storage, KEY, &pattern(SIZE, 1)).await.unwrap();
    world.fake.quota(SIZE as u64 + 1000, 0);
    world.arrives(&Archive::new(SIZE)).await;
}

pub async fn a_team_that_has_used_its_room_is_full() {
    let world = World::new().await;
    world.fake.team_quota(5_000_000_000, 4_999_999_000);
    let error =
        world.fails(world.storage.put(KEY, &Archive::new(SIZE).body()).await, &ErrorKind::QuotaExceeded);
    assert!(error.message.contains("of 5.00 GB used"), "{error}");
    world.ends_with(&[]);
}

pub async fn an_account_fills_up_while_something_is_sent() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.plan(Fault::once("POST", APPEND, Action::Close).skip(2));
    world.fails(world.storage.put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    world.fake.quota(2_000_000_000, 1_999_999_000);
    let error = world.fails(world.patient().put(KEY, &archive.body()).await, &ErrorKind::QuotaExceeded);
    assert!(error.message.contains("2.00 GB of 2.00 GB used"), "{error}");
    world.shows(&[]);
    // Room was made: the bytes are still there, so nothing but the commit is left to do.
    world.fake.quota(2_000_000_000, 0);
    let sent = world.count(APPEND);
    world.arrives(&archive).await;
    assert_eq!(world.count(APPEND), sent + 1);
    assert_eq!(world.count(START), 1);
}

pub async fn objects_above_a_block_of_the_hash_arrive() {
    let world = World::new().await;
    let archive = Archive::new((4 << 20) + 3 * CHUNK + 7);
    world.arrives(&archive).await;
}

pub async fn an_object_larger_than_dropbox_takes_is_refused_at_once() {
    struct Huge;
    #[async_trait::async_trait]
    impl Body for Huge {
        fn size_bytes(&self) -> u64 {
            3 << 40
        }
        fn sha256(&self) -> Option<String> {
            None
        }
        async fn open(&self, _: u64) -> std::io::Result<ByteStream> {
            Err(std::io::Error::other("nobody has to read this"))
        }
    }
    let world = World::new().await;
    world.fails(world.patient().put(KEY, &Huge).await, &ErrorKind::InvalidConfig);
    assert_eq!(world.fake.record().requests().len(), 0);
}

pub async fn commits_of_an_account_come_one_at_a_time() {
    let world = World::new().await;
    world.plan(Fault::always("POST", FINISH, Action::Delay(Duration::from_millis(15))));
    world.plan(Fault::always("POST", "delete_v2", Action::Delay(Duration::from_millis(15))));
    let elsewhere = std::sync::Arc::clone(&world.cloud).storage("other", world.states.clone()).unwrap();
    let keys: Vec<String> = (0..6).map(|n| format!("side/{n}")).collect();
    let contents: Vec<Vec<u8>> = (0..6).map(|n| pattern(100_000 + n, n as u64)).collect();
    let work = keys.iter().zip(&contents).enumerate().map(|(n, (key, content))| {
        let storage = if n % 2 == 0 { &world.storage } else { &elsewhere };
        async move {
            put(&**storage, key, content).await.unwrap();
            if n % 3 == 0 {
                storage.delete(key).await.unwrap();
            }
        }
    });
    futures_util::future::join_all(work).await;
    let paths: Vec<String> = [1, 2, 4, 5]
        .map(|n| if n % 2 == 0 { format!("/backups/side/{n}") } else { format!("/other/side/{n}") })
        .into();
    let expected: Vec<(&str, &[u8])> =
        paths.iter().zip([1, 2, 4, 5]).map(|(path, n)| (path.as_str(), contents[n].as_slice())).collect();
    world.ends_with(&expected);
}
