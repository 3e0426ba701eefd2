//! Passwords and tokens appear neither in the log, at its most talkative, nor in the database's files.

use crate::support::{PASSWORD, SETUP_TOKEN, TestApp};
use contract::endpoints as ep;
use contract::{LoginInput, PasswordInput, RefreshInput, Resource, SetupInput};
use std::io;
use std::sync::{Arc, Mutex};
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

    let app = TestApp::start().await;
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

    let text = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(
        text.contains("a sign-in was refused") && text.contains("http.path=/api/v1/auth/login"),
        "{text}"
    );
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
