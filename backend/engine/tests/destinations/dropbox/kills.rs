//! Processes that are killed, uploads that are cancelled.

use super::world::{CHUNK, KEY, Kill, SIZE, World, driver};
use crate::support::{Archive, put};
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault};
use engine::testing::fakes::dropbox::AfterCommit;
use engine::testing::until;
use std::sync::Arc;
use std::time::Duration;

const APPEND: &str = "append_v2";
const FINISH: &str = "upload_session/finish";

pub async fn a_kill_at_any_write_of_the_state() {
    for old in [false, true] {
        let mut number = 0;
        loop {
            number += 1;
            let mut survived = false;
            for kill in [Kill::Before(number), Kill::After(number)] {
                let mut world = World::new().await;
                let archive = Archive::new(2 * CHUNK + 100);
                if old {
                    put(&*world.storage, KEY, b"the old one").await.unwrap();
                }
                world.states.plan(Some(kill));
                let (storage, body) = (world.patient(), archive.body());
                tokio::select! {
                    stored = storage.put(KEY, &body) => { stored.unwrap(); survived = true }
                    () = world.states.reached() => {}
                }
                world.states.plan(None);
                world.restart();
                world.arrives(&archive).await;
            }
            if survived {
                break;
            }
        }
        assert!(number > 3, "a new session, the hash, the end: {number}");
    }
}

/// A process that is killed while its so-manieth request is under way, before or after Dropbox has done what it asks for.
async fn killed_at(number: usize, action: &Action, after: AfterCommit) -> bool {
    let mut world = World::new().await;
    world.fake.after_commit(after);
    let archive = Arc::new(Archive::new(2 * CHUNK + 100));
    world.plan(Fault::once("POST", "/2/", action.clone()).skip(number));
    let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let task = {
        let archive = Arc::clone(&archive);
        let (_, storage) = driver(&world.fake, &world.grants, &world.states);
        process.spawn(async move { storage.put(KEY, &archive.body()).await.map(drop) })
    };
    let reached = || match action {
        Action::Stall => world.fake.requests_answered() > number,
        _ => world.count("/2/") > number,
    };
    until("the request or the end", || task.is_finished() || reached()).await;
    let finished = task.is_finished();
    process.shutdown_background();
    until("the end of the connections", || world.fake.requests_under_way() == 0).await;
    world.fake.server().heal();
    world.restart();
    world.arrives(&archive).await;
    finished
}

pub async fn a_kill_before_any_request_takes_effect() {
    for number in 0..40 {
        if killed_at(number, &Action::Delay(Duration::from_secs(3600)), AfterCommit::NotFound).await {
            assert!(number >= 7, "start, three chunks, looks and a commit: {number}");
            return;
        }
    }
    panic!("an upload of so many requests?");
}

pub async fn a_kill_after_any_request_took_effect() {
    for after in [AfterCommit::NotFound, AfterCommit::Closed] {
        let mut number = 0;
        while !killed_at(number, &Action::Stall, after).await {
            number += 1;
        }
        assert!(number >= 7, "{number}");
    }
}

pub async fn an_upload_is_cancelled_while_it_sends_and_given_up() {
    let world = World::new().await;
    world.plan(Fault::once("POST", APPEND, Action::Stall).skip(2));
    let archive = Archive::new(SIZE);
    let body = archive.body();
    tokio::select! {
        _ = world.storage.put(KEY, &body) => panic!("this cannot end"),
        () = until("the third chunk", || world.count(APPEND) == 3) => {}
    }
    assert_eq!(world.states.inner.all().len(), 1);
    world.storage.abandon(KEY).await.unwrap();
    world.storage.abandon(KEY).await.unwrap();
    world.storage.delete(KEY).await.unwrap();
    world.ends_with(&[]);
}

pub async fn an_upload_is_cancelled_while_it_commits_and_what_comes_of_it_is_removed() {
    let world = World::new().await;
    world.plan(Fault::once("POST", FINISH, Action::Delay(Duration::from_millis(200))));
    let archive = Archive::new(SIZE);
    let body = archive.body();
    tokio::select! {
        _ = world.storage.put(KEY, &body) => panic!("not yet"),
        () = until("the commit", || world.count(FINISH) == 1) => {}
    }
    world.shows(&[]);
    world.storage.abandon(KEY).await.unwrap();
    world.shows(&[(KEY, &archive.content)]);
    world.storage.delete(KEY).await.unwrap();
    world.ends_with(&[]);
}

pub async fn a_deletion_waits_for_a_commit_that_nobody_waits_for() {
    let world = World::new().await;
    world.plan(Fault::once("POST", FINISH, Action::Delay(Duration::from_millis(200))));
    let archive = Archive::new(SIZE);
    let body = archive.body();
    tokio::select! {
        _ = world.storage.put(KEY, &body) => panic!("not yet"),
        () = until("the commit", || world.count(FINISH) == 1) => {}
    }
    world.storage.delete(KEY).await.unwrap();
    until("the end of all requests", || world.fake.requests_under_way() == 0).await;
    world.shows(&[]);
    world.storage.abandon(KEY).await.unwrap();
    world.ends_with(&[]);
}

pub async fn giving_up_leaves_a_finished_object_alone() {
    let world = World::new().await;
    put(&*world.storage, KEY, b"finished").await.unwrap();
    world.storage.abandon(KEY).await.unwrap();
    world.storage.abandon("never/was").await.unwrap();
    world.ends_with(&[(KEY, b"finished")]);
}

pub async fn what_was_given_up_is_not_gone_on_with() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.plan(Fault::once("POST", APPEND, Action::Close).skip(2));
    world.fails(world.storage.put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    world.storage.abandon(KEY).await.unwrap();
    world.arrives(&archive).await;
    assert_eq!(world.count("upload_session/start"), 2);
}

pub async fn the_state_cannot_be_written() {
    struct Broken;
    #[async_trait::async_trait]
    impl engine::storage::Sessions for Broken {
        async fn load(&self, _: &str) -> engine::storage::Result<Option<String>> {
            Ok(None)
        }
        async fn save(&self, _: &str, _: &str) -> engine::storage::Result<()> {
            Err(engine::storage::Error::new(ErrorKind::Other, "the database is gone"))
        }
        async fn remove(&self, _: &str) -> engine::storage::Result<()> {
            Ok(())
        }
    }
    use engine::storage::Cloud;
    let world = World::new().await;
    let storage = Arc::clone(&world.cloud).storage("backups", Arc::new(Broken)).unwrap();
    let error = world.fails(storage.put(KEY, &Archive::new(SIZE).body()).await, &ErrorKind::Other);
    assert_eq!(error.message, "the database is gone");
    assert_eq!(world.count(APPEND), 0, "nothing is sent that nobody could find again");
    world.ends_with(&[]);
}
