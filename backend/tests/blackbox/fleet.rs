//! Several servers on one database, killed again and again while a burst of Sets is due.

use super::server::{Server, Setup};
use super::{Api, databases};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long everything may take to come to rest after the last kill: the leases of the dead run out after a minute, retries wait for another.
const REST: Duration = Duration::from_secs(420);

/// What is tried.
struct Plan {
    servers: usize,
    sets: usize,
    kills: Duration,
    /// The URL of the database that they share; `None` is the embedded one of a single server.
    database: Option<String>,
    /// After this while, the database server loses its connections and recovers.
    restart: Option<Duration>,
}

#[test]
fn three_servers_on_one_postgresql_run_every_slot_although_they_are_killed_and_the_database_restarts() {
    let url = databases::postgres();
    let plan = Plan {
        servers: 3,
        sets: 200,
        kills: Duration::from_secs(120),
        restart: Some(Duration::from_secs(45)),
        database: Some(url),
    };
    burst(&plan);
}

#[test]
fn one_server_on_sqlite_runs_every_slot_although_it_is_killed() {
    let kills = Duration::from_secs(30);
    burst(&Plan { servers: 1, sets: 60, kills, database: None, restart: None });
}

fn burst(plan: &Plan) {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"), &mut random);
    let setups: Vec<Setup> = (0..plan.servers)
        .map(|n| {
            let setup = Setup::new(&dir.path().join(format!("server{n}")))
                .set("STOREKEEP_MAGENTO_ROOT", &store)
                .set("STOREKEEP_ARCHIVE_DIR", &dir.path().join("archives").display().to_string())
                .set("STOREKEEP_ENCRYPTION_KEY", "c3RvcmVrZWVwLWZsZWV0LW9mLXRoZS10ZXN0cy0xMjM=");
            match &plan.database {
                Some(url) => setup.set("STOREKEEP_DATABASE_URL", url),
                None => setup,
            }
        })
        .collect();
    let mut servers: Vec<Server> = setups.iter().map(Setup::start).collect();
    let api = Api::set_up(&servers[0]);
    switch(&api, false);
    for n in 0..plan.sets {
        make_set(&api, n);
    }
    switch(&api, true);

    let began = Instant::now();
    let (mut kills, mut restarts) = (0, 0);
    while began.elapsed() < plan.kills {
        std::thread::sleep(Duration::from_millis(random.random_range(1500..5000)));
        if restarts == 0 && plan.restart.is_some_and(|after| began.elapsed() >= after) {
            databases::restart_postgres();
            restarts += 1;
            // A server that starts needs its database; those that run have to bear without it.
            until_ready(&servers[0]);
        }
        let victim = random.random_range(0..plan.servers);
        servers.remove(victim).kill();
        kills += 1;
        servers.insert(victim, setups[victim].start());
    }
    let api = Api::sign_in(&servers[0]);
    let logs = rest(&api, &servers);
    let interrupted = check(plan, &logs);
    println!(
        "{} servers, {} Sets, {kills} kills, {restarts} restarts of the database: {} logs, {interrupted} interrupted",
        plan.servers,
        plan.sets,
        logs.len()
    );
    assert!(interrupted > 0, "no kill hit a pass");
    let folders: Vec<_> =
        fs::read_dir(dir.path().join("archives")).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(folders.len(), plan.sets);
    for folder in folders {
        let names: Vec<String> =
            fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.len() == 1 && !names[0].ends_with(".partial"), "{}: {names:?}", folder.display());
    }
    for server in servers {
        assert!(server.terminate().success());
    }
}

fn until_ready(server: &Server) {
    let began = Instant::now();
    while ureq::get(format!("{}/readyz", server.url)).call().is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", server.output());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A store whose files take a moment to pack.
fn store(root: &Path, random: &mut StdRng) -> String {
    fs::create_dir_all(root.join("app/etc")).unwrap();
    fs::create_dir_all(root.join("pub/media")).unwrap();
    fs::write(root.join("app/etc/env.php"), "<?php return ['db' => ['connection' => []]];").unwrap();
    for n in 0..24 {
        // Half noise, half zeros: neither stored nor gone.
        let mut bytes = vec![0; 1 << 20];
        random.fill_bytes(&mut bytes[..1 << 19]);
        fs::write(root.join(format!("pub/media/{n}.bin")), bytes).unwrap();
    }
    root.display().to_string()
}

fn switch(api: &Api, enabled: bool) {
    let body =
        json!({"enabled": enabled, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 3});
    api.call("PUT", "/api/v1/config", Some(body)).expect(200);
}

/// Its first slot is now, the next one the day after tomorrow.
fn make_set(api: &Api, n: usize) {
    let body = json!({
        "title": format!("Burst {n}"), "folder_name": format!("burst-{n}"), "backup_types": ["files"], "frequency": 36,
        "retry_attempts": 10, "retry_delay_min": 1,
        "storages": [{"storage_id": null, "keep_copies": 3}],
    });
    api.post("/backups", body).expect(201);
}

fn all_logs(api: &Api) -> Vec<Value> {
    let mut logs = Vec::new();
    for page in 1.. {
        let answer = api.get(&format!("/logs?sort=id&per_page=200&page={page}")).expect(200);
        let items = answer["items"].as_array().unwrap();
        if items.is_empty() {
            break;
        }
        logs.extend(items.iter().cloned());
    }
    logs
}

/// Waits until nothing is pending and nothing waits for another try; returns all logs.
fn rest(api: &Api, servers: &[Server]) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let logs = all_logs(api);
        let moving = |log: &&Value| log["overall_status"] == "pending" || !log["retry_at"].is_null();
        let left = logs.iter().filter(moving).count();
        if left == 0 {
            return logs;
        }
        if began.elapsed() > REST {
            let stuck: Vec<_> = logs.iter().filter(moving).take(3).collect();
            let output: String = servers.iter().map(Server::output).collect();
            let tail = &output[output.len().saturating_sub(8000)..];
            panic!("{left} passes do not come to rest: {stuck:#?}\n{tail}");
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// What must be true of every Set; returns how many passes were interrupted on the way.
fn check(plan: &Plan, logs: &[Value]) -> usize {
    let mut sets: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
    for log in logs {
        assert_eq!(log["trigger"], "schedule");
        sets.entry(log["backup_id"].as_i64().unwrap()).or_default().push(log);
    }
    assert_eq!(sets.len(), plan.sets, "every slot was started");
    let mut interrupted = 0;
    for (set, logs) in sets {
        let first: Vec<_> = logs.iter().filter(|log| log["retry_of"].is_null()).collect();
        assert_eq!(first.len(), 1, "the slot of Set {set} was started once: {logs:#?}");
        assert!(logs.iter().all(|log| log["retry_of"].is_null() || log["retry_of"] == first[0]["id"]));
        let good = logs.iter().filter(|log| log["overall_status"] == "success").count();
        assert_eq!(good, 1, "Set {set}: {logs:#?}");
        assert_eq!(logs[logs.len() - 1]["overall_status"], "success", "the last try of Set {set}: {logs:#?}");
        for log in &logs {
            let again =
                log["warnings"].as_array().unwrap().iter().filter(|w| w["code"] == "tried_again").count();
            interrupted += again;
            if log["overall_status"] == "failed" {
                let why = log["error_message"].as_str().unwrap_or_default();
                assert!(why.starts_with("interrupted"), "Set {set}: {log:#}");
                interrupted += 1;
            }
        }
        // One after the other, never two at once.
        for pair in logs.windows(2) {
            let (ended, started) =
                (pair[0]["finished_at"].as_str().unwrap(), pair[1]["started_at"].as_str().unwrap());
            let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            assert!(at(ended) <= at(started), "Set {set} ran twice at once: {logs:#?}");
        }
    }
    interrupted
}
