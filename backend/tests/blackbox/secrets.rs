//! What must not be found anywhere.

use super::Api;
use super::api::PASSWORD;
use super::server::{SETUP_TOKEN, Setup};
use super::store;
use serde_json::json;
use std::fs;
use std::path::Path;

#[test]
fn no_password_and_no_token_is_in_the_output_in_the_database_file_or_in_an_answer() {
    const WRONG: &str = "wrong-database-password-7f3a";
    const SECOND: &str = "second-users-password-51c2";
    let dir = tempfile::tempdir().unwrap();
    let server = Setup::new(dir.path()).set("RUST_LOG", "debug").set("STOREKEEP_LOG", "debug").start();
    let api = Api::set_up(&server);
    let set = api.create_set("secrets", json!({"exclude_directories": ["vendor", "generated", "pub"]}));
    api.run_well(set);
    // What goes wrong is logged: that is where secrets slip out.
    api.call(
        "POST",
        "/api/v1/auth/login",
        Some(json!({"username": "operator@example.com", "password": WRONG})),
    )
    .expect(401);
    api.call("POST", "/api/v1/auth/refresh", Some(json!({"refresh_token": "not-a-refresh-token-at-all"})));
    api.call(
        "POST",
        "/api/v1/setup",
        Some(json!({"token": SETUP_TOKEN, "username": "x", "password": SECOND})),
    );
    let roles = api.get("/roles").expect(200);
    let role = roles["items"][0]["id"].clone();
    api.post("/users", json!({"username": "second", "password": SECOND, "role_id": role, "enabled": true}))
        .expect(201);
    api.post("/users", json!({"username": "second", "password": SECOND, "role_id": role, "enabled": true}))
        .expect(409);
    let again = Api::sign_in(&server);
    let answers = format!("{:#}{:#}", api.get("/source").expect(200), api.get("/config").expect(200));
    let command_line = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(server.terminate().success());

    // The same store with a wrong password in the settings: every message about it is suspicious.
    let server =
        Setup::new(dir.path()).set("STOREKEEP_MAGENTO_DATABASE_URL", &store::url("storekeep", WRONG)).start();
    let third = Api::sign_in(&server);
    assert_ne!(third.run(set)["overall_status"], "success");
    let report = third.get("/source").expect(200).to_string();
    assert!(server.terminate().success());

    let env = fs::read_to_string(store::shared().root().join("app/etc/env.php")).unwrap();
    let crypt_key = env.split("'key' => '").nth(1).unwrap().split('\'').next().unwrap();
    let mut secrets: Vec<String> =
        [PASSWORD, SECOND, WRONG, SETUP_TOKEN, store::shared().password(), crypt_key]
            .map(str::to_owned)
            .to_vec();
    for api in [&api, &again, &third] {
        assert!(!api.secrets.borrow().is_empty());
        secrets.extend(api.secrets.borrow().iter().cloned());
    }
    let said = vec![
        ("the command line".to_owned(), command_line),
        ("GET /source and /config".to_owned(), answers.into_bytes()),
        ("GET /source with a wrong password".to_owned(), report.into_bytes()),
    ];
    assert_nowhere(&secrets, dir.path(), said);
}

/// None of the secrets is in what was said, in the output of the servers of this directory, or in what they have written there.
pub fn assert_nowhere(secrets: &[String], dir: &Path, said: Vec<(String, Vec<u8>)>) {
    let mut haystacks = said;
    collect(dir, &mut haystacks);
    let names: Vec<&str> = haystacks.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.iter().any(|n| n.ends_with("output")), "{names:?}");
    assert!(haystacks.iter().any(|(_, b)| b.starts_with(b"SQLite format 3")), "{names:?}");
    for (name, bytes) in &haystacks {
        for secret in secrets {
            let found = memmem(bytes, secret.as_bytes());
            assert!(!found, "{name} holds the secret that begins with {secret:.6}");
        }
    }
}

/// Every file of the server but its archives, which hold the store, and its key file, which is a secret itself.
fn collect(dir: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "archives") {
                collect(&path, into);
            }
        } else {
            into.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn memmem(haystack: &[u8], needle: &[u8]) -> bool {
    // The text of a needle in a terminal's output and in SQLite's pages is its plain bytes.
    haystack.windows(needle.len()).any(|window| window == needle)
}
