use super::*;
use crate::source::database::fixture::{Store, server};
use std::fs;

const SCHEMA: &str = "CREATE TABLE m2_customer_log (id int PRIMARY KEY, note varchar(100)) ENGINE=InnoDB;
    CREATE TABLE m2_report_event (id int PRIMARY KEY) ENGINE=InnoDB; INSERT INTO m2_report_event SELECT seq FROM seq_1_to_5000;
    CREATE TABLE m2_session (id int PRIMARY KEY) ENGINE=InnoDB;
    CREATE TABLE m2_price_cl (id int PRIMARY KEY) ENGINE=InnoDB;
    CREATE TABLE m2_quote (id int PRIMARY KEY) ENGINE=MyISAM;
    CREATE TABLE foreign_app (id int PRIMARY KEY) ENGINE=InnoDB;
    CREATE VIEW m2_stock AS SELECT 1 AS id; ANALYZE TABLE m2_report_event;";

fn store() -> Store {
    let store = server().store(SCHEMA);
    store.env(&format!("'host' => '{}'", store.server.private.socket().display()), "m2_");
    store
}

fn problems(report: &Report) -> Vec<(Severity, &str)> {
    report.problems.iter().map(|problem| (problem.severity, problem.code.as_str())).collect()
}

#[tokio::test]
async fn a_store_is_described() {
    let store = store();
    let root = store.dir.path().join("magento");
    fs::create_dir_all(root.join("var/cache")).unwrap();
    fs::write(root.join("var/cache/x"), [0; 1000]).unwrap();
    fs::write(root.join("composer.json"), r#"{"require":{"magento/product-community-edition":"2.4.7-p3"}}"#)
        .unwrap();
    let report = inspect(&store.source(), &store.dir.path().join("archives")).await;

    assert_eq!(report.version.as_deref(), Some("Magento Open Source 2.4.7-p3"));
    assert_eq!(report.table_prefix, "m2_");
    assert_eq!(report.resolved_root, Some(fs::canonicalize(&root).unwrap()));
    let directories: Vec<&str> = report.directories.iter().map(|dir| dir.path.as_str()).collect();
    assert_eq!(directories, ["app", "var"]);
    assert!(report.suggested_excludes.iter().any(|dir| dir.path == "var/cache" && dir.size_bytes == 1000));

    let [database] = report.databases.as_slice() else { panic!("{:?}", report.databases) };
    assert_eq!(
        (database.name.as_str(), database.connections.as_slice()),
        (store.name.as_str(), ["default".to_string()].as_slice())
    );
    assert_eq!(database.address, store.server.private.socket().display().to_string());
    assert!(database.server.as_deref().unwrap().starts_with("MariaDB 1"), "{:?}", database.server);
    assert!(database.grants.iter().all(|checked| checked.held), "{:?}", database.grants);
    let table = |name: &str| database.tables.iter().find(|table| table.name == name).unwrap();
    assert_eq!(table("report_event").groups, ["@log", "@stripped", "@development", "@noise"]);
    assert_eq!(table("report_event").rows, 5000);
    assert!(table("report_event").size_bytes > 16_000);
    assert!(table("stock").is_view && table("stock").groups.is_empty());
    assert_eq!(table("foreign_app").groups, Vec::<&str>::new());

    let suggested: Vec<(&str, bool)> =
        report.table_groups.iter().map(|group| (group.name, group.suggested)).collect();
    assert_eq!(
        suggested,
        [
            ("@log", true),
            ("@sessions", true),
            ("@ee_changelog", false),
            ("@quotes", false),
            ("@customers", false),
            ("@trade", false),
            ("@stripped", false),
            ("@development", false),
            ("@noise", true)
        ]
    );
    assert_eq!(report.table_groups[0].tables, ["report_event"]);
    assert_eq!(problems(&report), [(Severity::Warning, "not_transactional")]);
}

#[tokio::test]
async fn what_would_go_wrong_in_a_pass_is_said_with_its_remedy() {
    let store = store();
    store.grant_only(&["SELECT ON `{db}`.*"]);
    let root = store.dir.path().join("magento");
    fs::create_dir_all(root.join("var")).unwrap();
    fs::write(root.join("var/.maintenance.flag"), "").unwrap();
    fs::write(root.join("app/etc/config.php"), "<?php nonsense").unwrap();
    let env = fs::read_to_string(root.join("app/etc/env.php")).unwrap();
    let env = env.replace("'crypt' => ['key' => 'k']", "'remote_storage' => ['driver' => 'aws-s3']");
    fs::write(root.join("app/etc/env.php"), env).unwrap();
    let report = inspect(&store.source(), &root.join("pub/media/archives")).await;
    let expected: Vec<(Severity, &str)> = [
        (Severity::Error, "grant_missing"),
        (Severity::Error, "grant_missing"),
        (Severity::Error, "grant_missing"),
        (Severity::Warning, "remote_storage"),
        (Severity::Warning, "crypt_key"),
        (Severity::Warning, "env_invalid"),
        (Severity::Warning, "archives_public"),
        (Severity::Warning, "maintenance"),
        (Severity::Warning, "routines_unseen"),
        (Severity::Warning, "not_transactional"),
    ]
    .into();
    assert_eq!(problems(&report), expected);
    let remedies: Vec<&str> = report.problems.iter().take(3).map(|problem| problem.remedy.as_str()).collect();
    let escaped = store.name.replace('_', "\\_");
    assert_eq!(
        remedies,
        ["SHOW VIEW", "TRIGGER", "EVENT"]
            .map(|privilege| format!("GRANT {privilege} ON `{escaped}`.* TO '{}'@'%';", store.name))
    );
    // The remedies are statements that work.
    store.server.sql("mysql", remedies.join(""));
    let report = inspect(&store.source(), Path::new("/nowhere")).await;
    assert!(!report.problems.iter().any(|problem| problem.code == "grant_missing"), "{:?}", report.problems);
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_one_problem() {
    let store = store();
    store.env("'host' => '/nowhere/mysql.sock'", "m2_");
    let report = inspect(&store.source(), Path::new("/nowhere")).await;
    assert_eq!(problems(&report), [(Severity::Error, "database_unreachable")]);
    assert_eq!(report.databases[0].server, None);
    assert!(!report.directories.is_empty());

    let source = Source { root: "/nowhere".into(), database_url: None, environment: Default::default() };
    let report = inspect(&source, Path::new("/nowhere")).await;
    assert_eq!(problems(&report), [(Severity::Error, "root")]);
    assert_eq!(report.resolved_root, None);
}

#[tokio::test]
async fn views_that_want_a_privilege_are_named_with_it() {
    let store = server().store(
        "CREATE TABLE a (id int); CREATE FUNCTION doubled(n int) RETURNS int DETERMINISTIC RETURN n * 2; CREATE VIEW v AS SELECT doubled(id) AS x FROM a; CREATE VIEW w AS SELECT id FROM a",
    );
    store.grant_only(&["SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `{db}`.*"]);
    let report = inspect(&store.source(), Path::new("/nowhere")).await;
    let [.., missing] = report.problems.iter().filter(|p| p.code == "grant_missing").collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", report.problems)
    };
    assert_eq!(missing.severity, Severity::Error);
    assert!(missing.message.contains("EXECUTE") && missing.message.contains("'v'"), "{missing:?}");
    assert!(!missing.message.contains("'w'"), "{missing:?}");
    assert!(missing.remedy.contains("GRANT EXECUTE ON"), "{missing:?}");
    let held = |privilege: &str| {
        report.databases[0].grants.iter().find(|g| g.privilege == privilege).map(|checked| checked.held)
    };
    assert_eq!(held("EXECUTE"), Some(false));

    store.grant_only(&["SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `{db}`.*", "SELECT ON mysql.proc"]);
    let report = inspect(&store.source(), Path::new("/nowhere")).await;
    assert!(!report.problems.iter().any(|p| p.code == "grant_missing"), "{:?}", report.problems);
}
