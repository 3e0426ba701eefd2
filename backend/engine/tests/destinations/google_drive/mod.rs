//! Google Drive, against a fake that is as strict as the real one.

mod folders;
mod hashes;
mod killed;
mod limits;
mod link;
mod lists;
mod proxies;
mod replacing;
mod uploads;
mod world;

use crate::scenarios;
use crate::support::{Scenario, run_all};
use engine::testing::conformance;
use world::World;

pub const SCENARIOS: &[Scenario] = scenarios![
    uploads::a_connection_that_drops_at_the_first_byte,
    uploads::a_connection_that_drops_in_a_piece_of_which_nothing_is_kept,
    uploads::a_connection_that_drops_in_a_piece_of_which_all_is_kept,
    uploads::a_connection_that_drops_in_a_piece_of_which_granules_are_kept,
    uploads::a_connection_that_drops_in_the_last_piece,
    uploads::what_arrived_before_a_break_is_told_to_be_there,
    uploads::a_session_that_was_cancelled_is_replaced,
    uploads::the_answer_to_a_piece_is_lost,
    uploads::the_answer_to_the_last_byte_is_lost,
    uploads::the_answer_to_the_last_byte_is_lost_and_the_session_forgotten,
    uploads::the_answer_to_the_last_byte_is_rubbish,
    uploads::the_answer_to_the_last_byte_is_cut,
    uploads::a_proxy_answers_in_place_of_a_session,
    uploads::a_proxy_answers_before_the_piece_was_read,
    uploads::a_piece_times_out_at_google,
    uploads::the_question_how_far_it_is_is_lost_too,
    uploads::a_session_that_does_not_begin_at_once,
    uploads::the_url_of_a_session_is_lost,
    uploads::a_session_begins_twice,
    uploads::only_part_of_each_piece_is_kept,
    uploads::a_session_that_moves_with_every_answer,
    uploads::a_file_that_is_made_with_201,
    uploads::a_session_that_is_not_found_any_more,
    uploads::a_session_that_is_gone,
    uploads::a_session_that_ends_in_the_middle_of_an_attempt,
    uploads::sessions_that_end_again_and_again,
    uploads::a_session_that_runs_out_between_two_runs,
    uploads::a_session_that_loses_what_it_had_confirmed,
    uploads::a_session_that_takes_nothing_is_left_for_a_new_one,
    uploads::an_upload_that_never_makes_progress_is_given_up,
    uploads::a_session_that_has_all_and_makes_no_file,
    uploads::a_connection_that_drops_after_every_piece,
    uploads::a_connection_that_always_drops_is_given_up,
    uploads::nothing_of_google_can_be_reached,
    uploads::an_object_without_a_byte,
    uploads::an_object_without_a_byte_whose_answer_is_lost,
    uploads::a_source_that_changed_between_two_attempts,
    uploads::a_source_that_changed_after_its_last_answer_was_lost,
    uploads::a_source_that_is_damaged_between_two_attempts,
    uploads::a_content_that_is_not_what_was_announced,
    uploads::a_source_that_cannot_be_read_any_more,
    uploads::clocks_that_jump,
    uploads::many_uploads_at_once_over_a_bad_line,
    uploads::two_uploads_of_one_key_at_once,
    replacing::a_new_content_shows_only_when_it_is_complete,
    replacing::the_old_content_stays_when_the_new_one_fails,
    replacing::an_old_content_that_cannot_be_deleted_at_once,
    replacing::giving_up_after_the_new_content_is_complete_keeps_it_alone,
    replacing::a_content_is_replaced_while_searches_lag,
    replacing::two_contents_of_one_key_are_read_as_one_and_deleted_both,
    replacing::files_of_the_same_name_that_are_not_ours_stay,
    replacing::a_file_that_people_moved_is_not_deleted_with_its_namesake,
    replacing::a_file_that_people_renamed_is_theirs,
    replacing::a_file_that_people_put_into_the_trash_is_gone,
    replacing::deleting_what_is_gone_already,
    replacing::the_answer_to_a_deletion_is_lost,
    replacing::a_sweep_that_is_cut_short,
    replacing::what_may_not_be_deleted_goes_to_the_trash,
    hashes::a_hash_that_comes_late,
    hashes::a_hash_that_never_comes,
    hashes::only_an_md5,
    hashes::only_an_md5_after_the_last_answer_was_lost,
    hashes::a_content_that_arrives_damaged_is_sent_again,
    hashes::a_content_that_always_arrives_damaged_is_not_kept,
    hashes::giving_up_takes_a_damaged_content_away,
    killed::a_process_that_ends_at_any_request_is_gone_on_with,
    killed::a_process_that_ends_at_any_request_of_a_replacement,
    killed::a_process_that_ends_at_any_request_is_given_up,
    killed::a_process_that_ends_at_any_request_while_searches_lag,
    killed::any_answer_is_lost,
    killed::any_request_is_lost,
    killed::any_answer_is_a_proxy_s,
    killed::any_answer_is_rubbish,
    killed::any_answer_is_cut,
    killed::a_proxy_repeats_what_makes_folders,
    killed::an_upload_that_is_dropped_and_given_up,
    killed::a_body_that_is_cancelled,
    killed::a_state_that_cannot_be_read,
    killed::a_session_of_another_account,
    folders::a_folder_that_goes_to_the_trash_between_two_runs,
    folders::a_folder_above_that_goes_to_the_trash_between_two_runs,
    folders::a_folder_that_is_deleted_between_two_runs,
    folders::a_folder_that_is_renamed_between_two_runs,
    folders::folders_that_go_between_two_uploads_of_one_process,
    folders::a_folder_that_goes_to_the_trash_during_an_upload,
    folders::a_folder_that_is_deleted_during_an_upload,
    folders::a_folder_that_people_move_away_and_replace,
    folders::a_folder_that_exists_twice,
    folders::folders_that_exist_twice_with_files_in_both,
    folders::searches_that_lag,
    folders::searches_that_show_what_is_gone,
    folders::folders_of_the_same_name_that_are_not_ours,
    folders::what_people_put_into_an_emptied_folder_can_be_had_back,
    folders::a_folder_with_a_file_in_it_stays,
    folders::names_that_searches_take_for_the_same,
    folders::destinations_within_each_other,
    lists::pages_that_are_short_or_empty,
    lists::a_page_whose_token_ran_out,
    lists::pages_whose_tokens_always_run_out,
    lists::a_page_that_fails,
    lists::a_search_that_did_not_look_everywhere,
    lists::a_proxy_that_finds_nothing,
    lists::a_range_that_is_ignored,
    lists::a_content_that_breaks_off,
    lists::a_content_that_google_flags,
    lists::a_token_that_runs_out_before_a_content_is_read,
    limits::an_account_that_is_full_before_an_upload,
    limits::an_account_that_fills_during_an_upload,
    limits::an_account_that_is_full_and_says_so_early,
    limits::a_storm_of_429_with_long_waits,
    limits::a_wait_that_is_too_long_is_left_for_another_pass,
    limits::a_pause_is_everybody_s,
    limits::a_burst_of_rate_limits,
    limits::a_limit_that_does_not_end,
    limits::the_limit_of_a_day_is_not_waited_for,
    limits::an_api_that_is_not_enabled,
    limits::a_permission_that_was_not_granted,
    limits::a_policy_that_forbids_it,
    limits::too_many_files,
    limits::who_the_account_belongs_to_and_how_full_it_is,
    proxies::a_proxy_s_refusal_is_not_the_end_of_a_session,
    proxies::a_proxy_s_conflict_takes_no_id,
    proxies::a_proxy_s_answer_does_not_end_a_session,
    proxies::no_upload_goes_on_at_another_host,
    proxies::a_sign_in_page_is_no_deletion,
    proxies::a_sign_in_page_is_no_new_folder,
    proxies::only_the_content_and_all_of_it_is_given_out,
    link::a_token_that_runs_out_during_an_upload,
    link::a_token_whose_time_is_over,
    link::many_tasks_whose_token_runs_out_at_once,
    link::refresh_tokens_that_rotate,
    link::the_answer_to_a_refresh_is_lost,
    link::the_answer_to_a_rotating_refresh_is_lost,
    link::a_token_endpoint_that_is_away_for_a_while,
    link::a_permission_that_is_taken_back_during_an_upload,
    link::an_account_that_is_linked_anew_during_an_upload,
    link::a_link_from_the_consent_page_to_the_first_upload,
    link::codes_that_are_wrong_late_or_used,
    link::people_who_do_not_agree_or_not_to_all,
    link::two_destinations_of_one_account_share_its_token,
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_ends_in_its_documented_state() {
    run_all("Google Drive", SCENARIOS).await;
}

/// With the lag that real searches have, too.
#[tokio::test(flavor = "multi_thread")]
async fn google_drive_keeps_the_contract() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for lag in [0, 30] {
        let world = World::new().await;
        world.fake.lag(chrono::TimeDelta::minutes(lag));
        conformance::verify(&*world.storage, "conformance/run").await;
        world.storage.abandon("conformance/run/dropped").await.unwrap();
        world.ends_with(&[]).await;
    }
}
