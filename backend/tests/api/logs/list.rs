use super::{pass, reader};
use crate::support::TestApp;
use chrono::TimeDelta;
use contract::endpoints as ep;
use rstest::rstest;

#[actix_web::test]
async fn logs_are_listed_newest_first_and_filtered() {
    let app = TestApp::with_store().await;
    let first = pass(&app, "Alpha").await;
    app.clock.advance(TimeDelta::hours(1));
    let second = pass(&app, "Beta").await;
    let someone = reader(&app).await;
    let list = async |query: &str| {
        let uri = format!("/api/v1/logs{query}");
        let page = app.call(&ep::LIST_LOGS, &[]).query(&uri).by(&someone).send().await.ok();
        (page.items.iter().map(|l| l.id).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(list("").await, (vec![second.id, first.id], 2));
    assert_eq!(list("?sort=started_at&per_page=1").await, (vec![first.id], 2));
    let set = first.backup_id.unwrap();
    assert_eq!(list(&format!("?backup_id={set}")).await, (vec![first.id], 1));
    assert_eq!(list("?overall_status=success&trigger=manual").await.1, 2);
    assert_eq!(list("?overall_status=failed").await.1, 0);
    assert_eq!(list("?trigger=schedule").await.1, 0);
    assert_eq!(list("?q=BET").await.0, [second.id]);
    assert_eq!(list("?q=v1").await.1, 2);
}

#[rstest]
#[case("overall_status=fine", "overall_status")]
#[case("trigger=magic", "trigger")]
#[case("backup_id=x", "backup_id")]
#[case("sort=warnings", "sort")]
#[actix_web::test]
async fn a_query_that_makes_no_sense_names_its_parameter(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let someone = reader(&app).await;
    let uri = format!("/api/v1/logs?{query}");
    assert_eq!(app.call(&ep::LIST_LOGS, &[]).query(&uri).by(&someone).send().await.fields(), [field]);
}
