//! `kill -9` at any moment costs the pass that ran, and nothing else.
//!
//! A clock would hit the short moments seldom, and nobody would know which. So the server is stopped where it is, looked at, and killed only
//! when it is where it should be; otherwise it goes on.

use super::Api;
use super::archives::{assert_intact, copies};
use super::server::{Server, Setup};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const LIMIT: Duration = Duration::from_secs(60);

/// Where a pass is, as its folder on the disk shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// Nothing of it is there, or its copy is finished and counted.
    Outside,
    /// Its folder is there, and empty: the snapshot is opened, the room is checked.
    Preflight,
    Files,
    Dump,
    /// Both side by side.
    Both,
    /// The manifest is there, the name is not.
    Seal,
    /// The copy has its name; the log may not know it yet.
    Sealed,
}

/// A Set, and the moments at which its passes are killed.
struct Victim {
    id: i64,
    folder: &'static str,
    types: &'static [&'static str],
    moments: &'static [Moment],
}

#[test]
fn killed_twenty_times_the_server_keeps_every_finished_copy_and_no_half_made_one() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let mut server = setup.start();
    let mut api = Api::set_up(&server);
    let mut victims = [
        Victim { id: 0, folder: "files", types: &["files"], moments: &[Moment::Files] },
        Victim { id: 0, folder: "dump", types: &["database"], moments: &[Moment::Dump] },
        Victim {
            id: 0,
            folder: "both",
            types: &["database", "files"],
            moments: &[Moment::Preflight, Moment::Both, Moment::Seal, Moment::Sealed],
        },
    ];
    let mut duration = BTreeMap::new();
    for victim in &mut victims {
        // A pass that copies is over before it can be stopped.
        victim.id = api.create_set(victim.folder, json!({"backup_types": victim.types, "verify": "full"}));
        let began = Instant::now();
        api.run_well(victim.id);
        duration.insert(victim.folder, began.elapsed());
    }

    let plan: Vec<(&Victim, Moment)> = victims
        .iter()
        .flat_map(|victim| victim.moments.iter().map(move |moment| (victim, *moment)))
        .collect();
    let mut killed: BTreeMap<Moment, usize> = BTreeMap::new();
    for round in 0..KILLS {
        let (victim, wanted) = plan[round % plan.len()];
        // Not always at its first sight.
        let late = duration[victim.folder].mul_f64(random.random_range(0.0..0.5));
        let log = reach(&api, &server, victim, wanted, late);
        *killed.entry(wanted).or_default() += 1;
        let kept = finished(&server, victim.folder);
        server.kill();

        server = setup.start();
        api = Api::sign_in(&server);
        nothing_is_left_over(&api, &server, &victims);
        let log = api.log(log);
        if wanted < Moment::Sealed {
            assert_eq!(log["overall_status"], "failed", "round {round}, {wanted:?}: {log:#}");
            let message = log["error_message"].as_str().unwrap_or_default();
            assert!(message.contains("interrupted"), "{log:#}");
        }
        assert_eq!(
            finished(&server, victim.folder),
            kept,
            "round {round}, {wanted:?}: finished copies are gone"
        );
        // Whatever was cut off, the next pass of the same Set is a good one.
        api.run_well(victim.id);
    }
    println!("killed at {killed:?}");
    assert_eq!(killed.values().sum::<usize>(), KILLS);
    for (_, moment) in &plan {
        assert!(killed[moment] >= KILLS / plan.len(), "{moment:?} was hit too seldom: {killed:?}");
    }
    for victim in &victims {
        let log = api.run_well(victim.id);
        let done = copies(&server.archives(), victim.folder).0;
        assert_eq!(done.len(), 3, "retention catches up with what the kills left");
        assert!(done.contains(&server.archives().join(log["copy_path"].as_str().unwrap())));
        done.iter().for_each(|copy| assert_intact(copy));
    }
}

/// Starts passes until one is at the moment, and leaves the server stopped there. Returns the log of that pass.
fn reach(api: &Api, server: &Server, victim: &Victim, wanted: Moment, late: Duration) -> i64 {
    let began = Instant::now();
    loop {
        let before = finished(server, victim.folder);
        let log = api.start(victim.id);
        let reached = || moment(server, victim.folder, &before) == wanted;
        let mut asked = Instant::now();
        while !reached() {
            assert!(began.elapsed() < LIMIT, "no pass was seen at {wanted:?}");
            // Asked seldom: an answer takes longer than what is waited for. A log that is closed tells that this pass went by.
            if asked.elapsed() > Duration::from_millis(500) {
                if api.log(log)["overall_status"] != "pending" {
                    break;
                }
                asked = Instant::now();
            }
            std::thread::yield_now();
        }
        // Short moments are over by then.
        if matches!(wanted, Moment::Files | Moment::Dump | Moment::Both) {
            std::thread::sleep(late);
        }
        stop(server);
        if reached() {
            return log;
        }
        send(server, Signal::CONT);
        api.finished(log);
        assert!(began.elapsed() < LIMIT, "no pass could be stopped at {wanted:?}");
    }
}

fn moment(server: &Server, folder: &str, before: &[PathBuf]) -> Moment {
    let (done, partial) = copies(&server.archives(), folder);
    let Some(partial) = partial.first() else {
        return if done.iter().any(|copy| !before.contains(copy)) { Moment::Sealed } else { Moment::Outside };
    };
    let there = |name: &str| partial.join(name).exists();
    match (there("manifest.json"), holds_bytes(&partial.join("files")), holds_bytes(&partial.join("db"))) {
        (true, ..) => Moment::Seal,
        (false, true, true) => Moment::Both,
        (false, true, false) => Moment::Files,
        (false, false, true) => Moment::Dump,
        (false, false, false) => Moment::Preflight,
    }
}

/// Whether something has been written there already.
fn holds_bytes(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.flat_map(|entry| entry.metadata()).any(|file| file.len() > 0)
}

fn send(server: &Server, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Stops the server and waits until none of its threads runs any more: what the disk shows then stays.
fn stop(server: &Server) {
    send(server, Signal::STOP);
    let threads = Path::new("/proc").join(server.pid().to_string()).join("task");
    let began = Instant::now();
    let stopped = |thread: &Path| {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        // `pid (name) state …`; a thread that has ended meanwhile runs no more either.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    };
    while !fs::read_dir(&threads).unwrap().flatten().all(|thread| stopped(&thread.path())) {
        assert!(began.elapsed() < LIMIT, "the server cannot be stopped");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The copies that are whole. One that was being deleted when the server died is none any more; the next sweep takes it up.
fn finished(server: &Server, folder: &str) -> Vec<PathBuf> {
    let mut done = copies(&server.archives(), folder).0;
    done.retain(|copy| copy.join("manifest.json").exists() && !copy.join("deleting.json").exists());
    done
}

fn nothing_is_left_over(api: &Api, server: &Server, victims: &[Victim]) {
    let began = Instant::now();
    loop {
        let logs = api.get("/logs?per_page=200").expect(200);
        let items = logs["items"].as_array().unwrap();
        assert!(!items.is_empty());
        let is_pending = |log: &&Value| log["overall_status"] == "pending";
        let pending = items.iter().filter(is_pending).count();
        if pending == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{pending} logs are still pending: {logs:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
    for victim in victims {
        let (_, partial) = copies(&server.archives(), victim.folder);
        assert_eq!(partial, Vec::<PathBuf>::new());
        finished(server, victim.folder).iter().for_each(|copy| assert_intact(copy));
    }
}
