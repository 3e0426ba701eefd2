mod delete;
mod get;
mod post;
mod put;

use crate::support::{PASSWORD, Someone, TestApp};
use contract::UserInput;
use contract::endpoints as ep;

/// The id of a built-in role.
async fn role_id(app: &TestApp, by: &Someone, name: &str) -> i64 {
    let roles = app.call(&ep::LIST_ROLES, &[]).by(by).send().await.ok();
    roles.items.iter().find(|r| r.name == name).unwrap().id
}

fn input(username: &str, role_id: i64) -> UserInput {
    UserInput { username: username.into(), password: Some(PASSWORD.into()), role_id, enabled: true }
}
