use super::kill::{intact, throttle, until_sealed, whole_copies};
use super::{Slow, World, small_set};
use crate::Api;
use engine::storage::StorageKind;
use engine::testing::fake::Record;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BYTES_PER_SEC: u64 = 150_000;

/// Bytes of all bodies that a provider was sent.
fn sent(record: &Record) -> u64 {
    let requests = record.requests();
    let length =
        |r: &engine::testing::fake::Request| r.header("content-length").and_then(|n| n.parse::<u64>().ok());
    requests.iter().filter_map(length).sum()
}

#[test]
fn killed_during_its_uploads_a_scheduled_pass_goes_on_with_what_was_sent() {
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let Slow { setup, server, api, storages } = world.slow(dir.path(), BYTES_PER_SEC);
    let records = [
        (StorageKind::GoogleDrive, world.clouds.google_drive.record()),
        (StorageKind::OneDrive, world.clouds.one_drive.record()),
        (StorageKind::Dropbox, world.clouds.dropbox.record()),
    ];
    // Its slot is now.
    let change = json!({"enabled": true, "frequency": 36, "retry_attempts": 3, "retry_delay_min": 1});
    let set = api.create_set("resumed", small_set(&world, &storages, 3, &change));
    until_sealed(&server, "resumed", &[]);
    let began = Instant::now();
    // About half of it.
    let total = loop {
        let log = newest(&api, set);
        let copy = super::super::archives::copies(&server.archives(), "resumed").0;
        let total: u64 = super::super::archives::size(&copy[0]);
        if records.iter().all(|(_, record)| sent(record) > total / 2) {
            break total;
        }
        assert_eq!(log["overall_status"], "pending", "{log:#}");
        assert!(began.elapsed() < Duration::from_secs(90), "the uploads do not move");
        std::thread::sleep(Duration::from_millis(50));
    };
    server.kill();
    let before: Vec<u64> = records.iter().map(|(_, record)| sent(record)).collect();
    let server = setup.start();
    let api = Api::sign_in(&server);
    let log = newest(&api, set);
    assert_eq!(log["overall_status"], "failed", "{log:#}");
    assert!(!log["retry_at"].is_null(), "{log:#}");
    for (_, id) in &storages {
        throttle(&api, *id, 100 << 20);
    }
    let began = Instant::now();
    let log = loop {
        let log = newest(&api, set);
        if log["overall_status"] == "success" {
            break log;
        }
        assert!(began.elapsed() < Duration::from_secs(150), "{log:#}\n{}", server.output());
        std::thread::sleep(Duration::from_millis(500));
    };
    assert_eq!(log["storages"].as_array().unwrap().len(), 5, "{log:#}");
    for ((kind, record), before) in records.iter().zip(before) {
        let after = sent(record);
        println!("{kind:?}: {before} of {total} bytes before the kill, {after} in all");
        // At most a part is sent twice, and what was in flight.
        assert!(after < total + total / 4, "{kind:?}: {after} of {total}");
    }
    for (kind, _) in &storages {
        let copies = whole_copies(&world.listed(*kind));
        assert_eq!(copies.len(), 1, "{kind:?}: {copies:?}");
        intact(&world, *kind, &copies);
    }
    world.assert_few_sessions(1);
    assert!(server.terminate().success());
    world.assert_clean();
}

fn newest(api: &Api, set: i64) -> Value {
    api.get(&format!("/logs?backup_id={set}&sort=-id&per_page=1")).expect(200)["items"][0].clone()
}
