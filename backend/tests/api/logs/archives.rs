use super::{pass, reader};
use crate::support::TestApp;
use contract::{ProblemCode, Resource, endpoints as ep};
use rstest::rstest;
use sha2::{Digest, Sha256};

#[actix_web::test]
async fn an_archive_is_downloaded_whole_and_in_ranges() {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let log = pass(&app, "Nightly").await;
    let id = log.id.to_string();
    let download = || app.call(&ep::DOWNLOAD_ARCHIVE, &[&id, "files.tgz"]).by(&someone);
    let whole = download().send().await;
    assert_eq!(whole.status, 200);
    assert_eq!(hex::encode(Sha256::digest(&whole.body)), log.files[0].sha256);
    assert_eq!(whole.header("content-type"), Some("application/octet-stream"));
    assert_eq!(whole.header("content-encoding"), None);
    let disposition = whole.header("content-disposition").unwrap();
    assert_eq!(disposition, r#"attachment; filename="nightly-2026-03-02T10-00-00Z-files.tgz""#);
    let part = download().header("range", "bytes=10-19").send().await;
    assert_eq!(part.status, 206);
    assert_eq!(part.body, whole.body[10..20]);
    let range = format!("bytes 10-19/{}", whole.body.len());
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    assert_eq!(download().header("range", "bytes=999999999-").send().await.status, 416);
    let tag = whole.header("etag").unwrap().to_owned();
    assert_eq!(download().header("if-none-match", &tag).send().await.status, 304);
}

#[rstest]
#[case("db.sql.gz")]
#[case("manifest.json")]
#[case("..%2Fmanifest.json")]
#[case("%2e%2e%2f%2e%2e%2fkey")]
#[case("files%2Ffiles.tgz")]
#[case("files.tgz%00")]
#[actix_web::test]
async fn only_what_the_log_lists_is_found(#[case] name: &str) {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let id = pass(&app, "Nightly").await.id.to_string();
    app.call(&ep::DOWNLOAD_ARCHIVE, &[&id, name]).by(&someone).send().await.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn an_archive_that_is_gone_is_told_as_gone() {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let log = pass(&app, "Nightly").await;
    let id = log.id.to_string();
    std::fs::remove_dir_all(app.archive_dir().join(log.copy_path.unwrap())).unwrap();
    let download = app.call(&ep::DOWNLOAD_ARCHIVE, &[&id, "files.tgz"]).by(&someone).send().await;
    download.refused(ProblemCode::ArchiveGone);
}

#[actix_web::test]
async fn reading_logs_does_not_allow_downloads() {
    let app = TestApp::with_store().await;
    let someone = app.someone_with(&[Resource::Logs]).await;
    let id = pass(&app, "Nightly").await.id.to_string();
    let problem = app.call(&ep::DOWNLOAD_ARCHIVE, &[&id, "files.tgz"]).by(&someone).send().await;
    assert_eq!(problem.refused(ProblemCode::MissingResource).resource.as_deref(), Some("archives"));
}
