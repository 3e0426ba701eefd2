use super::{create, drive, keeper};
use crate::support::{TestApp, files_only};
use contract::{BackupSetInput, ProblemCode, StorageRow, endpoints as ep};

#[actix_web::test]
async fn one_that_is_in_use_stays_and_names_who_uses_it() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let row = StorageRow { storage_id: Some(id), enabled: false, keep_copies: 1, path: "x".into() };
    app.set(&BackupSetInput { storages: vec![row.clone()], ..files_only("Nightly") }).await;
    app.set(&BackupSetInput { storages: vec![row], ..files_only("Weekly") }).await;
    let answer = app.call(&ep::DELETE_STORAGE, &[&id.to_string()]).by(&someone).send().await;
    let problem = answer.refused(ProblemCode::InUse);
    assert!(problem.detail.contains("'Nightly', 'Weekly'"), "{}", problem.detail);
}

#[actix_web::test]
async fn one_that_nobody_uses_is_deleted_once() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    let delete =
        |tag: &'static str| app.call(&ep::DELETE_STORAGE, &[&id]).by(&someone).header("if-match", tag);
    delete("\"7\"").send().await.refused(ProblemCode::Changed);
    delete("\"1\"").send().await.is(204);
    delete("*").send().await.refused(ProblemCode::NotFound);
    create(&app, &someone, &drive("Drive")).await;
}
