//! Users, roles, and one's own password.

mod password;
mod role_form;
mod roles;
mod user_form;
mod users;

pub use password::ChangePassword;
pub use role_form::{EditRole, NewRole};
pub use roles::RoleList;
pub use user_form::{EditUser, NewUser};
pub use users::UserList;
