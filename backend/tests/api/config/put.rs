use crate::support::TestApp;
use contract::{ProblemCode, Resource, SettingsInput, endpoints as ep};
use serde_json::json;

fn input() -> SettingsInput {
    SettingsInput {
        enabled: false,
        time_zone: "Europe/Berlin".into(),
        log_retention_days: 30,
        max_parallel_passes: 2,
        pass_time_limit_hours: Some(24),
        missed_grace_min: None,
        full_pass_every: Some(7),
    }
}

#[actix_web::test]
async fn what_is_saved_is_read_back() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Config]).await;
    let saved = app.call(&ep::SAVE_CONFIG, &[]).by(&someone).body(&input()).send().await.ok();
    assert_eq!(saved.revision, 2);
    let read = app.call(&ep::GET_CONFIG, &[]).by(&someone).send().await.ok();
    assert_eq!(read, saved);
    assert_eq!((read.enabled, read.time_zone.as_str()), (false, "Europe/Berlin"));
    assert_eq!((read.log_retention_days, read.max_parallel_passes, read.full_pass_every), (30, 2, 7));
}

#[actix_web::test]
async fn a_stale_revision_is_refused_and_the_current_one_saved() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Config]).await;
    let save = |tag: &'static str| {
        app.call(&ep::SAVE_CONFIG, &[]).by(&someone).header("if-match", tag).body(&input())
    };
    assert_eq!(save("\"1\"").send().await.ok().revision, 2);
    save("\"1\"").send().await.refused(ProblemCode::Changed);
    save("\"other\"").send().await.refused(ProblemCode::Changed);
    save("2").send().await.refused(ProblemCode::Unreadable);
    assert_eq!(save("W/\"2\"").send().await.ok().revision, 3);
    assert_eq!(save("*").send().await.ok().revision, 4);
}

#[actix_web::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let someone = app.someone_with(&[Resource::Config]).await;
    let good =
        json!({"enabled": true, "time_zone": "UTC", "log_retention_days": 10, "max_parallel_passes": 1});
    let cases = [
        ("time_zone", json!("Mars/Olympus")),
        ("time_zone", json!("")),
        ("log_retention_days", json!(0)),
        ("log_retention_days", json!("10")),
        ("max_parallel_passes", json!(17)),
        ("full_pass_every", json!(0)),
        ("enabled", json!("yes")),
        ("colour", json!("red")),
    ];
    for (field, value) in cases {
        let mut body = good.clone();
        body[field] = value;
        let answer = app.call(&ep::SAVE_CONFIG, &[]).by(&someone).json(body.clone()).send().await;
        answer.refused(ProblemCode::Invalid);
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let both =
        json!({"enabled": true, "time_zone": "UTC", "log_retention_days": 0, "max_parallel_passes": 0});
    let answer = app.call(&ep::SAVE_CONFIG, &[]).by(&someone).json(both).send().await;
    assert_eq!(answer.fields(), ["log_retention_days", "max_parallel_passes"]);
}
