use super::{create, input, operator};
use crate::support::TestApp;
use contract::{ProblemCode, endpoints as ep};

#[actix_web::test]
async fn a_set_is_read_back_as_it_was_made() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let made = create(&app, &someone, &input("Nightly")).await;
    let answer = app.call(&ep::GET_BACKUP, &[&made.id.to_string()]).by(&someone).send().await;
    assert_eq!(answer.ok(), made);
    assert_eq!(answer.header("etag"), Some("\"1\""));
}

#[actix_web::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    for id in ["1", "0", "-1", "nonsense", "99999999999999999999"] {
        app.call(&ep::GET_BACKUP, &[id]).by(&someone).send().await.refused(ProblemCode::NotFound);
    }
}
