use super::*;
use rstest::rstest;

const SCHEMA: &str = "CREATE TABLE a (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO a VALUES (1), (2);
    CREATE TABLE b (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO b VALUES (1);
    CREATE VIEW v AS SELECT id FROM a;
    CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW SET @x = 1;
    CREATE PROCEDURE p() SELECT 1;
    CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;";

const ALL: &str = "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `{db}`.*";

/// (views, triggers, routines, events)
fn objects(dumped: &Dumped) -> (usize, usize, usize, usize) {
    let database = &dumped.databases[0];
    (database.views.len(), database.triggers.len(), database.routines.len(), database.events.len())
}

type Codes = &'static [(&'static str, &'static str, bool)];

#[rstest]
#[case::documented(&[ALL, "SELECT ON mysql.proc"], (1, 1, 1, 1), &[])]
#[case::escaped_pattern(&["SELECT, SHOW VIEW, TRIGGER, EVENT ON `shop\\_%`.*", "SELECT ON mysql.proc"], (1, 1, 1, 1), &[])]
#[case::global(&["SELECT, SHOW VIEW, TRIGGER, EVENT ON *.*"], (1, 1, 1, 1), &[])]
// Nothing here calls the routine that is hidden: whether there is one, only the privilege tells.
#[case::no_routines(&[ALL], (1, 1, 0, 1), &[("routines_unseen", "*", false)])]
#[case::routines_without_text(&[ALL, "EXECUTE ON `{db}`.*"], (1, 1, 0, 1), &[("object_missing", "p", true)])]
#[case::no_trigger(&["SELECT, SHOW VIEW, EVENT ON `{db}`.*", "SELECT ON mysql.proc"], (1, 0, 1, 1), &[("grant_missing", "TRIGGER", true)])]
#[case::no_event(&["SELECT, SHOW VIEW, TRIGGER ON `{db}`.*", "SELECT ON mysql.proc"], (1, 1, 1, 0), &[("grant_missing", "EVENT", true)])]
#[case::no_show_view(&["SELECT, EVENT, TRIGGER ON `{db}`.*", "SELECT ON mysql.proc"], (0, 1, 1, 1), &[("grant_missing", "SHOW VIEW", true)])]
#[tokio::test]
async fn what_the_user_may_not_read_is_named(
    #[case] grants: &[&str],
    #[case] expected: (usize, usize, usize, usize),
    #[case] warned: Codes,
) {
    let store = server().store(SCHEMA);
    store.grant_only(grants);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(objects(&dumped), expected, "{:?}", dumped.warnings);
    let warned: Vec<_> = warned
        .iter()
        .map(|(code, subject, incomplete)| (*code, subject.replace('*', &store.name), *incomplete))
        .collect();
    let found: Vec<_> = codes(&dumped.warnings)
        .into_iter()
        .map(|(code, subject, incomplete)| (code, subject.to_string(), incomplete))
        .collect();
    assert_eq!(found, warned);
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.checksums(&target), store.checksums(&store.name));
    assert!(
        dumped
            .warnings
            .iter()
            .all(|warning| warning.code != "grant_missing" || warning.message.contains("GRANT "))
    );
}

#[tokio::test]
async fn a_table_without_select_keeps_its_structure_and_is_named() {
    let store = server().store(SCHEMA);
    store.grant_only(&[
        "SHOW VIEW, TRIGGER, EVENT ON `{db}`.*",
        "SELECT ON `{db}`.a",
        "SELECT ON `{db}`.v",
        "SELECT ON mysql.proc",
    ]);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), [("grant_missing", "SELECT", true), ("table_unreadable", "b", true)]);
    let tables: Vec<_> =
        dumped.databases[0].tables.iter().map(|t| (t.name.as_str(), t.rows, t.left_out.is_some())).collect();
    assert_eq!(tables, [("a", 2, false), ("b", 0, true)]);
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(
        store.server.sql(&target, "SELECT (SELECT COUNT(*) FROM a), (SELECT COUNT(*) FROM b)"),
        "2\t0\n"
    );
}

#[tokio::test]
async fn a_role_counts_while_it_is_active() {
    let store = server().store(SCHEMA);
    let name = &store.name;
    store.server.sql(
        "mysql",
        format!(
            "CREATE ROLE {name}_reader; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {name}.* TO {name}_reader; GRANT SELECT ON mysql.proc TO {name}_reader; \
             REVOKE ALL, GRANT OPTION FROM {name}@'%'; GRANT {name}_reader TO {name}@'%'; SET DEFAULT ROLE {name}_reader FOR {name}@'%'"
        ),
    );
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), []);
    assert_eq!(objects(&dumped), (1, 1, 1, 1));
    store.server.sql("mysql", format!("DROP ROLE {name}_reader"));
}

#[tokio::test]
async fn a_user_who_may_read_nothing_is_an_error_that_says_what_to_grant() {
    let store = server().store(SCHEMA);
    store.grant_only(&["CREATE ROUTINE ON `{db}`.*"]);
    let error = dump(&store, &[]).await.unwrap_err().to_string();
    assert!(error.contains("may read no table") && error.contains("GRANT SELECT ON"), "{error}");
}

#[tokio::test]
async fn views_that_cannot_be_used_do_not_break_the_restore() {
    let schema = "CREATE TABLE a (id int) ENGINE=InnoDB; CREATE TABLE gone (id int) ENGINE=InnoDB; INSERT INTO a VALUES (1);
        CREATE VIEW broken AS SELECT id FROM gone; CREATE USER 'leaver'@localhost; GRANT SELECT, TRIGGER ON *.* TO 'leaver'@localhost; CREATE DEFINER='leaver'@localhost VIEW left_behind AS SELECT id FROM a;
        CREATE DEFINER='leaver'@localhost TRIGGER t AFTER INSERT ON a FOR EACH ROW SET @x = 1;
        CREATE VIEW above AS SELECT id FROM left_behind; DROP TABLE gone; DROP USER 'leaver'@localhost;";
    let store = server().store(schema);
    let dumped = dump(&store, &[]).await.unwrap();
    let warned = codes(&dumped.warnings);
    assert!(warned.contains(&("object_missing", "broken", true)), "{warned:?}");
    assert!(!dumped.databases[0].views.contains(&"broken".to_string()));
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.server.sql(&target, "INSERT INTO a VALUES (2); SELECT COUNT(*) FROM a"), "2\n");
    assert!(sql(&store).contains("-- CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `broken`"));
}

const CALLS: &str = "CREATE TABLE a (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO a VALUES (1), (2);
    CREATE FUNCTION doubled(n int) RETURNS int DETERMINISTIC RETURN n * 2;
    CREATE VIEW a_above AS SELECT x FROM calls; CREATE VIEW calls AS SELECT doubled(id) AS x FROM a;
    CREATE VIEW b_beside AS SELECT id FROM a;";

fn calls() -> Store {
    // The first view is made from one that comes after it.
    let (tables, rest) = CALLS.split_once("CREATE VIEW a_above AS SELECT x FROM calls;").unwrap();
    server().store(format!("{tables}{rest} CREATE VIEW a_above AS SELECT x FROM calls;"))
}

#[tokio::test]
async fn views_that_call_a_function_are_dumped_without_the_right_to_execute_it() {
    let store = calls();
    store.grant_only(&[ALL, "SELECT ON mysql.proc"]);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), []);
    assert_eq!(dumped.databases[0].views, ["a_above", "b_beside", "calls"]);
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.server.sql(&target, "SELECT x FROM a_above ORDER BY x"), "2\n4\n");
}

#[tokio::test]
async fn views_that_call_a_function_that_cannot_be_seen_are_missing_for_want_of_a_privilege() {
    let store = calls();
    store.grant_only(&[ALL]);
    let snapshots = open_snapshots(&store.source(), &[]).await.unwrap();
    let known = codes(snapshots.warnings());
    assert_eq!(known, [("grant_missing", "EXECUTE", true), ("routines_unseen", store.name.as_str(), false)]);
    let message = snapshots.warnings()[0].message.clone();
    for told in ["'a_above', 'calls'", "GRANT EXECUTE ON", "GRANT SELECT ON `mysql`.`proc` TO"] {
        assert!(message.contains(told), "{message}");
    }
    let dumped = snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await.unwrap();
    assert_eq!(dumped.warnings.len(), 2, "{:?}", dumped.warnings);
    assert_eq!(dumped.databases[0].views, ["b_beside"]);
    let text = sql(&store);
    assert!(text.contains("-- CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `calls`"), "{text}");
    let target = store.restore(&store.copy().join("db/db.sql.gz"));
    assert_eq!(store.server.sql(&target, "SELECT id FROM b_beside"), "1\n2\n");
    assert!(
        !text.contains("does not exist"),
        "the function is not gone, it cannot be seen: nobody must drop the view: {text}"
    );
}

/// The text of the function cannot be read: without it the view could not be made, and the restore would end there.
#[tokio::test]
async fn a_view_whose_function_is_missing_does_not_break_the_restore() {
    let store = calls();
    store.grant_only(&[ALL, "EXECUTE ON `{db}`.*"]);
    let dumped = dump(&store, &[]).await.unwrap();
    let missing = codes(&dumped.warnings);
    for name in ["doubled", "calls", "a_above"] {
        assert!(missing.contains(&("object_missing", name, true)), "{missing:?}");
    }
    assert_eq!(dumped.databases[0].views, ["b_beside"]);
    store.restore(&store.copy().join("db/db.sql.gz"));
}

#[tokio::test]
async fn routines_that_cannot_be_seen_are_missing_when_something_calls_them() {
    let store = server().store(
        "CREATE TABLE a (id int PRIMARY KEY, note varchar(20)) ENGINE=InnoDB; CREATE TABLE log (id int PRIMARY KEY AUTO_INCREMENT, note varchar(20)) ENGINE=InnoDB;
         CREATE FUNCTION label(n int) RETURNS int DETERMINISTIC RETURN n; CREATE PROCEDURE clean() DELETE FROM log; CREATE PROCEDURE `odd name`() SELECT 1;
         CREATE TRIGGER t_label BEFORE INSERT ON a FOR EACH ROW SET NEW.note = label(NEW.id);
         CREATE EVENT e_clean ON SCHEDULE EVERY 1 DAY DISABLE DO CALL clean();
         CREATE EVENT e_odd ON SCHEDULE EVERY 1 DAY DISABLE DO CALL `odd name`",
    );
    store.grant_only(&[ALL]);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(
        codes(&dumped.warnings),
        [
            ("routines_unseen", store.name.as_str(), false),
            ("routine_missing", "clean", true),
            ("routine_missing", "label", true),
            ("routine_missing", "odd name", true)
        ]
    );
    let message = &dumped.warnings[1].message;
    assert!(
        message.contains("'e_clean'") && message.contains("GRANT SELECT ON `mysql`.`proc` TO"),
        "{message}"
    );
    store.restore(&store.copy().join("db/db.sql.gz"));

    // Seen, they are dumped; and where all are seen there is nothing to say.
    store.grant_only(&[ALL, "SELECT ON mysql.proc"]);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), []);
    assert_eq!(dumped.databases[0].routines, ["label", "clean", "odd name"]);
}

/// What Magento's own triggers and an ordinary extension's look like: nothing in them is a routine of the store.
#[tokio::test]
async fn words_before_a_bracket_are_not_taken_for_routines() {
    let store = server().store(
        "CREATE TABLE a (id int PRIMARY KEY, note varchar(200), at datetime(6)) ENGINE=InnoDB; CREATE TABLE a_cl (id int PRIMARY KEY AUTO_INCREMENT, entity_id int, note decimal(12,4)) ENGINE=InnoDB;",
    );
    store.sql(
        "DELIMITER //
         CREATE TRIGGER trg_a_after_insert AFTER INSERT ON a FOR EACH ROW BEGIN INSERT IGNORE INTO `a_cl` (`entity_id`) VALUES (NEW.`id`); END//
         CREATE TRIGGER trg_a_after_update AFTER UPDATE ON a FOR EACH ROW
           BEGIN
             DECLARE total decimal(12,4) DEFAULT (0); DECLARE code varchar(20); DECLARE t time(3);
             -- CALL nobody(); it's nothing(1)
             IF (NOT(NEW.note <=> OLD.note) OR COALESCE(NEW.note, '') IN ('call me()', \"call(1)\")) THEN
               REPLACE INTO a_cl(entity_id, note) SELECT MAX(NEW.id), CAST(COUNT(*) AS decimal(12,4)) FROM a USE INDEX(PRIMARY) JOIN (SELECT 1) AS x WHERE EXISTS(SELECT 1) AND NOW(6) > UTC_TIMESTAMP();
               INSERT a_cl(entity_id, note) VALUES(1, CONVERT(IF(NEW.id > 1, 2, 3), decimal(5,2))) ON DUPLICATE KEY UPDATE note = VALUES(note);
               CREATE TEMPORARY TABLE IF NOT EXISTS scratch(id int(11), KEY(id)); DROP TEMPORARY TABLE scratch; /* nothing(2) */ # nothing(3)
             END IF;
           END//",
    );
    store.grant_only(&[ALL]);
    let dumped = dump(&store, &[]).await.unwrap();
    assert_eq!(codes(&dumped.warnings), [("routines_unseen", store.name.as_str(), false)]);
    assert_eq!(dumped.databases[0].triggers.len(), 2);
}
