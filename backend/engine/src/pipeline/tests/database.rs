//! Passes over a store with a real MariaDB.

use super::support::*;
use crate::archive::manifest::{ArchiveType, Manifest};
use crate::demo::server::PrivateServer;
use crate::event::{Event, Phase};
use crate::pipeline::{Job, Outcome, Status, local_copies, run_tuned};
use crate::policy::layout::MANIFEST;
use crate::source::database::fixture::{Server, Store, server};
use crate::storage::{MemoryStorage, StorageKind};
use rstest::rstest;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

const SCHEMA: &str = "CREATE TABLE sales_order (id INT PRIMARY KEY, note VARCHAR(50)); INSERT INTO sales_order VALUES (1, 'first'), (2, 'second'); \
    CREATE TABLE report_event (id INT PRIMARY KEY); INSERT INTO report_event VALUES (1), (2), (3); \
    CREATE VIEW orders AS SELECT id FROM sales_order;";

fn store(server: &Arc<Server>) -> Store {
    let store = server.store(SCHEMA);
    fs::write(store.source().root.join("index.php"), "<?php").unwrap();
    store
}

fn archive_dir(store: &Store) -> PathBuf {
    store.dir.path().join("archives")
}

/// A pass of files and database, with the local row.
fn job(store: &Store, n: u32) -> Job {
    let bench = Bench::new();
    Job { source: store.source(), archive_dir: archive_dir(store), database: true, ..bench.job(&day(n)) }
}

fn copy_dir(store: &Store, n: u32) -> PathBuf {
    archive_dir(store).join("nightly").join(copy_of(n))
}

fn manifest(store: &Store, n: u32) -> Manifest {
    let json = fs::read(copy_dir(store, n).join(MANIFEST)).unwrap();
    Manifest::read(&json, "nightly", &copy_of(n)).unwrap()
}

fn sql_of(store: &Store, n: u32) -> String {
    let out = Command::new("gunzip").arg("-c").arg(copy_dir(store, n).join("db/db.sql.gz")).output().unwrap();
    assert!(out.status.success());
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn assert_nothing_of(store: &Store, n: u32) {
    let names = names(&archive_dir(store).join("nightly"));
    assert!(!names.iter().any(|name| name.contains(&copy_of(n)) || name.ends_with(".partial")), "{names:?}");
}

fn assert_failed(outcome: &Outcome, told: &[&str]) {
    assert_eq!((outcome.status, outcome.copy_path.as_deref()), (Status::Failed, None), "{outcome:?}");
    let error = outcome.error.as_deref().unwrap();
    for told in told {
        assert!(error.contains(told), "`{told}` is not in: {error}");
    }
}

#[tokio::test]
async fn a_pass_of_both_types_is_sealed_and_its_dump_restores() {
    let store = store(&server());
    let exclude_tables = vec!["report_event".into()];
    let (events, seen) = record(|_| {});
    let outcome =
        run_tuned(Job { exclude_tables, ..job(&store, 1) }, events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success, "{outcome:?}");
    let archives: Vec<_> = outcome.archives.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(archives, ["files/files.tgz", "db/db.sql.gz"]);
    assert_eq!(tree(&copy_dir(&store, 1)), ["db/db.sql.gz", "files/files.tgz", MANIFEST]);
    let phases = phases(&seen.lock().unwrap());
    for phase in [Phase::Preflight, Phase::Files, Phase::Database, Phase::Seal, Phase::Retention] {
        assert!(phases.contains(&phase), "{phases:?}");
    }

    let manifest = manifest(&store, 1);
    assert_eq!(manifest.requested, [ArchiveType::Files, ArchiveType::Database]);
    assert_eq!(manifest.done, [ArchiveType::Files, ArchiveType::Database]);
    let database = &manifest.databases[0];
    assert_eq!(database.name, store.name);
    assert!(database.server.contains("MariaDB"), "{}", database.server);
    let tables: Vec<_> =
        database.tables.iter().map(|t| (t.name.as_str(), t.rows, t.left_out.is_some())).collect();
    assert_eq!(tables, [("report_event", 0, true), ("sales_order", 2, false)]);
    assert_eq!(database.views, ["orders"]);

    let restored = store.restore(&copy_dir(&store, 1).join("db/db.sql.gz"));
    assert_eq!(store.server.sql(&restored, "SELECT note FROM sales_order ORDER BY id"), "first\nsecond\n");
    assert_eq!(store.server.sql(&restored, "SELECT COUNT(*) FROM report_event"), "0\n");
}

#[tokio::test]
async fn the_database_is_seen_as_it_was_before_the_first_file_was_read() {
    let store = Arc::new(store(&server()));
    let (shop, root) = (Arc::clone(&store), store.source().root);
    let once = Mutex::new(false);
    let (events, _) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Files, .. })
            && !std::mem::replace(&mut *once.lock().unwrap(), true)
        {
            // An order with its image, made while the files are about to be read: the image may be there, the row may not.
            fs::write(root.join("image.jpg"), "x").unwrap();
            shop.sql("INSERT INTO sales_order VALUES (3, 'too late')");
        }
    });
    let outcome = run_tuned(job(&store, 1), events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success, "{outcome:?}");
    let sql = sql_of(&store, 1);
    assert!(sql.contains("'second'") && !sql.contains("too late"), "{sql}");
    assert_eq!(store.sql("SELECT COUNT(*) FROM sales_order"), "3\n");
}

#[tokio::test]
async fn settings_are_read_anew_each_time() {
    let store = store(&server());
    assert_eq!(run(job(&store, 1)).await.status, Status::Success);
    let env = store.source().root.join("app/etc/env.php");
    let text = fs::read_to_string(&env).unwrap();
    fs::write(&env, text.replace("p\\'w", "wrong, as Hamlet'").replace("Hamlet'", "Hamlet")).unwrap();
    let outcome = run(Job { files: false, ..job(&store, 2) }).await;
    assert_failed(&outcome, &["The database could not be dumped", &store.name]);
    let all = format!("{outcome:?}");
    assert!(!all.contains("Hamlet"), "the password is told: {all}");
    assert_nothing_of(&store, 2);
    assert_eq!(local_copies(&archive_dir(&store), "nightly").unwrap().len(), 1);
    fs::write(&env, text).unwrap();
    assert_eq!(run(job(&store, 3)).await.status, Status::Success);
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_the_pass_of_a_database_and_halves_that_of_both() {
    let store = store(&server());
    // The port was free a moment ago, and nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    store.env(&format!("'host' => '127.0.0.1:{port}'"), "");
    let outcome = run(Job { files: false, ..job(&store, 1) }).await;
    assert_failed(&outcome, &["The database could not be dumped", &port.to_string()]);
    assert_nothing_of(&store, 1);

    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let rows = vec![local_row(3), remote_row("7", 3, memory.clone())];
    let (events, seen) = record(|_| {});
    let outcome = run_tuned(Job { rows, ..job(&store, 2) }, events, CancellationToken::new(), QUICK).await;
    assert_eq!((outcome.status, outcome.error.as_deref()), (Status::Partial, None), "{outcome:?}");
    assert!(!outcome.complete);
    assert_eq!(tree(&copy_dir(&store, 2)), ["files/files.tgz", MANIFEST]);
    let warning = &outcome.warnings[0];
    assert_eq!((warning.code.as_str(), warning.incomplete), ("database_failed", true));
    for row in &outcome.rows {
        assert!(row.ok && row.message.contains("The database could not be dumped"), "{}", row.message);
    }
    let manifest = manifest(&store, 2);
    assert_eq!(manifest.done, [ArchiveType::Files]);
    assert!(!manifest.complete);
    assert_eq!(memory.keys().len(), 2);
    let failed = |e: &Event| matches!(e, Event::Ended { phase: Phase::Database, ok: false });
    assert!(seen.lock().unwrap().iter().any(failed));
}

#[tokio::test]
async fn files_that_fail_leave_the_database() {
    let store = store(&server());
    let mut source = store.source();
    source.database_url = Some(store.server.private.root_url(&store.name));
    source.root = store.dir.path().join("gone");
    let outcome = run(Job { source, ..job(&store, 1) }).await;
    assert_eq!((outcome.status, outcome.error.as_deref()), (Status::Partial, None), "{outcome:?}");
    assert_eq!(tree(&copy_dir(&store, 1)), ["db/db.sql.gz", MANIFEST]);
    assert_eq!(outcome.warnings[0].code, "files_failed");
    assert!(outcome.rows[0].message.contains("The files could not be archived"), "{:?}", outcome.rows);
}

#[tokio::test]
async fn when_both_types_fail_both_are_named() {
    let store = store(&server());
    fs::remove_dir_all(store.source().root).unwrap();
    let outcome = run(job(&store, 1)).await;
    let told =
        ["The files could not be archived", "The database could not be dumped", "STOREKEEP_MAGENTO_ROOT"];
    assert_failed(&outcome, &told);
    assert_nothing_of(&store, 1);
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn a_server_that_dies_leaves_no_short_dump(#[case] files: bool) {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Mutex::new(Some(PrivateServer::start(dir.path()).unwrap())));
    let (url, socket) = {
        let server = server.lock().unwrap();
        let server = server.as_ref().unwrap();
        (server.root_url("shop"), server.socket().to_path_buf())
    };
    let script = "CREATE DATABASE shop; USE shop; CREATE TABLE t (id INT PRIMARY KEY, x VARCHAR(2000)); \
        INSERT INTO t SELECT seq, REPEAT(MD5(seq), 60) FROM seq_1_to_40000;";
    let out = Command::new("mariadb")
        .args(["--no-defaults", "-uroot", "-e", script])
        .arg("-S")
        .arg(socket)
        .output();
    let out = out.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let bench = Bench::new();
    let mut job = bench.job(&day(1));
    job.source.database_url = Some(url);
    (job.files, job.database) = (files, true);
    let (events, _) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Database, .. })
            && let Some(server) = server.lock().unwrap().take()
        {
            server.kill().unwrap();
        }
    });
    let outcome = run_tuned(job, events, CancellationToken::new(), QUICK).await;
    if files {
        assert_eq!(outcome.status, Status::Partial, "{outcome:?}");
        assert_eq!(tree(&bench.folder().join(copy_of(1))), ["files/files.tgz", MANIFEST]);
    } else {
        assert_failed(&outcome, &["The database could not be dumped"]);
        assert_eq!(bench.copies(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_pass_is_cancelled_while_it_dumps() {
    let store = store(&server());
    store.sql("CREATE TABLE t (id INT PRIMARY KEY, x VARCHAR(2000)); INSERT INTO t SELECT seq, REPEAT(MD5(seq), 60) FROM seq_1_to_20000");
    let cancel = CancellationToken::new();
    let end = cancel.clone();
    let (events, _) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Database, .. }) {
            end.cancel();
        }
    });
    let outcome = run_tuned(job(&store, 1), events, cancel, QUICK).await;
    assert_failed(&outcome, &["cancelled"]);
    assert_nothing_of(&store, 1);
}
