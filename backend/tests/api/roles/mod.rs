use crate::support::{Someone, TestApp};
use contract::endpoints as ep;
use contract::{ProblemCode, Resource, Role, RoleInput};
use serde_json::json;

fn input(name: &str, resources: &[Resource]) -> RoleInput {
    RoleInput { name: name.into(), resources: resources.to_vec() }
}

async fn create(app: &TestApp, by: &Someone, name: &str, resources: &[Resource]) -> Role {
    let answer = app.call(&ep::CREATE_ROLE, &[]).by(by).body(&input(name, resources)).send().await;
    answer.is(201);
    answer.ok()
}

#[actix_web::test]
async fn four_roles_are_built_in_and_stay_as_they_are() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let roles = app.call(&ep::LIST_ROLES, &[]).by(&admin).send().await.ok();
    let seen: Vec<(&str, usize, i64)> =
        roles.items.iter().map(|r| (r.name.as_str(), r.resources.len(), r.users)).collect();
    assert_eq!(seen, [("Administrator", 11, 1), ("CI", 3, 0), ("Operator", 6, 0), ("Viewer", 3, 0)]);
    for role in roles.items {
        assert!(role.built_in);
        let id = role.id.to_string();
        let update = app.call(&ep::UPDATE_ROLE, &[&id]).by(&admin).body(&input("x", &[])).send().await;
        update.refused(ProblemCode::BuiltIn);
        app.call(&ep::DELETE_ROLE, &[&id]).by(&admin).send().await.refused(ProblemCode::BuiltIn);
    }
}

#[actix_web::test]
async fn a_role_is_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let role = create(&app, &admin, " Auditor ", &[Resource::Logs]).await;
    assert_eq!((role.name.as_str(), role.built_in, role.users, role.revision), ("Auditor", false, 0, 1));
    let id = role.id.to_string();
    let change = input("Auditor", &[Resource::Logs, Resource::Backups]);
    let saved =
        app.call(&ep::UPDATE_ROLE, &[&id]).by(&admin).header("if-match", "\"1\"").body(&change).send().await;
    assert_eq!(saved.ok().resources, [Resource::Backups, Resource::Logs]);
    let stale =
        app.call(&ep::UPDATE_ROLE, &[&id]).by(&admin).header("if-match", "\"1\"").body(&change).send().await;
    stale.refused(ProblemCode::Changed);
    app.call(&ep::DELETE_ROLE, &[&id]).by(&admin).send().await.is(204);
    app.call(&ep::GET_ROLE, &[&id]).by(&admin).send().await.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn a_changed_role_bites_at_once() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let someone = app.someone_with(&[Resource::Config, Resource::Logs]).await;
    let role_id = app.app.users.get(someone.id).await.unwrap().role_id.to_string();
    app.call(&ep::GET_CONFIG, &[]).by(&someone).send().await.is(200);
    let less = input("less", &[Resource::Logs]);
    app.call(&ep::UPDATE_ROLE, &[&role_id]).by(&admin).body(&less).send().await.is(200);
    let refused = app.call(&ep::GET_CONFIG, &[]).by(&someone).send().await;
    assert_eq!(refused.refused(ProblemCode::MissingResource).resource.as_deref(), Some("config"));
    // A wider role needs a new token: a token never allows more than it says.
    let more = input("more", &[Resource::Logs, Resource::Users]);
    app.call(&ep::UPDATE_ROLE, &[&role_id]).by(&admin).body(&more).send().await.is(200);
    app.call(&ep::LIST_USERS, &[]).by(&someone).send().await.is(403);
    let again = app.sign_in(&someone.username, crate::support::PASSWORD).await;
    app.call(&ep::LIST_USERS, &[]).by(&again).send().await.is(200);
}

#[actix_web::test]
async fn a_role_that_somebody_has_cannot_be_deleted() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let someone = app.someone_with(&[Resource::Logs]).await;
    let role_id = app.app.users.get(someone.id).await.unwrap().role_id.to_string();
    let answer = app.call(&ep::DELETE_ROLE, &[&role_id]).by(&admin).send().await;
    assert!(answer.refused(ProblemCode::InUse).detail.starts_with("1 user has this role."));
    app.call(&ep::DELETE_USER, &[&someone.id.to_string()]).by(&admin).send().await.is(204);
    app.call(&ep::DELETE_ROLE, &[&role_id]).by(&admin).send().await.is(204);
}

#[actix_web::test]
async fn names_are_unique_whatever_their_case() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    for name in ["administrator", "VIEWER", " ci "] {
        let answer = app.call(&ep::CREATE_ROLE, &[]).by(&admin).body(&input(name, &[])).send().await;
        answer.refused(ProblemCode::Taken);
        assert_eq!(answer.fields(), ["name"]);
    }
}

#[actix_web::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let cases = [
        ("name", json!({"name": "", "resources": []})),
        ("name", json!({"name": "   ", "resources": []})),
        ("resources", json!({"name": "x", "resources": ["backups_save"]})),
        ("resources[1]", json!({"name": "x", "resources": ["logs", "everything"]})),
        ("resources", json!({"name": "x", "resources": "logs"})),
        ("built_in", json!({"name": "x", "resources": [], "built_in": true})),
    ];
    for (field, body) in cases {
        let answer = app.call(&ep::CREATE_ROLE, &[]).by(&admin).json(body.clone()).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), [field], "{body}");
    }
}

#[actix_web::test]
async fn nobody_makes_a_role_beyond_their_own_rights() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let clerk = app.someone_with(&[Resource::Users]).await;
    let wide = input("wide", &[Resource::Users, Resource::Archives]);
    let refused = app.call(&ep::CREATE_ROLE, &[]).by(&clerk).body(&wide).send().await;
    assert_eq!(refused.refused(ProblemCode::MissingResource).resource.as_deref(), Some("archives"));
    let role = create(&app, &admin, "wide", &[Resource::Users, Resource::Archives]).await;
    let id = role.id.to_string();
    app.call(&ep::DELETE_ROLE, &[&id]).by(&clerk).send().await.is(403);
    let own = app.app.users.get(clerk.id).await.unwrap().role_id.to_string();
    let raised = app.call(&ep::UPDATE_ROLE, &[&own]).by(&clerk).body(&wide).send().await;
    raised.refused(ProblemCode::MissingResource);
}
