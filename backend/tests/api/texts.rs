//! Texts that not every database takes are refused by their field, wherever a client can send one.

use crate::support::{PASSWORD, SETUP_TOKEN, Someone, TestApp, files_only};
use contract::{BackupLog, OverallStatus, ProblemCode, RoleInput, RunInput, endpoints as ep};
use rstest::rstest;
use serde_json::{Value, json};

const ODD: [&str; 4] = ["a\u{0}b", "a\nb", "a\u{7f}", "\u{85}b"];

/// Sends each odd text wherever there is room for one.
pub async fn are_refused(app: &TestApp, admin: &Someone, set: i64) {
    for odd in ODD {
        let user = json!({"username": odd, "password": PASSWORD, "role_id": 1, "enabled": true});
        let mut backup = serde_json::to_value(files_only("Odd")).unwrap();
        backup["title"] = json!(odd);
        let bodies = [
            (
                "POST",
                "/api/v1/setup".to_owned(),
                json!({"token": SETUP_TOKEN, "username": odd, "password": PASSWORD}),
                "username",
            ),
            (
                "POST",
                "/api/v1/auth/login".to_owned(),
                json!({"username": odd, "password": PASSWORD}),
                "username",
            ),
            ("POST", "/api/v1/users".to_owned(), user.clone(), "username"),
            ("PUT", format!("/api/v1/users/{}", admin.id), user, "username"),
            ("POST", "/api/v1/roles".to_owned(), json!({"name": odd, "resources": []}), "name"),
            ("PUT", "/api/v1/roles/1".to_owned(), json!({"name": odd, "resources": []}), "name"),
            ("POST", format!("/api/v1/backups/{set}/runs"), json!({"label": odd}), "label"),
            ("POST", "/api/v1/backups".to_owned(), backup.clone(), "title"),
            ("PUT", format!("/api/v1/backups/{set}"), backup, "title"),
        ];
        for (method, uri, body, field) in bodies {
            let answer = app.raw(method, &uri).by(admin).json(body).send().await;
            answer.refused(ProblemCode::Invalid);
            assert_eq!(answer.fields(), [field], "{method} {uri} {odd:?}");
        }
        let encoded: String = odd.bytes().map(|b| format!("%{b:02x}")).collect();
        for uri in [format!("/api/v1/logs?q={encoded}"), format!("/api/v1/backups?q={encoded}")] {
            let answer = app.raw("GET", &uri).by(admin).send().await;
            answer.refused(ProblemCode::Invalid);
            assert_eq!(answer.fields(), ["q"], "{uri}");
        }
    }
}

#[actix_web::test]
async fn control_characters_are_refused_by_their_field() {
    let app = TestApp::with_store().await;
    let admin = app.administrator().await;
    let set = app.set(&files_only("Nightly")).await;
    are_refused(&app, &admin, set.id).await;
}

/// What fits on the wire fits into the database: the longest texts, in the widest letters.
pub async fn fit(app: &TestApp, admin: &Someone) {
    // Lower-cased, this letter is two.
    let wide = |n: usize| "İ".repeat(n);
    let role = RoleInput { name: wide(64), resources: vec![] };
    let role = app.call(&ep::CREATE_ROLE, &[]).by(admin).body(&role).send().await.ok();
    let user = json!({"username": wide(64), "password": PASSWORD, "role_id": role.id, "enabled": true});
    app.call(&ep::CREATE_USER, &[]).by(admin).json(user).send().await.is(201);
    let mut input = files_only("wide");
    input.title = wide(120);
    input.folder_name = "x".repeat(100);
    let set = app.call(&ep::CREATE_BACKUP, &[]).by(admin).body(&input).send().await.ok();
    let label = RunInput { label: Some("🛒".repeat(200)) };
    let uri = format!("/api/v1/backups/{}/runs?wait=60", set.id);
    let run = app.call(&ep::RUN_BACKUP, &[&set.id.to_string()]).query(&uri).by(admin).body(&label);
    let log: BackupLog = run.send().await.is(200).ok();
    assert_eq!((log.overall_status, &log.label), (OverallStatus::Success, &label.label), "{log:?}");
    let uri = format!("/api/v1/logs?q={}", "%F0%9F%9B%92".repeat(200));
    let page: Value = app.raw("GET", &uri).by(admin).send().await.ok();
    assert_eq!(page["total"], 1, "{page}");
}

#[actix_web::test]
async fn the_longest_texts_are_taken() {
    let app = TestApp::with_store().await;
    let admin = app.administrator().await;
    let _work = app.work();
    fit(&app, &admin).await;
}

#[rstest]
#[case("page=1000001", "page")]
#[case("page=4294967295", "page")]
#[case(&format!("q={}", "x".repeat(201)), "q")]
#[actix_web::test]
async fn lists_have_bounds(#[case] query: &str, #[case] field: &str) {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    for list in ["logs", "backups", "users", "roles"] {
        if field == "q" && ["users", "roles"].contains(&list) {
            continue;
        }
        let answer = app.raw("GET", &format!("/api/v1/{list}?{query}")).by(&admin).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), [field], "{list}");
        app.raw("GET", &format!("/api/v1/{list}?page=1000000")).by(&admin).send().await.is(200);
    }
}
