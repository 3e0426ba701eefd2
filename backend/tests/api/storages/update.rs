use super::{create, drive, get, input, keeper, link, linked};
use crate::support::{CloudApp, TestApp};
use contract::{ProblemCode, StorageSetInput, StorageState, StorageType, endpoints as ep};
use engine::testing::fake::{Action, Fault};
use engine::testing::until;
use rstest::rstest;

#[actix_web::test]
async fn a_save_without_a_secret_keeps_the_one_there_is() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let made = linked(&app, &someone, &drive("Drive"), "ada@example.org").await;
    for secret in [None, Some("  ".to_owned())] {
        let change = StorageSetInput { client_secret: secret, enabled: false, ..drive("Renamed") };
        let id = made.id.to_string();
        let saved = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&change).send().await.ok();
        assert_eq!((saved.title.as_str(), saved.enabled, saved.client_secret_set), ("Renamed", false, true));
        assert_eq!((saved.state, saved.account.as_deref()), (StorageState::Ready, Some("ada@example.org")));
    }
    // The secret is still good for a refresh.
    app.clouds.expire();
    let report = app.call(&ep::TEST_STORAGE, &[&made.id.to_string()]).by(&someone).send().await.ok();
    assert!(report.ok, "{report:?}");
}

#[actix_web::test]
async fn revisions_titles_and_types_are_kept() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    create(&app, &someone, &drive("Drive")).await;
    let id = create(&app, &someone, &input("Box", StorageType::Dropbox)).await.id.to_string();
    let save = |tag: &'static str, input: StorageSetInput| {
        app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).header("if-match", tag).body(&input)
    };
    let same = input("Box", StorageType::Dropbox);
    let answer = save("\"1\"", same.clone()).send().await;
    assert_eq!((answer.ok().revision, answer.header("etag")), (2, Some("\"2\"")));
    save("\"1\"", same.clone()).send().await.refused(ProblemCode::Changed);
    save("*", input("drive", StorageType::Dropbox)).send().await.refused(ProblemCode::Taken);
    let answer = save("*", drive("Box")).send().await;
    assert_eq!(
        (answer.refused(ProblemCode::Invalid).errors[0].code.as_str(), answer.fields()),
        ("fixed", vec!["type".into()])
    );
    let elsewhere = app.call(&ep::UPDATE_STORAGE, &["99"]).by(&someone).body(&same).send().await;
    elsewhere.refused(ProblemCode::NotFound);
}

#[actix_web::test]
async fn another_app_ends_the_link_only_when_that_is_wanted() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let made = linked(&app, &someone, &drive("Drive"), "ada@example.org").await;
    let id = made.id.to_string();
    let other = StorageSetInput { client_id: "another-client".into(), ..drive("Drive") };
    let answer = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&other).send().await;
    let problem = answer.refused(ProblemCode::OtherAccount);
    assert!(
        problem.detail.contains("ada@example.org") && problem.detail.contains("Client ID"),
        "{}",
        problem.detail
    );
    assert!(get(&app, &someone, made.id).await.linked);
    let confirmed = StorageSetInput { confirm_other_account: true, ..other };
    let saved = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&confirmed).send().await.ok();
    assert_eq!((saved.linked, saved.state), (false, StorageState::NotLinked));
    assert!(saved.warnings.iter().any(|w| w.code == "client_changed"), "{:?}", saved.warnings);
    // The account is still known, so that another one is noticed.
    assert_eq!(saved.account.as_deref(), Some("ada@example.org"));
    assert!(link(&app, &someone, made.id, "eve@example.org").await.contains("not finished"));
    assert!(link(&app, &someone, made.id, "ada@example.org").await.contains("The account is linked"));
}

#[actix_web::test]
async fn what_never_was_linked_may_change_its_app() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id.to_string();
    let other = StorageSetInput { client_id: "another-client".into(), ..drive("Drive") };
    app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&other).send().await.is(200);
}

#[actix_web::test]
async fn a_linking_ends_with_the_app_it_was_started_for() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let one_drive = input("Drive", StorageType::OneDrive);
    let id = create(&app, &someone, &one_drive).await.id;
    for other in [
        StorageSetInput { client_id: "another-client".into(), ..one_drive.clone() },
        StorageSetInput {
            client_id: "another-client".into(),
            tenant: Some("contoso.com".into()),
            ..one_drive.clone()
        },
    ] {
        let id = id.to_string();
        let start = app.call(&ep::LINK_STORAGE, &[&id]).by(&someone).send().await.ok();
        let query = app.clouds.consent(&start.authorize_url, "ada@example.org");
        app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&other).send().await.is(200);
        let page = crate::storages::callback(&app, &query).await;
        assert!(page.contains("not waiting for this link"), "{page}");
    }
    assert_eq!(app.clouds.record.count("POST", "/token"), 0);
    assert!(link(&app, &someone, id, "ada@example.org").await.contains("The account is linked"));
}

#[actix_web::test]
async fn a_link_that_comes_back_after_the_app_was_changed_is_thrown_away() {
    let app = CloudApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &drive("Drive")).await.id;
    let start = app.call(&ep::LINK_STORAGE, &[&id.to_string()]).by(&someone).send().await.ok();
    let query = app.clouds.consent(&start.authorize_url, "ada@example.org");
    // The code is exchanged already, and whose account it is takes a while to tell.
    app.clouds.server.plan(Fault::once("GET", "/about", Action::Late(std::time::Duration::from_secs(1))));
    let change = async {
        until("the account is asked for", || app.clouds.record.count("GET", "/about") > 0).await;
        let other = StorageSetInput { client_id: "another-client".into(), ..drive("Drive") };
        app.call(&ep::UPDATE_STORAGE, &[&id.to_string()]).by(&someone).body(&other).send().await.is(200);
    };
    let (page, ()) = tokio::join!(crate::storages::callback(&app, &query), change);
    assert!(!page.contains("The account is linked"), "{page}");
    let now = get(&app, &someone, id).await;
    assert_eq!((now.client_id.as_str(), now.linked, now.account), ("another-client", false, None));
}

#[actix_web::test]
async fn another_endpoint_is_warned_about() {
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let s3 = input("Cold", StorageType::AmazonS3);
    let id = create(&app, &someone, &s3).await.id.to_string();
    let moved = StorageSetInput { endpoint: Some("https://s3.example.org".into()), ..s3 };
    let saved = app.call(&ep::UPDATE_STORAGE, &[&id]).by(&someone).body(&moved).send().await.ok();
    assert_eq!(saved.warnings.iter().map(|w| w.code.as_str()).collect::<Vec<_>>(), ["place_changed"]);
}

#[rstest]
#[case(StorageType::AmazonS3, "", "required")]
#[case(StorageType::AmazonS3, "Not_A_Bucket/x", "format")]
#[case(StorageType::GoogleDrive, "a//b", "format")]
#[case(StorageType::OneDrive, "a:b", "format")]
#[actix_web::test]
async fn paths_of_backup_sets_follow_the_type_of_the_storage(
    #[case] kind: StorageType,
    #[case] path: &str,
    #[case] code: &str,
) {
    use contract::{BackupSetInput, StorageRow};
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let id = create(&app, &someone, &input("Offsite", kind)).await.id;
    let mut set: BackupSetInput = crate::support::files_only("Nightly");
    let row =
        |path: &str| StorageRow { storage_id: Some(id), enabled: true, keep_copies: 1, path: path.into() };
    set.storages.push(row(path));
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&set).send().await;
    let problem = answer.refused(ProblemCode::Invalid);
    assert_eq!(
        (problem.errors[0].field.as_str(), problem.errors[0].code.as_str()),
        ("storages[1].path", code)
    );
    set.storages[1] = row("shop-backups/nightly/");
    app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&set).send().await.is(201);
}

#[rstest]
#[case(StorageType::GoogleDrive, "x", "/x/", true)]
#[case(StorageType::GoogleDrive, "", "/", true)]
#[case(StorageType::GoogleDrive, "Shop", "shop", false)]
#[case(StorageType::AmazonS3, "shop-backups/eu", "shop-backups/eu/", true)]
#[case(StorageType::AmazonS3, "shop-backups/eu", "shop-backups/EU", false)]
#[case(StorageType::OneDrive, "Äcker/Shop", "äCKER/shop", true)]
#[case(StorageType::Dropbox, "Shop", "/SHOP", true)]
#[case(StorageType::Dropbox, "Shop", "Shop/Shop", false)]
#[actix_web::test]
async fn two_rows_of_a_backup_set_never_lead_to_the_same_folder(
    #[case] kind: StorageType,
    #[case] first: &str,
    #[case] second: &str,
    #[case] same: bool,
) {
    use contract::{BackupSetInput, StorageRow};
    let app = TestApp::start().await;
    let someone = keeper(&app).await;
    let (id, other) = (
        create(&app, &someone, &input("One", kind)).await.id,
        create(&app, &someone, &input("Two", kind)).await.id,
    );
    let row = |id, path: &str, enabled| StorageRow {
        storage_id: Some(id),
        enabled,
        keep_copies: 1,
        path: path.into(),
    };
    let mut set: BackupSetInput = crate::support::files_only("Nightly");
    // The folder of the same name in another account is another folder.
    set.storages.extend([row(id, first, true), row(other, first, true), row(id, second, false)]);
    let answer = app.call(&ep::CREATE_BACKUP, &[]).by(&someone).body(&set).send().await;
    if !same {
        answer.is(201);
        return;
    }
    let problem = answer.refused(ProblemCode::Invalid);
    let told: Vec<_> = problem.errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect();
    assert_eq!(told, [("storages[3].path", "duplicate")]);
}
