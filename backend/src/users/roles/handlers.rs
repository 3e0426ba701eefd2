use super::RolesService;
use crate::http::{
    ApiError, Created, IfMatch, IfMatchHeader, NoContent, PageQuery, Principal, Query, Tagged, Valid,
};
use actix_web::web::{Data, Json, Path};
use actix_web::{delete, get, post, put};
use contract::{Role, RoleInput, RolePage, parse_sort};

/// Lists the roles, by `name`.
#[utoipa::path(tag = "roles", params(PageQuery), responses((status = 200, description = "One page of roles.")))]
#[get("/api/v1/roles")]
pub async fn list_roles(
    roles: Data<RolesService>,
    query: Query<PageQuery>,
) -> Result<Json<RolePage>, ApiError> {
    let (_, descending) =
        parse_sort(query.0.sort.as_deref(), &["name"], ("name", false)).map_err(ApiError::invalid)?;
    Ok(Json(roles.list(query.0.args(), descending).await?))
}

/// Creates a role.
#[utoipa::path(tag = "roles", responses(
    (status = 201, description = "The new role."),
    (status = 409, description = "The name is taken."),
))]
#[post("/api/v1/roles")]
pub async fn create_role(
    roles: Data<RolesService>,
    actor: Principal,
    input: Valid<RoleInput>,
) -> Result<Created<Role>, ApiError> {
    let role = roles.create(&actor.grants, &input.0).await?;
    Ok(Created { id: role.id, body: role })
}

/// Reads a role.
#[utoipa::path(tag = "roles", responses((status = 200, description = "The role.")))]
#[get("/api/v1/roles/{id}")]
pub async fn get_role(roles: Data<RolesService>, id: Path<i64>) -> Result<Tagged<Role>, ApiError> {
    Ok(Tagged(roles.get(*id).await?))
}

/// Changes a role; it bites at once for everybody who has it.
#[utoipa::path(tag = "roles", params(IfMatchHeader), responses(
    (status = 200, description = "The changed role."),
    (status = 409, description = "The name is taken, or the role is built in."),
))]
#[put("/api/v1/roles/{id}")]
pub async fn update_role(
    roles: Data<RolesService>,
    actor: Principal,
    id: Path<i64>,
    if_match: IfMatch,
    input: Valid<RoleInput>,
) -> Result<Tagged<Role>, ApiError> {
    Ok(Tagged(roles.update(&actor.grants, *id, &input.0, if_match.0).await?))
}

/// Deletes a role that nobody has.
#[utoipa::path(tag = "roles", responses(
    (status = 204, description = "The role is gone."),
    (status = 409, description = "Users have it, or it is built in."),
))]
#[delete("/api/v1/roles/{id}")]
pub async fn delete_role(
    roles: Data<RolesService>,
    actor: Principal,
    id: Path<i64>,
) -> Result<NoContent, ApiError> {
    roles.delete(&actor.grants, *id).await?;
    Ok(NoContent)
}
