use crate::support::TestApp;
use contract::endpoints as ep;

#[actix_web::test]
async fn set_up_is_needed_until_there_is_an_administrator() {
    let app = TestApp::start().await;
    assert!(app.call(&ep::GET_SETUP, &[]).send().await.ok().needed);
    app.someone_with(&[contract::Resource::Users]).await;
    assert!(app.call(&ep::GET_SETUP, &[]).send().await.ok().needed);
    app.administrator().await;
    assert!(!app.call(&ep::GET_SETUP, &[]).send().await.ok().needed);
}
