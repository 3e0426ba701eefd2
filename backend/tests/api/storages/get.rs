use super::{create, drive, get, keeper};
use crate::support::{TestApp, files_only};
use contract::{BackupSetInput, ProblemCode, StorageRow, endpoints as ep};

#[actix_web::test]
async fn it_names_the_backup_sets_that_use_it() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let row =
        |path: &str| StorageRow { storage_id: Some(id), enabled: true, keep_copies: 1, path: path.into() };
    let b = app.set(&BackupSetInput { storages: vec![row("x"), row("y")], ..files_only("Weekly") }).await;
    let a = app.set(&BackupSetInput { storages: vec![row("x")], ..files_only("Nightly") }).await;
    let used: Vec<_> = get(&app, &someone, id).await.used_by.into_iter().map(|u| (u.id, u.title)).collect();
    assert_eq!(used, [(a.id, "Nightly".to_owned()), (b.id, "Weekly".to_owned())]);
}

#[actix_web::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    for id in ["1", "0", "-1", "nonsense"] {
        app.call(&ep::GET_STORAGE, &[id]).by(&someone).send().await.refused(ProblemCode::NotFound);
    }
}
