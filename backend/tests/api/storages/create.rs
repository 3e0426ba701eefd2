use super::{create, drive, get, input, keeper};
use crate::support::{CLIENT_SECRET, TestApp, monday};
use contract::{ProblemCode, StorageSetInput, StorageState, StorageType, endpoints as ep};
use rstest::rstest;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_new_storage_set_is_answered_without_its_secret() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let s3 = StorageSetInput {
        endpoint: Some(" http://10.0.0.5:9000 ".into()),
        ..input("Cold", StorageType::AmazonS3)
    };
    let answer = app.call(&ep::CREATE_STORAGE, &[]).by(&someone).body(&s3).send().await;
    answer.is(201);
    let set = answer.ok();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/storages/{}", set.id).as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert!(!answer.text().contains(CLIENT_SECRET));
    assert!(set.client_secret_set && set.enabled && set.linked);
    assert_eq!((set.kind, set.state), (StorageType::AmazonS3, StorageState::Ready));
    assert_eq!(
        (set.region.as_deref(), set.endpoint.as_deref()),
        (Some("us-east-1"), Some("http://10.0.0.5:9000"))
    );
    assert_eq!((set.redirect_uri.as_deref(), set.account.as_deref()), (None, None));
    assert_eq!((set.created_at, set.revision), (monday(), 1));
    // A MinIO in the next room is allowed, and warned about.
    assert_eq!(set.warnings.iter().map(|w| w.code.as_str()).collect::<Vec<_>>(), ["insecure_endpoint"]);
    assert_eq!(get(&app, &someone, set.id).await, set);
}

#[actix_web::test]
async fn what_another_type_needs_is_left_out() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let drive = StorageSetInput {
        region: Some("eu-west-1".into()),
        endpoint: Some("https://s3.example.org".into()),
        path_style: true,
        incremental: false,
        tenant: Some("contoso.com".into()),
        ..drive("Drive")
    };
    let set = create(&app, &someone, &drive).await;
    assert_eq!((set.region, set.endpoint, set.path_style, set.tenant), (None, None, false, None));
    assert!(set.incremental, "as if nothing had been said of it");
    assert_eq!((set.linked, set.state), (false, StorageState::NotLinked));
    assert_eq!(set.redirect_uri.as_deref(), Some("https://storekeep.example.org/oauth/callback"));
    assert_eq!(set.warnings[0].code, "google_testing_mode");
}

#[actix_web::test]
async fn unchanged_parts_are_copied_unless_somebody_says_otherwise() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let mut body = serde_json::to_value(input("Cold", StorageType::AmazonS3)).unwrap();
    body.as_object_mut().unwrap().remove("incremental");
    let set = app.call(&ep::CREATE_STORAGE, &[]).by(&someone).json(body).send().await.ok();
    assert!(set.incremental);
    let off = StorageSetInput { incremental: false, ..input("Cold", StorageType::AmazonS3) };
    let id = set.id.to_string();
    let saved = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&off).send().await.ok();
    assert!(!saved.incremental);
    assert_eq!(get(&app, &someone, set.id).await, saved);
}

#[actix_web::test]
async fn a_taken_title_is_refused_whatever_its_case() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    create(&app, &someone, &drive("Offsite")).await;
    let again = app.call(&ep::CREATE_STORAGE, &[]).by(&someone).body(&drive(" OFFSITE ")).send().await;
    let problem = again.refused(ProblemCode::Taken);
    assert_eq!(problem.errors[0].field, "title");
}

#[rstest]
#[case("title", json!(" "), "title", None)]
#[case("type", json!("local"), "type", None)]
#[case("type", json!("tape"), "type", None)]
#[case("client_id", json!(""), "client_id", Some("Enter the App key."))]
#[case("client_secret", json!(null), "client_secret", Some("Enter the App secret."))]
#[case("client_secret", json!("  "), "client_secret", Some("Enter the App secret."))]
#[case("authentication_code", json!("abc"), "authentication_code", None)]
#[case("max_bytes_per_sec", json!(5), "max_bytes_per_sec", None)]
#[case("encryption", json!("rot13"), "encryption", None)]
#[case("bucket", json!("x"), "bucket", None)]
#[case("account", json!("x"), "account", None)]
#[actix_web::test]
async fn what_is_not_valid_names_its_field(
    #[case] field: &str,
    #[case] value: Value,
    #[case] expected: &str,
    #[case] message: Option<&str>,
) {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let mut body = serde_json::to_value(input("Offsite", StorageType::Dropbox)).unwrap();
    body[field] = value;
    let answer = app.call(&ep::CREATE_STORAGE, &[]).by(&someone).json(body).send().await;
    let problem = answer.refused(ProblemCode::Invalid);
    assert_eq!(answer.fields(), [expected]);
    assert!(message.is_none_or(|m| problem.errors[0].message == m), "{problem:?}");
}
