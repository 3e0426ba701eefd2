//! Starting, stopping, the commands.

use super::Api;
use super::archives::copies;
use super::server::Setup;
use super::store;
use rustix::process::Signal;
use serde_json::json;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

#[test]
fn sigterm_ends_the_server_with_0_idle_or_busy() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let server = setup.start();
    let api = Api::set_up(&server);
    let set = api.create_set("stop", json!({}));
    assert_eq!(server.terminate().code(), Some(0));

    let server = setup.start();
    let api = Api::sign_in(&server);
    let id = api.start(set);
    let began = Instant::now();
    while copies(&server.archives(), "stop").1.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "the pass did not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let archives = server.archives();
    assert_eq!(server.terminate().code(), Some(0));

    let server = setup.start();
    let log = Api::sign_in(&server).log(id);
    assert_ne!(log["overall_status"], "pending", "{log:#}");
    let (done, partial) = copies(&archives, "stop");
    assert_eq!(partial, Vec::<PathBuf>::new());
    assert_eq!(done.len(), usize::from(log["overall_status"] == "success"), "{log:#}");
}

#[test]
fn a_pass_from_the_shell_ends_with_the_code_of_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let server = setup.start();
    let api = Api::set_up(&server);
    let set = api.create_set("shell", json!({"backup_types": ["database"]}));
    // Both with a server beside it and without one.
    for label in ["v1.2.3", "v1.2.4"] {
        let output = setup.cli(&["run", &set.to_string(), "--wait", "--label", label]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let logs = api.get("/logs").expect(200);
    assert_eq!(logs["items"][0]["label"], "v1.2.4", "{logs:#}");
    assert_eq!(logs["items"][0]["trigger"], "cli");
    assert!(server.terminate().success());
    let broken = setup.set("STOREKEEP_MAGENTO_DATABASE_URL", &store::url("storekeep", "wrong"));
    let output = broken.cli(&["run", &set.to_string(), "--wait"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let output = broken.cli(&["run", "4711", "--wait"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("4711"), "{output:?}");
}

#[test]
fn an_unknown_setting_is_warned_about_and_help_lists_the_known_ones() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path()).set("STOREKEEP_MAGENTO_ROT", "/srv/shop");
    let server = setup.start();
    assert!(server.output().contains("STOREKEEP_MAGENTO_ROT"), "{}", server.output());
    let help = String::from_utf8(setup.cli(&["serve", "--help"]).stdout).unwrap();
    for name in [
        "MAGENTO_ROOT",
        "DATA_DIR",
        "ARCHIVE_DIR",
        "DATABASE_URL",
        "LISTEN",
        "PUBLIC_URL",
        "PART_SIZE",
        "SETUP_TOKEN",
        "METRICS_TOKEN",
    ] {
        assert!(help.contains(&format!("STOREKEEP_{name}")), "{name} is not in:\n{help}");
    }
}

/// Ends a process that the test started, and says how it ended.
fn end(mut child: Child, signal: Signal, limit: Duration) -> Option<i32> {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, signal).unwrap();
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it went on for {limit:?} after {signal:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn wait_for(what: &str, child: &mut Child, reached: impl Fn() -> bool) {
    let began = Instant::now();
    while !reached() {
        let ended = child.try_wait().unwrap();
        if ended.is_some() || began.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            panic!("{what} did not come ({ended:?})");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_stop_before_the_server_is_ready_is_no_failure() {
    // A database that takes connections and says nothing.
    let stalling = TcpListener::bind("127.0.0.1:0").unwrap();
    stalling.set_nonblocking(true).unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("postgres://u:p@{}/meta", stalling.local_addr().unwrap());
        let setup = Setup::new(dir.path()).set("STOREKEEP_DATABASE_URL", &url);
        let mut child = setup.spawn(&["serve"]);
        let taken = std::cell::OnceCell::new();
        wait_for("the connection", &mut child, || stalling.accept().is_ok_and(|c| taken.set(c).is_ok()));
        assert_eq!(end(child, signal, Duration::from_secs(5)), Some(0), "{}", setup.output());
    }
    let dir = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(dir.path()).unwrap();
    let setup = Setup::new(&path).demo();
    let mut child = setup.spawn(&["serve", "--demo"]);
    wait_for("the demo store", &mut child, || setup.output().contains("opening the demo store"));
    assert_eq!(end(child, Signal::TERM, Duration::from_secs(60)), Some(0), "{}", setup.output());
    let began = Instant::now();
    while database_servers(&path) > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "the database outlived the server");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_request_that_waits_does_not_hold_up_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let server = setup.start();
    let api = Api::set_up(&server);
    let first = api.start(api.create_set("first", json!({})));
    let waits = api.start(api.create_set("second", json!({"backup_types": ["database"]})));
    // Nothing is taken from the queue any more: the second one stays there.
    let off =
        json!({"enabled": false, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 1});
    api.call("PUT", "/api/v1/config", Some(off)).expect(200);
    api.finished(first);
    assert_eq!(api.log(waits)["queued"], true);
    let (asked, asking) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let poll = scope.spawn(|| {
            asked.send(()).unwrap();
            Api::sign_in(&server).get(&format!("/logs/{waits}?wait=60")).expect(200)
        });
        asking.recv().unwrap();
        // Until it is signed in and waits.
        std::thread::sleep(Duration::from_secs(2));
        let began = Instant::now();
        server.signal(Signal::TERM);
        assert_eq!(poll.join().unwrap()["overall_status"], "pending");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    });
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_command_that_was_killed_keeps_no_later_one_from_running() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let server = setup.start();
    let api = Api::set_up(&server);
    let set = api.create_set("killed", json!({})).to_string();
    let archives = server.archives();
    assert!(server.terminate().success());
    let mut child = setup.spawn(&["run", &set]);
    wait_for("the pass", &mut child, || !copies(&archives, "killed").1.is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(copies(&archives, "killed").1.len(), 1);
    let output = setup.cli(&["run", &set]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (done, partial) = copies(&archives, "killed");
    assert_eq!((done.len(), partial), (1, Vec::new()));
    let server = setup.start();
    let logs = Api::sign_in(&server).get("/logs?sort=id").expect(200);
    let states: Vec<_> = (0..2).map(|i| logs["items"][i]["overall_status"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "success"], "{logs:#}");
    assert!(logs["items"][0]["error_message"].as_str().unwrap().starts_with("interrupted"));
}

#[test]
fn a_command_tells_what_was_wrong_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    // No server ever ran here.
    let output = setup.cli(&["run", "nightly"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("STOREKEEP_DATA_DIR") && said.contains("--data-dir"), "{said}");
    assert!(!dir.path().join("data").exists());
    assert_eq!(setup.cli(&["user", "reset-password", "anna"]).status.code(), Some(1));
    assert!(!dir.path().join("data").exists());
    // 2 would mean a partial pass.
    assert_eq!(setup.cli(&["run", "nightly", "--lable", "x"]).status.code(), Some(1));
    assert_eq!(setup.cli(&["run", "--help"]).status.code(), Some(0));
    let server = setup.start();
    Api::set_up(&server).create_set("nightly", json!({"backup_types": ["files"]}));
    for (label, says) in [("a\nb", "control characters"), (&*"x".repeat(201), "200")] {
        let output = setup.cli(&["run", "nightly", "--label", label]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("--label") && said.contains(says), "{said}");
    }
}

#[test]
fn a_partial_pass_from_the_shell_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let server = setup.start();
    Api::set_up(&server).create_set("partial", json!({}));
    assert!(server.terminate().success());
    let broken = setup.set("STOREKEEP_MAGENTO_DATABASE_URL", &store::url("storekeep", "wrong"));
    let output = broken.cli(&["run", "partial"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("is partial"), "{output:?}");
}

/// Containers pass on what is not set as an empty text.
#[test]
fn an_empty_variable_means_the_same_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("elsewhere").display().to_string();
    let migrate = |setup: Setup| setup.cli(&["migrate", "--data-dir", &data]);
    let help = String::from_utf8(Setup::new(dir.path()).cli(&["serve", "--help"]).stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let names: Vec<String> =
        help.split("[env: ").skip(1).filter_map(|t| Some(t.split(['=', ']']).next()?.to_owned())).collect();
    assert!(names.len() >= 15, "{names:?}");
    let mut all = Setup::new(dir.path());
    for name in &names {
        let output = migrate(Setup::new(dir.path()).set(name, ""));
        assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
        all = all.set(name, "");
    }
    assert_eq!(migrate(all).status.code(), Some(0));
    let key = dir.path().join("key").display().to_string();
    let both =
        Setup::new(dir.path()).set("STOREKEEP_ENCRYPTION_KEY", "").set("STOREKEEP_ENCRYPTION_KEY_FILE", &key);
    assert_eq!(migrate(both).status.code(), Some(0));
    // A switch takes the ways in which people write it.
    for (value, code) in [("1", 1), ("true", 1), ("yes", 1), ("0", 0), ("false", 0), ("no", 0)] {
        let output = Setup::new(dir.path()).set("STOREKEEP_DEMO", value).set("STOREKEEP_LISTEN", "nonsense");
        let output = output.cli(&["serve"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{value}: {said}");
        // The shared store is configured as well: with the demo store, that is refused.
        assert_eq!(said.contains("exclude each other"), code == 1, "{value}: {said}");
    }
    assert_eq!(migrate(Setup::new(dir.path()).set("STOREKEEP_DEMO", "maybe")).status.code(), Some(1));
}

#[test]
fn a_proxy_that_knows_better_than_the_public_url_is_told_about_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Setup::new(dir.path()).set("STOREKEEP_TRUSTED_PROXIES", "127.0.0.1").start();
    let ask = |proto: &str| {
        let request = ureq::get(format!("{}/healthz", server.url)).header("x-forwarded-proto", proto);
        assert_eq!(request.call().unwrap().status(), 200);
        server.output().matches("set STOREKEEP_PUBLIC_URL").count()
    };
    assert_eq!([ask("http"), ask("https, http"), ask("https"), ask("https")], [0, 0, 1, 1]);
    let dir = tempfile::tempdir().unwrap();
    let server = Setup::new(dir.path()).start();
    let request = ureq::get(format!("{}/healthz", server.url)).header("x-forwarded-proto", "https");
    assert_eq!(request.call().unwrap().status(), 200);
    assert!(!server.output().contains("set STOREKEEP_PUBLIC_URL"));
}

/// The servers whose command line names this directory.
fn database_servers(dir: &Path) -> usize {
    let wanted = dir.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines
        .filter(|line| {
            let program = line.split(|b| *b == 0).next().unwrap_or_default();
            program.ends_with(b"mariadbd") && line.windows(wanted.len()).any(|w| w == wanted)
        })
        .count()
}

#[test]
fn the_demo_store_is_served_and_its_database_ends_with_the_server_killed_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(dir.path()).unwrap();
    let setup = Setup::new(&path).demo();
    let server = setup.start();
    let api = Api::set_up(&server);
    let source = api.get("/source").expect(200);
    assert_eq!(source["problems"], json!([]), "{source:#}");
    assert!(source["version"].as_str().unwrap().contains("2.4.7-p3"));
    assert_eq!(database_servers(&path), 1);
    server.kill();
    let began = Instant::now();
    while database_servers(&path) > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "the database outlived the server");
        std::thread::sleep(Duration::from_millis(50));
    }
    let server = setup.start();
    assert_eq!(database_servers(&path), 1);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(database_servers(&path), 0);
}
