//! The routes of Storage Sets.

use super::link::{Landing, Returned};
use super::query::StorageQuery;
use super::service::StoragesService;
use crate::http::{
    ApiError, Created, IfMatch, IfMatchHeader, NoContent, Principal, Query, Tagged, Valid, ValidOrDefault,
};
use actix_web::{HttpRequest, delete, get, post, put, web};
use contract::{
    StorageLink, StorageLinkInput, StorageOptions, StorageSet, StorageSetInput, StorageSetPage,
    StorageTestInput, StorageTestReport,
};

/// Lists the Storage Sets.
#[utoipa::path(tag = "storages", operation_id = "list_storages", params(StorageQuery), responses((status = 200)))]
#[get("/api/v1/storages")]
pub async fn list(
    service: web::Data<StoragesService>,
    query: Query<StorageQuery>,
) -> Result<web::Json<StorageSetPage>, ApiError> {
    Ok(web::Json(service.list(&query.0).await?))
}

/// What Backup Sets can choose from: every Storage Set, with nothing of its credentials.
#[utoipa::path(tag = "storages", operation_id = "list_storage_options", responses((status = 200)))]
#[get("/api/v1/storages/options")]
pub async fn options(service: web::Data<StoragesService>) -> Result<web::Json<StorageOptions>, ApiError> {
    Ok(web::Json(service.options().await?))
}

/// Makes a Storage Set.
#[utoipa::path(tag = "storages", operation_id = "create_storage", responses((status = 201), (status = 409, description = "The title is taken.")))]
#[post("/api/v1/storages")]
pub async fn create(
    service: web::Data<StoragesService>,
    input: Valid<StorageSetInput>,
) -> Result<Created<StorageSet>, ApiError> {
    let body = service.create(&input.0).await?;
    Ok(Created { id: body.id, body })
}

/// One Storage Set.
#[utoipa::path(tag = "storages", operation_id = "get_storage", params(("id" = i64, Path)), responses((status = 200)))]
#[get("/api/v1/storages/{id}")]
pub async fn get(
    service: web::Data<StoragesService>,
    id: web::Path<i64>,
) -> Result<Tagged<StorageSet>, ApiError> {
    Ok(Tagged(service.get(*id).await?))
}

/// Replaces a Storage Set. A secret that is left out stays. With an authentication code the account is linked at once, or nothing is saved.
#[utoipa::path(tag = "storages", operation_id = "update_storage", params(("id" = i64, Path), IfMatchHeader), responses((status = 200), (status = 409, description = "The title is taken, or the link would go to another account or app (`confirm_other_account`)."), (status = 503, description = "The provider cannot be reached.")))]
#[put("/api/v1/storages/{id}")]
pub async fn update(
    service: web::Data<StoragesService>,
    id: web::Path<i64>,
    expected: IfMatch,
    principal: Principal,
    input: Valid<StorageSetInput>,
) -> Result<Tagged<StorageSet>, ApiError> {
    Ok(Tagged(service.update(*id, expected.0, principal.user_id, &input.0).await?))
}

/// Deletes a Storage Set. What is stored at the destination stays.
#[utoipa::path(tag = "storages", operation_id = "delete_storage", params(("id" = i64, Path), IfMatchHeader), responses((status = 204), (status = 409, description = "Backup Sets send copies there.")))]
#[delete("/api/v1/storages/{id}")]
pub async fn delete(
    service: web::Data<StoragesService>,
    id: web::Path<i64>,
    expected: IfMatch,
) -> Result<NoContent, ApiError> {
    service.delete(*id, expected.0).await?;
    Ok(NoContent)
}

/// Tests the connection: asks for the account, then writes, reads back, lists and deletes a small file.
#[utoipa::path(tag = "storages", operation_id = "test_storage", params(("id" = i64, Path)), request_body(content = Option<StorageTestInput>), responses((status = 200, description = "What was found, good or bad.")))]
#[post("/api/v1/storages/{id}/test")]
pub async fn test(
    service: web::Data<StoragesService>,
    id: web::Path<i64>,
    input: ValidOrDefault<StorageTestInput>,
) -> Result<web::Json<StorageTestReport>, ApiError> {
    Ok(web::Json(service.test(*id, &input.0).await?))
}

/// Starts linking an account: the address of the provider's consent page, to be opened in the browser.
#[utoipa::path(tag = "storages", operation_id = "link_storage", params(("id" = i64, Path)), request_body(content = Option<StorageLinkInput>), responses((status = 200)))]
#[post("/api/v1/storages/{id}/link")]
pub async fn link(
    service: web::Data<StoragesService>,
    id: web::Path<i64>,
    principal: Principal,
    input: ValidOrDefault<StorageLinkInput>,
) -> Result<web::Json<StorageLink>, ApiError> {
    Ok(web::Json(service.link(*id, principal.user_id, &input.0).await?))
}

/// Where providers send browsers after the consent page. Finishes the link, or shows the code to copy, or says what went wrong.
#[utoipa::path(
    tag = "storages",
    operation_id = "oauth_callback",
    params(
        ("code" = Option<String>, Query, description = "The authentication code."),
        ("state" = Option<String>, Query, description = "The `state` of the consent page's address."),
        ("error" = Option<String>, Query, description = "What the provider has against it."),
    ),
    responses((status = 200, description = "A page for the person at the browser.", content_type = "text/html", body = String))
)]
#[get("/oauth/callback")]
pub async fn callback(service: web::Data<StoragesService>, request: HttpRequest) -> Landing {
    service.returned(Returned::parse(request.query_string())).await
}
