//! Old logs go at night, while people look at the others.

use super::reader;
use crate::support::{Metadata, TestApp, files_only, monday};
use chrono::{DateTime, TimeDelta, Utc};
use contract::endpoints as ep;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use storekeep::clock::Clock;
use storekeep::entity::{copies, logs};

fn row(backup_id: i64, started_at: DateTime<Utc>) -> logs::ActiveModel {
    logs::ActiveModel {
        backup_id: Set(Some(backup_id)),
        backup_title: Set("Hourly".into()),
        trigger: Set("schedule".into()),
        search_key: Set("hourly".into()),
        overall_status: Set("success".into()),
        attempt: Set(1),
        started_at: Set(started_at),
        finished_at: Set(Some(started_at)),
        duration_sec: Set(Some(1.0)),
        files: Set("[]".into()),
        storages: Set("[]".into()),
        warnings: Set("[]".into()),
        retries: Set(0),
        ..Default::default()
    }
}

async fn count(app: &TestApp) -> u64 {
    logs::Entity::find().count(&app.app.db).await.unwrap()
}

/// Until the chores of the night are done.
async fn cleaned(app: &TestApp, left: u64) {
    let began = Instant::now();
    while count(app).await != left {
        assert!(began.elapsed() < Duration::from_secs(120), "{} logs are left", count(app).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ticks shortly before and at three in the morning.
async fn night(app: &TestApp) {
    app.app.scheduler.tick(app.clock.now()).await;
    app.clock.set(monday() + TimeDelta::hours(17));
    app.app.scheduler.tick(app.clock.now()).await;
}

#[actix_web::test]
async fn at_three_logs_older_than_ten_days_go_and_what_still_matters_stays() {
    let app = TestApp::with_store().await;
    let set = app.set(&contract::BackupSetInput { enabled: false, ..files_only("Hourly") }).await.id;
    let three = monday() + TimeDelta::hours(17);
    let insert = async |row: logs::ActiveModel| row.insert(&app.app.db).await.unwrap().id;
    let old = three - TimeDelta::days(10) - TimeDelta::seconds(1);
    let gone = insert(row(set, old)).await;
    let young = insert(row(set, three - TimeDelta::days(10))).await;
    // Still under way, or to be tried again.
    let running = logs::ActiveModel {
        active_key: Set(Some(set)),
        owner: Set(Some("somebody".into())),
        lease_until: Set(Some(three + TimeDelta::hours(1))),
        ..row(set, old)
    };
    let running = insert(running).await;
    let waiting =
        insert(logs::ActiveModel { retry_at: Set(Some(three + TimeDelta::days(1))), ..row(set, old) }).await;
    let copy = copies::ActiveModel {
        backup_id: Set(Some(set)),
        log_id: Set(Some(gone)),
        backup_title: Set("Hourly".into()),
        destination: Set("9".into()),
        root: Set(String::new()),
        copy_path: Set("hourly/2026-02-01T00-00-00Z".into()),
        complete: Set(true),
        staging: Set(false),
        size_bytes: Set(1),
        files: Set("[]".into()),
        created_at: Set(old),
        ..Default::default()
    };
    copy.insert(&app.app.db).await.unwrap();
    app.app.scheduler.tick(app.clock.now()).await;
    app.clock.set(three - TimeDelta::seconds(1));
    app.app.scheduler.tick(app.clock.now()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count(&app).await, 4, "not before its time");
    app.clock.set(three);
    app.app.scheduler.tick(app.clock.now()).await;
    cleaned(&app, 3).await;
    for id in [young, running, waiting] {
        assert!(app.app.logs.get(id).await.is_ok(), "{id}");
    }
    let copies = copies::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!((copies.len(), copies[0].log_id), (1, None), "the catalogue outlives its log");
}

/// A hundred thousand rows; the grid is read all the while, and never fails.
#[rstest]
#[case::sqlite(None)]
#[case::postgresql(Some(Metadata::Postgres))]
#[actix_web::test]
async fn a_hundred_thousand_go_in_batches_while_the_grid_is_read(#[case] metadata: Option<Metadata>) {
    const ROWS: i64 = 100_000;
    let app = match metadata {
        None => TestApp::with_store().await,
        Some(metadata) => TestApp::with_metadata_in(metadata).await,
    };
    let set = app.set(&contract::BackupSetInput { enabled: false, ..files_only("Hourly") }).await.id;
    let old = monday() - TimeDelta::days(30);
    for chunk in 0..ROWS / 1000 {
        let rows = (0..1000).map(|n| row(set, old + TimeDelta::seconds(chunk * 1000 + n)));
        logs::Entity::insert_many(rows).exec_without_returning(&app.app.db).await.unwrap();
    }
    row(set, monday()).insert(&app.app.db).await.unwrap();
    assert_eq!(count(&app).await, ROWS as u64 + 1);
    let done = Arc::new(AtomicBool::new(false));
    let watch = {
        let (db, done) = (app.app.db.clone(), done.clone());
        // What one transaction takes: nobody ever sees more than a batch go at once.
        tokio::spawn(async move {
            let mut before = ROWS as u64 + 1;
            let (mut looks, mut odd) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let old = logs::Entity::find()
                    .filter(logs::Column::StartedAt.lt(monday()))
                    .count(&db)
                    .await
                    .unwrap()
                    + 1;
                odd += u64::from(!(before - old).is_multiple_of(500));
                (before, looks) = (old, looks + 1);
            }
            (looks, odd)
        })
    };
    night(&app).await;
    let reader = reader(&app).await;
    let (began, mut reads, mut slowest) = (Instant::now(), 0u32, Duration::ZERO);
    loop {
        let read = Instant::now();
        let page = app.call(&ep::LIST_LOGS, &[]).by(&reader).send().await.ok();
        slowest = slowest.max(read.elapsed());
        reads += 1;
        assert!(!page.items.is_empty());
        if page.total == 1 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(240), "{} are left", page.total);
    }
    done.store(true, Ordering::Relaxed);
    let (looks, odd) = watch.await.unwrap();
    println!("{reads} reads of the grid, the slowest {slowest:?}; {looks} looks, in {:?}", began.elapsed());
    assert_eq!(odd, 0, "whole batches of 500 only");
    assert!(reads > 20, "{reads}");
}
