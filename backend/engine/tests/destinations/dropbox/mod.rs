//! Dropbox, against a fake of it.

mod access;
mod folders;
mod kills;
mod log;
mod network;
mod proxies;
mod uploads;
mod world;

use crate::scenarios;
use crate::support::{Scenario, run_all};
use access::*;
use folders::*;
use kills::*;
use network::*;
use proxies::*;
use uploads::*;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_token_stops_working_in_the_middle_of_an_upload,
    the_clock_jumps_and_the_token_has_run_out,
    a_token_runs_out_before_a_download,
    the_reply_to_a_refresh_is_lost,
    the_token_endpoint_is_down_for_a_while,
    many_tasks_need_a_fresh_token_at_once,
    the_app_is_removed_in_the_middle_of_an_upload_and_linked_again,
    the_account_is_linked_anew_while_a_token_is_refreshed,
    a_fresh_token_is_refused_too,
    a_permission_was_not_granted,
    the_account_is_suspended,
    the_app_secret_is_wrong_by_now,
    the_token_endpoint_says_it_in_one_string,
    a_permission_is_missing_behind_a_token_that_has_run_out,
    access_is_denied_by_the_team,
    a_malformed_request_is_a_fault_to_report,
    a_pause_of_five_minutes_is_kept_by_all,
    a_pause_that_only_the_body_names_is_kept,
    a_pause_holds_for_the_other_tasks_of_the_account,
    a_download_is_limited,
    a_storm_of_limits_is_outlasted,
    a_pause_longer_than_anybody_waits_ends_the_upload,
    too_many_writes_at_once_are_waited_for,
    dropbox_is_out_of_service_and_says_for_how_long,
    an_unknown_refusal_is_tried_a_few_times_and_told,
    the_account_tells_whose_it_is_and_how_full,
    an_account_is_linked_through_the_consent_page,
    linking_goes_wrong_in_many_ways,
    a_second_driver_of_the_account_uses_the_token_that_the_first_got,
    a_listing_comes_in_small_pages,
    a_cursor_becomes_invalid_once,
    cursors_become_invalid_all_the_time,
    a_page_fails_in_the_middle_of_a_listing,
    a_listing_that_never_ends_is_not_complete,
    a_person_changes_the_case_of_a_folder,
    other_files_of_the_account_are_not_listed,
    the_root_of_the_account_can_be_the_destination,
    roots_that_are_no_folders_are_refused,
    the_folder_is_deleted_between_two_passes,
    what_is_gone_is_deleted_again,
    the_reply_to_a_deletion_is_lost,
    a_deletion_comes_upon_too_many_writes,
    a_folder_in_the_place_of_an_object_is_never_deleted,
    a_folder_takes_the_place_of_an_object_that_is_being_deleted,
    somebody_writes_to_an_object_that_is_being_deleted,
    folders_with_anything_in_them_stay,
    a_folder_whose_list_does_not_end_stays,
    a_commit_into_a_folder_that_is_being_removed_waits,
    a_deletion_of_a_copy_is_cut_short_and_done_again,
    a_file_may_not_be_deleted,
    a_folder_is_no_object,
    a_kill_at_any_write_of_the_state,
    a_kill_before_any_request_takes_effect,
    a_kill_after_any_request_took_effect,
    an_upload_is_cancelled_while_it_sends_and_given_up,
    an_upload_is_cancelled_while_it_commits_and_what_comes_of_it_is_removed,
    a_deletion_waits_for_a_commit_that_nobody_waits_for,
    giving_up_leaves_a_finished_object_alone,
    what_was_given_up_is_not_gone_on_with,
    the_state_cannot_be_written,
    the_connection_drops_before_the_first_chunk,
    the_connection_drops_in_a_chunk_of_which_nothing_is_kept,
    the_connection_drops_in_a_chunk_of_which_whole_blocks_are_kept,
    the_connection_drops_in_a_chunk_of_which_an_odd_number_of_bytes_is_kept,
    the_connection_drops_after_the_last_byte_of_a_chunk,
    the_connection_drops_in_the_last_chunk,
    what_arrived_before_a_break_is_told_to_be_there,
    the_reply_to_a_start_is_lost,
    the_reply_to_a_chunk_is_lost,
    the_reply_to_the_last_chunk_is_lost,
    the_reply_to_a_commit_is_lost,
    the_reply_to_a_commit_is_lost_and_its_session_counts_as_closed,
    the_reply_to_the_commit_of_a_small_object_is_lost,
    a_proxy_sends_a_chunk_twice,
    a_proxy_sends_a_commit_twice,
    a_proxy_sends_a_start_twice,
    a_proxy_answers_with_a_page_of_its_own_everywhere,
    a_proxy_answers_before_the_body_was_sent,
    a_login_page_of_a_network_says_200,
    replies_are_garbled,
    replies_are_cut_short,
    something_redirects,
    a_commit_takes_longer_than_the_gateway_waits,
    a_commit_is_asked_for_again_before_the_slow_one_is_done,
    every_chunk_breaks_once_and_each_attempt_gets_a_little_further,
    a_network_that_is_gone_is_given_up_on,
    a_download_breaks_off_and_is_gone_on_with,
    a_proxy_refuses_for_a_while,
    only_the_content_and_all_of_it_is_given_out,
    the_rest_is_sent_by_the_next_attempt,
    a_session_is_forgotten_between_two_attempts,
    a_session_runs_out_between_two_passes,
    a_session_was_closed_without_a_commit,
    a_session_is_forgotten_while_it_is_written_to,
    a_session_is_forgotten_just_before_its_commit,
    sessions_that_are_lost_again_and_again_are_given_up_on,
    dropbox_has_less_than_it_had_confirmed,
    dropbox_keeps_losing_what_it_had_confirmed,
    dropbox_has_more_than_was_sent,
    dropbox_has_foreign_bytes_in_a_session,
    a_chunk_is_damaged_on_the_line,
    a_small_object_is_damaged_on_the_line,
    an_object_is_damaged_where_it_is_stored,
    every_object_is_damaged_where_it_is_stored,
    the_hash_of_an_object_comes_late,
    the_hash_of_an_object_never_comes,
    the_hash_that_was_checked_is_told,
    the_source_changes_between_two_attempts,
    what_was_sent_as_a_whole_is_not_read_again_for_its_commit,
    the_file_on_disk_changes_between_two_attempts,
    another_content_follows_a_half_sent_one,
    a_state_that_cannot_be_read_is_forgotten,
    an_object_stays_as_it_was_until_the_new_one_is_whole,
    somebody_changes_an_object_while_it_is_replaced,
    somebody_puts_the_same_content_there_meanwhile,
    a_name_in_another_case_is_the_same_object,
    a_folder_is_in_the_place_of_the_object,
    a_file_is_in_the_place_of_a_folder,
    a_name_is_not_allowed,
    a_folder_may_not_be_written_to,
    a_full_account_is_told_before_the_first_byte,
    what_is_replaced_makes_room,
    a_team_that_has_used_its_room_is_full,
    an_account_fills_up_while_something_is_sent,
    objects_above_a_block_of_the_hash_arrive,
    an_object_larger_than_dropbox_takes_is_refused_at_once,
    commits_of_an_account_come_one_at_a_time,
];

#[tokio::test]
async fn whatever_goes_wrong_with_dropbox_ends_as_documented() {
    log::listen();
    run_all("dropbox", SCENARIOS).await;
}

#[tokio::test]
async fn dropbox_keeps_the_contract() {
    log::listen();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = world::World::new().await;
    engine::testing::conformance::verify(&*world.storage, "conformance/run").await;
    world.ends_with(&[]);
}
