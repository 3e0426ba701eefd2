use super::{create, drive, input, keeper, linked};
use crate::support::{CloudApp, files_only};
use contract::{
    BackupSetInput, StorageRow, StorageTestInput, StorageTestReport, StorageType, endpoints as ep,
};
use engine::storage::ErrorKind;
use engine::testing::fault::{Effect, Fault, Op};

fn steps(report: &StorageTestReport) -> Vec<(&str, bool)> {
    report.steps.iter().map(|s| (s.step.as_str(), s.ok)).collect()
}

#[actix_web::test]
async fn a_good_connection_tells_the_account_the_space_and_every_step() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id.to_string();
    let path = StorageTestInput { path: Some("/Backups/Shop/".into()) };
    let report = app.call(&ep::TEST_STORAGE, &[&id]).by(&someone).body(&path).send().await.ok();
    let all = ["credentials", "account", "space", "write", "read", "list", "delete"];
    assert_eq!(steps(&report), all.map(|step| (step, true)));
    assert!(report.ok);
    assert_eq!(report.account.as_deref(), Some("ada@example.org"));
    assert_eq!(
        (report.total_bytes, report.used_bytes, report.free_bytes),
        (Some(1000), Some(400), Some(600))
    );
    assert!(app.clouds.keys("the-client-id", "Backups/Shop").await.is_empty());
}

#[actix_web::test]
async fn the_path_is_that_of_a_backup_set_unless_another_one_is_asked_for() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &input("Cold", StorageType::AmazonS3)).await.id;
    let test = async |body: Option<&str>| {
        let input = StorageTestInput { path: body.map(Into::into) };
        app.call(&ep::TEST_STORAGE, &[&id.to_string()]).by(&someone).body(&input).send().await.ok()
    };
    // Without a bucket there is only the account.
    let report = test(None).await;
    assert_eq!(
        (steps(&report), report.path.as_deref()),
        (vec![("credentials", true), ("account", true)], None)
    );
    let row =
        StorageRow { storage_id: Some(id), enabled: true, keep_copies: 1, path: "shop-backups/eu".into() };
    app.set(&BackupSetInput { storages: vec![row], ..files_only("Nightly") }).await;
    let report = test(None).await;
    assert!(report.ok && report.path.as_deref() == Some("shop-backups/eu"), "{report:?}");
    let report = test(Some("no-such-bucket")).await;
    assert!(!report.ok);
    assert_eq!(*steps(&report).last().unwrap(), ("write", false));
    assert!(report.steps[2].message.contains("no-such-bucket does not exist"), "{report:?}");
}

#[actix_web::test]
async fn what_fails_is_told_with_its_reason_and_cleared_up() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = linked(&app, &someone, &drive("Drive"), "ada@example.org").await.id.to_string();
    let place = app.clouds.place("the-client-id", "x");
    place.plan(Fault::once(Op::List, Effect::Fail(ErrorKind::PermissionDenied)));
    let path = StorageTestInput { path: Some("x".into()) };
    let report = app.call(&ep::TEST_STORAGE, &[&id]).by(&someone).body(&path).send().await.ok();
    assert!(!report.ok);
    assert_eq!(*steps(&report).last().unwrap(), ("list", false));
    assert!(app.clouds.keys("the-client-id", "x").await.is_empty());
}

#[actix_web::test]
async fn what_is_not_linked_says_so_and_a_bad_path_is_refused() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    let report = app.call(&ep::TEST_STORAGE, &[&id]).by(&someone).send().await.ok();
    assert_eq!(steps(&report), [("credentials", false)]);
    assert!(report.steps[0].message.contains("'Drive' is not linked"), "{report:?}");
    let path = StorageTestInput { path: Some("a//b".into()) };
    let answer = app.call(&ep::TEST_STORAGE, &[&id]).by(&someone).body(&path).send().await;
    assert_eq!(answer.fields(), ["path"]);
}
