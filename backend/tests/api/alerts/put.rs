use super::{keeper, saved, to_mail, to_webhook};
use crate::support::{Answer, MailServer, Receiver, Someone, TestApp};
use contract::{Alerts, ProblemCode, endpoints as ep};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use storekeep::entity::channels;

async fn save(app: &TestApp, someone: &Someone, body: Value) -> Answer<Alerts> {
    app.call(&ep::SAVE_ALERTS, &[]).by(someone).json(body).send().await
}

#[actix_web::test]
async fn what_is_saved_is_read_back_and_secrets_are_encrypted() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let mut body = json!({
        "email": {
            "enabled": true, "host": "smtp.example.org", "port": 587, "security": "starttls", "username": "u",
            "password": "hunter2-hunter2", "from": "a@example.org", "to": ["b@example.org"],
        },
        "webhook": {"enabled": true, "url": "https://hooks.example.org/x", "secret": "0123456789abcdef", "allow_private": false},
    });
    let answer = save(&app, &someone, body.clone()).await;
    let alerts = answer.ok();
    assert_eq!((alerts.revision, answer.header("etag")), (2, Some("\"2\"")));
    assert_eq!(app.call(&ep::GET_ALERTS, &[]).by(&someone).send().await.ok(), alerts);
    let mut shown = serde_json::to_value(&alerts).unwrap();
    let email = body["email"].as_object_mut().unwrap();
    assert!(email.remove("password").is_some());
    email.insert("password_set".into(), json!(true));
    let webhook = body["webhook"].as_object_mut().unwrap();
    assert!(webhook.remove("secret").is_some());
    webhook.insert("secret_set".into(), json!(true));
    shown.as_object_mut().unwrap().remove("revision");
    assert_eq!(shown, body);
    for row in channels::Entity::find().all(&app.app.db).await.unwrap() {
        let text = format!("{row:?}");
        assert!(
            row.secret_enc.is_some() && !text.contains("hunter2") && !text.contains("0123456789"),
            "{text}"
        );
    }
}

#[actix_web::test]
async fn a_secret_stays_is_replaced_or_removed() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let receiver = Receiver::start().await;
    let secret = async || channels::Entity::find_by_id(2).one(&app.app.db).await.unwrap().unwrap().secret_enc;
    saved(&app, to_webhook(&receiver)).await;
    let first = secret().await.unwrap();
    let mut body = to_webhook(&receiver);
    body["webhook"].as_object_mut().unwrap().remove("secret");
    assert!(save(&app, &someone, body.clone()).await.ok().webhook.secret_set);
    assert_eq!(secret().await.as_ref(), Some(&first));
    body["webhook"]["secret"] = json!("another-secret-entirely");
    assert!(save(&app, &someone, body.clone()).await.ok().webhook.secret_set);
    assert_ne!(secret().await, Some(first));
    body["webhook"]["secret"] = json!("");
    assert!(!save(&app, &someone, body).await.ok().webhook.secret_set);
    assert_eq!(secret().await, None);
}

#[actix_web::test]
async fn the_password_of_one_server_is_not_sent_to_another() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let server = MailServer::start().await;
    saved(&app, to_mail(&server)).await;
    let mut body = to_mail(&server);
    body["email"].as_object_mut().unwrap().remove("password");
    save(&app, &someone, body.clone()).await.is(200);
    body["email"]["host"] = json!("localhost");
    let refused = save(&app, &someone, body.clone()).await;
    refused.refused(ProblemCode::Invalid);
    assert_eq!(refused.fields(), ["email.password"]);
    body["email"]["password"] = json!("");
    assert!(!save(&app, &someone, body).await.ok().email.password_set);
}

#[actix_web::test]
async fn a_stale_revision_is_refused() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let off = json!({"email": {"enabled": false}, "webhook": {"enabled": false}});
    let put = |tag: &'static str| {
        app.call(&ep::SAVE_ALERTS, &[]).by(&someone).header("if-match", tag).json(off.clone())
    };
    assert_eq!(put("\"1\"").send().await.ok().revision, 2);
    put("\"1\"").send().await.refused(ProblemCode::Changed);
    assert_eq!(put("*").send().await.ok().revision, 3);
}

#[actix_web::test]
async fn every_wrong_field_is_named_and_no_secret_is_repeated() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let body = json!({
        "email": {"enabled": true, "port": 0, "password": "hunter2\nhunter2", "from": "nobody", "to": ["x"]},
        "webhook": {"enabled": true, "secret": "tooshort"},
    });
    let answer = save(&app, &someone, body).await;
    answer.refused(ProblemCode::Invalid);
    let mut fields = answer.fields();
    fields.sort();
    let expected = [
        "email.from",
        "email.host",
        "email.password",
        "email.port",
        "email.to[0]",
        "webhook.secret",
        "webhook.url",
    ];
    assert_eq!(fields, expected);
    assert!(!answer.text().contains("hunter2") && !answer.text().contains("tooshort"));
    for (body, field) in [
        (json!({"email": {"enabled": false, "x": 1}, "webhook": {"enabled": false}}), "email.x"),
        (json!({"email": {"enabled": false}}), "webhook"),
    ] {
        let answer = save(&app, &someone, body).await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), [field]);
    }
}
