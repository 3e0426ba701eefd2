use super::post;
use crate::support::{TestApp, monday};
use contract::{ProblemCode, endpoints as ep};

#[actix_web::test]
async fn a_notification_is_dismissed_for_everybody_and_stays_in_the_list() {
    let app = TestApp::start().await;
    let (one, other) = (app.someone_with(&[]).await, app.someone_with(&[]).await);
    post(&app, "a").await;
    let list = app.call(&ep::LIST_NOTIFICATIONS, &[]).by(&one).send().await.ok();
    let id = list.items[0].id.to_string();
    for someone in [&one, &other] {
        app.call(&ep::DISMISS_NOTIFICATION, &[&id]).by(someone).send().await.is(204);
    }
    let list = app.call(&ep::LIST_NOTIFICATIONS, &[]).by(&other).send().await.ok();
    assert_eq!(list.items[0].dismissed_at, Some(monday()));
    assert!(post(&app, "a").await);
}

#[actix_web::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[]).await;
    for id in ["7", "nonsense"] {
        let answer = app.call(&ep::DISMISS_NOTIFICATION, &[id]).by(&someone).send().await;
        answer.refused(ProblemCode::NotFound);
    }
}
