use super::{create, drive, input, keeper};
use crate::support::TestApp;
use contract::{StorageSetInput, StorageType, endpoints as ep};
use rstest::rstest;

#[actix_web::test]
async fn storage_sets_are_listed_by_title_in_pages() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    create(&app, &someone, &drive("beta")).await;
    create(&app, &someone, &input("Alpha", StorageType::Dropbox)).await;
    create(&app, &someone, &StorageSetInput { enabled: false, ..drive("gamma") }).await;
    let list = async |query: &str| {
        let uri = format!("/api/v1/storages{query}");
        let page = app.call(&ep::LIST_STORAGES, &[]).query(&uri).by(&someone).send().await.ok();
        (page.items.iter().map(|s| s.title.clone()).collect::<Vec<_>>(), page.page, page.per_page, page.total)
    };
    assert_eq!(list("").await, (vec!["Alpha".into(), "beta".into(), "gamma".into()], 1, 20, 3));
    assert_eq!(list("?per_page=2&page=2").await, (vec!["gamma".into()], 2, 2, 3));
    assert_eq!(list("?sort=-id").await.0, ["gamma", "Alpha", "beta"]);
    assert_eq!(list("?sort=type").await.0, ["Alpha", "beta", "gamma"]);
    assert_eq!(list("?enabled=false").await.0, ["gamma"]);
    assert_eq!(list("?type=dropbox").await.0, ["Alpha"]);
    assert_eq!(list("?q=ALP").await.0, ["Alpha"]);
}

#[rstest]
#[case("page=0", "page")]
#[case("per_page=201", "per_page")]
#[case("sort=client_secret_enc", "sort")]
#[case("type=tape", "type")]
#[case("color=red", "color")]
#[actix_web::test]
async fn a_query_that_makes_no_sense_names_its_parameter(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let uri = format!("/api/v1/storages?{query}");
    let answer = app.call(&ep::LIST_STORAGES, &[]).query(&uri).by(&someone).send().await;
    assert_eq!(answer.fields(), [field]);
}
