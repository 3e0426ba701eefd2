use super::post;
use crate::support::TestApp;
use chrono::TimeDelta;
use contract::{Severity, endpoints as ep};
use rstest::rstest;

#[actix_web::test]
async fn everybody_who_is_signed_in_sees_the_inbox_the_newest_first() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    assert!(post(&app, "a").await);
    assert!(!post(&app, "a").await);
    app.clock.advance(TimeDelta::minutes(1));
    assert!(post(&app, "b").await);
    let page = app.call(&ep::LIST_NOTIFICATIONS, &[]).by(&someone).send().await.ok();
    assert_eq!((page.page, page.per_page, page.total), (1, 20, 2));
    assert!(page.items[0].created_at > page.items[1].created_at);
    assert_eq!((page.items[0].severity, page.items[0].dismissed_at), (Severity::Error, None));
    app.app.notifications.settle("a").await.unwrap();
    let list = async |query: &str| {
        let uri = format!("/api/v1/notifications{query}");
        let page = app.call(&ep::LIST_NOTIFICATIONS, &[]).query(&uri).by(&someone).send().await.ok();
        page.items.iter().map(|n| n.id).collect::<Vec<_>>()
    };
    let (b, a) = (page.items[0].id, page.items[1].id);
    assert_eq!(list("?open=true").await, [b]);
    assert_eq!(list("?open=false").await, [a]);
    assert_eq!(list("?sort=id&per_page=1&page=2").await, [b]);
    // The matter came back.
    assert!(post(&app, "a").await);
}

#[rstest]
#[case("sort=message", "sort")]
#[case("open=perhaps", "open")]
#[case("per_page=0", "per_page")]
#[case("color=red", "color")]
#[actix_web::test]
async fn a_query_that_makes_no_sense_names_its_parameter(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    let uri = format!("/api/v1/notifications?{query}");
    let answer = app.call(&ep::LIST_NOTIFICATIONS, &[]).query(&uri).by(&someone).send().await;
    assert_eq!(answer.fields(), [field]);
}
