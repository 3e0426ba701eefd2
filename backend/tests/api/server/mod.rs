use crate::support::TestApp;
use contract::ProblemCode;
use contract::endpoints as ep;

#[actix_web::test]
async fn it_tells_that_it_lives_and_that_it_can_work() {
    let app = TestApp::start().await;
    for endpoint in [ep::HEALTHZ, ep::READYZ] {
        let health = app.call(&endpoint, &[]).send().await.ok();
        assert_eq!((health.status.as_str(), health.version.as_str()), ("ok", env!("CARGO_PKG_VERSION")));
    }
}

#[actix_web::test]
async fn every_answer_carries_the_security_headers_and_its_own_id() {
    let app = TestApp::start().await;
    let mut ids = std::collections::BTreeSet::new();
    for (method, uri) in
        [("GET", "/healthz"), ("GET", "/api/v1/users"), ("GET", "/api/v1/no"), ("POST", "/"), ("GET", "/x")]
    {
        let answer = app.raw(method, uri).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {uri} {name}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline") && !policy.contains("http"), "{policy}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert!(ids.insert(answer.header("x-request-id").unwrap().to_owned()));
    }
}

#[actix_web::test]
async fn other_origins_get_no_permission() {
    let app = TestApp::start().await;
    let ask = app.raw("OPTIONS", "/api/v1/users").header("origin", "https://evil.example");
    let answer = ask.header("access-control-request-method", "GET").send().await;
    answer.refused(ProblemCode::MethodNotAllowed);
    assert!(!answer.headers.keys().any(|k| k.as_str().starts_with("access-control")));
}

#[actix_web::test]
async fn what_belongs_to_somebody_is_not_cached() {
    let app = TestApp::start().await;
    let admin = app.administrator().await;
    let answer = app.call(&ep::LIST_USERS, &[]).by(&admin).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// With a console in the binary its page comes, without one a problem that says so; never a page for a missing file.
#[actix_web::test]
async fn addresses_of_the_console_are_its_page_and_missing_files_are_not() {
    let app = TestApp::start().await;
    for uri in ["/", "/backups/7", "/logs?status=failed"] {
        let answer = app.raw("GET", uri).send().await;
        if storekeep::http::console_is_built_in() {
            answer.is(200);
            assert_eq!(answer.header("content-type"), Some("text/html"));
            assert_eq!(answer.header("cache-control"), Some("no-cache"));
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'"), "{policy}");
            let tag = answer.header("etag").unwrap().to_owned();
            app.raw("GET", uri).header("if-none-match", &tag).send().await.is(304);
        } else {
            answer.refused(ProblemCode::Unavailable);
        }
    }
    for uri in ["/assets/app-0.js", "/assets/../index.html", "/index.html.br", "/assets/", "/app.js.gz"] {
        app.raw("GET", uri).send().await.refused(ProblemCode::NotFound);
    }
}
