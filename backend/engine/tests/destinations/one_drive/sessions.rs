//! What OneDrive does to upload sessions.

use super::support::{KEY, Rig, SIZE, failed, killed_after};
use crate::support::{Archive, put};
use chrono::TimeDelta;
use engine::storage::ErrorKind;
use engine::storage::one_drive::GRANULE;
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fakes::one_drive::{Ending, Knobs, Ranges};
use std::collections::BTreeSet;

async fn survives(turn: impl FnOnce(&mut Knobs)) -> Rig {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(turn);
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    rig
}

async fn fails(turn: impl FnOnce(&mut Knobs)) -> (Rig, engine::storage::Error) {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(turn);
    let error = failed(rig.put(&archive).await);
    (rig, error)
}

pub async fn a_new_session_is_not_known_everywhere_at_once() {
    let rig = survives(|k| k.new_sessions_unknown = 2).await;
    assert_eq!(rig.sessions_opened(), 1, "it is waited for");
}

pub async fn a_new_session_never_gets_known() {
    let (rig, error) = fails(|k| k.new_sessions_unknown = 1000).await;
    assert_eq!(error.kind, ErrorKind::Other);
    assert_eq!(rig.sessions_opened(), 3);
    assert!(rig.fragments().len() <= 3 * 4, "no storm: {}", rig.fragments().len());
    assert_eq!(rig.sessions.all().len(), 0, "given up");
    rig.assert_clean();
}

pub async fn a_session_is_lost_in_the_middle() {
    let rig = survives(|k| k.lose_session_at = Some(3 * GRANULE)).await;
    assert_eq!(rig.sessions_opened(), 2);
    // Once there is another session, nothing goes to the old one.
    let paths: Vec<_> = rig.fragments().into_iter().map(|r| r.path).collect();
    let changes = paths.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!((changes, paths.iter().collect::<BTreeSet<_>>().len()), (1, 2));
}

pub async fn a_lost_session_is_told_as_a_bad_request() {
    let rig = survives(|k| {
        k.lose_session_at = Some(3 * GRANULE);
        k.gone_is_400 = true;
    })
    .await;
    assert_eq!(rig.sessions_opened(), 2);
}

pub async fn sessions_are_lost_again_and_again() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let gone = Reply::json(404, &serde_json::json!({"error": {"code": "itemNotFound"}}));
    rig.fake.content().plan(Fault::always("PUT", "/up/", Action::Answer(gone.clone())).skip(2));
    rig.fake.content().plan(Fault::always("GET", "/up/", Action::Answer(gone)));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::Other);
    assert!(error.message.contains("lost what had been sent"), "{error}");
    assert_eq!(rig.sessions_opened(), 3, "three in all");
    rig.fake.content().heal();
    rig.assert_abandoned().await;
}

pub async fn a_session_expires_between_two_runs() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 3).await;
    rig.fake.time().advance(TimeDelta::days(9));
    let storage = rig.restarted();
    storage.put(KEY, &archive.body()).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sessions_opened(), 2, "another is begun at once");
}

pub async fn a_session_is_gone_on_with_after_a_night() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 3).await;
    rig.fake.time().advance(TimeDelta::hours(20));
    rig.restarted().put(KEY, &archive.body()).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

pub async fn a_fragment_was_there_already() {
    let rig = survives(|k| k.kept_with_416 = 2).await;
    assert_eq!(rig.sent_bytes(), SIZE as u64, "what is there is skipped");
}

pub async fn a_fragment_is_refused_once_where_it_belongs() {
    let rig = survives(|k| k.dropped_with_416 = 1).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64 + GRANULE));
}

pub async fn fragments_are_refused_for_ever() {
    let (rig, error) = fails(|k| k.dropped_with_416 = u32::MAX).await;
    assert_eq!(error.kind, ErrorKind::Other);
    assert!(error.message.contains("makes no progress"), "{error}");
    assert_eq!((rig.sessions_opened(), rig.fragments().len()), (3, 9));
    rig.assert_abandoned().await;
}

pub async fn a_part_of_a_fragment_is_kept() {
    let rig = survives(|k| k.keep_of_next = Some(77_777)).await;
    assert_eq!(rig.sessions_opened(), 1);
    let second = rig.fragments()[1].header("content-range").unwrap().to_owned();
    assert!(second.starts_with("bytes 77777-"), "{second}");
}

pub async fn nothing_of_a_fragment_is_kept() {
    let rig = survives(|k| k.keep_of_next = Some(0)).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64 + GRANULE));
}

pub async fn a_session_is_set_back() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    killed_after(&rig, &archive, 3).await;
    rig.fake.set(|k| k.set_backs = vec![(0, GRANULE + 5)]);
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sessions_opened(), 1);
}

pub async fn a_session_that_is_set_back_again_and_again_is_no_progress() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    // Two fragments go through, or one, and the next sets everything back: it would go on like this for ever.
    rig.fake.set(|k| k.set_backs = [(2, 0), (1, 0)].repeat(20));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(rig.fragments().len(), 3 * (3 + 2), "six attempts, of which only the first got further");
    rig.assert_abandoned().await;
}

pub async fn ranges_have_ends() {
    survives(|k| k.ranges = Ranges::Closed).await;
}

pub async fn ranges_are_told_on_request_only() {
    let rig = survives(|k| k.ranges = Ranges::OnRequest).await;
    assert!(rig.fake.record().count("GET", "/up/") >= 5);
}

pub async fn the_last_byte_is_refused_once() {
    let rig = survives(|k| k.endings = vec![Ending::Refuse]).await;
    assert_eq!(rig.sessions_opened(), 1, "the session goes on");
}

pub async fn the_last_byte_is_refused_again_and_again() {
    let rig = survives(|k| k.endings = vec![Ending::Refuse; 3]).await;
    assert_eq!(rig.sessions_opened(), 2, "another session is tried");
}

pub async fn a_session_ends_without_a_file() {
    let rig = survives(|k| k.endings = vec![Ending::Nothing]).await;
    assert_eq!(rig.sessions_opened(), 2);
}

pub async fn sessions_never_become_a_file() {
    let (rig, error) = fails(|k| k.endings = vec![Ending::Nothing; 9]).await;
    assert_eq!(error.kind, ErrorKind::Other);
    assert_eq!(rig.sessions_opened(), 3);
    rig.assert_abandoned().await;
}

pub async fn the_file_comes_though_the_session_does_not_say_so() {
    let rig = survives(|k| k.endings = vec![Ending::Late]).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

pub async fn the_folder_was_changed_at_the_last_byte() {
    let rig = survives(|k| k.endings = vec![Ending::Conflict("resourceModified")]).await;
    assert_eq!(rig.sessions_opened(), 2);
}

pub async fn the_name_is_taken_by_the_upload_itself() {
    let rig = survives(|k| k.endings = vec![Ending::ConflictWithItself]).await;
    assert_eq!((rig.sessions_opened(), rig.sent_bytes()), (1, SIZE as u64));
}

pub async fn the_name_is_taken_by_something_else() {
    let (rig, error) = fails(|k| k.endings = vec![Ending::Conflict("nameAlreadyExists"); 9]).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
    assert!(error.message.contains("Remove or rename it"), "{error}");
    rig.assert_abandoned().await;
}

pub async fn sizes_are_not_told_to_accounts_that_refuse_them() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    rig.fake.set(|k| k.size_refused = true);
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
    assert_eq!(rig.sessions_opened(), 2, "one request is refused");
    put(rig.storage.as_ref(), KEY, &[7; 5000]).await.unwrap();
    assert_eq!(rig.sessions_opened(), 3, "and no more");
}

pub async fn a_new_session_is_refused_for_a_moment() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let odd = Reply::json(
        400,
        &serde_json::json!({"error": {"code": "invalidRequest", "message": "Bad Argument"}}),
    );
    rig.fake.graph().plan(Fault::once("POST", "createUploadSession", Action::Answer(odd)).times(3));
    rig.storage.put(KEY, &archive.body()).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn a_new_session_is_refused_for_good() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let odd = Reply::json(
        400,
        &serde_json::json!({"error": {"code": "invalidRequest", "message": "Bad Argument"}}),
    );
    rig.fake.graph().plan(Fault::always("POST", "createUploadSession", Action::Answer(odd)));
    let error = failed(rig.put(&archive).await);
    assert_eq!(error.kind, ErrorKind::Other);
    assert!(rig.sessions_opened() < 6);
    rig.fake.graph().heal();
    rig.assert_abandoned().await;
}

pub async fn an_earlier_session_is_said_to_be_open() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    let open =
        Reply::json(409, &serde_json::json!({"error": {"code": "conflict", "message": "already exists"}}));
    rig.fake.graph().plan(Fault::once("POST", "createUploadSession", Action::Answer(open)).times(2));
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}

pub async fn the_clock_jumps_in_the_middle() {
    let (rig, archive) = (Rig::new().await, Archive::new(SIZE));
    for jump in [TimeDelta::days(-2), TimeDelta::days(2)] {
        killed_after(&rig, &archive, 1).await;
        rig.fake.time().advance(jump);
    }
    rig.put(&archive).await.unwrap();
    rig.assert_stored(&archive.content).await;
}
