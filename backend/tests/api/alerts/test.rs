//! The button.

use super::{keeper, outbox, saved, to_mail, to_webhook};
use crate::support::{MailServer, Receiver, TestApp};
use contract::{AlertTestInput, AlertTestReport, Channel, endpoints as ep};
use ring::hmac;
use serde_json::{Value, json};

async fn press(app: &TestApp, channel: Channel) -> AlertTestReport {
    let someone = keeper(app).await;
    app.call(&ep::TEST_ALERT, &[]).by(&someone).body(&AlertTestInput { channel }).send().await.ok()
}

#[actix_web::test]
async fn a_channel_that_is_not_set_up_says_what_is_missing() {
    let app = TestApp::start().await;
    for channel in Channel::ALL {
        let report = press(&app, channel).await;
        assert!(!report.ok && report.message.starts_with("Enter"), "{report:?}");
    }
}

#[actix_web::test]
async fn a_mail_comes_to_everybody_also_while_the_channel_is_off() {
    let app = TestApp::start().await;
    let server = MailServer::start().await;
    let mut input = to_mail(&server);
    input["email"]["enabled"] = json!(false);
    saved(&app, input).await;
    let report = press(&app, Channel::Email).await;
    assert!(report.ok && report.message.contains("ops@example.org"), "{report:?}");
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].from.contains("backups@example.org"));
    assert_eq!(mails[0].to.len(), 2);
    assert!(mails[0].data.contains("Subject: [Storekeep] A test message\r\n"), "{}", mails[0].data);
    assert!(mails[0].auth.is_some());
    assert!(outbox(&app).await.is_empty());
}

#[actix_web::test]
async fn what_the_mail_server_says_is_told_without_the_password() {
    let app = TestApp::start().await;
    let server = MailServer::start().await;
    server.refuse(Some("550 nobody here knows the-mail-password"));
    saved(&app, to_mail(&server)).await;
    let report = press(&app, Channel::Email).await;
    assert!(!report.ok && report.message.contains("refused the message"), "{report:?}");
    assert!(report.message.contains("nobody here knows ***"), "{report:?}");
    // TLS with a server that has none.
    let mut input = to_mail(&server);
    input["email"]["security"] = json!("starttls");
    saved(&app, input).await;
    let report = press(&app, Channel::Email).await;
    assert!(!report.ok && report.message.contains("security"), "{report:?}");
}

#[actix_web::test]
async fn a_webhook_is_signed() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    saved(&app, to_webhook(&receiver)).await;
    assert_eq!(press(&app, Channel::Webhook).await.message, "The webhook took a message.");
    let request = receiver.received().remove(0);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hook"));
    assert_eq!(request.headers["x-storekeep-event"], "test");
    assert!(request.headers["x-storekeep-delivery"].starts_with("test-"));
    assert_eq!(request.headers["content-type"], "application/json");
    let signature = request.headers["x-storekeep-signature"].clone();
    let (time, mac) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
    hmac::verify(&key, format!("{time}.{}", request.body).as_bytes(), &hex::decode(mac).unwrap()).unwrap();
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((&body["event"], &body["backup"], &body["log"]), (&json!("test"), &Value::Null, &Value::Null));
    assert_eq!(body["sent_at"], "2026-03-02T10:00:00Z");
    // Without a secret there is nothing to sign with.
    let mut input = to_webhook(&receiver);
    input["webhook"]["secret"] = json!("");
    saved(&app, input).await;
    assert!(press(&app, Channel::Webhook).await.ok);
    assert!(!receiver.received()[1].headers.contains_key("x-storekeep-signature"));
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let app = TestApp::start().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    saved(&app, to_webhook(&receiver)).await;
    for status in [301, 302, 303, 307, 308] {
        receiver.answer(status, Some(elsewhere.url("/secret-place")));
        let report = press(&app, Channel::Webhook).await;
        assert!(!report.ok && report.message.contains("redirect"), "{report:?}");
        assert!(!report.message.contains("secret-place"), "{report:?}");
    }
    assert_eq!((receiver.received().len(), elsewhere.received().len()), (5, 0));
    receiver.answer(500, None);
    assert!(press(&app, Channel::Webhook).await.message.contains("answered with 500"));
}

#[actix_web::test]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001"] {
        let mut input = to_webhook(&receiver);
        input["webhook"]["allow_private"] = json!(false);
        input["webhook"]["url"] = json!(format!("http://{host}:{}/hook", receiver.port));
        saved(&app, input).await;
        let report = press(&app, Channel::Webhook).await;
        assert!(!report.ok && report.message.contains("private address"), "{host} {report:?}");
    }
    assert!(receiver.received().is_empty());
    let mut input = to_webhook(&receiver);
    input["webhook"]["url"] = json!(format!("http://localhost:{}/hook", receiver.port));
    saved(&app, input).await;
    assert!(press(&app, Channel::Webhook).await.ok);
}
