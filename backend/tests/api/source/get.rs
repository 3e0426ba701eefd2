use crate::support::{TestApp, make_store};
use contract::{Resource, endpoints as ep};
use engine::demo::server::PrivateServer;
use serde_json::json;
use std::process::Command;

#[actix_web::test]
async fn without_a_store_the_report_says_what_to_do() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Backups]).await;
    let report = app.call(&ep::GET_SOURCE, &[]).by(&someone).send().await.ok();
    assert_eq!((report.root, report.directories.len()), (None, 0));
    assert_eq!(
        (report.problems[0].severity.as_str(), report.problems[0].code.as_str()),
        ("error", "no_source")
    );
    assert!(report.problems[0].remedy.contains("STOREKEEP_MAGENTO_ROOT"));
}

/// Who sees the Sets sees that nothing starts, without the right to read the settings.
#[actix_web::test]
async fn the_master_switch_is_a_problem_while_it_is_off() {
    for app in [TestApp::start().await, TestApp::with_store().await] {
        let someone = app.someone_with(&[Resource::Backups]).await;
        let admin = app.administrator().await;
        let codes = async || {
            let report = app.call(&ep::GET_SOURCE, &[]).by(&someone).send().await.ok();
            report.problems.into_iter().map(|p| p.code).collect::<Vec<_>>()
        };
        let before = codes().await;
        assert!(!before.contains(&"switched_off".into()), "{before:?}");
        let save = async |enabled| {
            let settings = json!({"enabled": enabled, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 1});
            app.call(&ep::SAVE_CONFIG, &[]).by(&admin).json(settings).send().await.is(200);
        };
        // At once, although the report itself may be some seconds old.
        save(false).await;
        let off = codes().await;
        assert_eq!((off[0].as_str(), &off[1..]), ("switched_off", &before[..]));
        save(true).await;
        assert_eq!(codes().await, before);
    }
}

#[actix_web::test]
async fn a_store_whose_database_is_down_still_shows_its_directories() {
    let app = TestApp::with_store().await;
    let someone = app.someone_with(&[Resource::Backups]).await;
    let answer = app.call(&ep::GET_SOURCE, &[]).by(&someone).send().await;
    let report = answer.ok();
    let names: Vec<_> = report.directories.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(names, ["app", "bin", "pub", "var"]);
    assert!(report.directories.iter().all(|d| d.complete && d.files == 1 && d.size_bytes > 0));
    assert_eq!(report.databases[0].server, None);
    assert_eq!(
        (report.databases[0].address.as_str(), report.databases[0].name.as_str()),
        ("127.0.0.1:9", "shop")
    );
    assert!(report.problems.iter().any(|p| p.severity == "error" && !p.remedy.is_empty()), "{report:?}");
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
}

#[actix_web::test]
async fn a_store_shows_its_tables_groups_and_grants() {
    let dir = tempfile::tempdir().unwrap();
    let server = PrivateServer::start(dir.path()).unwrap();
    let sql = "CREATE DATABASE shop; CREATE TABLE shop.sales_order (id INT PRIMARY KEY); \
               CREATE TABLE shop.report_event (id INT PRIMARY KEY); CREATE VIEW shop.v AS SELECT 1 AS one";
    let mysql = Command::new("mysql")
        .args(["--no-defaults", "-uroot", "-S"])
        .arg(server.socket())
        .args(["-e", sql])
        .status();
    assert!(mysql.unwrap().success());
    let app = TestApp::with_store().await;
    make_store(app.dir.path(), Some(&format!("{}|shop", server.socket().display())));
    let someone = app.someone_with(&[Resource::Backups]).await;
    let ask = || app.call(&ep::GET_SOURCE, &[]).by(&someone);
    // Ten who ask at once are served by one look.
    let answers = futures_util::future::join_all((0..10).map(|_| ask().send())).await;
    let report = answers[0].ok();
    assert!(answers.iter().all(|a| a.ok() == report));
    let database = &report.databases[0];
    assert_eq!(database.connections, ["default"]);
    assert!(database.server.as_deref().unwrap().starts_with("MariaDB"), "{database:?}");
    let kinds: Vec<_> = database.tables.iter().map(|t| (t.name.as_str(), t.kind.as_str())).collect();
    assert_eq!(kinds, [("report_event", "table"), ("sales_order", "table"), ("v", "view")]);
    assert!(database.grants.iter().all(|g| g.held && !g.consequence.is_empty()), "{:?}", database.grants);
    let group = report.table_groups.iter().find(|g| g.tables.contains(&"report_event".into())).unwrap();
    assert!(group.name.starts_with('@') && !group.description.is_empty());
    assert!(!report.problems.iter().any(|p| p.severity == "error"), "{:?}", report.problems);
}
