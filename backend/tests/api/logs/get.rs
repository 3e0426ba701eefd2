use super::{pass, reader, request};
use crate::support::{TestApp, files_only};
use contract::{OverallStatus, ProblemCode, endpoints as ep};
use std::time::{Duration, Instant};

#[actix_web::test]
async fn a_log_is_read_with_what_its_pass_made() {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let log = pass(&app, "Nightly").await;
    let read = app.call(&ep::GET_LOG, &[&log.id.to_string()]).by(&someone).send().await.ok();
    assert_eq!(read, log);
    assert_eq!(read.files[0].sha256.len(), 64);
    app.call(&ep::GET_LOG, &["99"]).by(&someone).send().await.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn a_request_waits_for_the_end_but_not_longer_than_it_asked() {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let set = app.set(&files_only("Nightly")).await;
    let id = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap().id.to_string();
    let get = |wait: &str| {
        let uri = format!("/api/v1/logs/{id}?wait={wait}");
        app.call(&ep::GET_LOG, &[&id]).query(&uri).by(&someone)
    };
    let began = Instant::now();
    assert_eq!(get("1").send().await.ok().overall_status, OverallStatus::Pending);
    assert!(began.elapsed() >= Duration::from_millis(900));
    let _work = app.work();
    let began = Instant::now();
    assert_eq!(get("60").send().await.ok().overall_status, OverallStatus::Success);
    assert!(began.elapsed() < Duration::from_secs(50));
    // More than may be waited for counts as the most.
    for long in ["301", "86400", "99999999999"] {
        get(long).send().await.is(200);
    }
    for bad in ["-1", "soon", "1.5"] {
        assert_eq!(get(bad).send().await.fields(), ["wait"]);
    }
}
