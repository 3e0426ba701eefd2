use crate::support::TestApp;
use contract::Resource;
use contract::endpoints as ep;

#[actix_web::test]
async fn it_says_who_one_is_and_what_one_may_do() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Logs, Resource::Backups, Resource::BackupsRun]).await;
    let me = app.call(&ep::GET_ME, &[]).by(&someone).send().await.ok();
    assert_eq!((me.id, &me.username, &me.role), (someone.id, &someone.username, &someone.username));
    assert_eq!(me.resources, [Resource::Backups, Resource::BackupsRun, Resource::Logs]);
}
