use super::{input, role_id};
use crate::support::{PASSWORD, TestApp};
use contract::endpoints as ep;
use contract::{ProblemCode, RefreshInput};

#[actix_web::test]
async fn a_deleted_user_is_gone_with_their_sessions() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let viewer = role_id(&app, &admin, "Viewer").await;
    app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input("vera", viewer)).send().await.is(201);
    let vera = app.sign_in("vera", PASSWORD).await;
    let id = vera.id.to_string();
    app.call(&ep::DELETE_USER, &[&id]).by(&admin).send().await.is(204);
    app.call(&ep::GET_ME, &[]).by(&vera).send().await.refused(ProblemCode::SessionEnded);
    let refresh = RefreshInput { refresh_token: Some(vera.refresh_token) };
    app.call(&ep::REFRESH, &[]).body(&refresh).send().await.refused(ProblemCode::SessionEnded);
    app.call(&ep::DELETE_USER, &[&id]).by(&admin).send().await.refused(ProblemCode::NotFound);
    // The name is free again, and the id is not given twice.
    let again = app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input("vera", viewer)).send().await.ok();
    assert!(again.id > vera.id);
}

#[actix_web::test]
async fn the_last_administrator_cannot_be_deleted() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let id = admin.id.to_string();
    app.call(&ep::DELETE_USER, &[&id]).by(&admin).send().await.refused(ProblemCode::LastAdministrator);
    app.call(&ep::GET_ME, &[]).by(&admin).send().await.is(200);
}
