use super::{SETUP_TOKEN, TestApp};
use contract::{Grants, LoginInput, Resource, SetupInput, UserInput, endpoints as ep};
use sea_orm::{ActiveValue::Set, EntityTrait};
use std::sync::atomic::{AtomicU32, Ordering};
use storekeep::entity::roles;

pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Someone {
    pub id: i64,
    pub username: String,
    pub access_token: String,
    /// The value of their cookie.
    pub refresh_token: String,
}

impl TestApp {
    /// The first administrator, made by set-up. Call it once.
    pub async fn administrator(&self) -> Someone {
        let input =
            SetupInput { token: SETUP_TOKEN.into(), username: "admin".into(), password: PASSWORD.into() };
        let answer = self.call(&ep::SETUP, &[]).body(&input).send().await;
        let session = answer.ok();
        let me = self.call(&ep::GET_ME, &[]).token(&session.access_token).send().await.ok();
        let refresh_token = answer.cookie("storekeep_refresh").unwrap();
        Someone { id: me.id, username: me.username, access_token: session.access_token, refresh_token }
    }

    /// A user with exactly these resources, signed in. A nested resource without its parent is possible here.
    pub async fn someone_with(&self, resources: &[Resource]) -> Someone {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("someone{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let role = roles::ActiveModel {
            name: Set(name.clone()),
            name_key: Set(name.clone()),
            resources: Set(resources.iter().copied().collect::<Grants>().to_scope()),
            built_in: Set(false),
            revision: Set(1),
            ..Default::default()
        };
        let role_id = roles::Entity::insert(role).exec(&self.app.db).await.unwrap().last_insert_id;
        let input =
            UserInput { username: name.clone(), password: Some(PASSWORD.into()), role_id, enabled: true };
        self.app.users.create(&Grants::all(), &input).await.unwrap();
        self.sign_in(&name, PASSWORD).await
    }

    pub async fn sign_in(&self, username: &str, password: &str) -> Someone {
        let input = LoginInput { username: username.into(), password: password.into() };
        let answer = self.call(&ep::LOGIN, &[]).body(&input).send().await;
        let session = answer.ok();
        let me = self.call(&ep::GET_ME, &[]).token(&session.access_token).send().await.ok();
        let refresh_token = answer.cookie("storekeep_refresh").unwrap();
        Someone { id: me.id, username: me.username, access_token: session.access_token, refresh_token }
    }
}
