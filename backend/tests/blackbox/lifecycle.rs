//! Starting, stopping, the commands.

use super::Api;
use super::archives::copies;
use super::server::Setup;
use super::store;
use serde_json::json;
use std::path::{Path, PathBuf};
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
    ] {
        assert!(help.contains(&format!("STOREKEEP_{name}")), "{name} is not in:\n{help}");
    }
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
