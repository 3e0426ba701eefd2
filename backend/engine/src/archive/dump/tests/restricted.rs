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
