use super::{create, drive, input, keeper, linked};
use crate::support::CloudApp;
use contract::{Resource, StorageState, StorageType, endpoints as ep};

#[actix_web::test]
async fn whoever_sees_backup_sets_sees_where_they_send_copies_and_no_more() {
    let app = CloudApp::start().await;
    let keeper = keeper(&app).await;
    linked(&app, &keeper, &drive("b"), "ada@example.org").await;
    create(&app, &keeper, &input("a", StorageType::OneDrive)).await;
    create(&app, &keeper, &input("c", StorageType::AmazonS3)).await;
    let someone = app.someone_with(&[Resource::Backups]).await;
    let answer = app.call(&ep::LIST_STORAGE_OPTIONS, &[]).by(&someone).send().await;
    let options = answer.ok();
    assert!(options.redirect_uri.ends_with("/oauth/callback"), "{}", options.redirect_uri);
    let found: Vec<_> =
        options.items.into_iter().map(|o| (o.title, o.kind, o.enabled, o.linked, o.state)).collect();
    assert_eq!(
        found,
        [
            ("a".to_owned(), StorageType::OneDrive, true, false, StorageState::NotLinked),
            ("b".to_owned(), StorageType::GoogleDrive, true, true, StorageState::Ready),
            ("c".to_owned(), StorageType::AmazonS3, true, true, StorageState::Ready),
        ]
    );
    assert!(!answer.text().contains("client") && !answer.text().contains("ada"), "{}", answer.text());
}
