//! `kill -9` at any moment costs the pass that ran, and nothing else.

use super::Api;
use super::archives::{assert_intact, copies};
use super::server::{Server, Setup};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const FOLDER: &str = "kill";

#[test]
fn killed_twenty_times_the_server_keeps_every_finished_copy_and_no_half_made_one() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let mut server = setup.start();
    let mut api = Api::set_up(&server);
    // Small enough to be killed often, large enough to be killed in the middle.
    let set = api.create_set(FOLDER, json!({"exclude_directories": ["vendor", "generated", "pub/static"]}));
    let began = Instant::now();
    api.run_well(set);
    let whole = began.elapsed();

    let mut moments: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..KILLS {
        let before = newest(&server);
        api.start(set);
        match round % 4 {
            0 => std::thread::sleep(whole.mul_f64(random.random_range(0.0..1.0))),
            1 => std::thread::sleep(whole.mul_f64(random.random_range(0.85..1.1))),
            // At the very moments that a clock would seldom hit: sealed, and renamed but not yet recorded.
            2 => wait_until(|| moment(&server.archives()) == "seal" || newest(&server) > before),
            _ => wait_until(|| newest(&server) > before),
        }
        *moments.entry(moment(&server.archives())).or_default() += 1;
        let kept = newest(&server);
        server.kill();

        server = setup.start();
        api = Api::sign_in(&server);
        nothing_is_left_over(&api, &server);
        assert!(newest(&server) >= kept, "round {round}: the newest finished copy is gone");
    }
    println!("killed at {moments:?}; a whole pass takes {whole:?}");
    let log = api.run_well(set);
    let (done, _) = copies(&server.archives(), FOLDER);
    assert_eq!(done.len(), 3, "retention catches up with what the kills left");
    assert!(done.contains(&server.archives().join(log["copy_path"].as_str().unwrap())));
    done.iter().for_each(|copy| assert_intact(copy));
}

fn wait_until(reached: impl Fn() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < Duration::from_secs(60), "the pass did not come that far");
    }
}

/// What could be seen of the pass just before it was killed.
fn moment(archives: &Path) -> &'static str {
    let (_, partial) = copies(archives, FOLDER);
    let Some(partial) = partial.first() else { return "before or after" };
    match (
        partial.join("manifest.json").exists(),
        partial.join("files").exists(),
        partial.join("db").exists(),
    ) {
        (true, ..) => "seal",
        (false, true, true) => "files and dump",
        (false, true, false) => "files",
        (false, false, true) => "dump",
        (false, false, false) => "start",
    }
}

fn newest(server: &Server) -> Option<PathBuf> {
    copies(&server.archives(), FOLDER).0.pop()
}

fn nothing_is_left_over(api: &Api, server: &Server) {
    let began = Instant::now();
    loop {
        let logs = api.get("/logs?per_page=200").expect(200);
        let items = logs["items"].as_array().unwrap();
        assert!(!items.is_empty());
        let pending = items.iter().filter(|log| log["overall_status"] == "pending").count();
        if pending == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{pending} logs are still pending: {logs:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let (done, partial) = copies(&server.archives(), FOLDER);
    assert_eq!(partial, Vec::<PathBuf>::new());
    done.iter().for_each(|copy| assert_intact(copy));
}
