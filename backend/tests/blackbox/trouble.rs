//! What goes wrong is told, and costs nothing that was there.

use super::Api;
use super::archives::{assert_intact, copies, copy_of};
use super::server::{Server, Setup};
use super::store::{self, sql};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn set(api: &Api, folder: &str) -> i64 {
    api.create_set(folder, json!({"exclude_directories": ["vendor", "generated", "pub/static", "dev"]}))
}

/// A failed pass: its message has every one of these words, nothing half-made stays, what was there is as it was.
fn assert_failed(log: &Value, words: &[&str]) {
    assert_eq!(log["overall_status"], "failed", "{log:#}");
    let message = log["error_message"].as_str().unwrap_or_else(|| panic!("no message: {log:#}"));
    for word in words {
        assert!(message.to_lowercase().contains(&word.to_lowercase()), "{message:?} does not say {word:?}");
    }
}

fn assert_left_as_it_was(archives: &Path, folder: &str, good: &[PathBuf]) {
    let (done, partial) = copies(archives, folder);
    assert_eq!(partial, Vec::<PathBuf>::new());
    assert_eq!(done, good);
    done.iter().for_each(|copy| assert_intact(copy));
}

#[test]
fn a_database_that_cannot_be_read_fails_the_pass_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    sql("DROP USER IF EXISTS nothing@'127.0.0.1', reader@'127.0.0.1';
         CREATE USER nothing@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT INSERT ON magento.* TO nothing@'127.0.0.1';
         CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT SELECT, LOCK TABLES ON magento.* TO reader@'127.0.0.1'");
    let server = Setup::new(dir.path()).start();
    let api = Api::set_up(&server);
    let only = api.create_set("trouble", json!({"backup_types": ["database"]}));
    let both = set(&api, "both");
    let good = vec![copy_of(&server.archives(), &api.run_well(only))];
    assert!(server.terminate().success());

    let dead = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    for (url, words) in [
        (store::url("storekeep", "no-such-password"), vec!["'storekeep'", "password"]),
        (format!("mysql://storekeep:x@127.0.0.1:{dead}/magento"), vec!["127.0.0.1", "answers", "Start it"]),
        (store::url("nothing", "secret"), vec!["SELECT", "GRANT"]),
    ] {
        let server = Setup::new(dir.path()).set("STOREKEEP_MAGENTO_DATABASE_URL", &url).start();
        let api = Api::sign_in(&server);
        assert_failed(&api.run(only), &words);
        assert_left_as_it_was(&server.archives(), "trouble", &good);
        // The files of a Set with both types are not given up for that: what there is, is kept, and is not called whole.
        let log = api.run(both);
        assert_eq!(log["overall_status"], "partial", "{log:#}");
        for word in words {
            assert!(log["warnings"].to_string().contains(word), "{word}: {log:#}");
        }
        assert_intact(&copy_of(&server.archives(), &log));
        assert!(server.terminate().success());
    }

    // With SELECT alone the rows can be read: they are archived, and what is missing is listed, each with what grants it.
    let server =
        Setup::new(dir.path()).set("STOREKEEP_MAGENTO_DATABASE_URL", &store::url("reader", "secret")).start();
    let api = Api::sign_in(&server);
    let log = api.run(only);
    assert_eq!((&log["overall_status"], &log["error_message"]), (&json!("partial"), &Value::Null), "{log:#}");
    let warnings = log["warnings"].as_array().unwrap();
    let told: Vec<_> =
        warnings.iter().map(|w| (w["code"].as_str().unwrap(), w["subject"].as_str())).collect();
    assert_eq!(
        told,
        [
            ("grant_missing", Some("SHOW VIEW")),
            ("grant_missing", Some("TRIGGER")),
            ("grant_missing", Some("EVENT")),
            ("routines_unseen", Some("magento"))
        ]
    );
    for warning in warnings {
        let message = warning["message"].as_str().unwrap();
        assert!(message.contains("GRANT ") && message.contains("TO 'reader'@'127.0.0.1'"), "{message}");
    }
    assert_eq!(log["storages"][0]["status"], "success", "the row took what there was: {log:#}");
    let copy = copy_of(&server.archives(), &log);
    assert_intact(&copy);
    let manifest: Value = serde_json::from_slice(&fs::read(copy.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["complete"], false);
    let database = &manifest["databases"][0];
    assert!(database["tables"].as_array().unwrap().iter().all(|table| table["left_out"].is_null()));
    for nothing in ["views", "triggers", "routines", "events"] {
        assert_eq!(database[nothing], json!([]), "{nothing}");
    }
    // A copy that is not whole displaces none that is.
    assert!(good[0].is_dir());
    sql("DROP USER nothing@'127.0.0.1', reader@'127.0.0.1'");
}

/// A server whose archive directory is a small file system of its own.
fn on_small_disk(dir: &Path, size: &str) -> (Server, PathBuf) {
    let disk = dir.join("disk");
    fs::create_dir_all(&disk).unwrap();
    let mounts = format!("mount -t tmpfs -o size={size},mode=700 tmpfs {}", disk.display());
    let server =
        Setup::new(dir).set("STOREKEEP_ARCHIVE_DIR", &disk.display().to_string()).mounts(&mounts).start();
    let inside = server.inside(&disk);
    (server, inside)
}

#[test]
fn a_full_disk_fails_the_pass_and_spares_the_copies_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let (server, disk) = on_small_disk(dir.path(), "220m");
    let api = Api::set_up(&server);
    // A pass that copies is over before the disk is full.
    let set = api.create_set(
        "full",
        json!({"exclude_directories": ["vendor", "generated", "pub/static", "dev"], "verify": "full"}),
    );
    let good = vec![copy_of(&disk, &api.run_well(set))];
    let size: u64 =
        good[0].join("files").read_dir().unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();

    // Full from the start: refused before the first byte.
    let filler = disk.join("filler");
    fs::write(&filler, vec![b'x'; (210 << 20) - 2 * size as usize]).unwrap();
    fill(&disk.join("filler2"), size / 2);
    let log = api.run(set);
    assert_failed(&log, &["space"]);
    assert_left_as_it_was(&disk, "full", &good);

    // Full in the middle: room enough when it starts, none a moment later.
    fs::remove_file(&filler).unwrap();
    fs::remove_file(disk.join("filler2")).unwrap();
    let id = api.start(set);
    let began = Instant::now();
    while copies(&disk, "full").1.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    fill(&filler, 0);
    let log = api.finished(id);
    assert_failed(&log, &["space"]);
    assert_left_as_it_was(&disk, "full", &good);

    fs::remove_file(&filler).unwrap();
    api.run_well(set);
}

/// Writes until only `leave` bytes are free.
fn fill(path: &Path, leave: u64) {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    let block = vec![b'x'; 64 << 10];
    while file.write_all(&block).is_ok() {}
    drop(file);
    let size = fs::metadata(path).unwrap().len();
    fs::File::options().write(true).open(path).unwrap().set_len(size.saturating_sub(leave)).unwrap();
}

#[test]
fn an_archive_directory_that_cannot_be_written_fails_the_pass_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (server, disk) = on_small_disk(dir.path(), "200m");
    let api = Api::set_up(&server);
    let set = set(&api, "readonly");
    let good = vec![copy_of(&disk, &api.run_well(set))];
    let path = dir.path().join("disk");
    let remount = |how: &str| {
        let mut command = std::process::Command::new("nsenter");
        if !rustix::process::geteuid().is_root() {
            command.arg("--user");
        }
        let status = command
            .args([
                "--target",
                &server.pid().to_string(),
                "--mount",
                "mount",
                "-o",
                &format!("remount,{how}"),
            ])
            .arg(&path)
            .status();
        assert!(status.unwrap().success());
    };
    remount("ro");
    let log = api.run(set);
    assert_failed(&log, &["disk", "read-only"]);
    assert_left_as_it_was(&disk, "readonly", &good);
    remount("rw");
    api.run_well(set);
}

#[test]
fn a_file_that_cannot_be_read_makes_the_pass_partial_and_is_listed() {
    if !rustix::process::geteuid().is_root() {
        // Somebody else's file is needed, which only root can make; as root the whole test runs.
        println!("skipped: not root");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("shop");
    fs::create_dir_all(root.join("app/etc")).unwrap();
    fs::copy(store::shared().root().join("app/etc/env.php"), root.join("app/etc/env.php")).unwrap();
    fs::write(root.join("composer.json"), "{}").unwrap();
    fs::create_dir(root.join("var")).unwrap();
    fs::write(root.join("var/theirs"), "secret").unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let run = |arguments: &[&str]| {
        assert!(std::process::Command::new(arguments[0]).args(&arguments[1..]).status().unwrap().success())
    };
    let path = dir.path().display().to_string();
    run(&["chown", "-R", "65534:65534", &path]);
    run(&["chown", "root:root", &format!("{path}/shop/var/theirs")]);
    run(&["chmod", "600", &format!("{path}/shop/var/theirs")]);
    let server =
        Setup::new(dir.path()).set("STOREKEEP_MAGENTO_ROOT", &root.display().to_string()).by_nobody().start();
    let api = Api::set_up(&server);
    let set = api.create_set("unreadable", json!({"backup_types": ["files"]}));
    let log = api.run(set);
    assert_eq!(log["overall_status"], "partial", "{log:#}");
    assert_eq!(log["warnings"][0]["subject"], "var/theirs", "{log:#}");
    assert_intact(&copy_of(&server.archives(), &log));
}
