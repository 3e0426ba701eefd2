//! Passwords and tokens appear neither in the log, at its most talkative, nor in the database's files.

use crate::alerts::{saved, to_mail, to_webhook};
use crate::runs::request;
use crate::storages::{callback, create, drive, input, keeper, link, linked};
use crate::support::{
    CLIENT_SECRET, CloudApp, MailServer, PASSWORD, Receiver, SESSION_URL, SETUP_TOKEN, files_only,
};
use contract::endpoints as ep;
use contract::{
    AlertTestInput, BackupSetInput, Channel, LoginInput, PasswordInput, RefreshInput, Resource, SetupInput,
    StorageRow, StorageSetInput, StorageType,
};
use engine::testing::fake::{Action, Fault, Reply};
use engine::testing::fault::{self, Effect, Op};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Captured;

    fn make_writer(&'a self) -> Captured {
        self.clone()
    }
}

#[actix_web::test]
async fn neither_the_log_nor_the_database_holds_a_secret_in_clear() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    // For every thread, and so for the tests that run beside this one: what they log must be clean as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let app = CloudApp::with_store().await;
    let mut secrets: Vec<String> = vec![PASSWORD.into(), SETUP_TOKEN.into(), "a wrong guess".into()];
    let wrong =
        SetupInput { token: "a wrong guess".into(), username: "eve".into(), password: PASSWORD.into() };
    app.call(&ep::SETUP, &[]).body(&wrong).send().await.is(403);
    let admin = app.administrator().await;
    let other = app.someone_with(&[Resource::Logs]).await;
    let login = LoginInput { username: "admin".into(), password: "a wrong guess".into() };
    app.call(&ep::LOGIN, &[]).body(&login).send().await.is(401);
    let refresh = RefreshInput { refresh_token: Some(admin.refresh_token.clone()) };
    let refreshed = app.call(&ep::REFRESH, &[]).body(&refresh).send().await;
    let change =
        PasswordInput { current_password: PASSWORD.into(), new_password: "another long password".into() };
    let changed = app.call(&ep::CHANGE_PASSWORD, &[]).by(&other).body(&change).send().await;
    app.raw("POST", "/api/v1/auth/login").bytes(r#"{"password":"a wrong guess""#).send().await.is(400);
    app.raw("POST", "/api/v1/auth/login")
        .bytes(r#"{"username":"x","password":["a wrong guess"]}"#)
        .send()
        .await
        .is(422);
    secrets.push("another long password".into());
    for answer in [&refreshed, &changed] {
        secrets.push(answer.ok().access_token);
        secrets.push(answer.cookie("storekeep_refresh").unwrap());
    }
    for someone in [admin, other] {
        secrets.extend([someone.access_token, someone.refresh_token]);
    }

    let answers = storage_sets(&app).await + &channels(&app).await;
    secrets.extend([CLIENT_SECRET.into(), SESSION_URL.into(), "a-secret-access-key".into()]);
    secrets.extend(["the-mail-password".into(), "0123456789abcdef".into()]);
    let given_out = app.clouds.secrets();
    // Codes, states, verifiers, access and refresh tokens of several links.
    assert!(given_out.len() > 12, "{given_out:?}");
    for secret in given_out.iter().chain(&secrets) {
        assert!(!answers.contains(secret.as_str()), "an answer holds {secret}: {answers}");
    }
    secrets.extend(given_out);

    let text = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(
        text.contains("a sign-in was refused") && text.contains("http.path=/api/v1/auth/login"),
        "{text}"
    );
    // Whoever knows the address of a ping can send one.
    assert!(text.contains("a ping did not get through") && !text.contains("a-ping-path"), "{text}");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(app.dir.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    assert!(files.iter().any(|(name, bytes)| name.ends_with("storekeep.db-wal") && !bytes.is_empty()));
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "the log holds {secret}");
        for (name, bytes) in &files {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{name} holds {secret}");
        }
    }
}

/// Links accounts in every way there is, good and bad, runs passes to them, and returns everything that clients were answered. Of the way to
/// the consent page, which has to hold the state, only the rest.
async fn storage_sets(app: &CloudApp) -> String {
    let someone = keeper(app).await;
    let mut answers = String::new();
    let drive_id = linked(app, &someone, &drive("Drive"), "ada@example.org").await.id;
    let s3 = StorageSetInput {
        client_secret: Some("a-secret-access-key".into()),
        ..input("Cold", StorageType::AmazonS3)
    };
    let s3_id = create(app, &someone, &s3).await.id;
    let path = drive_id.to_string();
    // The code is shown to whoever brought it, and to nobody else.
    assert!(link(app, &someone, drive_id, "eve@example.org").await.contains("<code>"));
    let start = async || {
        let link = app.call(&ep::LINK_STORAGE, &[&path]).by(&someone).send().await.ok();
        app.clouds.consented(&link.authorize_url, "ada@example.org")
    };
    let (code, state) = start().await;
    app.clouds.server.plan(Fault::once("POST", "/token", Action::Answer(Reply::html_502())));
    let encoded: String = form_urlencoded::byte_serialize(code.as_bytes()).collect();
    callback(app, &format!("code={encoded}&state={state}")).await;
    for code in [code, "a-code-of-nobody".into()] {
        let input = StorageSetInput { authentication_code: Some(code), ..drive("Drive") };
        answers += &app.call(&ep::UPDATE_STORAGE, &[&path]).by(&someone).body(&input).send().await.text();
    }
    let (_, state) = start().await;
    answers += &callback(app, &format!("error=server_error&error_description=x&state={state}")).await;

    let row = |id: i64, path: &str| StorageRow {
        storage_id: Some(id),
        enabled: true,
        keep_copies: 1,
        path: path.into(),
    };
    let rows = vec![row(drive_id, "x"), row(s3_id, "shop-backups")];
    let set = app.set(&BackupSetInput { storages: rows, ..files_only("Nightly") }).await.id;
    let _work = app.work();
    app.clouds.expire();
    let place = app.clouds.place("the-client-id", "shop-backups");
    place.plan(fault::Fault::once(Op::Put, Effect::Fail(engine::storage::ErrorKind::PermissionDenied)));
    // What stays of an upload that broke off is in the database: its session's address encrypted.
    place.plan(fault::Fault::always(Op::Delete, Effect::Fail(engine::storage::ErrorKind::PermissionDenied)));
    for _ in 0..2 {
        let log = app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
        answers += &format!("{log:?}");
        app.clock.advance(chrono::TimeDelta::minutes(1));
        app.clouds.revoke("ada@example.org");
    }
    let someone = app.sign_in(&someone.username, PASSWORD).await;
    answers += &app.call(&ep::TEST_STORAGE, &[&path]).by(&someone).send().await.text();
    answers += &app.call(&ep::LIST_STORAGES, &[]).by(&someone).send().await.text();
    answers += &app.call(&ep::LIST_NOTIFICATIONS, &[]).by(&someone).send().await.text();
    answers
}

/// Sends mails and webhooks that go well and that do not, and a ping that does not get through.
async fn channels(app: &CloudApp) -> String {
    let (server, receiver) = (MailServer::start().await, Receiver::start().await);
    let mut both = to_webhook(&receiver);
    both["email"] = to_mail(&server)["email"].clone();
    saved(app, both).await;
    let someone = app.someone_with(&[Resource::Config]).await;
    let mut answers = app.call(&ep::GET_ALERTS, &[]).by(&someone).send().await.text();
    let refusals = [None, Some("550 the-mail-password is wrong")];
    for (refusal, status) in refusals.into_iter().zip([200, 500]) {
        server.refuse(refusal);
        receiver.answer(status, None);
        for channel in Channel::ALL {
            let ask = app.call(&ep::TEST_ALERT, &[]).by(&someone).body(&AlertTestInput { channel });
            answers += &ask.send().await.text();
        }
    }
    let ping_url = Some(receiver.url("/a-ping-path"));
    let set = app.set(&BackupSetInput { ping_url, ..files_only("Pinged") }).await.id;
    let _work = app.work();
    app.app.runs.start(request(set), Duration::from_secs(60)).await.unwrap();
    // Three times the start, three times the end.
    receiver.wait_for(2 + 6).await;
    app.app.alerts.finish(Duration::from_secs(10)).await;
    answers
}
