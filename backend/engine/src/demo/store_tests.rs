use super::*;
use mysql_async::Value;

async fn root(store: &DemoStore) -> Conn {
    Conn::new(Opts::from_url(&store.server().root_url(store.database())).unwrap()).await.unwrap()
}

async fn number(conn: &mut Conn, sql: &str) -> i64 {
    conn.query_first::<i64, _>(sql).await.unwrap().unwrap()
}

fn count(dir: &Path, files: &mut u64, bytes: &mut u64) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            count(&entry.path(), files, bytes);
        } else {
            *files += 1;
            *bytes += entry.metadata().unwrap().len();
        }
    }
}

async fn the_user_in_env_php_reads_everything_and_changes_nothing(store: &DemoStore) {
    let options = mysql_async::OptsBuilder::default()
        .socket(Some(store.server().socket().display().to_string()))
        .user(Some(USER))
        .pass(Some(store.password()))
        .db_name(Some(DATABASE));
    let mut conn = Conn::new(options).await.unwrap();
    for show in [
        "SHOW CREATE FUNCTION acme_gross",
        "SHOW CREATE PROCEDURE acme_forget_visitors",
        "SHOW CREATE EVENT acme_nightly",
    ] {
        let row: mysql_async::Row = conn.query_first(show).await.unwrap().unwrap();
        let shown =
            row.unwrap().iter().any(|v| matches!(v, Value::Bytes(b) if b.windows(4).any(|w| w == b"acme")));
        assert!(shown, "{show}");
    }
    assert!(conn.query_drop("DELETE FROM quote").await.is_err());
}

#[tokio::test]
async fn a_demo_store_has_the_shapes_of_magento_and_is_reused_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = DemoStore::create_or_open(dir.path()).await.unwrap();
    let (mut files, mut bytes) = (0, 0);
    count(store.root(), &mut files, &mut bytes);
    println!("{files} files, {bytes} bytes");
    assert!((3000..8000).contains(&files), "{files} files");
    let media = store.root().join("pub/media");
    assert!(fs::symlink_metadata(&media).unwrap().is_symlink() && media.join("catalog/product").is_dir());
    assert!(!fs::canonicalize(&media).unwrap().starts_with(store.root()));

    let mut conn = root(&store).await;
    let size = number(&mut conn, "SELECT CAST(SUM(data_length + index_length) AS SIGNED) FROM information_schema.tables WHERE table_schema = DATABASE()").await;
    println!("{size} bytes of tables");
    assert!((20 << 20..90 << 20).contains(&size), "{size} bytes of tables");
    assert_eq!(number(&mut conn, "SELECT COUNT(*) FROM inventory_stock_1").await, 1600);
    // Rows were loaded before the triggers came: the change log holds what the store says it holds, and its counter stands.
    let state =
        number(&mut conn, "SELECT version_id FROM mview_state WHERE view_id = 'catalog_product_price'").await;
    assert_eq!(number(&mut conn, "SELECT MAX(version_id) FROM catalog_product_price_cl").await, state);
    conn.query_drop("UPDATE catalog_product_entity_decimal SET value = value + 1 WHERE entity_id = 1 AND attribute_id = 77").await.unwrap();
    assert_eq!(number(&mut conn, "SELECT MAX(version_id) FROM catalog_product_price_cl").await, state + 1);
    let emoji = number(&mut conn, "SELECT COUNT(*) FROM review_detail WHERE detail LIKE BINARY '%🔥%'").await;
    assert!(emoji > 100);
    assert!(number(&mut conn, "SELECT COUNT(*) FROM quote WHERE updated_at = 0").await > 100);
    drop(conn);
    the_user_in_env_php_reads_everything_and_changes_nothing(&store).await;
    let pid = store.server().pid();
    store.stop();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());

    let again = DemoStore::create_or_open(dir.path()).await.unwrap();
    let mut conn = root(&again).await;
    assert_eq!(
        number(&mut conn, "SELECT MAX(version_id) FROM catalog_product_price_cl").await,
        state + 1,
        "made anew"
    );
    let env = fs::read_to_string(again.root().join("app/etc/env.php")).unwrap();
    assert!(env.contains(again.password()) && env.contains(&again.server().socket().display().to_string()));
}

#[tokio::test]
async fn a_directory_with_foreign_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("precious"), "mine").unwrap();
    let error = DemoStore::create_or_open(dir.path()).await.unwrap_err();
    assert!(matches!(error, DemoError::NotOurs { .. }));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn content_is_the_same_every_time() {
    let text =
        |name: &str| super::super::content::php(&mut super::super::content::Seed::of(name), "A", "B", 3000);
    assert_eq!(text("x"), text("x"));
    assert_ne!(text("x"), text("y"));
}
