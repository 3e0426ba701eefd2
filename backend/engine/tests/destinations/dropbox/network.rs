//! Connections that break, replies that do not come, proxies that answer.

use super::world::{CHUNK, KEY, SIZE, World};
use crate::support::{Archive, Told};
use chrono::TimeDelta;
use engine::storage::{ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Keep, Reply};
use engine::testing::fakes::dropbox::AfterCommit;

const START: &str = "upload_session/start";
const APPEND: &str = "append_v2";
const FINISH: &str = "upload_session/finish";

/// The archive arrives although these faults are met on the way.
async fn arrives_through(faults: Vec<Fault>) -> World {
    let world = World::new().await;
    for fault in faults {
        world.plan(fault);
    }
    world.arrives(&Archive::new(SIZE)).await;
    world
}

fn once(route: &str, action: Action) -> Fault {
    Fault::once("POST", route, action)
}

pub async fn the_connection_drops_before_the_first_chunk() {
    let world = arrives_through(vec![once(APPEND, Action::Close)]).await;
    assert_eq!(world.count(START), 1, "the session is gone on with");
}

pub async fn the_connection_drops_in_a_chunk_of_which_nothing_is_kept() {
    let world = arrives_through(vec![once(APPEND, Action::CloseAfter(30_000, Keep::Nothing)).skip(1)]).await;
    // Five chunks, the one that broke, and the question for the offset.
    assert_eq!(world.count(APPEND), 7);
}

pub async fn the_connection_drops_in_a_chunk_of_which_whole_blocks_are_kept() {
    let world =
        arrives_through(vec![once(APPEND, Action::CloseAfter(30_000, Keep::Floor(4096))).skip(1)]).await;
    assert_eq!(world.count(START), 1);
}

pub async fn the_connection_drops_in_a_chunk_of_which_an_odd_number_of_bytes_is_kept() {
    let world = arrives_through(vec![once(APPEND, Action::CloseAfter(30_001, Keep::All)).skip(2)]).await;
    assert_eq!(world.count(START), 1);
}

pub async fn the_connection_drops_after_the_last_byte_of_a_chunk() {
    let fault = once(APPEND, Action::CloseAfter(CHUNK, Keep::All)).skip(1);
    let world = arrives_through(vec![fault]).await;
    assert_eq!(world.count(APPEND), 6, "what was kept is not sent again");
}

/// A limit of bandwidth is for what is sent.
pub async fn what_arrived_before_a_break_is_told_to_be_there() {
    let world = World::new().await;
    world.plan(once(APPEND, Action::Close).skip(2));
    let archive = Archive::new(SIZE);
    let body = Told::new(archive.body());
    world.patient().put(KEY, &body).await.unwrap();
    assert_eq!(body.told(), [0, 2 * CHUNK as u64]);
}

pub async fn the_connection_drops_in_the_last_chunk() {
    arrives_through(vec![once(APPEND, Action::CloseAfter(12_000, Keep::All)).skip(4)]).await;
}

pub async fn the_reply_to_a_start_is_lost() {
    let world = arrives_through(vec![once(START, Action::LoseReply)]).await;
    assert_eq!(
        world.fake.open_sessions().len(),
        1,
        "nobody knows of the first session, which ends by itself"
    );
}

pub async fn the_reply_to_a_chunk_is_lost() {
    let world = arrives_through(vec![once(APPEND, Action::LoseReply).skip(1)]).await;
    assert_eq!(world.count(APPEND), 6, "what had arrived is not sent again");
}

pub async fn the_reply_to_the_last_chunk_is_lost() {
    let world = arrives_through(vec![once(APPEND, Action::LoseReply).skip(4)]).await;
    assert_eq!(world.count(APPEND), 6);
}

pub async fn the_reply_to_a_commit_is_lost() {
    let world = arrives_through(vec![once(FINISH, Action::LoseReply)]).await;
    assert_eq!(world.count(FINISH), 1, "it is looked for before anything is sent again");
    assert_eq!(world.count(START), 1);
}

pub async fn the_reply_to_a_commit_is_lost_and_its_session_counts_as_closed() {
    let world = World::new().await;
    world.fake.after_commit(AfterCommit::Closed);
    world.plan(once(FINISH, Action::LoseReply));
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!((world.count(START), world.count(FINISH)), (1, 1));
}

pub async fn the_reply_to_the_commit_of_a_small_object_is_lost() {
    let world = World::new().await;
    world.plan(once(FINISH, Action::LoseReply));
    world.arrives(&Archive::new(500)).await;
    assert_eq!((world.count(START), world.count(FINISH), world.count(APPEND)), (1, 1, 1));
}

pub async fn a_proxy_sends_a_chunk_twice() {
    let world = arrives_through(vec![once(APPEND, Action::Twice).skip(1)]).await;
    assert_eq!(world.count(APPEND), 5, "the offset that the second one is refused with says it all");
}

pub async fn a_proxy_sends_a_commit_twice() {
    let world = arrives_through(vec![once(FINISH, Action::Twice)]).await;
    assert_eq!(world.count(START), 1);
}

pub async fn a_proxy_sends_a_start_twice() {
    arrives_through(vec![once(START, Action::Twice)]).await;
}

pub async fn a_proxy_answers_with_a_page_of_its_own_everywhere() {
    for route in [START, APPEND, FINISH, "get_metadata", "get_space_usage"] {
        arrives_through(vec![once(route, Action::Answer(Reply::html_502()))]).await;
    }
}

pub async fn a_proxy_answers_before_the_body_was_sent() {
    arrives_through(vec![once(APPEND, Action::AnswerEarly(Reply::html_502())).skip(2)]).await;
}

pub async fn a_login_page_of_a_network_says_200() {
    let page = || Reply::text(200, "<html>Please sign in to the guest network</html>");
    for route in [START, APPEND, FINISH, "get_metadata"] {
        arrives_through(vec![once(route, Action::Answer(page()))]).await;
    }
}

pub async fn replies_are_garbled() {
    for route in [START, APPEND, FINISH] {
        arrives_through(vec![once(route, Action::Garbage)]).await;
    }
}

pub async fn replies_are_cut_short() {
    for route in [START, FINISH, "get_space_usage"] {
        arrives_through(vec![once(route, Action::CutReply(5))]).await;
    }
}

pub async fn something_redirects() {
    let away = Reply::status(307).with("location", "http://127.0.0.1:9/elsewhere");
    arrives_through(vec![once(APPEND, Action::Answer(away))]).await;
}

pub async fn a_commit_takes_longer_than_the_gateway_waits() {
    let world = World::new().await;
    world.fake.slow_commit(TimeDelta::seconds(1));
    world.arrives(&Archive::new(SIZE)).await;
    assert_eq!(world.count(FINISH), 1, "it was done meanwhile");
    assert_eq!(world.count(START), 1);
}

pub async fn a_commit_is_asked_for_again_before_the_slow_one_is_done() {
    let world = World::new().await;
    world.fake.slow_commit(TimeDelta::minutes(5));
    let archive = Archive::new(SIZE);
    world.arrives(&archive).await;
    assert_eq!(world.count(FINISH), 2);
    world.fake.time().advance(TimeDelta::minutes(10));
    world.storage.stat(KEY).await.unwrap();
    world.ends_with(&[(KEY, &archive.content)]);
}

pub async fn every_chunk_breaks_once_and_each_attempt_gets_a_little_further() {
    let world = World::new().await;
    let archive = Archive::new(30 * CHUNK);
    // Far more breaks than there are attempts.
    for chunk in 0..30 {
        world.plan(once(APPEND, Action::LoseReply).skip(chunk));
    }
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 1);
}

pub async fn a_network_that_is_gone_is_given_up_on() {
    let world = World::new().await;
    world.plan(Fault::always("POST", APPEND, Action::Close).skip(2));
    let archive = Archive::new(SIZE);
    world.fails(world.patient().put(KEY, &archive.body()).await, &ErrorKind::Unavailable);
    assert!(world.count(APPEND) < 20, "{}", world.count(APPEND));
    world.shows(&[]);
    world.fake.server().heal();
    world.arrives(&archive).await;
    assert_eq!(world.count(START), 1, "later it goes on where it was");
}

pub async fn a_download_breaks_off_and_is_gone_on_with() {
    use futures_util::StreamExt;
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.storage.put(KEY, &archive.body()).await.unwrap();
    world.plan(once("files/download", Action::CutReply(100_000)));
    let mut content = Vec::new();
    let mut stream = world.storage.open(KEY, 0).await.unwrap();
    let broke = loop {
        match stream.next().await.unwrap() {
            Ok(chunk) => content.extend_from_slice(&chunk),
            Err(error) => break engine::storage::Error::from(error),
        }
    };
    world.check_secrets(&broke);
    assert_eq!(broke.kind, ErrorKind::Unavailable);
    let mut rest = world.storage.open(KEY, content.len() as u64).await.unwrap();
    while let Some(chunk) = rest.next().await {
        content.extend_from_slice(&chunk.unwrap());
    }
    assert!(content == archive.content);
    world.ends_with(&[(KEY, &archive.content)]);
}
