use super::UsersService;
use super::service::SortBy;
use crate::http::{
    ApiError, Created, IfMatch, IfMatchHeader, NoContent, PageQuery, Principal, Query, Tagged, Valid,
};
use actix_web::web::{Data, Json, Path};
use actix_web::{delete, get, post, put};
use contract::{User, UserInput, UserPage, parse_sort};

const COLUMNS: [&str; 4] = ["username", "role", "created_at", "last_sign_in_at"];

/// Lists the users.
///
/// Sorted by `username`, `role`, `created_at` or `last_sign_in_at`.
#[utoipa::path(tag = "users", params(PageQuery), responses((status = 200, description = "One page of users.")))]
#[get("/api/v1/users")]
pub async fn list_users(
    users: Data<UsersService>,
    query: Query<PageQuery>,
) -> Result<Json<UserPage>, ApiError> {
    let (column, descending) =
        parse_sort(query.0.sort.as_deref(), &COLUMNS, ("username", false)).map_err(ApiError::invalid)?;
    let column = match column {
        "role" => SortBy::Role,
        "created_at" => SortBy::CreatedAt,
        "last_sign_in_at" => SortBy::LastSignInAt,
        _ => SortBy::Username,
    };
    Ok(Json(users.list(query.0.args(), (column, descending)).await?))
}

/// Creates a user.
///
/// Nobody gives away resources that they do not hold themselves.
#[utoipa::path(tag = "users", responses(
    (status = 201, description = "The new user."),
    (status = 409, description = "The user name is taken."),
))]
#[post("/api/v1/users")]
pub async fn create_user(
    users: Data<UsersService>,
    actor: Principal,
    input: Valid<UserInput>,
) -> Result<Created<User>, ApiError> {
    let user = users.create(&actor.grants, &input.0).await?;
    Ok(Created { id: user.id, body: user })
}

/// Reads a user.
#[utoipa::path(tag = "users", responses((status = 200, description = "The user.")))]
#[get("/api/v1/users/{id}")]
pub async fn get_user(users: Data<UsersService>, id: Path<i64>) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged(users.get(*id).await?))
}

/// Changes a user.
///
/// Disabling, a new password and another role end every session and token of the user at once.
#[utoipa::path(tag = "users", params(IfMatchHeader), responses(
    (status = 200, description = "The changed user."),
    (status = 409, description = "The user name is taken, or this is the last administrator."),
))]
#[put("/api/v1/users/{id}")]
pub async fn update_user(
    users: Data<UsersService>,
    actor: Principal,
    id: Path<i64>,
    if_match: IfMatch,
    input: Valid<UserInput>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged(users.update(&actor.grants, *id, &input.0, if_match.0).await?))
}

/// Deletes a user, with their sessions and tokens.
#[utoipa::path(tag = "users", responses(
    (status = 204, description = "The user is gone."),
    (status = 409, description = "This is the last administrator."),
))]
#[delete("/api/v1/users/{id}")]
pub async fn delete_user(
    users: Data<UsersService>,
    actor: Principal,
    id: Path<i64>,
) -> Result<NoContent, ApiError> {
    users.delete(&actor.grants, *id).await?;
    Ok(NoContent)
}
