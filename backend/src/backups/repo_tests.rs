use super::repo::*;
use crate::testing::On::{self, MariaDb, Postgres, Sqlite};
use crate::testing::rows::{self, at};
use rstest::rstest;

fn content(title: &str) -> Content {
    Content {
        enabled: true,
        title: title.into(),
        folder_name: title.to_lowercase().replace(' ', "-"),
        backup_types: vec!["database".into(), "files".into()],
        frequency: Some(24),
        cron: None,
        time_of_day: Some("02:30".into()),
        exclude_directories: vec!["var/cache".into(), "pub/médiä 🛒".into()],
        exclude_tables: vec!["@log".into()],
        symlinks: "keep".into(),
        verify: "full".into(),
        retry_attempts: 2,
        retry_delay_min: 7,
        jitter_min: 3,
        ping_url: Some("https://ping.example.org/x".into()),
        rows: vec![Row { storage_id: None, enabled: true, keep_copies: 3, path: String::new() }],
    }
}

fn slot(text: &str) -> Slot {
    Slot { at: Some(at(text)), zone: "UTC".into() }
}

const NOW: &str = "2026-05-01T10:00:00.123456Z";

async fn make(db: &crate::db::Db, content: &Content) -> i64 {
    match create(db, content, &slot("2026-05-02T02:30:00Z"), at(NOW)).await.unwrap() {
        Saved::Done(id) => id,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[tokio::test]
async fn a_set_comes_back_as_it_was_saved(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let s3 = rows::storage(&db, "Offsite").await;
    let remote = |path: &str| Row { storage_id: Some(s3), enabled: false, keep_copies: 7, path: path.into() };
    let mut wanted = content("Größter Laden 🛍");
    wanted.rows.extend([remote("b/two"), remote("a/one")]);
    // More than MySQL's `text` would hold.
    wanted.exclude_directories = (0..500).map(|n| format!("{n}-{}", "x".repeat(900))).collect();
    let id = make(&db, &wanted).await;
    let set = find(&db, id).await.unwrap().unwrap();
    assert_eq!(set.content, wanted);
    assert_eq!(set.next_run_at, Some(at("2026-05-02T02:30:00Z")));
    assert_eq!((set.created_at, set.updated_at, set.revision), (at(NOW), at(NOW), 1));
    assert_eq!(
        (set.last_time, set.last_status, set.last_log_id, set.running_log_id),
        (None, None, None, None)
    );
    assert_eq!(find(&db, id + 1).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn titles_and_folders_are_unique_whatever_their_case(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    make(&db, &content("Nightly")).await;
    let other = make(&db, &content("Weekly")).await;
    let title = Content { folder_name: "x".into(), ..content("NIGHTLY") };
    let folder = Content { folder_name: "nightlY".into(), ..content("Monthly") };
    let new = slot("2026-05-02T02:30:00Z");
    assert_eq!(create(&db, &title, &new, at(NOW)).await.unwrap(), Saved::Taken(Unique::Title));
    assert_eq!(create(&db, &folder, &new, at(NOW)).await.unwrap(), Saved::Taken(Unique::Folder));
    let both = content("Nightly");
    assert_eq!(update(&db, other, 1, &both, None, at(NOW)).await.unwrap(), Saved::Taken(Unique::Title));
    assert_eq!(find(&db, other).await.unwrap().unwrap().content, content("Weekly"));
    // Its own names are no hindrance.
    let same = Content { enabled: false, ..content("WEEKLY") };
    assert_eq!(update(&db, other, 1, &same, None, at(NOW)).await.unwrap(), Saved::Done(other));
}

#[rstest]
#[tokio::test]
async fn of_many_who_want_one_title_at_once_one_gets_it(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let tries = (0..10).map(|n| {
        let db = db.clone();
        tokio::spawn(async move {
            let content = Content { folder_name: format!("f{n}"), ..content("Wanted") };
            create(&db, &content, &slot("2026-05-02T02:30:00Z"), at(NOW)).await.unwrap()
        })
    });
    let mut done = 0;
    for result in futures_util::future::join_all(tries).await {
        match result.unwrap() {
            Saved::Done(_) => done += 1,
            other => assert_eq!(other, Saved::Taken(Unique::Title)),
        }
    }
    assert_eq!(done, 1);
}

#[rstest]
#[tokio::test]
async fn a_row_of_a_storage_that_is_gone_is_refused(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let mut unknown = content("Nightly");
    unknown.rows.push(Row { storage_id: Some(77), enabled: true, keep_copies: 1, path: String::new() });
    let saved = create(&db, &unknown, &slot("2026-05-02T02:30:00Z"), at(NOW)).await.unwrap();
    assert_eq!(saved, Saved::UnknownStorage);
    assert_eq!(find_by_name(&db, "nightly").await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn a_save_needs_the_revision_it_is_based_on(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, &content("Nightly")).await;
    let mut next = content("Nightly 2");
    next.rows = vec![Row { storage_id: None, enabled: false, keep_copies: 9, path: String::new() }];
    assert_eq!(update(&db, id, 1, &next, None, at(NOW)).await.unwrap(), Saved::Done(id));
    assert_eq!(update(&db, id, 1, &content("Late"), None, at(NOW)).await.unwrap(), Saved::Changed);
    assert_eq!(update(&db, id + 1, 1, &content("None"), None, at(NOW)).await.unwrap(), Saved::Missing);
    let set = find(&db, id).await.unwrap().unwrap();
    assert_eq!((set.content, set.revision), (next.clone(), 2));
    assert_eq!(set.next_run_at, Some(at("2026-05-02T02:30:00Z")));
    let off = Slot { at: None, zone: "UTC".into() };
    update(&db, id, 2, &next, Some(&off), at(NOW)).await.unwrap();
    assert_eq!(find(&db, id).await.unwrap().unwrap().next_run_at, None);
}

#[rstest]
#[tokio::test]
async fn a_deleted_set_leaves_its_logs(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let id = make(&db, &content("Nightly")).await;
    let log = rows::log(&db, id, "Nightly", "success", at(NOW)).await;
    assert_eq!(find(&db, id).await.unwrap().unwrap().last_log_id, Some(log));
    assert_eq!(delete(&db, id, Some(5)).await.unwrap(), Deleted::Changed);
    assert_eq!(delete(&db, id, Some(1)).await.unwrap(), Deleted::Done);
    assert_eq!(delete(&db, id, None).await.unwrap(), Deleted::Missing);
    use crate::entity::{backup_storages, logs};
    use sea_orm::{EntityTrait, PaginatorTrait};
    let left = logs::Entity::find_by_id(log).one(&*db).await.unwrap().unwrap();
    assert_eq!((left.backup_id, left.backup_title.as_str()), (None, "Nightly"));
    assert_eq!(backup_storages::Entity::find().count(&*db).await.unwrap(), 0);
}

#[rstest]
#[tokio::test]
async fn lists_are_filtered_sorted_and_paged(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let sets = [("beta_50%", true), ("Alpha", false), ("gamma", true), ("beta-5000", true)];
    for (n, (title, enabled)) in sets.into_iter().enumerate() {
        let folder_name = format!("dir-{n}");
        make(&db, &Content { enabled, folder_name, ..content(title) }).await;
    }
    let titles = async |filter: Filter, sort, range| {
        let (sets, total) = list(&db, &filter, sort, range).await.unwrap();
        (sets.into_iter().map(|s| s.content.title).collect::<Vec<_>>(), total)
    };
    let all = (0, 200);
    let (sorted, total) = titles(Filter::default(), ("title", false), all).await;
    assert_eq!(
        (sorted, total),
        (vec!["Alpha".into(), "beta-5000".into(), "beta_50%".into(), "gamma".into()], 4)
    );
    let (page, total) = titles(Filter::default(), ("title", true), (1, 2)).await;
    assert_eq!((page, total), (vec!["beta_50%".to_owned(), "beta-5000".to_owned()], 4));
    let on = Filter { enabled: Some(true), q: None };
    assert_eq!(titles(on, ("id", false), all).await.1, 3);
    let q = |q: &str| Filter { enabled: None, q: Some(q.into()) };
    assert_eq!(titles(q("BETA_5"), ("id", false), all).await.0, ["beta_50%"]);
    assert_eq!(titles(q("0%"), ("id", false), all).await.0, ["beta_50%"]);
    assert_eq!(titles(q("DIR-3"), ("id", false), all).await.0, ["beta-5000"]);
    assert_eq!(titles(q("!"), ("id", false), all).await.1, 0);
    assert_eq!(titles(q("  "), ("id", false), all).await.1, 4);
}

#[rstest]
#[tokio::test]
async fn what_is_not_there_sorts_last_in_both_directions(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let times = [
        None,
        Some(at("2026-05-02T00:00:00Z")),
        Some(at("2026-05-01T00:00:00.5Z")),
        Some(at("2026-05-01T00:00:00Z")),
    ];
    for (n, next) in times.into_iter().enumerate() {
        rows::backup(&db, &format!("s{n}"), next).await;
    }
    for (descending, expected) in [(false, ["s3", "s2", "s1", "s0"]), (true, ["s1", "s2", "s3", "s0"])] {
        let (sets, _) = list(&db, &Filter::default(), ("next_run_at", descending), (0, 9)).await.unwrap();
        let titles: Vec<_> = sets.iter().map(|s| s.content.title.as_str()).collect();
        assert_eq!(titles, expected);
    }
}

#[rstest]
#[tokio::test]
async fn a_name_means_a_title_before_a_folder(#[values(Sqlite, Postgres, MariaDb)] on: On) {
    let db = on.fresh().await;
    let first = make(&db, &Content { folder_name: "second".into(), ..content("First") }).await;
    let second = make(&db, &Content { folder_name: "other".into(), ..content("Second") }).await;
    assert_eq!(find_by_name(&db, " FIRST ").await.unwrap(), Some(first));
    assert_eq!(find_by_name(&db, "second").await.unwrap(), Some(second));
    assert_eq!(find_by_name(&db, "Other").await.unwrap(), Some(second));
    assert_eq!(find_by_name(&db, "nobody").await.unwrap(), None);
}
