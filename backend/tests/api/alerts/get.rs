use super::{keeper, saved, to_mail};
use crate::support::{MailServer, TestApp};
use contract::{MailSecurity, endpoints as ep};

#[actix_web::test]
async fn at_first_nothing_is_on() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let answer = app.call(&ep::GET_ALERTS, &[]).by(&someone).send().await;
    let alerts = answer.ok();
    assert!(!alerts.email.enabled && !alerts.webhook.enabled);
    assert_eq!((alerts.email.port, alerts.email.security), (465, MailSecurity::Tls));
    assert!(!alerts.email.password_set && !alerts.webhook.secret_set && !alerts.webhook.allow_private);
    assert_eq!((answer.header("etag"), alerts.revision), (Some("\"1\""), 1));
}

#[actix_web::test]
async fn secrets_are_never_given_out() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let server = MailServer::start().await;
    saved(&app, to_mail(&server)).await;
    let answer = app.call(&ep::GET_ALERTS, &[]).by(&someone).send().await;
    assert!(answer.ok().email.password_set);
    assert!(
        !answer.text().contains("the-mail-password") && !answer.text().contains("v1."),
        "{}",
        answer.text()
    );
}
