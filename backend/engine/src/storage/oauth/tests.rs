use super::*;
use crate::storage::ErrorKind::{InvalidConfig, NeedsRelink, PermissionDenied, Unavailable};
use crate::testing::fake::{FakeServer, Record, Reply, Request, Service};
use rstest::rstest;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const SCOPES: &[&str] = &["Files.ReadWrite", "offline_access"];
const SECRETS: [&str; 4] = ["hunter2-secret", "hunter2-code", "hunter2-verifier", "hunter2-refresh"];

struct Always(Reply);

impl Service for Always {
    fn answer(&self, _: &Request) -> Reply {
        self.0.clone()
    }
}

/// A token endpoint that always answers the same.
async fn endpoint(reply: Reply) -> FakeServer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    FakeServer::start(Arc::new(Always(reply)), Record::default()).await.unwrap()
}

fn provider(kind: StorageKind, base: &str) -> Provider {
    let base: Url = base.parse().unwrap();
    Provider {
        kind,
        name: "The Provider",
        authorize_url: base.join("/authorize?fixed=1").unwrap(),
        token_url: base.join("/token").unwrap(),
        scopes: SCOPES,
        authorize_extra: &[("access_type", "offline"), ("prompt", "consent")],
        scope_at_refresh: kind == StorageKind::OneDrive,
        unauthorized: |_| None,
    }
}

fn app() -> App {
    App { client_id: "client-1".into(), client_secret: Secret::new(SECRETS[0]) }
}

fn now() -> DateTime<Utc> {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

fn grant() -> Grant {
    Grant {
        access_token: Secret::new("old-access"),
        access_expires_at: now(),
        refresh_token: Secret::new(SECRETS[3]),
        generation: 7,
    }
}

async fn exchange(reply: Reply) -> (Result<Grant>, FakeServer) {
    let server = endpoint(reply).await;
    let provider = provider(StorageKind::GoogleDrive, &server.url());
    let app = app();
    let linking = Linking { app: &app, redirect_uri: "https://store.example/oauth/callback" };
    let code = (&Secret::new(SECRETS[1]), &Secret::new(SECRETS[2]));
    let granted = provider.exchange(&Http::new().unwrap(), &linking, code, 8, now()).await;
    (granted, server)
}

async fn refresh(kind: StorageKind, reply: Reply) -> (Result<Grant>, FakeServer) {
    let server = endpoint(reply).await;
    let provider = provider(kind, &server.url());
    (provider.refresh(&Http::new().unwrap(), &app(), &grant(), now()).await, server)
}

fn tokens(scope: &str) -> serde_json::Value {
    json!({"access_token": "a-1", "expires_in": 3599, "refresh_token": "r-1", "scope": scope, "token_type": "Bearer"})
}

#[test]
fn the_way_to_the_consent_page_carries_all_that_the_provider_wants() {
    let app = App { client_id: "id with & and =".into(), client_secret: Secret::new(SECRETS[0]) };
    let linking = Linking { app: &app, redirect_uri: "https://store.example/oauth/callback?x=1" };
    let provider = provider(StorageKind::GoogleDrive, "https://accounts.example");
    let url = provider.consent_url(&linking, "state+1", "challenge");
    assert_eq!((url.host_str(), url.path()), (Some("accounts.example"), "/authorize"));
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let expected = [
        ("fixed", "1"),
        ("client_id", "id with & and ="),
        ("redirect_uri", "https://store.example/oauth/callback?x=1"),
        ("response_type", "code"),
        ("scope", "Files.ReadWrite offline_access"),
        ("state", "state+1"),
        ("code_challenge", "challenge"),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", "consent"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_string(), value.to_string())));
    assert!(!url.as_str().contains("hunter2"));
}

#[tokio::test]
async fn a_code_becomes_a_grant_of_the_generation_asked_for() {
    let (granted, _server) = exchange(Reply::json(200, &tokens("Files.ReadWrite"))).await;
    let granted = granted.unwrap();
    assert_eq!(granted.access_token.expose(), "a-1");
    assert_eq!(granted.refresh_token.expose(), "r-1");
    assert_eq!(granted.access_expires_at, now() + TimeDelta::seconds(3599));
    assert_eq!(granted.generation, 8);
}

#[rstest]
#[case::absent(json!({"access_token": "a", "expires_in": 3599, "scope": "Files.ReadWrite"}))]
#[case::empty(json!({"access_token": "a", "refresh_token": "", "scope": "Files.ReadWrite"}))]
#[tokio::test]
async fn an_exchange_without_a_refresh_token_asks_to_link_again(#[case] body: serde_json::Value) {
    let (granted, _server) = exchange(Reply::json(200, &body)).await;
    let error = granted.unwrap_err();
    assert_eq!(error.kind, InvalidConfig);
    assert!(error.message.contains("gave no lasting permission"), "{error}");
    assert!(error.message.contains("link the account again"), "{error}");
}

#[rstest]
#[case("Files.ReadWrite", true)]
#[case("openid files.readwrite profile", true)]
#[case("https://graph.microsoft.com/Files.ReadWrite", true)]
#[case("account_info.read,Files.ReadWrite", true)]
#[case("Files.ReadWrite.AppFolder", false)]
#[case("openid", false)]
#[case("", false)]
#[tokio::test]
async fn a_box_that_was_unticked_is_named(#[case] scope: &str, #[case] good: bool) {
    let (granted, _server) = exchange(Reply::json(200, &tokens(scope))).await;
    if good {
        granted.unwrap();
        return;
    }
    let error = granted.unwrap_err();
    assert_eq!(error.kind, InvalidConfig);
    assert!(error.message.contains("The permission Files.ReadWrite was not granted"), "{error}");
    assert!(error.message.contains("tick every box"), "{error}");
}

#[tokio::test]
async fn a_provider_that_does_not_tell_the_scopes_is_believed() {
    let body = json!({"access_token": "a", "refresh_token": "r"});
    let (granted, _server) = exchange(Reply::json(200, &body)).await;
    // Without a lifetime: an hour.
    assert_eq!(granted.unwrap().access_expires_at, now() + TimeDelta::hours(1));
}

#[tokio::test]
async fn a_refresh_keeps_the_refresh_token_unless_a_new_one_comes() {
    let body = json!({"access_token": "a-2", "expires_in": 14_400});
    let (fresh, _server) = refresh(StorageKind::Dropbox, Reply::json(200, &body)).await;
    let fresh = fresh.unwrap();
    assert_eq!((fresh.access_token.expose(), fresh.refresh_token.expose()), ("a-2", SECRETS[3]));
    assert_eq!((fresh.access_expires_at, fresh.generation), (now() + TimeDelta::hours(4), 7));
    let (fresh, _server) = refresh(StorageKind::OneDrive, Reply::json(200, &tokens(""))).await;
    assert_eq!(fresh.unwrap().refresh_token.expose(), "r-1");
}

/// What the token endpoint gets, and where the secrets are: in the body, nowhere else.
#[rstest]
#[case(StorageKind::OneDrive, Some("Files.ReadWrite offline_access"))]
#[case(StorageKind::GoogleDrive, None)]
#[tokio::test]
async fn what_is_sent_fits_the_provider(#[case] kind: StorageKind, #[case] scope: Option<&str>) {
    struct Echo;
    impl Service for Echo {
        fn answer(&self, request: &Request) -> Reply {
            let form = request.form();
            Reply::json(200, &json!({"access_token": serde_json::to_string(&form).unwrap()}))
        }
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = FakeServer::start(Arc::new(Echo), Record::default()).await.unwrap();
    let provider = provider(kind, &server.url());
    let fresh = provider.refresh(&Http::new().unwrap(), &app(), &grant(), now()).await.unwrap();
    let sent: serde_json::Value = serde_json::from_str(fresh.access_token.expose()).unwrap();
    let mut expected = json!({
        "grant_type": "refresh_token",
        "refresh_token": SECRETS[3],
        "client_id": "client-1",
        "client_secret": SECRETS[0],
    });
    if let Some(scope) = scope {
        expected["scope"] = scope.into();
    }
    assert_eq!(sent, expected);
    let request = &server.record().requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/token"));
    assert!(request.query.is_empty());
    server.record().assert_clean();
}

/// §6 of the failure table: what the token endpoint says while a token is refreshed, the kind, and what the message has to say.
#[rstest]
#[case(400, json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}), NeedsRelink, "expired or was revoked. Link the account again")]
#[case(400, json!({"error": "invalid_grant", "error_description": null}), NeedsRelink, "nothing was deleted")]
#[case(400, json!({"error": "invalid_grant"}), NeedsRelink, "publish the app")]
#[case(400, json!({"error": "invalid_grant", "error_subtype": "invalid_rapt"}), NeedsRelink, "session control")]
#[case(400, json!({"error": "invalid_grant", "error_description": "AADSTS700082: expired"}), NeedsRelink, "Link the account again")]
#[case(400, json!({"error": "interaction_required", "error_codes": [50076]}), NeedsRelink, "new sign-in")]
#[case(400, json!({"error": "consent_required", "error_codes": [65001]}), NeedsRelink, "consent")]
#[case(401, json!({"error": "invalid_client"}), InvalidConfig, "client id and client secret")]
#[case(400, json!({"error": "invalid_client: Invalid client_id or client_secret"}), InvalidConfig, "client id and client secret")]
#[case(400, json!({"error": "invalid_grant: refresh token is invalid or revoked"}), NeedsRelink, "Link the account again")]
#[case(400, json!({"error": "unauthorized_client : hunter2-secret"}), InvalidConfig, "account types")]
#[case(401, json!({"error": "deleted_client"}), InvalidConfig, "client id and client secret")]
#[case(401, json!({"error": "invalid_client", "error_codes": [7_000_215]}), InvalidConfig, "secret's value")]
#[case(401, json!({"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired."}), InvalidConfig, "secret has expired")]
#[case(400, json!({"error": "unauthorized_client"}), InvalidConfig, "account types")]
#[case(400, json!({"error": "unauthorized_client", "error_description": "AADSTS700016: Application not found"}), InvalidConfig, "client id")]
#[case(400, json!({"error": "invalid_request", "error_description": "AADSTS90002: Tenant 'x' not found."}), InvalidConfig, "tenant")]
#[case(400, json!({"error": "invalid_request", "error_codes": [50_194]}), InvalidConfig, "tenant")]
#[case(400, json!({"error": "invalid_grant", "error_codes": [53_003]}), PermissionDenied, "policy")]
#[case(400, json!({"error": "redirect_uri_mismatch"}), InvalidConfig, "Register exactly")]
#[case(400, json!({"error": "invalid_scope"}), InvalidConfig, "permissions")]
#[case(400, json!({"error": "temporarily_unavailable"}), Unavailable, "right now")]
#[case(400, json!({"error": "server_error"}), Unavailable, "right now")]
#[case(503, json!({"error": "server_error"}), Unavailable, "status 503")]
#[case(500, json!({"error": "invalid_grant"}), Unavailable, "status 500")]
#[case(408, json!({}), Unavailable, "status 408")]
#[case(400, json!("Bad Request"), Unavailable, "status 400")]
#[case(400, json!({"error": {"code": 400}}), Unavailable, "status 400")]
#[case(400, json!({"error": "something_new"}), InvalidConfig, "(something_new)")]
#[case(400, json!({"error": "odd: hunter2-secret"}), InvalidConfig, "(an unknown error)")]
#[case(429, json!({"error": "rate_limited"}), ErrorKind::RateLimited { retry_after: None }, "limits")]
#[tokio::test]
async fn every_refusal_says_what_to_do(
    #[case] status: u16,
    #[case] body: serde_json::Value,
    #[case] kind: ErrorKind,
    #[case] says: &str,
) {
    let (fresh, _server) = refresh(StorageKind::GoogleDrive, Reply::json(status, &body)).await;
    let error = fresh.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(says), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(SECRETS.iter().all(|secret| !shown.contains(secret)), "{shown}");
}

#[rstest]
#[case(json!({"error": "invalid_grant", "error_description": "code hunter2-code was used"}), "Start the linking again")]
#[case(json!({"error": "interaction_required"}), "new sign-in")]
#[case(json!({"error": "redirect_uri_mismatch"}), "Register exactly: https://store.example/oauth/callback")]
#[case(json!({"error": "invalid_client", "error_description": "AADSTS50011: The redirect URI …"}), "Register exactly: https://store.example/oauth/callback")]
#[case(json!({"error": "invalid_client"}), "Check both")]
#[tokio::test]
async fn a_code_that_is_refused_never_ends_an_earlier_link(
    #[case] body: serde_json::Value,
    #[case] says: &str,
) {
    let (granted, _server) = exchange(Reply::json(400, &body)).await;
    let error = granted.unwrap_err();
    assert_eq!(error.kind, InvalidConfig, "{error}");
    assert!(error.message.contains(says), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(SECRETS.iter().all(|secret| !shown.contains(secret)), "{shown}");
}

#[rstest]
#[case(429)]
#[case(503)]
#[tokio::test]
async fn a_pause_that_the_token_endpoint_asks_for_is_told(#[case] status: u16) {
    let reply = Reply::status(status).with("retry-after", "40");
    let (fresh, _server) = refresh(StorageKind::OneDrive, reply).await;
    let retry_after = Some(Duration::from_secs(40));
    assert_eq!(fresh.unwrap_err().kind, ErrorKind::RateLimited { retry_after });
}

#[rstest]
#[case(Reply::html_502())]
#[case(Reply::text(200, "<html>please sign in to the hotel</html>"))]
#[case(Reply::text(403, "<html>blocked</html>"))]
#[tokio::test]
async fn what_a_proxy_says_in_the_provider_s_place_is_no_refusal(#[case] reply: Reply) {
    let (fresh, _server) = refresh(StorageKind::GoogleDrive, reply.clone()).await;
    assert_eq!(fresh.unwrap_err().kind, Unavailable);
    let (granted, _server) = exchange(reply).await;
    assert_eq!(granted.unwrap_err().kind, Unavailable);
}

#[test]
fn codes_are_told_from_longer_ones_that_begin_alike() {
    assert!(names_code("AADSTS50011: The redirect URI", 50_011));
    assert!(names_code("x AADSTS500113 AADSTS50011", 50_011));
    assert!(!names_code("AADSTS500113: No reply address is registered", 50_011));
    assert!(!names_code("nothing", 50_011));
}

#[test]
fn nothing_secret_shows_when_a_grant_or_an_app_is_printed() {
    let shown = format!("{:?} {:?}", grant(), app());
    assert!(SECRETS.iter().all(|secret| !shown.contains(secret)) && !shown.contains("old-access"), "{shown}");
}
