use super::{create, input, operator};
use crate::support::{PASSWORD, TestApp, monday};
use chrono::TimeDelta;
use contract::{BackupSetInput, ProblemCode, StorageRow, endpoints as ep};

#[actix_web::test]
async fn a_save_replaces_the_set_and_raises_its_revision() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let made = create(&app, &someone, &input("Nightly")).await;
    app.clock.advance(TimeDelta::hours(1));
    let someone = app.sign_in(&someone.username, PASSWORD).await;
    let rows = vec![StorageRow { storage_id: None, enabled: false, keep_copies: 9, path: String::new() }];
    let change = BackupSetInput { storages: rows.clone(), ..input("Renamed") };
    let saved =
        app.call(&ep::UPDATE_BACKUP, &[&made.id.to_string()]).by(&someone).body(&change).send().await.ok();
    assert_eq!((saved.id, saved.revision, saved.title.as_str()), (made.id, 2, "Renamed"));
    assert_eq!((saved.created_at, saved.updated_at), (monday(), monday() + TimeDelta::hours(1)));
    assert_eq!((saved.storages, saved.next_run_at), (rows, made.next_run_at));
}

#[actix_web::test]
async fn a_stale_revision_is_refused() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let id = create(&app, &someone, &input("Nightly")).await.id.to_string();
    let save = |tag: &'static str| {
        app.call(&ep::UPDATE_BACKUP, &[&id]).by(&someone).header("if-match", tag).body(&input("Nightly"))
    };
    assert_eq!(save("\"1\"").send().await.ok().revision, 2);
    save("\"1\"").send().await.refused(ProblemCode::Changed);
    assert_eq!(save("*").send().await.ok().revision, 3);
}

#[actix_web::test]
async fn the_slot_is_found_anew_when_the_schedule_changes_or_the_set_is_switched_on() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    let id = create(&app, &someone, &input("Nightly")).await.id.to_string();
    let save = async |input: BackupSetInput| {
        let someone = app.sign_in(&someone.username, PASSWORD).await;
        let answer = app.call(&ep::UPDATE_BACKUP, &[&id]).by(&someone).body(&input).send().await;
        answer.ok().next_run_at.map(|t| t.format("%m-%d %H:%M").to_string())
    };
    let at = |time: &str| BackupSetInput { time_of_day: Some(time.into()), ..input("Nightly") };
    assert_eq!(save(at("11:00")).await.as_deref(), Some("03-02 11:00"));
    assert_eq!(save(BackupSetInput { enabled: false, ..at("11:00") }).await, None);
    app.clock.advance(TimeDelta::hours(2));
    assert_eq!(save(at("11:00")).await.as_deref(), Some("03-03 11:00"));
    // A slot that has come is not lost by saving something else.
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(
        save(BackupSetInput { title: "Other".into(), ..at("11:00") }).await.as_deref(),
        Some("03-03 11:00")
    );
}

#[actix_web::test]
async fn taken_names_unknown_sets_and_bad_fields_are_refused() {
    let app = TestApp::start().await;
    let someone = operator(&app).await;
    create(&app, &someone, &input("Nightly")).await;
    let id = create(&app, &someone, &input("Weekly")).await.id.to_string();
    let save = |id: &str, body: BackupSetInput| app.call(&ep::UPDATE_BACKUP, &[id]).by(&someone).body(&body);
    let problem = save(&id, input("nightly")).send().await.refused(ProblemCode::Taken);
    assert_eq!(problem.errors[0].field, "title");
    let folder = BackupSetInput { folder_name: "NIGHTLY".into(), ..input("Weekly") };
    let problem = save(&id, folder).send().await.refused(ProblemCode::Taken);
    assert_eq!((problem.errors[0].field.as_str(), problem.errors[0].code.as_str()), ("folder_name", "taken"));
    save("99", input("New")).send().await.refused(ProblemCode::NotFound);
    let bad = BackupSetInput { folder_name: "../x".into(), ..input("Weekly") };
    assert_eq!(save(&id, bad).send().await.fields(), ["folder_name"]);
}
