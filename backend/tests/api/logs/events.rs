use super::{pass, reader, request};
use crate::support::{TestApp, files_only};
use contract::{BackupLog, LogProgress, OverallStatus, Phase, ProblemCode, endpoints as ep};
use std::time::Duration;

/// The events of a stream: their names and data.
fn events(text: &str) -> Vec<(String, String)> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim_start().to_owned())
    };
    let blocks = text.split("\n\n").filter(|b| !b.is_empty() && !b.starts_with(':'));
    blocks.map(|b| (field(b, "event:").unwrap(), field(b, "data:").unwrap())).collect()
}

#[actix_web::test]
async fn a_pass_is_followed_to_its_end() {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let set = app.set(&files_only("Nightly")).await;
    let id = app.app.runs.start(request(set.id), Duration::ZERO).await.unwrap().id;
    let id_text = id.to_string();
    let (answer, ()) =
        futures_util::future::join(app.call(&ep::WATCH_LOG, &[&id_text]).by(&someone).send(), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let _work = app.work();
            app.ended(id).await;
        })
        .await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let events = events(&answer.text());
    let (last, progress) = events.split_last().unwrap();
    assert!(!progress.is_empty() && progress.iter().all(|(name, _)| name == "progress"));
    let first: LogProgress = serde_json::from_str(&progress[0].1).unwrap();
    assert_eq!(
        (first.log_id, first.overall_status, first.phases[0].phase),
        (id, OverallStatus::Pending, Phase::Queued)
    );
    assert_eq!(last.0, "log");
    let log: BackupLog = serde_json::from_str(&last.1).unwrap();
    assert_eq!(log, app.app.logs.get(id).await.unwrap());
    assert_eq!(log.overall_status, OverallStatus::Success);
}

#[actix_web::test]
async fn a_pass_that_is_over_is_told_at_once() {
    let app = TestApp::with_store().await;
    let someone = reader(&app).await;
    let log = pass(&app, "Nightly").await;
    let answer = app.call(&ep::WATCH_LOG, &[&log.id.to_string()]).by(&someone).send().await;
    let events = events(&answer.text());
    assert_eq!(events.len(), 1);
    assert_eq!(serde_json::from_str::<BackupLog>(&events[0].1).unwrap(), log);
    app.call(&ep::WATCH_LOG, &["99"]).by(&someone).send().await.refused(ProblemCode::NotFound);
}
