//! When a schedule would run, before it is saved.

use super::{create, input, operator};
use crate::support::{TestApp, monday};
use chrono::{DateTime, TimeDelta, Utc};
use contract::{BackupSetInput, ProblemCode, Resource, SchedulePreview, endpoints as ep};
use rstest::rstest;
use storekeep::clock::Clock;

async fn preview(app: &TestApp, query: &str) -> SchedulePreview {
    let someone = app.someone_with(&[Resource::Backups]).await;
    let ask = app.call(&ep::PREVIEW_SCHEDULE, &[]).by(&someone);
    ask.query(&format!("/api/v1/schedule?{query}")).send().await.ok()
}

fn times(preview: &SchedulePreview) -> Vec<String> {
    preview.next_runs.iter().map(|at| at.format("%m-%d %H:%M").to_string()).collect()
}

#[actix_web::test]
async fn the_next_five_runs_are_shown() {
    let app = TestApp::start().await;
    let hourly = preview(&app, "frequency=1").await;
    assert_eq!(hourly.next_runs[0], monday(), "a new one fires at once");
    assert_eq!(times(&hourly), ["03-02 10:00", "03-02 11:00", "03-02 12:00", "03-02 13:00", "03-02 14:00"]);
    let daily = preview(&app, "frequency=48&time_of_day=02:30").await;
    assert_eq!(times(&daily), ["03-03 02:30", "03-05 02:30", "03-07 02:30", "03-09 02:30", "03-11 02:30"]);
    assert_eq!(daily.time_zone, "UTC");
    let cron = preview(&app, "cron=0%204%20*%20*%20mon,thu").await;
    assert_eq!(times(&cron), ["03-05 04:00", "03-09 04:00", "03-12 04:00", "03-16 04:00", "03-19 04:00"]);
}

#[rstest]
#[case("", "frequency")]
#[case("frequency=7", "frequency")]
#[case("frequency=24", "time_of_day")]
#[case("frequency=24&time_of_day=25:00", "time_of_day")]
#[case("cron=never", "cron")]
#[case("frequency=1&cron=0%204%20*%20*%20*", "cron")]
#[actix_web::test]
async fn what_is_wrong_names_its_field(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Backups]).await;
    let ask = app.call(&ep::PREVIEW_SCHEDULE, &[]).by(&someone).query(&format!("/api/v1/schedule?{query}"));
    let problem = ask.send().await.refused(ProblemCode::Invalid);
    assert_eq!(problem.errors[0].field, field);
}

/// What the form and the grid promise is what happens.
#[rstest]
#[case::hours(BackupSetInput { frequency: Some(5), time_of_day: None, ..input("Some") }, "frequency=5")]
#[case::daily(BackupSetInput { frequency: Some(24), time_of_day: Some("02:30".into()), ..input("Some") }, "frequency=24&time_of_day=02:30")]
#[case::cron(
    BackupSetInput { frequency: None, time_of_day: None, cron: Some("*/40 3 * * *".into()), ..input("Some") },
    "cron=*/40%203%20*%20*%20*"
)]
#[case::delayed_by_chance(
    BackupSetInput { frequency: None, time_of_day: None, cron: Some("0 * * * *".into()), jitter_min: 30, ..input("Some") },
    "cron=0%20*%20*%20*%20*&jitter_min=30&folder_name=some"
)]
#[actix_web::test]
async fn the_next_run_is_what_then_happens(#[case] set: BackupSetInput, #[case] query: &str) {
    let app = TestApp::with_store().await;
    let someone = app.someone_with(&[Resource::Config]).await;
    let zone = serde_json::json!({"enabled": true, "time_zone": "Europe/Berlin", "log_retention_days": 10, "max_parallel_passes": 1});
    app.raw("PUT", "/api/v1/config").by(&someone).json(zone).send().await.ok();
    // Over the start of summer time.
    app.clock.set("2026-03-28T10:00:00Z".parse::<DateTime<Utc>>().unwrap());
    let promised = preview(&app, query).await.next_runs;
    let set = app.set(&BackupSetInput { folder_name: "some".into(), ..set }).await;
    let _work = app.work();
    for (n, promised) in promised.into_iter().enumerate() {
        let shown = app.app.backups.get(set.id).await.unwrap().next_run_at;
        assert_eq!(shown, Some(promised), "run {n}");
        if app.clock.now() < promised {
            app.clock.set(promised - TimeDelta::microseconds(1));
            app.app.scheduler.tick(app.clock.now()).await;
            assert_eq!(app.app.backups.get(set.id).await.unwrap().running_log_id, None, "run {n} came early");
        }
        app.clock.set(promised);
        app.app.scheduler.tick(app.clock.now()).await;
        let set = app.app.backups.get(set.id).await.unwrap();
        let log = app.ended(set.running_log_id.or(set.last_log_id).unwrap()).await;
        assert_eq!(log.started_at, promised, "run {n}");
    }
}

#[actix_web::test]
async fn the_slots_of_a_set_go_on_as_long_as_its_schedule_stays() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let hourly = BackupSetInput { frequency: Some(4), time_of_day: None, ..input("Nightly") };
    let made = create(&app, &someone, &hourly).await;
    app.clock.advance(TimeDelta::minutes(5));
    let of_set = format!("backup_id={}&folder_name=nightly", made.id);
    let same = preview(&app, &format!("{of_set}&frequency=4")).await.next_runs;
    assert_eq!(same[..2], [monday(), monday() + TimeDelta::hours(4)]);
    let other = preview(&app, &format!("{of_set}&frequency=5")).await.next_runs;
    assert_eq!(other[0], monday() + TimeDelta::minutes(5), "another schedule begins anew");
    let path = "/api/v1/schedule?backup_id=999&frequency=1";
    let answer = app.call(&ep::PREVIEW_SCHEDULE, &[]).query(path).by(&someone).send().await;
    answer.refused(ProblemCode::NotFound);
}
