use super::super::tables::is_derived;
use super::*;
use crate::source::database::fixture::Server;
use rstest::rstest;
use std::process::{Child, Stdio};
use std::time::Instant;

const SCHEMA: &str = "CREATE TABLE a (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO a SELECT seq FROM seq_1_to_100;
    CREATE TABLE b (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO b SELECT seq FROM seq_1_to_50;
    CREATE TABLE m (id int PRIMARY KEY) ENGINE=MyISAM; INSERT INTO m SELECT seq FROM seq_1_to_20;
    CREATE TABLE price_index (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO price_index SELECT seq FROM seq_1_to_30;
    CREATE TABLE price_index_replica (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO price_index_replica SELECT seq FROM seq_1_to_40;";

fn rows(dumped: &Dumped) -> Vec<(&str, u64)> {
    dumped.databases[0].tables.iter().map(|table| (table.name.as_str(), table.rows)).collect()
}

/// What the store has after the change is what the dump has: it was begun again.
#[rstest]
#[case::drop("DROP TABLE b", Some(true))]
#[case::create("CREATE TABLE c (id int)", Some(false))]
// Its old rows in its new shape are fine, too.
#[case::add_column("ALTER TABLE b ADD COLUMN v int DEFAULT 3", None)]
#[case::add_index("ALTER TABLE b ADD COLUMN v int, ADD KEY (v), ALGORITHM=COPY", Some(true))]
#[case::truncate("TRUNCATE b", Some(true))]
#[case::truncate_without_a_snapshot("TRUNCATE m", Some(true))]
#[case::refill("TRUNCATE b; INSERT INTO b SELECT seq FROM seq_1_to_7", Some(true))]
#[case::swap("CREATE TABLE other LIKE a; DO SLEEP(1.1); RENAME TABLE b TO old_b, other TO b", Some(true))]
#[case::trigger("CREATE TRIGGER t AFTER INSERT ON b FOR EACH ROW SET @x = 1", Some(false))]
#[tokio::test]
async fn a_table_that_changes_shape_is_never_short(#[case] change: &str, #[case] restarted: Option<bool>) {
    let store = server().store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    store.sql(change);
    let dumped = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    let began_again = codes(&dumped.warnings).iter().any(|(code, ..)| *code == "dump_restarted");
    assert!(restarted.is_none_or(|expected| expected == began_again), "{:?}", dumped.warnings);
    for warning in dumped.warnings.iter().filter(|warning| warning.code == "dump_restarted") {
        assert!(warning.message.contains("younger than the files"), "{}", warning.message);
    }

    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    let mut now = store.checksums(&store.name);
    if restarted == Some(false) {
        now.remove("c");
    }
    assert_eq!(store.checksums(&target), now);
    assert_eq!(store.server.sql(&target, "SELECT COUNT(*) FROM a"), "100\n");
}

/// With more tables than its cache of definitions holds, MariaDB forgets when a table was made: one that was emptied since the snapshot
/// is shown as empty, without an error.
#[tokio::test]
async fn a_table_that_was_emptied_in_silence_is_never_short() {
    let server = Arc::new(Server::start_with(&["--table-definition-cache=400", "--table-open-cache=400"]));
    let others: String =
        (0..450).map(|i| format!("CREATE TABLE t_{i} (id int PRIMARY KEY) ENGINE=InnoDB;")).collect();
    let store = server.store(format!("{SCHEMA}{others}"));
    let mut other = open_snapshots(&store.source(), &[]).await.unwrap();
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    store.sql("TRUNCATE b");
    let look: String = (0..450).map(|i| format!("SELECT COUNT(*) FROM t_{i};")).collect();
    let mut silent = false;
    for _ in 0..20 {
        store.sql(&look);
        tokio::time::sleep(Duration::from_millis(500)).await;
        if snapshot::first_row(&mut other.open[0].session.conn, "b").await.is_ok_and(|filled| !filled) {
            silent = true;
            break;
        }
    }
    assert!(silent, "the server told of it, which proves nothing");
    drop(other);
    let dumped = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    assert!(codes(&dumped.warnings).contains(&("dump_restarted", "The table 'b'", false)));
    assert!(rows(&dumped).contains(&("b", 0)) && rows(&dumped).contains(&("a", 100)));
}

#[tokio::test]
async fn the_rows_are_those_of_the_moment_the_snapshot_was_opened() {
    let store = server().store(SCHEMA);
    let then = store.checksums(&store.name);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    store.sql("DELETE FROM a; INSERT INTO b VALUES (1000); UPDATE price_index SET id = id + 500");
    let dumped = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    assert_eq!(codes(&dumped.warnings), [("not_transactional", "m", false)]);
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.checksums(&target), then);
}

#[tokio::test]
async fn tables_that_indexers_swap_are_read_later_instead_of_beginning_again() {
    let store = server().store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    store.sql(
        "DELETE FROM a WHERE id > 90; DO SLEEP(1.1); CREATE TABLE fresh LIKE price_index; INSERT INTO fresh SELECT seq FROM seq_1_to_5; \
         RENAME TABLE price_index_replica TO gone, price_index TO price_index_replica, fresh TO price_index; DROP TABLE gone",
    );
    let dumped = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    let later = codes(&dumped.warnings);
    assert!(later.contains(&("read_later", "price_index", false)), "{later:?}");
    assert!(!later.iter().any(|(code, ..)| *code == "dump_restarted"), "{later:?}");
    assert_eq!(
        rows(&dumped),
        [("a", 100), ("b", 50), ("m", 20), ("price_index", 5), ("price_index_replica", 30)]
    );
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(
        store
            .server
            .sql(&target, "SELECT COUNT(*) FROM price_index; SELECT COUNT(*) FROM price_index_replica"),
        "5\n30\n"
    );
}

#[tokio::test]
async fn a_derived_table_that_is_gone_is_said_to_be_missing() {
    let store = server().store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    store.sql("DROP TABLE price_index_replica");
    let dumped = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    assert!(
        codes(&dumped.warnings).contains(&("table_missing", "price_index_replica", true)),
        "{:?}",
        dumped.warnings
    );
    store.restore(&store.copy().join("db/db.sql.gz"));
}

#[tokio::test]
async fn a_table_that_is_refilled_all_the_time_is_whole_or_fails_the_dump() {
    let store = server().store(SCHEMA);
    let (name, server) = (store.name.clone(), Arc::clone(&store.server));
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let churn = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
            server.sql(
                &name,
                "TRUNCATE b; INSERT INTO b SELECT seq FROM seq_1_to_50; DO SLEEP(0.01);".repeat(20),
            );
        }
    });
    for _ in 0..3 {
        match dump(&store, &[]).await {
            Err(DumpError::Changed { what }) => assert!(what.contains("'b'"), "{what}"),
            Ok(dumped) => assert!(
                rows(&dumped).contains(&("b", 0)) || rows(&dumped).contains(&("b", 50)),
                "{:?}",
                rows(&dumped)
            ),
            Err(other) => panic!("{other}"),
        }
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    // On a thread of its own: connections are closed by tasks of this runtime, and what churns may wait for their locks.
    tokio::task::spawn_blocking(move || churn.join()).await.unwrap().unwrap();
}

/// A new snapshot is looked at like the first.
#[tokio::test]
async fn what_a_restart_finds_to_be_missing_is_told() {
    let store = server().store(SCHEMA);
    store.grant_only(&["ALL ON `{db}`.*", "SELECT ON mysql.proc"]);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    store.sql("TRUNCATE b");
    store.grant_only(&["SELECT, SHOW VIEW, EVENT ON `{db}`.*", "SELECT ON mysql.proc"]);
    let (events, heard) = recorder();
    let dumped = snapshots.dump(&store.copy(), events, CancellationToken::new()).await.unwrap();
    let codes = codes(&dumped.warnings);
    assert_eq!(
        codes,
        [
            ("not_transactional", "m", false),
            ("dump_restarted", "The table 'b'", false),
            ("grant_missing", "TRIGGER", true)
        ]
    );
    let heard = heard.lock().unwrap();
    let told = |event: &&Event| matches!(event, Event::Warned(warning) if warning.code == "grant_missing");
    assert_eq!(heard.iter().filter(told).count(), 1);
}

#[tokio::test]
async fn tries_are_bounded_and_name_what_changed() {
    let mut tries = 0;
    let result: Result<(), DumpError> = again(|| {
        tries += 1;
        async { Err(Stop::Changed("The table 'b'".into())) }
    })
    .await;
    assert_eq!(tries, ATTEMPTS);
    assert!(matches!(result, Err(DumpError::Changed { what }) if what == "The table 'b'"));
}

/// Holds the dump up at the table `b`.
fn block(server: &Server, database: &str) -> Child {
    let mut client = server.client("root", database);
    let child = client
        .args(["-e", "LOCK TABLES b WRITE; SELECT SLEEP(60)"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let held = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(60)'";
    while server.sql(database, held).trim() == "0" {
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_server_that_dies_fails_the_dump() {
    let server = Arc::new(Server::start());
    let store = server.store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    let blocker = block(&server, &store.name);
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.private.pid()).unwrap()).unwrap();
    let killer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    };
    let copy = store.copy();
    let (result, ()) = tokio::join!(snapshots.dump(&copy, Events::none(), CancellationToken::new()), killer);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("ended the connection while 'b' was read"), "{error}");
    end(blocker);
}

#[tokio::test]
async fn a_cancelled_dump_stops_at_once_and_leaves_no_query_behind() {
    let store = server().store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    let blocker = block(&store.server, &store.name);
    let cancel = CancellationToken::new();
    let began = Instant::now();
    let stopper = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    };
    let (copy, (events, heard)) = (store.copy(), recorder());
    let (result, ()) = tokio::join!(snapshots.dump(&copy, events, cancel.clone()), stopper);
    assert!(matches!(result, Err(DumpError::Cancelled)), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(matches!(heard.lock().unwrap().last(), Some(Event::Ended { ok: false, .. })));
    let others = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{}'", store.name);
    let mut left = store.sql(&others);
    while left.trim() != "0" && began.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        left = store.sql(&others);
    }
    assert_eq!(left.trim(), "0");
    end(blocker);
}

#[tokio::test]
async fn nobody_waits_for_a_table_that_has_been_read() {
    let store = server().store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    let began = Instant::now();
    store.sql("ALTER TABLE a COMMENT='changed while the snapshot is open'");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(snapshots);
}

#[tokio::test]
async fn an_archive_that_cannot_be_written_fails_the_dump() {
    let store = server().store(SCHEMA);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    std::fs::write(store.copy(), "a file where the copy's folder should be").unwrap();
    let result = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await;
    assert!(matches!(result, Err(DumpError::Write(_))), "{result:?}");
}

/// Reindexing makes the rows of these again; the others are the merchant's, or visitors'.
#[rstest]
#[case("catalog_product_index_price", true)]
#[case("catalog_product_index_price_replica", true)]
#[case("catalog_category_product_index", true)]
#[case("catalog_category_product_index_store1_tmp", true)]
#[case("catalogrule_product", true)]
#[case("catalogrule_product_price__temp8f0e3a", true)]
#[case("catalogrule_group_website", true)]
#[case("catalogrule_group_website_replica", true)]
#[case("catalogrule", false)]
#[case("catalogrule_customer_group", false)]
#[case("inventory_stock_1", true)]
#[case("inventory_stock_23_replica", true)]
#[case("inventory_stock", false)]
#[case("inventory_stock_sales_channel", false)]
#[case("inventory_source_item", false)]
#[case("cataloginventory_stock_status", true)]
#[case("cataloginventory_stock_status_idx", true)]
#[case("cataloginventory_stock_item", false)]
#[case("catalog_product_flat_1", true)]
#[case("catalog_category_flat_store_1", true)]
#[case("catalogsearch_fulltext_scope1", true)]
#[case("catalogsearch_recommendations", false)]
#[case("catalog_product_price_cl", true)]
#[case("report_viewed_product_index", false)]
#[case("report_compared_product_index", false)]
#[case("sales_order", false)]
#[case("acme_indexer_settings", false)]
fn tables_that_can_be_made_again_are_known(#[case] name: &str, #[case] derived: bool) {
    assert_eq!(is_derived(name, ""), derived);
    assert_eq!(is_derived(&format!("m2_{name}"), "m2_"), derived);
}
