//! The scheduler's tick, with a clock that the test moves.

use super::request;
use crate::support::{TestApp, files_only, monday};
use chrono::TimeDelta;
use contract::{BackupSetInput, OverallStatus, Trigger};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use storekeep::clock::Clock;
use storekeep::entity::{backups, logs, settings};

async fn tick(app: &TestApp) -> Vec<logs::Model> {
    app.app.scheduler.tick(app.clock.now()).await;
    logs::Entity::find().all(&app.app.db).await.unwrap()
}

async fn switch(app: &TestApp, on: bool) {
    let row = settings::Entity::find_by_id(1).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.enabled = Set(on);
    row.update(&app.app.db).await.unwrap();
}

#[actix_web::test]
async fn a_new_hourly_set_fires_at_the_first_tick_and_then_every_hour() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let set = app.set(&files_only("Hourly")).await;
    for hour in 1..=4i64 {
        let rows = tick(&app).await;
        assert_eq!(rows.len(), usize::try_from(hour).unwrap());
        let log = app.ended(rows.last().unwrap().id).await;
        assert_eq!((log.overall_status, log.trigger), (OverallStatus::Success, Trigger::Schedule));
        assert_eq!(tick(&app).await.len(), rows.len());
        let next = app.app.backups.get(set.id).await.unwrap().next_run_at;
        assert_eq!(next, Some(monday() + TimeDelta::hours(hour)));
        // Ticks come a little late; the slots do not drift.
        app.clock.set(monday() + TimeDelta::hours(hour) + TimeDelta::seconds(7 * hour));
    }
}

#[actix_web::test]
async fn a_daily_set_waits_for_its_time() {
    let app = TestApp::with_store().await;
    let daily =
        BackupSetInput { frequency: Some(24), time_of_day: Some("10:30".into()), ..files_only("Daily") };
    app.set(&daily).await;
    assert_eq!(tick(&app).await.len(), 0);
    app.clock.advance(TimeDelta::minutes(30) - TimeDelta::microseconds(1));
    assert_eq!(tick(&app).await.len(), 0);
    app.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(tick(&app).await.len(), 1);
}

#[actix_web::test]
async fn missed_slots_fire_once() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let set = app.set(&files_only("Hourly")).await;
    app.clock.advance(TimeDelta::minutes(60 * 50 + 20));
    assert_eq!(tick(&app).await.len(), 1);
    assert_eq!(tick(&app).await.len(), 1);
    let next = app.app.backups.get(set.id).await.unwrap().next_run_at;
    assert_eq!(next, Some(monday() + TimeDelta::hours(51)));
}

#[actix_web::test]
async fn nothing_starts_while_the_switch_or_the_set_is_off() {
    let app = TestApp::with_store().await;
    app.set(&files_only("On")).await;
    app.set(&BackupSetInput { enabled: false, ..files_only("Off") }).await;
    switch(&app, false).await;
    assert_eq!(tick(&app).await.len(), 0);
    app.clock.advance(TimeDelta::hours(3));
    assert_eq!(tick(&app).await.len(), 0);
    switch(&app, true).await;
    let rows = tick(&app).await;
    assert_eq!(rows.iter().map(|l| l.backup_title.as_str()).collect::<Vec<_>>(), ["On"]);
}

#[actix_web::test]
async fn a_set_that_is_busy_skips_the_slot() {
    let app = TestApp::with_store().await;
    let set = app.set(&files_only("Hourly")).await;
    // Nobody works on the queue: the pass of the first slot stays.
    assert_eq!(tick(&app).await.len(), 1);
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(tick(&app).await.len(), 1);
    let next = app.app.backups.get(set.id).await.unwrap().next_run_at;
    assert_eq!(next, Some(monday() + TimeDelta::hours(2)));
}

#[actix_web::test]
async fn a_manual_pass_does_not_move_the_slots() {
    let app = TestApp::with_store().await;
    let _work = app.work();
    let daily =
        BackupSetInput { frequency: Some(24), time_of_day: Some("02:30".into()), ..files_only("Daily") };
    let set = app.set(&daily).await;
    app.app.runs.start(request(set.id), std::time::Duration::from_secs(60)).await.unwrap();
    assert_eq!(app.app.backups.get(set.id).await.unwrap().next_run_at, set.next_run_at);
}

#[actix_web::test]
async fn one_broken_set_does_not_hold_up_the_others() {
    let app = TestApp::with_store().await;
    let broken = app.set(&files_only("Broken")).await;
    let row = backups::Entity::find_by_id(broken.id).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.frequency = Set(Some(7));
    row.update(&app.app.db).await.unwrap();
    app.set(&files_only("Fine")).await;
    let rows = tick(&app).await;
    assert_eq!(rows.iter().map(|l| l.backup_title.as_str()).collect::<Vec<_>>(), ["Fine"]);
}

#[actix_web::test]
async fn a_set_follows_the_time_zone() {
    let app = TestApp::with_store().await;
    let daily =
        BackupSetInput { frequency: Some(24), time_of_day: Some("02:30".into()), ..files_only("Daily") };
    let set = app.set(&daily).await;
    let row = settings::Entity::find_by_id(1).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.time_zone = Set("America/New_York".into());
    row.update(&app.app.db).await.unwrap();
    tick(&app).await;
    let next = app.app.backups.get(set.id).await.unwrap().next_run_at.unwrap();
    assert_eq!(next.to_rfc3339(), "2026-03-03T07:30:00+00:00");
}
