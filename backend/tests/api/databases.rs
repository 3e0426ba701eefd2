//! The whole way through the API with the metadata in another database than the embedded one: what only such a database refuses
//! would be an internal error there.

use crate::support::{Metadata, PASSWORD, TestApp, files_only};
use crate::texts;
use contract::{OverallStatus, ProblemCode, RefreshInput, endpoints as ep};
use rstest::rstest;
use serde_json::Value;

#[rstest]
#[actix_web::test]
async fn from_set_up_to_sign_out(#[values(Metadata::Postgres, Metadata::MariaDb)] metadata: Metadata) {
    let app = TestApp::with_metadata_in(metadata).await;
    app.administrator().await;
    let admin = app.sign_in("ADMIN", PASSWORD).await;
    let set = app.call(&ep::CREATE_BACKUP, &[]).by(&admin).body(&files_only("Nightly")).send().await;
    let id = set.is(201).ok().id;
    {
        let _work = app.work();
        let uri = format!("/api/v1/backups/{id}/runs?wait=60");
        let run = app.call(&ep::RUN_BACKUP, &[&id.to_string()]).query(&uri).by(&admin).send().await;
        let log = run.is(200).ok();
        assert_eq!(log.overall_status, OverallStatus::Success, "{log:?}");
        let read = app.call(&ep::GET_LOG, &[&log.id.to_string()]).by(&admin).send().await.ok();
        assert_eq!((&read, read.downloadable), (&log, true));
        let archive = app.call(&ep::DOWNLOAD_ARCHIVE, &[&log.id.to_string(), "files.tgz"]).by(&admin);
        assert_eq!(archive.send().await.is(200).body.len() as i64, log.files[0].size_bytes);
        texts::fit(&app, &admin).await;
    }
    for (uri, total) in [
        ("/api/v1/backups?q=NIGHT", 1),
        ("/api/v1/logs?q=nightly&sort=-duration_sec", 1),
        ("/api/v1/users", 2),
    ] {
        let page: Value = app.raw("GET", uri).by(&admin).send().await.ok();
        assert_eq!(page["total"], total, "{uri} {page}");
    }
    texts::are_refused(&app, &admin, id).await;
    let refreshed = RefreshInput { refresh_token: Some(admin.refresh_token.clone()) };
    let session = app.call(&ep::REFRESH, &[]).body(&refreshed).send().await.ok();
    app.call(&ep::LOGOUT, &[]).token(&session.access_token).send().await.is(204);
    app.call(&ep::GET_ME, &[]).by(&admin).send().await.refused(ProblemCode::SessionEnded);
}
