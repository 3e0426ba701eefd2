//! What Prometheus reads.

use crate::alerts::{failing, run};
use crate::support::{TestApp, files_only};
use chrono::TimeDelta;
use contract::{ProblemCode, endpoints as ep};
use storekeep::config::Secret;

#[actix_web::test]
async fn the_machine_itself_and_whoever_has_the_token_may_read_them() {
    let app =
        TestApp::with(|config| config.keys.metrics_token = Some(Secret::new("the-metrics-token"))).await;
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let peer = if peer.contains(':') { format!("[{peer}]") } else { peer.to_owned() };
        app.call(&ep::METRICS, &[]).from(&peer).send().await.is(200);
        app.call(&ep::METRICS, &[]).from(&peer).token("wrong").send().await.is(200);
    }
    app.call(&ep::METRICS, &[]).from("203.0.113.9").token("the-metrics-token").send().await.is(200);
    app.call(&ep::METRICS, &[]).from("203.0.113.9").send().await.refused(ProblemCode::NotFromHere);
    app.call(&ep::METRICS, &[])
        .from("203.0.113.9")
        .token("the-metrics")
        .send()
        .await
        .refused(ProblemCode::NotFromHere);
    // A proxy on this machine that passes on what others ask.
    for (header, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 x"),
    ] {
        let ask = app.call(&ep::METRICS, &[]).from("127.0.0.1").header(header, value);
        ask.send().await.refused(ProblemCode::NotFromHere);
    }
    let app = TestApp::start().await;
    app.call(&ep::METRICS, &[]).from("203.0.113.9").token("").send().await.refused(ProblemCode::NotFromHere);
}

#[actix_web::test]
async fn passes_copies_and_what_waits_are_counted() {
    let app = TestApp::with_store().await;
    let work = app.work();
    let good = app.set(&files_only("Good")).await.id;
    let log = run(&app, good).await;
    let bad = app.set(&failing("Bad")).await.id;
    run(&app, bad).await;
    run(&app, bad).await;
    drop(work);
    app.clock.set(log.started_at + TimeDelta::seconds(90));
    let answer = app.call(&ep::METRICS, &[]).send().await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(kind));
    let text = answer.text();
    let bytes = log.storages[0].bytes;
    for line in [
        "storekeep_passes_total{status=\"success\",trigger=\"manual\"} 1".to_owned(),
        "storekeep_passes_total{status=\"failed\",trigger=\"manual\"} 2".to_owned(),
        "storekeep_pass_duration_seconds_count 3".to_owned(),
        format!("storekeep_pass_bytes_total {bytes}"),
        "storekeep_newest_good_copy_age_seconds{backup=\"Good\",destination=\"local\"} 90.0".to_owned(),
        format!(
            "storekeep_newest_good_copy_timestamp_seconds{{backup=\"Good\",destination=\"local\"}} {}.0",
            log.started_at.timestamp()
        ),
        "storekeep_queued_passes 0".to_owned(),
        "storekeep_running_passes 0".to_owned(),
        "storekeep_backup_missed{backup=\"Bad\"} 0".to_owned(),
        "storekeep_undelivered_messages{channel=\"webhook\"} 0".to_owned(),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(bytes > 0);
}
