use super::super::archives::copies;
use super::{Slow, World, small_set};
use crate::{Api, Server};
use engine::storage::StorageKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const KILLS: usize = 20;
/// Slow enough to be killed in the middle, quick enough to be waited for.
const BYTES_PER_SEC: u64 = 300_000;
/// Kills that may hit the moment in which a session is opened.
const ORPHANS: usize = KILLS / 4;
/// A manifest that was begun less than two minutes before the kill is waited for, and looked for every half minute.
const TIDY_LIMIT: Duration = Duration::from_secs(200);

#[test]
fn killed_twenty_times_during_uploads_nothing_half_made_stays_and_the_next_pass_succeeds() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let Slow { setup, mut server, mut api, storages } = world.slow(dir.path(), BYTES_PER_SEC);
    let set = api.create_set("killed", small_set(&world, &storages, 3, &json!({})));
    let began = Instant::now();
    api.run_well(set);
    let whole = began.elapsed();

    let mut cut_off = 0;
    for round in 0..KILLS {
        let before = copies(&server.archives(), "killed").0;
        let log = api.start(set);
        until_sealed(&server, "killed", &before);
        std::thread::sleep(whole.mul_f64(random.random_range(0.0..0.8)));
        let before = api.log(log);
        server.kill();
        server = setup.start();
        api = Api::sign_in(&server);
        let after = api.log(log);
        if before["overall_status"] == "pending" {
            // It may have ended between the look and the kill.
            let ended = &after["overall_status"];
            let message = after["error_message"].as_str().unwrap_or_default();
            let interrupted = ended == "failed" && message.contains("interrupted");
            assert!(ended == "success" || interrupted, "round {round}: {after:#}");
            cut_off += usize::from(interrupted);
        } else {
            assert_eq!(after["overall_status"], before["overall_status"], "round {round}");
        }
        // The next pass is a good one, whatever was cut off. Not each time: it takes as long as all the rest.
        if round % 4 == 3 {
            api.run_well(set);
        }
    }
    println!("{cut_off} of {KILLS} passes were cut off in their uploads");
    assert!(cut_off >= KILLS / 2, "most kills came too late");
    let last = api.run_well(set);
    let began = Instant::now();
    loop {
        let wrong: Vec<String> = storages.iter().filter_map(|(kind, _)| half_made(&world, *kind)).collect();
        if wrong.is_empty() {
            break;
        }
        assert!(began.elapsed() < TIDY_LIMIT, "{wrong:#?}\n{}", server.output());
        std::thread::sleep(Duration::from_secs(1));
    }
    world.assert_few_sessions(ORPHANS);
    for (kind, _) in &storages {
        let copies = whole_copies(&world.listed(*kind));
        assert!(copies.contains(last["copy_path"].as_str().unwrap()), "{kind:?}: {copies:?}");
        assert!(copies.len() <= 3, "{kind:?}: {copies:?}");
        intact(&world, *kind, &copies);
    }
    assert_eq!(copies(&server.archives(), "killed").1, Vec::<std::path::PathBuf>::new());
    assert!(server.terminate().success());
    world.assert_clean();
}

pub fn throttle(api: &Api, id: i64, bytes_per_sec: u64) {
    let mut input = api.get(&format!("/storages/{id}")).expect(200);
    let fields = ["enabled", "title", "type", "client_id", "region", "endpoint", "path_style"];
    input.as_object_mut().unwrap().retain(|name, _| fields.contains(&name.as_str()));
    input["max_bytes_per_sec"] = bytes_per_sec.into();
    api.call("PUT", &format!("/api/v1/storages/{id}"), Some(input)).expect(200);
}

/// The copy has its name, which it gets right before it is uploaded.
pub fn until_sealed(server: &Server, folder: &str, before: &[PathBuf]) {
    let began = Instant::now();
    while copies(&server.archives(), folder).0.iter().all(|copy| before.contains(copy)) {
        assert!(began.elapsed() < Duration::from_secs(60), "no copy was sealed");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn whole_copies(listed: &BTreeMap<String, u64>) -> BTreeSet<String> {
    listed.keys().filter_map(|key| key.strip_suffix("/manifest.json")).map(str::to_owned).collect()
}

/// What is there and belongs to no whole copy.
pub fn half_made(world: &World, kind: StorageKind) -> Option<String> {
    let listed = world.listed(kind);
    let whole = whole_copies(&listed);
    let rest: Vec<&String> =
        listed.keys().filter(|key| !whole.iter().any(|copy| key.starts_with(&format!("{copy}/")))).collect();
    (!rest.is_empty()).then(|| format!("{kind:?}: {rest:?}"))
}

/// Every copy is as its manifest says.
pub fn intact(world: &World, kind: StorageKind, copies: &BTreeSet<String>) {
    let storage = world.storage(kind);
    for copy in copies {
        let key = format!("{copy}/manifest.json");
        let manifest = world.wait(engine::storage::read_small(storage.as_ref(), &key, 1 << 20)).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        for archive in manifest["archives"].as_array().unwrap() {
            let key = format!("{copy}/{}", archive["name"].as_str().unwrap());
            let (size, sha256) = world.download(&storage, &key);
            assert_eq!(
                (Some(size), &archive["sha256"]),
                (archive["size_bytes"].as_u64(), &json!(sha256)),
                "{kind:?} {key}"
            );
        }
    }
}
