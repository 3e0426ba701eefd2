//! A channel that does not work.

use super::{failing, inbox, outbox, run, saved, to_mail, to_webhook};
use crate::support::{MailServer, Receiver, TestApp};
use chrono::TimeDelta;
use contract::{Channel, OverallStatus, Severity};
use std::process::Command;

#[actix_web::test]
async fn it_is_tried_again_with_longer_and_longer_pauses_and_then_given_up() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    receiver.answer(503, None);
    saved(&app, to_webhook(&receiver)).await;
    let _work = app.work();
    let set = app.set(&failing("Nightly")).await.id;
    // The pass does not know of it.
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Failed);
    let deliver = async || app.app.alerts.deliver().await.unwrap();
    let about = async || {
        let open = inbox(&app).await;
        open.into_iter().find(|n| n.title == "Messages to the webhook do not get through")
    };
    assert_eq!(deliver().await.failed, 1);
    assert_eq!(about().await, None);
    for (n, pause) in [1, 5, 30, 120, 360].into_iter().enumerate() {
        let pause = TimeDelta::minutes(pause);
        app.clock.advance(pause - TimeDelta::microseconds(1));
        assert_eq!(deliver().await.failed, 0, "attempt {}", n + 2);
        app.clock.advance(TimeDelta::microseconds(1));
        assert_eq!(deliver().await.failed, 1, "attempt {}", n + 2);
        let told = about().await.unwrap();
        let severity = if n < 4 { Severity::Warning } else { Severity::Error };
        assert_eq!(told.severity, severity, "{told:?}");
        assert!(told.message.contains("127.0.0.1 answered with 503"), "{told:?}");
    }
    assert!(outbox(&app).await.is_empty());
    let ids: Vec<_> = receiver.received().iter().map(|r| r.headers["x-storekeep-delivery"].clone()).collect();
    assert_eq!((ids.len(), ids.iter().all(|id| *id == ids[0])), (6, true));
    // Once it works again, the matter is over.
    receiver.answer(204, None);
    run(&app, set).await;
    assert_eq!(deliver().await.sent, 1);
    assert_eq!(about().await, None);
}

#[actix_web::test]
async fn one_that_hangs_holds_up_neither_passes_nor_the_other_channel() {
    let app = TestApp::with_store().await;
    let receiver = Receiver::start().await;
    // A mail server that says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut both = to_webhook(&receiver);
    both["email"] = to_mail(&MailServer::start().await)["email"].clone();
    both["email"]["port"] = silent.local_addr().unwrap().port().into();
    saved(&app, both).await;
    let _work = app.work();
    let set = app.set(&failing("Nightly")).await.id;
    run(&app, set).await;
    let alerts = app.app.alerts.clone();
    let round = tokio::spawn(async move { alerts.deliver().await });
    receiver.wait_for(1).await;
    assert_eq!(run(&app, set).await.overall_status, OverallStatus::Failed);
    assert!(!round.is_finished());
    round.abort();
}

#[actix_web::test]
async fn after_a_rotation_of_the_key_passwords_still_work() {
    let app = TestApp::with_store().await;
    let server = MailServer::start().await;
    saved(&app, to_mail(&server)).await;
    let dir = app.stop().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_storekeep"));
    command.args(["key", "rotate"]).env("STOREKEEP_DATA_DIR", dir.path().join("data"));
    let done = command.env_remove("STOREKEEP_ENCRYPTION_KEY").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("1 stored secrets"), "{done:?}");
    let config = crate::support::config_in(&dir);
    let app = TestApp::on(dir, config).await;
    assert!(app.app.alerts.test(Channel::Email).await.unwrap().ok);
    assert!(server.mails()[0].auth.is_some());
}

#[actix_web::test]
async fn with_another_key_the_channel_says_what_to_do() {
    let app = TestApp::with_store().await;
    let server = MailServer::start().await;
    saved(&app, to_mail(&server)).await;
    let dir = app.stop().await;
    std::fs::remove_file(dir.path().join("data/key")).unwrap();
    let config = crate::support::config_in(&dir);
    let app = TestApp::on(dir, config).await;
    let report = app.app.alerts.test(Channel::Email).await.unwrap();
    assert!(!report.ok && report.message.contains("cannot be decrypted"), "{report:?}");
    assert!(app.app.alerts.get().await.unwrap().email.password_set);
    saved(&app, to_mail(&server)).await;
    assert!(app.app.alerts.test(Channel::Email).await.unwrap().ok);
}
