//! OneDrive against a strict fake of it.

mod deleting;
mod hashes;
mod limits;
mod network;
mod places;
mod proxies;
mod reading;
mod sessions;
mod stops;
mod support;
mod tokens;

use crate::scenarios;
use crate::support::{Scenario, run_all};
use engine::storage::one_drive::Tuning;
use engine::testing::conformance;
use support::{Rig, small};

pub const SCENARIOS: &[Scenario] = scenarios![
    network::the_connection_is_closed_before_the_first_fragment,
    network::a_fragment_breaks_off_and_nothing_of_it_is_kept,
    network::a_fragment_breaks_off_and_an_odd_part_of_it_is_kept,
    network::the_last_fragment_breaks_off,
    network::what_arrived_before_a_break_is_told_to_be_there,
    network::a_refusal_without_a_code_is_no_refusal_of_the_provider,
    network::every_fragment_breaks_off_once_and_progress_counts,
    network::no_progress_at_all_ends_with_the_patience_of_the_pass,
    network::the_answer_to_a_fragment_is_lost,
    network::the_answer_to_the_last_byte_is_lost,
    network::the_answer_to_the_last_byte_is_lost_and_no_hash_is_told,
    network::the_answer_is_lost_while_an_object_of_that_size_is_replaced,
    network::the_old_version_without_a_hash_is_not_taken_for_the_new_one,
    network::the_answer_to_a_new_session_is_lost,
    network::the_answer_to_a_new_folder_is_lost,
    network::a_proxy_repeats_the_making_of_a_folder,
    network::the_answer_to_the_last_byte_is_cut,
    network::the_answer_to_the_last_byte_cannot_be_read,
    network::the_answer_to_a_fragment_cannot_be_read,
    network::a_proxy_answers_in_the_place_of_the_session,
    network::a_proxy_answers_in_the_place_of_graph,
    network::a_proxy_sends_a_fragment_twice,
    network::a_proxy_sends_the_last_fragment_twice,
    network::server_errors_in_the_middle_pass,
    network::a_gateway_timeout_halves_the_fragments,
    network::a_proxy_that_takes_only_small_requests_halves_the_fragments,
    network::a_proxy_that_takes_not_even_the_smallest_fragment_is_told,
    network::the_answer_to_a_small_object_is_lost,
    network::a_small_object_breaks_off,
    network::an_empty_object_needs_no_session,
    network::nobody_answers_at_all,
    sessions::a_new_session_is_not_known_everywhere_at_once,
    sessions::a_new_session_never_gets_known,
    sessions::a_session_is_lost_in_the_middle,
    sessions::a_lost_session_is_told_as_a_bad_request,
    sessions::sessions_are_lost_again_and_again,
    sessions::a_session_expires_between_two_runs,
    sessions::a_session_is_gone_on_with_after_a_night,
    sessions::a_fragment_was_there_already,
    sessions::a_fragment_is_refused_once_where_it_belongs,
    sessions::fragments_are_refused_for_ever,
    sessions::a_part_of_a_fragment_is_kept,
    sessions::nothing_of_a_fragment_is_kept,
    sessions::a_session_is_set_back,
    sessions::a_session_that_is_set_back_again_and_again_is_no_progress,
    sessions::ranges_have_ends,
    sessions::ranges_are_told_on_request_only,
    sessions::the_last_byte_is_refused_once,
    sessions::the_last_byte_is_refused_again_and_again,
    sessions::a_session_ends_without_a_file,
    sessions::sessions_never_become_a_file,
    sessions::the_file_comes_though_the_session_does_not_say_so,
    sessions::the_folder_was_changed_at_the_last_byte,
    sessions::the_name_is_taken_by_the_upload_itself,
    sessions::the_name_is_taken_by_something_else,
    sessions::sizes_are_not_told_to_accounts_that_refuse_them,
    sessions::a_new_session_is_refused_for_a_moment,
    sessions::a_new_session_is_refused_for_good,
    sessions::an_earlier_session_is_said_to_be_open,
    sessions::the_clock_jumps_in_the_middle,
    stops::it_is_killed_before_and_after_each_request,
    stops::it_is_cancelled_at_each_request_and_given_up,
    stops::it_is_killed_again_and_again_and_nothing_is_sent_twice,
    stops::giving_up_leaves_a_finished_object_alone,
    stops::giving_up_waits_for_a_provider_that_is_away,
    stops::giving_up_an_expired_session_is_fine,
    stops::other_content_gives_up_what_was_begun,
    stops::small_content_gives_up_what_was_begun,
    stops::the_file_changes_between_two_runs,
    stops::content_without_a_hash_starts_anew,
    stops::a_disk_that_takes_a_break_costs_nothing_that_was_sent,
    stops::a_session_that_cannot_be_remembered_is_not_used,
    stops::what_is_remembered_cannot_be_read,
    stops::an_object_is_replaced_at_its_last_byte_and_not_before,
    tokens::a_token_runs_out_in_the_middle,
    tokens::a_token_is_renewed_before_it_runs_out,
    tokens::two_tasks_refresh_at_once,
    tokens::the_answer_to_a_refresh_is_lost,
    tokens::a_changed_refresh_token_is_saved_before_it_is_used,
    tokens::an_account_that_was_left_alone_for_months_has_to_be_linked_again,
    tokens::the_permission_is_taken_back_in_the_middle_and_given_again,
    tokens::the_account_is_linked_anew_while_it_uploads,
    tokens::a_fresh_token_is_refused,
    tokens::the_sign_in_service_is_away,
    tokens::token_requests_are_refused_for_other_reasons,
    tokens::the_token_endpoint_is_away,
    tokens::an_account_is_linked,
    tokens::linking_is_cancelled_or_goes_wrong,
    tokens::less_is_granted_than_what_is_needed,
    limits::graph_asks_for_waits_of_five_minutes,
    limits::the_session_asks_for_a_wait_that_holds_for_the_whole_account,
    limits::the_bandwidth_limit_has_its_own_status,
    limits::a_limit_without_a_wait_is_waited_for_as_long_as_failures_are,
    limits::a_wait_of_an_hour_is_for_a_later_run,
    limits::token_requests_are_limited,
    limits::an_account_without_room_says_so_before_the_first_byte,
    limits::the_account_gets_full_in_the_middle,
    limits::the_refusal_of_a_full_account_is_lost_with_the_connection,
    limits::a_server_refuses_early_and_hangs_up,
    limits::a_small_object_finds_no_room,
    limits::the_recycle_bin_takes_the_room,
    limits::a_policy_denies_access,
    limits::the_account_has_no_drive,
    places::a_new_folder_is_not_known_at_once,
    places::a_new_folder_makes_requests_invalid_for_a_moment,
    places::a_new_folder_is_in_conflict_for_a_moment,
    places::a_new_folder_stays_unknown_for_long,
    places::many_tasks_need_the_same_folders,
    places::two_servers_make_the_same_folders,
    places::the_folder_is_deleted_between_two_runs,
    places::the_folder_is_deleted_in_the_middle_of_an_upload,
    places::the_folder_is_deleted_right_before_the_session_is_opened,
    places::a_file_is_in_place_of_a_folder,
    places::a_folder_is_in_place_of_a_file,
    places::somebody_elses_file_of_that_name_is_replaced,
    places::a_folder_differs_in_case_only,
    places::a_file_differs_in_case_only,
    places::the_folder_of_a_row_may_be_written_in_any_case,
    places::the_root_of_the_account_is_a_folder_too,
    places::names_that_onedrive_forbids_are_refused_without_a_request,
    places::the_folder_is_renamed_by_somebody,
    reading::a_list_has_many_pages,
    reading::a_list_that_does_not_end_is_not_complete,
    reading::a_list_that_goes_on_elsewhere_gets_no_token_there,
    reading::a_page_that_fails_fails_the_list,
    reading::a_folder_that_seems_to_vanish_makes_the_list_incomplete,
    reading::the_404_of_a_proxy_is_no_absence,
    reading::a_list_shows_everybodys_files_and_whole_keys,
    reading::a_download_takes_no_token_to_another_host,
    reading::a_range_that_is_not_looked_at_is_skipped,
    reading::a_download_that_is_flagged_is_no_content,
    reading::the_address_of_a_download_runs_out,
    reading::a_download_is_limited,
    reading::a_download_that_breaks_off_is_no_whole_file,
    reading::an_answer_without_a_redirect_is_no_content,
    reading::a_file_is_deleted_while_it_is_read,
    deleting::what_is_deleted_goes_to_the_recycle_bin,
    deleting::what_is_deleted_is_gone_for_good_where_that_is_wanted,
    deleting::accounts_that_cannot_delete_for_good_recycle,
    deleting::what_is_gone_already_is_deleted,
    deleting::it_goes_between_the_look_and_the_deletion,
    deleting::the_answer_to_a_deletion_is_lost,
    deleting::a_file_that_is_held_stays,
    deleting::a_folder_with_somebody_elses_file_stays,
    deleting::a_folder_that_changes_while_it_is_looked_at_stays,
    deleting::a_folder_whose_list_fails_stays,
    deleting::clearing_up_is_interrupted_at_each_request,
    proxies::a_proxy_s_refusal_is_not_the_end_of_a_session,
    proxies::a_proxy_s_conflict_is_none_of_onedrive_s,
    proxies::a_proxy_s_answer_does_not_end_a_session,
    proxies::a_session_that_is_over_needs_no_word_of_onedrive,
    proxies::a_sign_in_page_in_place_of_the_answer_to_a_fragment,
    proxies::a_sign_in_page_while_an_object_of_that_size_is_replaced_and_no_hash_is_told,
    proxies::a_sign_in_page_in_place_of_the_answer_to_a_small_object,
    proxies::the_address_of_a_session_runs_out_in_the_middle,
    proxies::a_session_that_is_there_and_takes_nothing_by_policy,
    proxies::a_sign_in_page_is_no_deletion,
    hashes::a_hash_comes_late,
    hashes::a_hash_never_comes,
    hashes::a_bit_is_flipped_on_the_way,
    hashes::a_bit_is_flipped_every_time,
    hashes::a_bit_of_a_small_object_is_flipped,
    hashes::the_hash_of_a_small_object_comes_late,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_ends_in_a_documented_state() {
    run_all("OneDrive", SCENARIOS).await;
}

/// What broken bodies have left open is given up, as a pass does it.
async fn conforms(rig: Rig, prefix: &str) {
    conformance::verify(rig.storage.as_ref(), prefix).await;
    for key in rig.sessions.all().into_keys() {
        rig.storage.abandon(&key).await.unwrap();
    }
    rig.assert_only(&[]);
    rig.assert_nothing_open();
    rig.assert_clean();
}

#[tokio::test]
async fn it_keeps_the_contract() {
    conforms(Rig::tuned(Tuning::default()).await, "conformance/run").await;
}

#[tokio::test]
async fn it_keeps_the_contract_with_small_fragments_and_pages() {
    conforms(Rig::tuned(Tuning { simple_up_to: 0, ..small() }).await, "conformance").await;
}
