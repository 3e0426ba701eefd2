use super::{create, input, operator};
use crate::support::TestApp;
use contract::{BackupSetInput, ProblemCode, endpoints as ep};
use rstest::rstest;

#[actix_web::test]
async fn sets_are_listed_by_title_in_pages() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    for title in ["beta", "Alpha", "gamma"] {
        create(&app, &someone, &BackupSetInput { enabled: title != "gamma", ..input(title) }).await;
    }
    let list = async |query: &str| {
        let uri = format!("/api/v1/backups{query}");
        let page = app.call(&ep::LIST_BACKUPS, &[]).query(&uri).by(&someone).send().await.ok();
        (page.items.iter().map(|s| s.title.clone()).collect::<Vec<_>>(), page.page, page.per_page, page.total)
    };
    assert_eq!(list("").await, (vec!["Alpha".into(), "beta".into(), "gamma".into()], 1, 20, 3));
    assert_eq!(list("?per_page=2&page=2").await, (vec!["gamma".into()], 2, 2, 3));
    assert_eq!(list("?sort=-id").await.0, ["gamma", "Alpha", "beta"]);
    assert_eq!(list("?enabled=false").await.0, ["gamma"]);
    assert_eq!(list("?q=ALP").await.0, ["Alpha"]);
    assert_eq!(list("?page=9").await, (vec![], 9, 20, 3));
}

#[rstest]
#[case("page=0", "page")]
#[case("per_page=201", "per_page")]
#[case("sort=password", "sort")]
#[case("enabled=maybe", "enabled")]
#[case("color=red", "color")]
#[actix_web::test]
async fn a_query_that_makes_no_sense_names_its_parameter(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let uri = format!("/api/v1/backups?{query}");
    let answer = app.call(&ep::LIST_BACKUPS, &[]).query(&uri).by(&someone).send().await;
    answer.refused(ProblemCode::Invalid);
    assert_eq!(answer.fields(), [field]);
}
