use super::{create, input, operator};
use crate::support::{TestApp, monday};
use chrono::TimeDelta;
use contract::{BackupSetInput, ProblemCode, StorageRow, endpoints as ep};
use rstest::rstest;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_new_set_is_answered_with_its_place_and_its_next_slot() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&input("Nightly")).send().await;
    assert_eq!(answer.status, 201);
    let set = answer.ok();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/backups/{}", set.id).as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(set.next_run_at.unwrap().to_rfc3339(), "2026-03-03T02:30:00+00:00");
    assert_eq!((set.created_at, set.updated_at), (monday(), monday()));
    assert_eq!(
        (set.last_time, set.last_status, set.last_log_id, set.running_log_id),
        (None, None, None, None)
    );
    assert_eq!((set.title.as_str(), set.folder_name.as_str()), ("Nightly", "nightly"));
    assert_eq!(set.storages, input("Nightly").storages);
    assert_eq!(set.exclude_directories, ["var/cache"]);
}

#[actix_web::test]
async fn the_first_slot_follows_the_schedule_and_the_switch() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let hourly = BackupSetInput { frequency: Some(5), time_of_day: None, ..input("Hourly") };
    assert_eq!(create(&app, &someone, &hourly).await.next_run_at, Some(monday()));
    let off = BackupSetInput { enabled: false, ..input("Off") };
    assert_eq!(create(&app, &someone, &off).await.next_run_at, None);
    let cron = BackupSetInput {
        frequency: None,
        time_of_day: None,
        cron: Some("15 10 * * *".into()),
        ..input("Cron")
    };
    let next = create(&app, &someone, &cron).await.next_run_at;
    assert_eq!(next, Some(monday() + TimeDelta::minutes(15)));
}

#[actix_web::test]
async fn the_time_of_day_is_of_the_configured_zone() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let zone = json!({"enabled": true, "time_zone": "Asia/Tokyo", "log_retention_days": 10, "max_parallel_passes": 1});
    app.call(&ep::SAVE_CONFIG, &[]).by(&someone).json(zone).send().await.ok();
    let next = create(&app, &someone, &input("Nightly")).await.next_run_at.unwrap();
    assert_eq!(next.to_rfc3339(), "2026-03-02T17:30:00+00:00");
}

#[actix_web::test]
async fn taken_names_are_refused_with_their_field() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    create(&app, &someone, &input("Nightly")).await;
    let title = BackupSetInput { folder_name: "other".into(), ..input(" NIGHTLY ") };
    let folder = BackupSetInput { folder_name: "NIGHTLY".into(), ..input("Other") };
    for (input, field) in [(title, "title"), (folder, "folder_name")] {
        let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&input).send().await;
        let problem = answer.refused(ProblemCode::Taken);
        assert_eq!((problem.errors[0].field.as_str(), problem.errors[0].code.as_str()), (field, "taken"));
    }
}

#[rstest]
#[case("../x")]
#[case("a/b")]
#[case("a\\b")]
#[case(".")]
#[case("..")]
#[case("")]
#[case(".hidden")]
#[case("end.")]
#[case("a b")]
#[case("ä")]
#[case("a\u{0}b")]
#[case("a\nb")]
#[case(&"x".repeat(101))]
#[case(&"x".repeat(300))]
#[actix_web::test]
async fn a_folder_name_that_is_no_safe_segment_is_refused_new_or_changed(#[case] name: &str) {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let made = create(&app, &someone, &input("Nightly")).await;
    let id = made.id.to_string();
    let bad = BackupSetInput { folder_name: name.into(), ..input("Other") };
    for ask in [app.call(&ep::CREATE_BACKUP, &[]), app.call(&ep::UPDATE_BACKUP, &[&id])] {
        let answer = ask.by(&someone).body(&bad).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), ["folder_name"]);
    }
    assert_eq!(app.app.backups.get(made.id).await.unwrap(), made);
}

#[actix_web::test]
async fn a_null_path_is_an_empty_one() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let mut body = serde_json::to_value(input("Nightly")).unwrap();
    body["storages"] = json!([{"storage_id": null, "enabled": true, "keep_copies": 1, "path": null}]);
    let set = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).json(body.clone()).send().await.is(201).ok();
    assert_eq!(set.storages[0].path, "");
    app.call(&ep::UPDATE_BACKUP, &[&set.id.to_string()]).by(&someone).json(body).send().await.is(200);
}

#[rstest]
#[case::no_title("title", json!("  "), "title")]
#[case::no_types("backup_types", json!([]), "backup_types")]
#[case::unknown_type("backup_types", json!(["tapes"]), "backup_types[0]")]
#[case::negative_frequency("frequency", json!(-1), "frequency")]
#[case::no_time("time_of_day", json!(null), "time_of_day")]
#[case::bad_time("time_of_day", json!("24:00"), "time_of_day")]
#[case::both_schedules("cron", json!("0 2 * * *"), "cron")]
#[case::no_rows("storages", json!([]), "storages")]
#[case::no_copies("storages", json!([{"storage_id": null, "keep_copies": 0}]), "storages[0].keep_copies")]
#[case::two_local("storages", json!([{"keep_copies": 1}, {"keep_copies": 1}]), "storages[1].storage_id")]
#[case::unknown_storage("storages", json!([{"keep_copies": 1}, {"storage_id": 7, "keep_copies": 1}]), "storages[1].storage_id")]
#[case::unknown_field("retention", json!(1), "retention")]
#[case::absolute_exclude("exclude_directories", json!(["/etc"]), "exclude_directories[0]")]
#[actix_web::test]
async fn what_is_not_valid_names_its_field(
    #[case] field: &str,
    #[case] value: Value,
    #[case] expected: &str,
) {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let mut body = serde_json::to_value(input("Nightly")).unwrap();
    body[field] = value;
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).json(body).send().await;
    answer.refused(ProblemCode::Invalid);
    assert_eq!(answer.fields(), [expected]);
}

#[actix_web::test]
async fn every_wrong_field_is_told_at_once() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let input = BackupSetInput { frequency: Some(6), folder_name: "..".into(), ..input("Nightly") };
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&input).send().await;
    assert_eq!(answer.fields(), ["folder_name", "frequency", "time_of_day"]);
}

#[rstest]
#[case("61 * * * *")]
#[case("* * *")]
#[case("0 0 30 2 *")]
#[actix_web::test]
async fn a_cron_expression_without_slots_is_refused(#[case] cron: &str) {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let input =
        BackupSetInput { frequency: None, time_of_day: None, cron: Some(cron.into()), ..input("Nightly") };
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&input).send().await;
    assert_eq!(answer.fields(), ["cron"]);
}

#[actix_web::test]
async fn several_wrong_storages_are_told_at_once() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let row = |id| StorageRow { storage_id: Some(id), enabled: true, keep_copies: 1, path: String::new() };
    let input = BackupSetInput { storages: vec![row(5), row(6)], ..input("Nightly") };
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&input).send().await;
    assert_eq!(answer.fields(), ["storages[0].storage_id", "storages[1].storage_id"]);
    assert!(answer.text().contains("Storage with id '5' does not exist."));
}
