//! Some weeks of a fleet, minute by minute, on a real database: two servers that look at the same slots and are down at random, passes of
//! random length, the start and the end of summer time.

use crate::db::{self, Db};
use crate::entity::{backups, logs};
use crate::runs::repo::{Final, Held, Holder, close, take};
use crate::runs::slots::start_due;
use crate::testing::On;
use crate::testing::rows::{self, at};
use chrono::{DateTime, Duration, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use std::collections::BTreeMap;

async fn set(db: &Db, title: &str, hours: i32, time: Option<&str>, first: DateTime<Utc>, zone: Tz) -> i64 {
    let id = rows::backup(db, title, Some(first)).await;
    let schedule = backups::ActiveModel {
        id: Set(id),
        frequency: Set(Some(hours)),
        time_of_day: Set(time.map(str::to_owned)),
        slot_zone: Set(Some(zone.name().into())),
        ..Default::default()
    };
    schedule.update(db).await.unwrap();
    id
}

/// Every slot from the first on, found by going through the minutes.
fn slots(
    hours: i32,
    time: Option<&str>,
    first: DateTime<Utc>,
    to: DateTime<Utc>,
    zone: Tz,
) -> Vec<DateTime<Utc>> {
    let Some(time) = time else {
        let step = Duration::hours(hours.into());
        return std::iter::successors(Some(first), |slot| Some(*slot + step))
            .take_while(|slot| *slot < to)
            .collect();
    };
    let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
    let days = std::iter::successors(Some(first.with_timezone(&zone).date_naive()), |day| day.succ_opt());
    days.step_by(usize::try_from(hours / 24).unwrap())
        .map(|day| {
            let minute =
                |n| zone.from_local_datetime(&(day.and_time(time) + Duration::minutes(n))).earliest();
            (0..120).find_map(minute).unwrap().with_timezone(&Utc)
        })
        .take_while(|slot| *slot < to)
        .collect()
}

async fn end(db: &Db, held: &Held, now: DateTime<Utc>) {
    let end = Final {
        overall_status: "success".into(),
        finished_at: now,
        duration_sec: 1.0,
        files: "[]".into(),
        storages: "[]".into(),
        warnings: "[]".into(),
        error_message: None,
        copy_path: None,
        retry_at: None,
        good: true,
    };
    let end = &end;
    assert!(db::transaction(db, |tx| async move { close(&tx, held, end).await }).await.unwrap());
}

#[rstest]
#[case::start_of_summer_time("2026-03-26T12:00:00Z")]
#[case::end_of_summer_time("2026-10-22T12:00:00Z")]
#[tokio::test]
async fn every_slot_is_one_pass_whoever_runs_and_for_however_long(#[case] from: &str) {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let zone: Tz = "Europe/Berlin".parse().unwrap();
    let (from, db) = (at(from), On::Sqlite.fresh().await);
    let to = from + Duration::days(8);
    let plans =
        [("hourly", 1, None), ("five", 5, None), ("daily", 24, Some("02:30")), ("other", 48, Some("23:15"))];
    let mut expected = BTreeMap::new();
    for (title, hours, time) in plans {
        let first = match time {
            None => from,
            Some(time) => {
                let day = from.with_timezone(&zone).date_naive().succ_opt().unwrap();
                let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
                zone.from_local_datetime(&day.and_time(time)).unwrap().with_timezone(&Utc)
            }
        };
        let id = set(&db, title, hours, time, first, zone).await;
        expected.insert(id, slots(hours, time, first, to, zone));
    }
    // At most three hours without a server, some of the time.
    let mut down: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for _ in 0..12 {
        let start = from + Duration::minutes(random.random_range(0..8 * 24 * 60));
        down.push((start, start + Duration::minutes(random.random_range(1..180))));
    }
    let is_down = |now| down.iter().any(|(start, end)| (*start..*end).contains(&now));
    let mut running: Vec<(DateTime<Utc>, Held)> = Vec::new();
    let mut now = from;
    while now < to + Duration::hours(4) {
        let (done, left) = running.drain(..).partition(|(until, _)| *until <= now);
        running = left;
        for (_, held) in done {
            end(&db, &held, now).await;
        }
        if !is_down(now) && now < to {
            // Both see the slot at once.
            let (one, two) = tokio::join!(start_due(&db, zone, now), start_due(&db, zone, now));
            for _ in one.unwrap().into_iter().chain(two.unwrap()) {
                let holder = Holder { owner: "one of them".into(), lease_until: now + Duration::hours(2) };
                let held = take(&db, &holder, now, &|_| false).await.unwrap().unwrap();
                running.push((now + Duration::minutes(random.random_range(0..55)), held));
            }
        }
        now += Duration::minutes(1);
    }
    let all = logs::Entity::find().order_by_asc(logs::Column::Id).all(&*db).await.unwrap();
    let minutes =
        |from| std::iter::successors(Some(from), |m: &DateTime<Utc>| Some(*m + Duration::minutes(1)));
    for (id, slots) in expected {
        let passes: Vec<_> = all.iter().filter(|log| log.backup_id == Some(id)).collect();
        // The tick that sees a slot, in whole minutes as the clock goes.
        let seen = |slot: DateTime<Utc>| {
            let first = minutes(from).find(|m| *m >= slot).unwrap();
            minutes(first).find(|m| !is_down(*m)).unwrap()
        };
        // A slot that comes while the pass before it is under way is over without one.
        let busy = |at: DateTime<Utc>| {
            passes.iter().any(|pass| pass.started_at < at && pass.finished_at.is_none_or(|end| end > at))
        };
        let mut due = slots.into_iter().peekable();
        for pass in &passes {
            let slot = loop {
                let slot = due
                    .next()
                    .unwrap_or_else(|| panic!("Set {id} started at {} without a slot", pass.started_at));
                let tick = seen(slot);
                // Those that were missed count once.
                while due.next_if(|missed| *missed <= tick).is_some() {}
                if !busy(tick) {
                    break slot;
                }
            };
            assert_eq!(pass.started_at, seen(slot), "Set {id}, slot {slot}");
        }
        let left: Vec<_> = due.filter(|slot| seen(*slot) < to && !busy(seen(*slot))).collect();
        assert!(left.is_empty(), "Set {id} lost slots: {left:?}");
    }
}
