//! Who may call what, walked over the whole endpoint table.

use crate::support::{Someone, TestApp};
use actix_web::web;
use contract::endpoints as ep;
use contract::{Access, Method, ProblemCode, Resource, Row};
use std::collections::HashMap;
use std::fmt::Write;

/// A path of the row that names rows which do not exist.
fn path(row: &Row) -> String {
    row.path.replace("{id}", "999999").replace("{name}", "files.tgz")
}

fn with_parents(resource: Resource) -> Vec<Resource> {
    resource.parent().into_iter().chain([resource]).collect()
}

fn all_but(left_out: Resource) -> Vec<Resource> {
    Resource::ALL.into_iter().filter(|r| *r != left_out).collect()
}

async fn status(app: &TestApp, row: &Row, someone: Option<&Someone>) -> (u16, Option<String>) {
    let mut ask = app.raw(row.method.as_str(), &path(row));
    if matches!(row.method, Method::Post | Method::Put) {
        ask = ask.json(serde_json::json!({}));
    }
    if let Some(someone) = someone {
        ask = ask.by(someone);
    }
    let answer = ask.send().await;
    let resource = if answer.status == 403 { answer.problem().resource } else { None };
    (answer.status, resource)
}

#[actix_web::test]
async fn without_a_token_only_public_routes_answer() {
    let app = TestApp::start().await;
    for row in ep::ALL {
        let (status, _) = status(&app, row, None).await;
        if row.access == Access::Public {
            assert!(status != 403 && (status != 401 || row.id == "refresh"), "{} {status}", row.id);
        } else {
            assert_eq!(status, 401, "{}", row.id);
        }
        let nonsense = app.raw(row.method.as_str(), &path(row)).token("a.b.c").send().await;
        if row.access != Access::Public {
            nonsense.refused(ProblemCode::NotSignedIn);
        }
    }
}

#[actix_web::test]
async fn whoever_lacks_one_resource_is_told_which() {
    let app = TestApp::start().await;
    let mut people = HashMap::new();
    for resource in Resource::ALL {
        people.insert(resource, app.someone_with(&all_but(resource)).await);
    }
    let nobody = app.someone_with(&[]).await;
    for row in ep::ALL {
        match row.access {
            Access::Require(resource) => {
                for missing in with_parents(resource) {
                    let answer = status(&app, row, Some(&people[&missing])).await;
                    assert_eq!(answer, (403, Some(missing.name().into())), "{}", row.id);
                }
            }
            Access::AnyOf(any) => {
                let answer = status(&app, row, Some(&nobody)).await;
                assert_eq!(answer, (403, Some(any[0].name().into())), "{}", row.id);
            }
            Access::Public | Access::SignedIn => {}
        }
    }
}

#[actix_web::test]
async fn one_resource_with_its_parents_is_enough() {
    let app = TestApp::start().await;
    let nobody = app.someone_with(&[]).await;
    let mut people = HashMap::new();
    for resource in Resource::ALL {
        people.insert(resource, app.someone_with(&with_parents(resource)).await);
    }
    for row in ep::ALL {
        let someone: Vec<&Someone> = match row.access {
            Access::Require(resource) => vec![&people[&resource]],
            Access::AnyOf(any) => any.iter().map(|r| &people[r]).collect(),
            Access::SignedIn => vec![&nobody],
            Access::Public => continue,
        };
        for someone in someone {
            let (status, _) = status(&app, row, Some(someone)).await;
            assert!(status != 401 && status != 403, "{} {status}", row.id);
            assert!(status < 500, "{} {status}", row.id);
        }
    }
}

/// Every row with a body says which field is wrong before it does anything else.
#[actix_web::test]
async fn a_body_with_an_unknown_field_is_refused_by_every_row_that_takes_one() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let document: serde_json::Value = app.call(&ep::GET_OPENAPI, &[]).send().await.ok();
    let mut seen = 0;
    for row in ep::ALL {
        let operation = &document["paths"][row.path][row.method.as_str().to_lowercase()];
        if operation["requestBody"].is_null() {
            continue;
        }
        seen += 1;
        let body = serde_json::json!({"no_such_field": 1});
        let answer = app.raw(row.method.as_str(), &path(row)).by(&admin).json(body).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), ["no_such_field"], "{}", row.id);
        for (body, code) in [("[]", ProblemCode::Invalid), ("{", ProblemCode::Unreadable)] {
            let answer = app.raw(row.method.as_str(), &path(row)).by(&admin).bytes(body).send().await;
            assert_eq!(answer.problem().code, code, "{} {body}", row.id);
        }
    }
    let without = ["logout", "cancel_log", "retry_log"];
    let with_body =
        |row: &&Row| matches!(row.method, Method::Post | Method::Put) && !without.contains(&row.id);
    assert!(seen >= ep::ALL.iter().filter(with_body).count() - 2, "{seen}");
}

/// Read this before accepting a change: a row that names the wrong resource passes every other test here.
#[test]
fn the_permission_table() {
    let mut table = String::new();
    for row in ep::ALL {
        let access = match row.access {
            Access::Public => "anybody".to_owned(),
            Access::SignedIn => "signed in".to_owned(),
            Access::Require(r) => r.name().to_owned(),
            Access::AnyOf(any) => any.iter().map(|r| r.name()).collect::<Vec<_>>().join(" or "),
        };
        writeln!(table, "{:<6} {:<40} {:<18} {access}", row.method.as_str(), row.path, row.id).unwrap();
    }
    insta::assert_snapshot!("permission_table", table);
}

#[test]
fn changing_routes_require_the_resource_of_their_verb() {
    // These are named in the product's rules: what they change has no resource of its own.
    let exceptions = [
        "setup",
        "login",
        "refresh",
        "logout",
        "change_password",
        "save_alerts",
        "save_config",
        "test_alert",
        "run_backup",
        "cancel_log",
        "retry_log",
        "dismiss_notification",
        "create_user",
        "update_user",
        "delete_user",
        "create_role",
        "update_role",
        "delete_role",
    ];
    for row in ep::ALL {
        let suffix = match row.method {
            Method::Get => continue,
            Method::Delete => "_delete",
            Method::Post | Method::Put => "_save",
        };
        let fits = matches!(row.access, Access::Require(r) if r.name().ends_with(suffix));
        assert_eq!(fits, !exceptions.contains(&row.id), "{} {:?}", row.id, row.access);
    }
    for id in exceptions {
        assert!(ep::ALL.iter().any(|r| r.id == id), "{id} is an exception without a row");
    }
}

#[test]
fn ids_and_paths_are_unique() {
    for (i, row) in ep::ALL.iter().enumerate() {
        for other in &ep::ALL[..i] {
            assert_ne!(row.id, other.id);
            assert_ne!((row.method, row.path), (other.method, other.path));
        }
    }
}

#[actix_web::test]
async fn a_nested_resource_counts_for_nothing_without_its_parent() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::BackupsSave, Resource::StoragesDelete]).await;
    let me = app.call(&ep::GET_ME, &[]).by(&someone).send().await.ok();
    assert_eq!(me.resources, []);
}

#[actix_web::test]
async fn an_encoded_path_is_judged_like_the_plain_one() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Logs]).await;
    for uri in ["/%61pi/v1/users", "/api/v1/%75sers", "/api/v1/users?x=1", "/%61%70%69/v1/config"] {
        app.raw("GET", uri).send().await.refused(ProblemCode::NotSignedIn);
        app.raw("GET", uri).by(&someone).send().await.refused(ProblemCode::MissingResource);
    }
    for uri in ["/api/v1/users/", "//api/v1/users", "/api/v1//users", "/api%2Fv1/users", "/API/v1/users"] {
        let answer = app.raw("GET", uri).send().await;
        assert!(matches!(answer.status, 404 | 503 | 200), "{uri} {}", answer.status);
        assert!(!answer.text().contains("\"items\""), "{uri}");
    }
}

#[actix_web::test]
async fn unknown_addresses_and_methods_are_problems() {
    let app = TestApp::start().await;
    for uri in
        ["/api", "/api/v1", "/api/v1/nothing", "/api/v2/users", "/healthz/x", "/assets/gone.js", "/x.br"]
    {
        app.raw("GET", uri).send().await.refused(ProblemCode::NotFound);
    }
    let answer = app.raw("DELETE", "/api/v1/config").send().await;
    answer.refused(ProblemCode::MethodNotAllowed);
    assert_eq!(answer.header("allow"), Some("GET, HEAD, PUT"));
    let answer = app.raw("PATCH", "/api/v1/auth/login").send().await;
    answer.refused(ProblemCode::MethodNotAllowed);
    assert_eq!(answer.header("allow"), Some("POST"));
    let answer = app.raw("POST", "/somewhere/in/the/console").send().await;
    answer.refused(ProblemCode::MethodNotAllowed);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    for uri in ["/api/docs/", "/api/docs"] {
        app.raw("POST", uri).send().await.refused(ProblemCode::MethodNotAllowed);
    }
    assert_eq!(app.raw("HEAD", "/healthz").send().await.status, 200);
    assert_eq!(app.raw("GET", "/api/docs/").send().await.status, 200);
    assert_eq!(app.raw("GET", "/api/docs").send().await.status, 308);
}

#[actix_web::test]
async fn a_handler_that_was_not_mounted_by_a_row_cannot_be_reached() {
    async fn secret() -> &'static str {
        "customers' data"
    }
    let app = TestApp::start_with_routes(|config| {
        // Each of these is refused by clippy as well; an expectation that is not met is an error.
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        config.route("/secret", web::get().to(secret)).route("/api/v1/secret/{id}", web::post().to(secret));
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        let resource = web::resource("/resource").route(web::get().to(secret));
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        let scope = web::scope("/scope").service(resource);
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        let scope = scope.route("/route", web::get().to(secret));
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        config.service(scope);
        #[expect(clippy::disallowed_methods, reason = "this is what must not work")]
        let _ = actix_web::App::new().service(web::scope("/app"));
    })
    .await;
    let admin = app.administrator().await;
    let mounted = [
        ("GET", "/secret"),
        ("POST", "/secret"),
        ("POST", "/api/v1/secret/1"),
        ("GET", "/scope/resource"),
        ("GET", "/scope/route"),
    ];
    for (method, uri) in mounted {
        let answer = app.raw(method, uri).by(&admin).send().await;
        answer.refused(ProblemCode::NotFound);
    }
}
