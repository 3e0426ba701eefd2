//! Sets that have no good copy for too long.

use super::{change, events, failing, inbox, outbox, run, saved, to_webhook};
use crate::support::{Receiver, TestApp, config_with_store, files_only, monday};
use chrono::TimeDelta;
use contract::{BackupSetInput, OverallStatus, Severity};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use storekeep::clock::Clock;
use storekeep::entity::{backups, logs, settings};

async fn tick(app: &TestApp) {
    app.app.scheduler.tick(app.clock.now()).await;
}

async fn with_webhook() -> (TestApp, Receiver) {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    (app, receiver)
}

fn daily(title: &str) -> BackupSetInput {
    BackupSetInput { frequency: Some(24), time_of_day: Some("10:30".into()), ..files_only(title) }
}

#[actix_web::test]
async fn a_set_whose_server_was_off_is_told_at_the_next_start() {
    let (app, receiver) = with_webhook().await;
    let work = app.work();
    let set = app.set(&daily("Nightly")).await.id;
    run(&app, set).await;
    tick(&app).await;
    assert!(outbox(&app).await.is_empty());
    drop(work);
    // The server is off for two days.
    let dir = app.stop().await;
    let config = config_with_store(&dir, |_| {});
    let app = TestApp::on(dir, config).await;
    app.clock.set(monday() + TimeDelta::days(2));
    app.app.runs.recover().await.unwrap();
    tick(&app).await;
    assert_eq!(events(&app).await, ["missed"]);
    let notices = inbox(&app).await;
    assert_eq!((notices.len(), notices[0].severity), (1, Severity::Error));
    assert_eq!(notices[0].title, "Backup missed: Nightly");
    assert!(
        notices[0].message.contains("2026-03-02 10:00 UTC")
            && notices[0].message.contains("2026-03-02 10:30 UTC"),
        "{notices:?}"
    );
    assert_eq!(app.app.alerts.deliver().await.unwrap().sent, 1);
    assert_eq!(receiver.received()[0].headers["x-storekeep-event"], "missed");
    // The pass that makes up for it was queued by the same tick.
    let _work = app.work();
    let log = logs::Entity::find_by_id(2).one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(app.ended(log.id).await.overall_status, OverallStatus::Success);
    assert_eq!(events(&app).await, ["recovered"]);
    assert!(inbox(&app).await.is_empty());
}

#[actix_web::test]
async fn it_is_told_once_and_again_only_after_a_good_copy() {
    let (app, _receiver) = with_webhook().await;
    let _work = app.work();
    let set = app.set(&daily("Nightly")).await.id;
    change(&app, set, &BackupSetInput { backup_types: failing("x").backup_types, ..daily("Nightly") }).await;
    app.clock.set(monday() + TimeDelta::minutes(90));
    tick(&app).await;
    assert!(outbox(&app).await.iter().all(|m| m.event != "missed"));
    let log = logs::Entity::find().one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(app.ended(log.id).await.overall_status, OverallStatus::Failed);
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(1));
        tick(&app).await;
    }
    assert_eq!(events(&app).await, ["failed", "missed"]);
    let notices = inbox(&app).await;
    assert!(notices.len() == 1 && notices[0].message.contains("The last pass failed"), "{notices:?}");
    change(&app, set, &daily("Nightly")).await;
    run(&app, set).await;
    assert_eq!(events(&app).await, ["failed", "missed", "recovered"]);
    app.clock.advance(TimeDelta::days(3));
    tick(&app).await;
    assert_eq!(events(&app).await.len(), 4);
}

#[actix_web::test]
async fn nothing_is_missed_while_the_set_or_the_switch_is_off_or_a_pass_runs() {
    let (app, _receiver) = with_webhook().await;
    app.set(&BackupSetInput { enabled: false, ..daily("Off") }).await;
    let busy = app.set(&daily("Busy")).await.id;
    let idle = app.set(&daily("Idle")).await.id;
    let log = app.app.runs.start(crate::runs::request(busy), std::time::Duration::ZERO).await.unwrap().id;
    let row = logs::Entity::find_by_id(log).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.owner = Set(Some("another server".into()));
    row.lease_until = Set(Some(monday() + TimeDelta::days(9)));
    row.update(&app.app.db).await.unwrap();
    let switch = async |on: bool| {
        let row = settings::Entity::find_by_id(1).one(&app.app.db).await.unwrap().unwrap();
        let mut row = row.into_active_model();
        row.enabled = Set(on);
        row.update(&app.app.db).await.unwrap();
    };
    app.clock.set(monday() + TimeDelta::days(2));
    switch(false).await;
    tick(&app).await;
    assert!(outbox(&app).await.is_empty());
    switch(true).await;
    tick(&app).await;
    assert_eq!(events(&app).await, ["missed"]);
    let told = backups::Entity::find_by_id(idle).one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(
        (told.missed_at, told.trouble.as_deref()),
        (Some(monday() + TimeDelta::days(2)), Some("missed"))
    );
}

#[actix_web::test]
async fn of_two_servers_one_tells() {
    let (app, _receiver) = with_webhook().await;
    app.set(&daily("Nightly")).await;
    let database = app.app.config.data.database_url();
    let other = TestApp::with(|config| config.data.database_url = Some(database)).await;
    let now = monday() + TimeDelta::days(2);
    app.clock.set(now);
    other.clock.set(now);
    tokio::join!(app.app.scheduler.tick(now), other.app.scheduler.tick(now));
    assert_eq!(events(&app).await, ["missed"]);
}

#[actix_web::test]
async fn one_set_that_cannot_be_read_does_not_hold_up_the_others() {
    let (app, _receiver) = with_webhook().await;
    let broken = app.set(&daily("Broken")).await.id;
    app.set(&daily("Fine")).await;
    let row = backups::Entity::find_by_id(broken).one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.frequency = Set(Some(7));
    row.update(&app.app.db).await.unwrap();
    app.clock.set(monday() + TimeDelta::days(2));
    tick(&app).await;
    let told: Vec<_> = inbox(&app).await.into_iter().map(|n| n.title).collect();
    assert_eq!(told, ["Backup missed: Fine"]);
}
