use super::{create, input, operator};
use crate::support::TestApp;
use contract::{ProblemCode, endpoints as ep};

#[actix_web::test]
async fn a_set_is_deleted_once() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let id = create(&app, &someone, &input("Nightly")).await.id.to_string();
    let delete =
        |tag: &'static str| app.call(&ep::DELETE_BACKUP, &[&id]).by(&someone).header("if-match", tag);
    delete("\"7\"").send().await.refused(ProblemCode::Changed);
    assert_eq!(delete("\"1\"").send().await.status, 204);
    delete("*").send().await.refused(ProblemCode::NotFound);
    app.call(&ep::GET_BACKUP, &[&id]).by(&someone).send().await.refused(ProblemCode::NotFound);
    // Its names are free again.
    create(&app, &someone, &input("Nightly")).await;
}
