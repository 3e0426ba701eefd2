use crate::db;
use contract::Resource;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("user {0} does not exist")]
    UserNotFound(i64),
    #[error("there is no user of that name")]
    NoSuchUsername,
    #[error("role {0} does not exist")]
    RoleNotFound(i64),
    #[error("the user's role {0} does not exist")]
    RoleUnknown(i64),
    #[error("the user name is taken")]
    UsernameTaken,
    #[error("the role name is taken")]
    RoleNameTaken,
    #[error("a new user needs a password")]
    PasswordRequired,
    #[error("the role name is blank")]
    RoleNameBlank,
    #[error("`{nested}` needs `{parent}`")]
    ParentMissing { nested: Resource, parent: Resource },
    #[error("this would give or touch rights that the acting user lacks: `{0}`")]
    BeyondOwnRights(Resource),
    #[error("this would leave no administrator")]
    LastAdministrator,
    #[error("built-in roles stay as they are")]
    BuiltIn,
    #[error("{0} users have this role")]
    RoleInUse(i64),
    #[error("it was changed meanwhile")]
    Changed,
    #[error("an administrator exists already")]
    AlreadySetUp,
    #[error(transparent)]
    Hashing(anyhow::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}
