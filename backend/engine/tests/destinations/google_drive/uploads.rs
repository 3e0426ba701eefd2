//! Uploads that are cut, slowed, moved and ended, and go on.

use super::world::{KEY, PIECE, World};
use crate::support::{Archive, Told, body_of, bytes, pattern};
use chrono::TimeDelta;
use engine::storage::{Body, ErrorKind, Storage};
use engine::testing::fake::{Action, Fault, Keep, Reply};
use engine::testing::until;

const UPLOAD: &str = "/upload/drive/v3/files";
/// Four pieces and a bit.
const SIZE: usize = 4 * PIECE + 4321;

fn on_piece(piece: usize, action: Action) -> Fault {
    Fault::once("PUT", UPLOAD, action).skip(piece)
}

/// One fault on the way, and the patience of a pass.
async fn goes_on_after(fault: Fault) -> World {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(fault);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
    world
}

/// How often bytes were sent, questions not counted.
fn pieces(world: &World) -> usize {
    let sent = world.fake.record().requests().into_iter().filter(|r| {
        r.method == "PUT" && r.header("content-range").is_some_and(|range| !range.starts_with("bytes */"))
    });
    sent.count()
}

pub async fn a_connection_that_drops_at_the_first_byte() {
    let world = goes_on_after(on_piece(0, Action::Close)).await;
    assert_eq!(pieces(&world), 6);
}

pub async fn a_connection_that_drops_in_a_piece_of_which_nothing_is_kept() {
    let world = goes_on_after(on_piece(2, Action::CloseAfter(PIECE / 2, Keep::Nothing))).await;
    assert_eq!(pieces(&world), 6, "only that piece is sent again");
}

pub async fn a_connection_that_drops_in_a_piece_of_which_all_is_kept() {
    goes_on_after(on_piece(2, Action::CloseAfter(100_001, Keep::All))).await;
}

pub async fn a_connection_that_drops_in_a_piece_of_which_granules_are_kept() {
    goes_on_after(on_piece(1, Action::CloseAfter(70_000, Keep::Floor(4096)))).await;
}

/// A limit of bandwidth is for what is sent.
pub async fn what_arrived_before_a_break_is_told_to_be_there() {
    let world = World::new().await;
    world.fake.plan(on_piece(2, Action::Close));
    let archive = Archive::new(SIZE);
    let body = Told::new(archive.body());
    world.puts(KEY, &body).await;
    assert_eq!(body.told(), [0, 2 * PIECE as u64]);
}

pub async fn a_connection_that_drops_in_the_last_piece() {
    goes_on_after(on_piece(4, Action::CloseAfter(1000, Keep::All))).await;
}

pub async fn the_answer_to_a_piece_is_lost() {
    let world = goes_on_after(on_piece(1, Action::LoseReply)).await;
    assert_eq!(pieces(&world), 5, "what arrived is not sent again");
}

pub async fn the_answer_to_the_last_byte_is_lost() {
    let world = goes_on_after(on_piece(4, Action::LoseReply)).await;
    assert_eq!(pieces(&world), 5, "nothing is sent again");
}

/// The session is not asked before it has forgotten: the file is found by the id that was chosen beforehand.
pub async fn the_answer_to_the_last_byte_is_lost_and_the_session_forgotten() {
    let mut world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(4, Action::LoseReply));
    let error = world.put_fails(KEY, &archive.body()).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    world.time.advance(TimeDelta::minutes(30));
    world.restart();
    world.puts(KEY, &archive.body()).await;
    assert_eq!(pieces(&world), 5);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn the_answer_to_the_last_byte_is_rubbish() {
    let world = goes_on_after(on_piece(4, Action::Garbage)).await;
    assert_eq!(pieces(&world), 5);
}

pub async fn the_answer_to_the_last_byte_is_cut() {
    goes_on_after(on_piece(4, Action::CutReply(20))).await;
}

pub async fn a_proxy_answers_in_place_of_a_session() {
    goes_on_after(on_piece(3, Action::Answer(Reply::html_502()))).await;
}

pub async fn a_proxy_answers_before_the_piece_was_read() {
    goes_on_after(on_piece(1, Action::AnswerEarly(Reply::html_502()))).await;
}

pub async fn a_piece_times_out_at_google() {
    goes_on_after(on_piece(1, Action::Answer(Reply::text(408, "Request Timeout")))).await;
}

pub async fn the_question_how_far_it_is_is_lost_too() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(1, Action::LoseReply).times(3));
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_session_that_does_not_begin_at_once() {
    goes_on_after(Fault::once("POST", UPLOAD, Action::Answer(Reply::html_502())).times(2)).await;
}

/// The URL never arrived: the session behind it ends by itself, and the next has the same id.
pub async fn the_url_of_a_session_is_lost() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(Fault::once("POST", UPLOAD, Action::LoseReply));
    world.puts(KEY, &archive.body()).await;
    world.ends_with_orphans(&[(KEY, &archive.content)], 1).await;
}

pub async fn a_session_begins_twice() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(Fault::once("POST", UPLOAD, Action::Twice));
    world.puts(KEY, &archive.body()).await;
    world.ends_with_orphans(&[(KEY, &archive.content)], 1).await;
}

pub async fn only_part_of_each_piece_is_kept() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.keep_of_a_piece(Some(100_001));
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_session_that_moves_with_every_answer() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.move_sessions(true);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
    // Where it moved to is lost with the answer: a new one is begun.
    world.fake.plan(on_piece(2, Action::CloseAfter(5000, Keep::All)));
    world.puts("other", &archive.body()).await;
    world.ends_with_orphans(&[(KEY, &archive.content), ("other", &archive.content)], 1).await;
}

pub async fn a_file_that_is_made_with_201() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.made_status(201);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

async fn a_session_ends_on_the_way(status: u16) {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(2, Action::CloseAfter(10, Keep::Nothing)));
    world.put_fails(KEY, &archive.body()).await;
    world.fake.end_sessions(status);
    world.puts(KEY, &archive.body()).await;
    assert_eq!(world.fake.record().count("POST", UPLOAD), 2);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_session_that_is_not_found_any_more() {
    a_session_ends_on_the_way(404).await;
}

pub async fn a_session_that_is_gone() {
    a_session_ends_on_the_way(410).await;
}

/// As Google tells of a session that was cancelled: by a process that ended before it had forgotten it.
pub async fn a_session_that_was_cancelled_is_replaced() {
    a_session_ends_on_the_way(499).await;
}

/// It ends between two pieces of one attempt.
pub async fn a_session_that_ends_in_the_middle_of_an_attempt() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    let slow = Action::Delay(std::time::Duration::from_millis(50));
    world.fake.plan(on_piece(2, slow));
    let body = archive.body();
    let end = async {
        until("another task came so far", || world.fake.record().count("PUT", UPLOAD) == 3).await;
        world.fake.end_sessions(404);
    };
    let (stored, ()) = tokio::join!(world.storage.put(KEY, &body), end);
    stored.unwrap();
    assert_eq!(world.fake.record().count("POST", UPLOAD), 2, "one attempt is enough");
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// The record of what was confirmed stays, so that an upload which always ends before it does not go on for ever.
pub async fn sessions_that_end_again_and_again() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    let gone = Reply::text(410, "Gone").with("x-guploader-uploadid", "ABgVH8-fake");
    world.fake.plan(Fault::always("PUT", UPLOAD, Action::Answer(gone)).skip(1));
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(world.fake.record().count("POST", UPLOAD) < 16, "it is given up in the end");
    // Those that answered as gone were not, in truth.
    world.fake.end_sessions(410);
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

pub async fn a_session_that_runs_out_between_two_runs() {
    let mut world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(3, Action::Close));
    world.put_fails(KEY, &archive.body()).await;
    world.time.advance(TimeDelta::days(8));
    world.restart();
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_session_that_loses_what_it_had_confirmed() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(3, Action::Close));
    let error = world.put_fails(KEY, &archive.body()).await;
    assert!(error.advanced, "three pieces had come through");
    world.fake.lose_bytes(PIECE as u64 + 17);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_session_that_takes_nothing_is_left_for_a_new_one() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.take_nothing(2);
    world.puts(KEY, &archive.body()).await;
    assert_eq!(world.fake.record().count("POST", UPLOAD), 2);
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn an_upload_that_never_makes_progress_is_given_up() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.take_nothing(u32::MAX);
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("makes no progress"), "{error}");
    assert_eq!(pieces(&world), 6, "one piece with each attempt");
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

pub async fn a_session_that_has_all_and_makes_no_file() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.never_finish(true);
    let error = world.put_fails(KEY, &archive.body()).await;
    assert!(error.message.contains("makes no progress"), "{error}");
    world.fake.never_finish(false);
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// More faults than attempts: what got further is not counted.
pub async fn a_connection_that_drops_after_every_piece() {
    let world = World::new().await;
    let archive = Archive::new(9 * PIECE);
    for piece in 0..9 {
        world.fake.plan(on_piece(2 * piece, Action::LoseReply));
    }
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

pub async fn a_connection_that_always_drops_is_given_up() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(Fault::always("PUT", UPLOAD, Action::Close));
    let error = world.check_error(world.patient().put(KEY, &archive.body()).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("127.0.0.1"), "{error}");
    assert!(!error.advanced);
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

pub async fn nothing_of_google_can_be_reached() {
    let world = World::new().await;
    world.fake.plan(Fault::always("", "", Action::Close));
    let error = world.check_error(world.patient().put(KEY, &bytes(b"content")).await.unwrap_err());
    assert_eq!(error.kind, ErrorKind::Unavailable);
    world.clears_up(KEY).await;
    world.ends_with(&[]).await;
}

pub async fn an_object_without_a_byte() {
    let world = World::new().await;
    world.puts("empty", &bytes(b"")).await;
    world.puts(KEY, &bytes(b"")).await;
    world.ends_with(&[("empty", b""), (KEY, b"")]).await;
}

pub async fn an_object_without_a_byte_whose_answer_is_lost() {
    let world = World::new().await;
    world.fake.plan(on_piece(0, Action::LoseReply));
    world.puts(KEY, &bytes(b"")).await;
    world.fake.plan(on_piece(0, Action::Close));
    world.puts("other", &bytes(b"")).await;
    world.ends_with(&[(KEY, b""), ("other", b"")]).await;
}

/// What was begun with another content is ended, not gone on with.
pub async fn a_source_that_changed_between_two_attempts() {
    let mut world = World::new().await;
    let (first, second) = (Archive::new(SIZE), Archive::new(SIZE + 1));
    world.fake.plan(on_piece(3, Action::Close));
    world.put_fails(KEY, &first.body()).await;
    world.restart();
    world.puts(KEY, &second.body()).await;
    world.ends_with(&[(KEY, &second.content)]).await;
}

pub async fn a_source_that_changed_after_its_last_answer_was_lost() {
    let mut world = World::new().await;
    let (first, second) = (Archive::new(SIZE), Archive::new(PIECE));
    world.fake.plan(on_piece(4, Action::LoseReply));
    world.put_fails(KEY, &first.body()).await;
    world.restart();
    world.puts(KEY, &second.body()).await;
    world.ends_with(&[(KEY, &second.content)]).await;
}

/// The file was damaged after it was made: nothing of it may come to lie there, not even when the damage is in what was sent before.
pub async fn a_source_that_is_damaged_between_two_attempts() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(3, Action::Close));
    world.put_fails(KEY, &archive.body()).await;
    let mut damaged = archive.content.clone();
    damaged[17] ^= 1;
    std::fs::write(&archive.path, &damaged).unwrap();
    let error = world.put_fails(KEY, &archive.body()).await;
    assert_eq!(error.kind, ErrorKind::Integrity);
    assert!(error.message.contains("was changed"), "{error}");
    assert_eq!(world.fake.open_sessions(), 0, "it is cleared away at once");
    world.ends_with(&[]).await;
}

/// The content is announced with another hash than it has, by a body that does not look itself.
pub async fn a_content_that_is_not_what_was_announced() {
    struct Wrong(Vec<u8>);
    #[async_trait::async_trait]
    impl Body for Wrong {
        fn size_bytes(&self) -> u64 {
            self.0.len() as u64
        }
        fn sha256(&self) -> Option<String> {
            Some("00".repeat(32))
        }
        async fn open(&self, offset: u64) -> std::io::Result<engine::storage::ByteStream> {
            bytes(&self.0).open(offset).await
        }
    }
    let world = World::new().await;
    let error = world.put_fails(KEY, &Wrong(pattern(SIZE, 3))).await;
    assert_eq!(error.kind, ErrorKind::Integrity);
    world.ends_with(&[]).await;
}

pub async fn a_source_that_cannot_be_read_any_more() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    let (body, path) = (archive.body(), archive.path.clone());
    std::fs::remove_file(path).unwrap();
    assert_eq!(world.put_fails(KEY, &body).await.kind, ErrorKind::NotFound);
    world.ends_with(&[]).await;
}

pub async fn clocks_that_jump() {
    let mut world = World::new().await;
    let archive = Archive::new(SIZE);
    world.fake.plan(on_piece(1, Action::Close));
    world.put_fails(KEY, &archive.body()).await;
    world.time.advance(TimeDelta::days(-3));
    world.restart();
    world.fake.plan(on_piece(2, Action::Close));
    world.put_fails(KEY, &archive.body()).await;
    world.time.advance(TimeDelta::days(5));
    world.puts(KEY, &archive.body()).await;
    world.ends_with(&[(KEY, &archive.content)]).await;
}

/// Eight at once, each of which loses an answer somewhere.
pub async fn many_uploads_at_once_over_a_bad_line() {
    let world = World::new().await;
    let contents: Vec<_> = (0..8).map(|n| pattern(PIECE + 1000 * n, n as u64)).collect();
    for n in 0..4 {
        world.fake.plan(Fault::once("", "/drive/v3/", Action::LoseReply).skip(9 * n));
        world.fake.plan(on_piece(5 * n, Action::CloseAfter(999, Keep::All)));
    }
    let keys: Vec<String> = (0..8).map(|n| format!("nightly/2026-11-26T02-30-00Z/db/{n}")).collect();
    let bodies: Vec<_> = contents.iter().map(|content| bytes(content)).collect();
    let puts = keys.iter().zip(&bodies).map(|(key, body)| world.puts(key, body));
    futures_util::future::join_all(puts).await;
    let expected: Vec<(&str, &[u8])> =
        keys.iter().zip(&contents).map(|(key, content)| (key.as_str(), content.as_slice())).collect();
    world.ends_with_orphans(&expected, 8).await;
}

/// Two who want the same: one after the other.
pub async fn two_uploads_of_one_key_at_once() {
    let world = World::new().await;
    let archive = Archive::new(SIZE);
    let (a, b) = (archive.body(), body_of(&archive.path, &archive.content));
    tokio::join!(world.puts(KEY, &a), world.puts(KEY, &b));
    world.ends_with(&[(KEY, &archive.content)]).await;
}
