//! Amazon S3's driver against a real server that speaks its protocol.

mod account;
mod copying;
mod deleting;
mod faults;
mod reading;
mod resume;
mod world;

use crate::scenarios;
use crate::support::{Archive, Scenario, bytes, put, run_all};
use engine::storage::Cloud;
use engine::storage::amazon_s3::{Encryption, Tuning};
use engine::storage::probe::probe;
use engine::testing::conformance;
use engine::testing::until_told;
use std::sync::Arc;
use world::{KEY, LARGE, PART, World, garage, large, tuning};

pub const SCENARIOS: &[Scenario] = scenarios![
    account::a_wrong_secret_is_told_apart_from_missing_rights,
    account::an_unknown_access_key_is_named,
    account::a_wrong_region_names_the_right_one,
    account::a_bucket_elsewhere_names_its_region,
    account::a_missing_bucket_is_never_made,
    account::a_key_that_may_only_read_is_told_what_it_lacks,
    account::a_key_that_may_only_write_is_told_what_it_lacks,
    account::an_account_that_may_not_list_buckets_is_fine,
    account::a_full_bucket_is_told_and_left_clean,
    account::a_clock_that_is_off_is_made_up_for,
    account::a_clock_that_cannot_be_made_up_for_is_told,
    account::nobody_answers,
    account::an_archive_class_has_to_be_restored_first,
    account::a_locked_object_stays,
    account::versions_are_told_of,
    account::a_storage_class_that_is_unknown_there_leaves_nothing,
    copying::what_is_unchanged_is_not_sent,
    copying::what_moved_is_copied_from_where_it_was,
    copying::parts_come_from_several_objects,
    copying::any_name_can_be_copied_from,
    copying::little_that_is_the_same_changes_nothing,
    copying::a_server_without_copies_is_asked_once,
    copying::whatever_is_answered_to_a_copy_the_part_is_sent,
    copying::what_is_proved_by_nothing_is_sent,
    copying::a_source_with_other_bytes_does_not_get_in,
    copying::a_source_that_is_not_there_is_not_asked_for,
    copying::a_source_that_goes_meanwhile_is_done_without,
    copying::a_source_that_changes_meanwhile_is_done_without,
    copying::a_source_that_is_too_small_is_not_asked_for,
    copying::what_passes_costs_a_part_and_no_copy_more,
    copying::a_server_that_answers_no_copy_is_not_asked_for_ever,
    copying::an_upload_that_is_lost_meanwhile_begins_anew_without_copies,
    copying::an_upload_with_copies_is_gone_on_with,
    copying::an_upload_begun_with_other_parts_is_gone_on_with,
    copying::amazons_checksums_are_asked_for_or_the_part_is_sent,
    copying::copies_can_be_switched_off,
    copying::passes_send_what_changed,
    deleting::a_batch_is_one_call,
    deleting::a_batch_has_checksums_of_both_kinds,
    deleting::more_than_a_call_takes_go_in_several,
    deleting::failures_inside_of_a_success_are_told,
    deleting::what_passes_is_tried_again,
    deleting::an_answer_that_is_not_the_servers_is_no_success,
    deleting::what_an_answer_does_not_name_is_deleted_by_itself,
    deleting::a_server_without_batches_is_asked_object_by_object,
    deleting::a_batch_that_is_lost_on_its_way_comes_again,
    deleting::nothing_is_deleted_when_one_key_is_none,
    faults::a_connection_that_drops_in_a_part_costs_that_part,
    faults::a_connection_that_drops_before_anything_was_sent,
    faults::a_lost_answer_to_a_part,
    faults::a_lost_answer_to_the_beginning_leaves_no_second_upload,
    faults::a_lost_answer_to_the_end_is_found_out,
    faults::an_end_that_is_repeated_on_the_way,
    faults::an_error_inside_of_a_success,
    faults::an_error_at_the_end_sends_nothing_twice,
    faults::a_proxy_that_answers_in_html,
    faults::a_proxy_that_knows_no_server_is_not_the_provider,
    faults::a_server_that_forgets_parts_again_and_again_is_given_up_on,
    faults::an_upload_whose_memory_cannot_be_read_is_given_up_all_the_same,
    faults::a_part_is_tried_again_before_the_upload_is,
    faults::slow_down_for_longer_than_a_pass_waits,
    faults::slow_down_without_a_time,
    faults::slow_down_with_a_time_is_kept_by_all,
    faults::too_many_requests_again_and_again,
    faults::a_part_that_hangs,
    faults::an_end_that_hangs_but_happens,
    faults::a_block_that_arrived_damaged_is_sent_again,
    faults::garbage_instead_of_an_answer,
    faults::half_an_answer,
    faults::a_small_object_survives_all_of_that,
    faults::a_destination_that_stays_down_is_given_up_on,
    faults::an_etag_that_differs_at_amazon_is_a_damaged_object,
    faults::etags_that_are_no_md5_prove_nothing,
    faults::a_part_too_few_begins_anew_once,
    faults::an_early_refusal_closes_the_connection,
    resume::killed_before_the_upload_has_an_id,
    resume::killed_after_the_upload_has_begun,
    resume::killed_in_the_middle,
    resume::killed_before_the_end,
    resume::killed_after_the_end,
    resume::abandoned_at_every_point,
    resume::abandoned_while_parts_are_on_their_way,
    resume::a_source_that_changed_is_sent_from_its_start,
    resume::content_without_a_hash_is_sent_from_its_start,
    resume::an_upload_that_was_thrown_away_between_runs,
    resume::an_upload_that_is_thrown_away_under_way,
    resume::an_upload_that_is_thrown_away_again_and_again,
    resume::what_is_there_already_is_told_to_the_body,
    resume::parts_that_may_not_be_listed_are_remembered,
    resume::parts_that_cannot_be_listed_are_remembered,
    resume::an_end_that_was_lost_where_parts_may_not_be_listed,
    resume::uploads_that_may_not_be_listed_do_not_stop_the_next,
    resume::a_part_with_other_content_is_sent_again,
    resume::a_remembered_part_that_is_wrong_begins_anew,
    resume::a_small_object_after_a_large_one_leaves_no_upload,
    resume::giving_up_is_tried_again,
    resume::giving_up_that_is_forbidden_is_told,
    resume::an_older_object_stays_until_the_new_one_is_whole,
    resume::a_memory_of_another_version_does_no_harm,
    reading::a_page_that_fails_is_an_error,
    reading::a_listing_that_is_cut_says_so,
    reading::odd_keys_of_others_are_passed_over,
    reading::any_name_can_be_stored,
    reading::a_download_that_breaks_off_is_an_error,
    reading::a_download_that_goes_silent_ends,
    reading::a_server_that_ignores_ranges_is_found_out,
    reading::a_refusal_without_a_reason_is_explained,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_ends_in_its_documented_state() {
    run_all("amazon_s3", SCENARIOS).await;
}

async fn keeps_the_contract(tuning: Tuning, prefix: &str) {
    let world = World { tuning, ..World::new().await };
    conformance::verify(&*world.storage(), prefix).await;
    for key in world.sessions.all().into_keys() {
        world.storage().abandon(&key).await.unwrap();
    }
    world.assert_end(&[]).await;
}

#[tokio::test]
async fn the_contract_is_kept_with_small_objects() {
    keeps_the_contract(Tuning { part_size: 16 << 20, ..tuning() }, "conformance").await;
}

#[tokio::test]
async fn the_contract_is_kept_with_objects_in_parts() {
    keeps_the_contract(Tuning { part_size: 20_000, page: 1000, ..tuning() }, "conformance/parts").await;
}

#[tokio::test]
async fn the_contract_is_kept_with_amazons_checksums() {
    keeps_the_contract(Tuning { part_size: 30_000, like_amazon: Some(true), ..tuning() }, "amazon").await;
}

#[tokio::test]
async fn a_whole_bucket_can_be_a_destination() {
    let garage = garage().await;
    garage.command(&["bucket", "create", "whole-bucket"]).unwrap();
    let settings = garage.account("whole-bucket", &["--read", "--write", "--owner"]).unwrap();
    let world = World::new().await;
    let storage = world.cloud_of(settings).storage("whole-bucket", world.sessions.clone()).unwrap();
    conformance::verify(&*storage, "conformance").await;
    put(&*storage, "a/b", b"x").await.unwrap();
    let keys: Vec<_> = storage.list("").await.unwrap().entries.into_iter().map(|e| e.key).collect();
    assert_eq!(keys, ["a/b"]);
}

#[tokio::test]
async fn an_archive_arrives_in_parts_and_is_proved_whole() {
    let (world, archive) = (World::new().await, Archive::new(LARGE));
    let stored = world.storage().put(KEY, &archive.body()).await.unwrap();
    assert_eq!((stored.size_bytes, stored.sha256), (LARGE as u64, archive_sha256(&archive)));
    assert_eq!(world.count("PUT", "partNumber="), 5);
    let head = world.raw.head_object().bucket(&world.bucket).key(world.object(KEY)).send().await.unwrap();
    assert_eq!(head.metadata().unwrap().get("sha256").cloned(), archive_sha256(&archive));
    world.assert_end(&[(KEY, &archive.content)]).await;
}

fn archive_sha256(archive: &Archive) -> Option<String> {
    use engine::storage::Body;
    archive.body().sha256()
}

#[tokio::test]
async fn sizes_around_a_part_arrive_whole() {
    let world = World::new().await;
    let sizes = [0, 1, PART - 1, PART, PART + 1, 2 * PART - 1, 2 * PART, 2 * PART + 1];
    let contents = sizes.map(|size| (format!("size-{size:07}"), crate::support::pattern(size, size as u64)));
    for (key, content) in &contents {
        let stored = put(&*world.storage(), key, content).await.unwrap();
        assert_eq!(stored.size_bytes, content.len() as u64, "{key}");
    }
    let mut expected: Vec<_> = contents.iter().map(|(key, content)| (key.as_str(), &content[..])).collect();
    expected.sort_unstable();
    world.assert_end(&expected).await;
}

#[tokio::test]
async fn what_the_storage_says_of_encryption_and_class_is_asked_for() {
    let world = World::new().await;
    let kms = Encryption::Kms { key_id: Some("alias/backups".into()) };
    for encryption in [Encryption::Aes256, kms] {
        let settings = engine::storage::amazon_s3::Settings {
            storage_class: Some("STANDARD_IA".into()),
            encryption: Some(encryption),
            ..world.settings()
        };
        // Whether this server heeds them does not matter here: what was asked for counts.
        let storage = world.storage_of(settings);
        let _ = put(&*storage, "small", b"x").await;
        let _ = storage.put(KEY, &bytes(&large())).await;
    }
    let asked = |method: &str, name: &str| {
        let requests = world.proxy.record().requests().into_iter();
        let making = requests.filter(|r| r.method == method && !r.query.contains_key("partNumber"));
        let making = making.filter(|r| r.method == "PUT" || r.query.contains_key("uploads"));
        making.map(|r| r.header(name).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked("PUT", "x-amz-server-side-encryption"), ["AES256", "aws:kms"]);
    assert_eq!(asked("POST", "x-amz-server-side-encryption"), ["AES256", "aws:kms"]);
    assert_eq!(asked("POST", "x-amz-server-side-encryption-aws-kms-key-id"), ["", "alias/backups"]);
    assert_eq!(asked("POST", "x-amz-storage-class"), ["STANDARD_IA", "STANDARD_IA"]);
    assert_eq!(asked("PUT", "x-amz-storage-class"), ["", ""], "manifests have to stay readable");
}

#[tokio::test]
async fn the_connection_can_be_tested() {
    let world = World::new().await;
    let report = probe(&*world.storage()).await;
    assert!(report.failure().is_none() && report.steps.len() == 4, "{report:?}");
    world.assert_end(&[]).await;
    let about = world.cloud().about().await.unwrap();
    assert_eq!(about.name, world.settings().access_key_id);
}

/// Parts wait for their turn in memory, so reading has to wait for them.
#[tokio::test]
async fn no_more_is_read_than_the_parts_under_way_can_hold() {
    use engine::testing::fake::{Action, Fault};
    let world = World::new().await;
    world.plan(Fault::always("PUT", "partNumber=", Action::Stall));
    let body = world::Halting::new(crate::support::pattern(40 * PART, 1), usize::MAX);
    let (storage, read) = (world.storage(), Arc::clone(&body.read));
    let sent = || async { world.count("PUT", "partNumber=") == 4 };
    let full = || async { read.load(std::sync::atomic::Ordering::Relaxed) >= 5 * PART as u64 };
    tokio::select! {
        result = storage.put(KEY, &body) => panic!("the upload ended: {result:?}"),
        () = async { until_told("four parts are sent", sent).await; until_told("a fifth is read", full).await; } => {}
    }
    let read = body.read.load(std::sync::atomic::Ordering::Relaxed);
    assert!(read <= 5 * PART as u64 + 1000, "{read} bytes were read");
    world.storage().abandon(KEY).await.unwrap();
    world.assert_end(&[]).await;
}
