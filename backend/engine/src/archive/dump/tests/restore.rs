use super::*;

/// Every type that MariaDB has, with the values that other tools get wrong.
fn torture() -> Vec<u8> {
    let text = include_str!("torture.sql");
    // The last view is written in latin1, as clients of old did.
    let mut bytes = Vec::new();
    for (index, piece) in text.split("@@").enumerate() {
        match piece {
            "N" if index % 2 == 1 => bytes.extend(b"n\xe4"),
            "U" if index % 2 == 1 => bytes.push(0xfc),
            other => bytes.extend(other.as_bytes()),
        }
    }
    bytes
}

#[tokio::test]
async fn everything_comes_back_as_another_user() {
    let store = server().store(torture());
    // MariaDB 10 shows the text of somebody else's routine to nobody without this.
    store.grant_only(&["ALL ON `{db}`.*", "SELECT ON mysql.proc"]);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(
        codes(&dumped.warnings).iter().filter(|(_, _, incomplete)| *incomplete).count(),
        1,
        "{:?}",
        dumped.warnings
    );
    assert!(codes(&dumped.warnings).contains(&("history_left_out", "versioned", true)));
    assert!(codes(&dumped.warnings).contains(&("not_transactional", "on_disk", false)));

    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.checksums(&target), store.checksums(&store.name));
    let server = &store.server;
    let both = |query: &str| {
        let (then, now) = (store.sql(query), server.sql(&target, query));
        assert_eq!(now, then, "{query}");
        now
    };
    // Signs, exact numbers, dates that strict servers refuse, bytes, text beyond the basic plane.
    both(
        "SELECT id, f, f+0e0, d, HEX(bits), HEX(bin), HEX(blb), t, e, s, dt, ts, tm, y, HEX(ST_AsWKB(g)), u, ip FROM types ORDER BY id",
    );
    both("SELECT CONCAT(1/d) FROM types WHERE id = 3");
    both("SELECT id, base, virtual_one, stored_one FROM generated ORDER BY id");
    both("SELECT COUNT(*) FROM only_generated");
    both("SELECT id, hidden FROM invisible ORDER BY id");
    both("SELECT HEX(latin), HEX(wide) FROM charsets");
    both("SELECT id, HEX(data), HEX(short), HEX(fixed) FROM sessions ORDER BY id");
    both("SELECT id, v FROM partitioned ORDER BY id");
    both("SELECT * FROM `na``me with space -- ü ☃` ORDER BY `c``ol`");
    both("SELECT id FROM zero_id ORDER BY id");
    assert_eq!(
        both("SELECT LENGTH(big), MD5(big), MD5(bin) FROM huge"),
        store.sql("SELECT LENGTH(big), MD5(big), MD5(bin) FROM huge")
    );
    both(
        "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'counter_cl'",
    );
    both("SELECT NEXTVAL(numbers)");
    for view in ["a_first", "z_last", "näher"] {
        both(&format!("SELECT * FROM `{view}` ORDER BY 1"));
    }
    both("SELECT double_it(21), ends_in_dashes(21)");
    both("CALL ends_in_a_hash()");
    both("CALL fill(3)");
    both("SELECT note FROM log ORDER BY id");
    both("UPDATE log SET note = 'remarked' WHERE id = 1; SELECT note FROM log WHERE id = 1");
    both("INSERT INTO types (id, t) VALUES (1000, 'x'); SELECT note FROM log ORDER BY id");
    both(
        "SELECT TRIGGER_NAME, ACTION_ORDER, SQL_MODE <> '', CHARACTER_SET_CLIENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1",
    );
    both(
        "SELECT ROUTINE_NAME, ROUTINE_TYPE, REPLACE(SQL_MODE, 'NO_AUTO_CREATE_USER,', ''), CHARACTER_SET_CLIENT, ROUTINE_COMMENT FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1",
    );
    // The client that restores keeps the remark at the end of one of them to itself.
    both(
        "SELECT EVENT_NAME, TIME_ZONE, STATUS, REPLACE(SQL_MODE, 'NO_AUTO_CREATE_USER,', ''), TRIM(SUBSTRING_INDEX(EVENT_DEFINITION, '#', 1)), INTERVAL_VALUE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1",
    );
    both(
        "SELECT HEX(VIEW_DEFINITION), SECURITY_TYPE, CHARACTER_SET_CLIENT FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'näher'",
    );
    assert_eq!(server.sql(&target, "SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() AND DEFINER NOT LIKE CONCAT(DATABASE(), '@%')").trim(), "0");

    let sql = sql(&store);
    assert!(sql.ends_with("\n-- Dump completed\n"));
    assert!(!sql.contains("DEFINER=`root`"), "no definer is left in a definition");
    let [database] = dumped.databases.as_slice() else { panic!("{:?}", dumped.databases) };
    assert_eq!(database.views, ["a_first", "näher", "z_last"]);
    assert_eq!(database.routines, ["double_it", "ends_in_dashes", "ends_in_a_hash", "fill"]);
    assert_eq!(database.triggers.len(), 5);
    assert_eq!(database.events, ["nightly", "remark"]);
    assert!(database.max_statement_bytes > 3_000_000, "{}", database.max_statement_bytes);
    let rows = |name: &str| database.tables.iter().find(|table| table.name == name).unwrap().rows;
    assert_eq!((rows("zero_id"), rows("only_generated"), rows("many")), (2, 3, 30_000));
}

/// Dumps the store with it, and restores that as root; returns the name of the database.
pub(super) fn restored_by_the_official_tool(store: &Store) -> String {
    let official = std::process::Command::new("bash")
        .arg("-c")
        .arg("set -o pipefail; mariadb-dump --no-defaults -uroot -S \"$0\" --single-transaction --hex-blob --triggers --routines --events \"$1\" | gzip -1 > \"$2\"")
        .arg(store.server.private.socket())
        .arg(&store.name)
        .arg(store.dir.path().join("official.sql.gz"))
        .status()
        .unwrap();
    assert!(official.success());
    let theirs = format!("{}_restored", store.name);
    store.server.sql("mysql", format!("DROP DATABASE IF EXISTS {theirs}; CREATE DATABASE {theirs}"));
    let loaded = store.load(&store.dir.path().join("official.sql.gz"), "root", &theirs);
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    theirs
}

#[tokio::test]
async fn the_result_is_what_the_official_tool_restores() {
    let store = server().store(torture());
    // That tool names the database in the first two, cannot restore them under another name, and never ends at the `;;` in the other two.
    store.sql(
        "DROP TABLE from_sequence; DROP VIEW `näher`; DROP EVENT nightly; DROP PROCEDURE ends_in_a_hash",
    );
    store.grant_only(&["ALL ON `{db}`.*", "SELECT ON mysql.proc"]);
    dump(&store, &[]).await.unwrap();
    let ours = store.restore(&store.copy().join("db/db.sql.gz"));
    let schema = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLLATION_NAME, GENERATION_EXPRESSION \
                  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, ORDINAL_POSITION; \
                  SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SEQ_IN_INDEX FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, 2, 4; \
                  SELECT TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1, 2";
    let our_schema = store.server.sql(&ours, schema);
    let our_sums = store.checksums(&ours);

    let theirs = restored_by_the_official_tool(&store);
    assert_eq!(our_schema, store.server.sql(&theirs, schema));
    let their_sums = store.checksums(&theirs);
    let differing: Vec<&String> = our_sums
        .iter()
        .filter(|(name, sum)| their_sums.get(*name) != Some(sum))
        .map(|(name, _)| name)
        .collect();
    // It prints six digits of a FLOAT and drops dates that do not exist; ours is the source's.
    assert_eq!(differing, ["types"]);
}

#[tokio::test]
async fn excluded_tables_keep_structure_and_counter() {
    let schema = "CREATE TABLE m2_sys_log (id int AUTO_INCREMENT PRIMARY KEY, note text) ENGINE=InnoDB; INSERT INTO m2_sys_log (note) VALUES ('a'), ('b'), ('c');
        CREATE TABLE m2_report_event (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB AUTO_INCREMENT=500; INSERT INTO m2_report_event VALUES ();
        CREATE TABLE m2_kept (id int PRIMARY KEY, log_id int, CONSTRAINT to_log FOREIGN KEY (log_id) REFERENCES m2_sys_log (id)) ENGINE=InnoDB; INSERT INTO m2_kept VALUES (1, 2);
        CREATE VIEW m2_v AS SELECT note FROM m2_sys_log;
        CREATE TRIGGER t AFTER INSERT ON m2_kept FOR EACH ROW INSERT INTO m2_sys_log (note) VALUES ('fired');";
    let store = server().store(schema);
    store.env(&format!("'host' => '{}'", store.server.private.socket().display()), "m2_");
    let dumped = dump(&store, &["*_log", "@log", "no_such", "@nonsense", "KEPT"]).await.unwrap();
    let target = store.restore(&store.copy().join("db/db.sql.gz"));

    let counters = "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND AUTO_INCREMENT IS NOT NULL ORDER BY 1";
    assert_eq!(store.server.sql(&target, counters), "m2_report_event\t501\nm2_sys_log\t4\n");
    let rows = "SELECT (SELECT COUNT(*) FROM m2_sys_log), (SELECT COUNT(*) FROM m2_report_event), (SELECT COUNT(*) FROM m2_kept), (SELECT COUNT(*) FROM m2_v)";
    assert_eq!(store.server.sql(&target, rows), "0\t0\t1\t0\n");
    assert_eq!(
        store.server.sql(
            &target,
            "INSERT INTO m2_kept VALUES (2, NULL); SELECT id, note FROM m2_v JOIN m2_sys_log USING (note)"
        ),
        "4\tfired\n"
    );

    let left_out: Vec<_> =
        dumped.databases[0].tables.iter().map(|t| (t.name.as_str(), t.rows, t.left_out.as_deref())).collect();
    assert_eq!(
        left_out,
        [
            ("m2_kept", 1, None),
            ("m2_report_event", 0, Some("pattern @log")),
            ("m2_sys_log", 0, Some("pattern *_log"))
        ]
    );
    assert_eq!(
        codes(&dumped.warnings),
        [
            ("excluded_parent", "m2_sys_log", false),
            ("exclude_unmatched", "@nonsense", false),
            ("exclude_unmatched", "KEPT", false),
            ("exclude_unmatched", "no_such", false)
        ]
    );
    assert!(sql(&store).contains("-- Data excluded: m2_sys_log (pattern *_log)\n"));
}

#[tokio::test]
async fn further_databases_get_archives_of_their_own() {
    let store = server().store("CREATE TABLE a (id int) ENGINE=InnoDB; INSERT INTO a VALUES (1)");
    let second = server().store("CREATE TABLE b (id int) ENGINE=InnoDB; INSERT INTO b VALUES (1), (2)");
    let entry = |name: &str, host: &str, of: &Store| {
        format!(
            "'{name}' => [{host}, 'dbname' => '{0}', 'username' => '{0}', 'password' => 'p\\'w', 'active' => '1'],",
            of.name
        )
    };
    let socket = format!("'host' => '{}'", store.server.private.socket().display());
    let tcp = format!("'host' => '127.0.0.1:{}'", store.server.private.port());
    let env = format!(
        "<?php return ['db' => ['connection' => [{}{}{}{}'dynamic' => ['host' => getenv('NOT_SET'), 'active' => '1']]]];",
        entry("default", &socket, &store),
        entry("indexer", &tcp, &store),
        entry("stale", "'host' => '/nowhere/old.sock'", &store),
        entry("check out", &tcp, &second)
    );
    std::fs::write(store.dir.path().join("magento/app/etc/env.php"), env).unwrap();
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(
        codes(&dumped.warnings),
        [("database_missing", "dynamic", true), ("database_missing", "stale", true)]
    );
    assert!(dumped.warnings[0].message.contains("NOT_SET"), "{}", dumped.warnings[0].message);
    let names: Vec<&str> = dumped.archives.iter().map(|archive| archive.name.as_str()).collect();
    assert_eq!(names, ["db/db.sql.gz", "db/db-check_out.sql.gz"]);
    let found: Vec<_> = dumped
        .databases
        .iter()
        .map(|db| (db.name.as_str(), db.connections.join("+"), db.tables[0].rows))
        .collect();
    assert_eq!(
        found,
        [
            (store.name.as_str(), "default+indexer".to_string(), 1),
            (second.name.as_str(), "check out".to_string(), 2)
        ]
    );
    let target = store.restore(&store.copy().join("db/db-check_out.sql.gz"));
    assert_eq!(store.checksums(&target), second.checksums(&second.name));
}

#[tokio::test]
async fn progress_is_told() {
    let store = server().store("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(200)) ENGINE=InnoDB; INSERT INTO t (v) SELECT REPEAT('x', 200) FROM seq_1_to_20000; ANALYZE TABLE t");
    let (events, heard) = recorder();
    let snapshots = open_snapshots(&store.source(), &["nothing".into()]).await.unwrap();
    assert!(snapshots.estimated_bytes() > 1_000_000, "{}", snapshots.estimated_bytes());
    assert_eq!(codes(snapshots.warnings()), [("exclude_unmatched", "nothing", false)]);
    let dumped = snapshots.dump(&store.copy(), events, CancellationToken::new()).await.unwrap();
    let heard = heard.lock().unwrap();
    assert!(matches!(
        heard.first(),
        Some(Event::Started { phase: Phase::Database, total_items: Some(1), .. })
    ));
    assert!(matches!(heard.last(), Some(Event::Ended { phase: Phase::Database, ok: true })));
    assert!(heard.iter().any(|event| matches!(event, Event::Warned(_))));
    let last = heard.iter().rev().find_map(|event| match event {
        Event::Advanced { bytes, items, .. } => Some((*bytes, *items)),
        _ => None,
    });
    let (bytes, items) = last.unwrap();
    assert!(bytes > 4_000_000 && items == 1, "{bytes} {items}");
    let size = std::fs::metadata(store.copy().join("db/db.sql.gz")).unwrap().len();
    assert_eq!(dumped.archives[0].size_bytes, size);
}

/// What the store makes later (tables of indexers, sequences) takes the database's own character set, and so do texts in routines.
#[tokio::test]
async fn a_database_comes_back_with_its_character_set() {
    let store = server().store(
        "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; CREATE FUNCTION echo(t varchar(20)) RETURNS varchar(20) DETERMINISTIC RETURN t",
    );
    store.grant_only(&["ALL ON `{db}`.*", "SELECT ON mysql.proc"]);
    let dumped = dump(&store, &[]).await.unwrap();
    let database = &dumped.databases[0];
    assert_eq!(
        (database.character_set.as_str(), database.collation.as_str()),
        ("utf8mb4", "utf8mb4_unicode_ci")
    );
    let archive = store.copy().join("db/db.sql.gz");
    let target = store.restore(&archive);
    store
        .server
        .sql("mysql", format!("DROP DATABASE {target}; CREATE DATABASE {target} CHARACTER SET latin1"));
    let output = store.load(&archive, &target, &target);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let query = "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE(); SELECT echo('ü😀')";
    assert_eq!(store.server.sql(&target, query), "utf8mb4\tutf8mb4_unicode_ci\nü😀\n");
    let other = format!("CREATE DATABASE `{}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;", store.name);
    assert!(sql(&store).contains(&format!("-- {other}")), "for those who make the database by hand");
}
