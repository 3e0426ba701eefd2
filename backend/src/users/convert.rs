//! From rows to what the wire and the other services know.

use super::repo::Person;
use contract::{Grants, User};

/// A user as signing in needs it: with the hash, and with what the role allows now.
#[derive(Clone)]
pub struct Account {
    pub id: i64,
    pub username: String,
    pub password_hash: String,
    pub enabled: bool,
    /// Part of every token; it grows when what was issued before must end.
    pub token_version: i64,
    pub role: String,
    pub grants: Grants,
}

impl From<Person> for Account {
    fn from(Person { user, role }: Person) -> Self {
        Account {
            id: user.id,
            username: user.username,
            password_hash: user.password_hash,
            enabled: user.enabled,
            token_version: user.token_version,
            grants: Grants::from_scope(&role.resources),
            role: role.name,
        }
    }
}

pub fn user(Person { user, role }: Person) -> User {
    User {
        id: user.id,
        username: user.username,
        enabled: user.enabled,
        role_id: role.id,
        role: role.name,
        last_sign_in_at: user.last_sign_in_at,
        created_at: user.created_at,
        revision: user.revision,
    }
}
