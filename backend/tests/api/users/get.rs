use super::{input, role_id};
use crate::support::TestApp;
use contract::ProblemCode;
use contract::endpoints as ep;

#[actix_web::test]
async fn a_list_is_paged_and_sorted() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let viewer = role_id(&app, &admin, "Viewer").await;
    for name in ["Berta", "anton", "Carl"] {
        app.call(&ep::CREATE_USER, &[]).by(&admin).body(&input(name, viewer)).send().await.is(201);
    }
    let list = async |query: &str| {
        let page = app
            .call(&ep::LIST_USERS, &[])
            .by(&admin)
            .query(&format!("/api/v1/users{query}"))
            .send()
            .await
            .ok();
        let names: Vec<String> = page.items.into_iter().map(|u| u.username).collect();
        (names.join(" "), page.page, page.per_page, page.total)
    };
    assert_eq!(list("").await, ("admin anton Berta Carl".into(), 1, 20, 4));
    assert_eq!(list("?sort=-username&per_page=3").await, ("Carl Berta anton".into(), 1, 3, 4));
    assert_eq!(list("?sort=-username&per_page=3&page=2").await, ("admin".into(), 2, 3, 4));
    assert_eq!(list("?sort=role").await.0, "admin anton Berta Carl".replace("anton Berta", "Berta anton"));
    assert_eq!(list("?sort=-created_at&per_page=200").await.3, 4);
    assert_eq!(list("?sort=last_sign_in_at").await.3, 4);
    assert_eq!(list("?page=9").await, (String::new(), 9, 20, 4));
}

#[actix_web::test]
async fn a_wrong_query_names_its_parameter() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let cases = [
        ("?per_page=201", "per_page"),
        ("?per_page=0", "per_page"),
        ("?page=0", "page"),
        ("?page=x", "page"),
        ("?page=-1", "page"),
        ("?page=99999999999", "page"),
        ("?sort=password_hash", "sort"),
        ("?colour=red", "colour"),
        ("?page=1&page=2", "page"),
    ];
    for (query, field) in cases {
        let answer =
            app.call(&ep::LIST_USERS, &[]).by(&admin).query(&format!("/api/v1/users{query}")).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), [field], "{query}");
    }
}

#[actix_web::test]
async fn one_user_is_read_with_its_revision_and_without_a_hash() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let answer = app.call(&ep::GET_USER, &[&admin.id.to_string()]).by(&admin).send().await;
    let user = answer.ok();
    assert_eq!((user.username.as_str(), user.role.as_str(), user.enabled), ("admin", "Administrator", true));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert!(!answer.text().contains("argon2"));
    for id in ["999", "0", "-1", "abc", "99999999999999999999"] {
        app.call(&ep::GET_USER, &[id]).by(&admin).send().await.refused(ProblemCode::NotFound);
    }
}
