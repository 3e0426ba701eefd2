//! A dump of MySQL, loaded by its own client into an empty database beside the original.

use super::*;
use crate::source::database::mysql::MySql;
use crate::source::magento::Source;
use std::collections::BTreeMap;
use std::path::Path;

const TORTURE: &str = include_str!("mysql.sql");

async fn dumped(url: &str, out: &Path) -> (Dumped, Vec<u8>) {
    let source =
        Source { root: out.to_owned(), database_url: Some(url.to_owned()), environment: BTreeMap::new() };
    let snapshots = open_snapshots(&source, &[]).await.unwrap();
    let dumped = snapshots.dump(out, Events::none(), CancellationToken::new()).await.unwrap();
    let unpacked =
        std::process::Command::new("gunzip").arg("-c").arg(out.join("db/db.sql.gz")).output().unwrap();
    assert!(unpacked.status.success());
    (dumped, unpacked.stdout)
}

/// Everything that makes a column's value, in the words of the server.
fn selected(name: &str, kind: &str) -> String {
    match kind {
        "float" => format!("`{name}`*1e0"),
        "enum" | "set" => format!("CONCAT(`{name}`+0,':',`{name}`)"),
        "geometry" | "geomcollection" | "point" | "vector" | "bit" => format!("HEX(`{name}`)"),
        _ => format!("`{name}`"),
    }
}

fn tables(server: &MySql) -> Vec<String> {
    let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1";
    server.sql("shop", names).lines().map(str::to_owned).collect()
}

/// Definition and rows, in the order of the primary key.
fn content(server: &MySql, database: &str, table: &str) -> (String, String) {
    let columns = server.sql(
        "shop",
        format!(
            "SELECT REPLACE(column_name, '`', '``'), data_type FROM information_schema.columns
             WHERE table_schema = 'shop' AND table_name = '{}' ORDER BY ordinal_position",
            table.replace('\'', "''")
        ),
    );
    let columns: Vec<String> = columns
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(name, kind)| selected(name, kind))
        .collect();
    let quoted = crate::source::database::quote_name(table);
    let rows = format!("SET time_zone = '+00:00'; SELECT {} FROM {quoted}", columns.join(","));
    (server.sql(database, format!("SHOW CREATE TABLE {quoted}")), server.sql(database, rows))
}

fn objects(server: &MySql, database: &str) -> String {
    server.sql(
        database,
        "SELECT routine_type, routine_name, routine_definition, dtd_identifier FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 2;
         SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE();
         SELECT event_name, event_definition, interval_value, interval_field, status FROM information_schema.events WHERE event_schema = DATABASE();
         SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE();",
    )
}

#[tokio::test]
async fn a_dump_of_mysql_comes_back_without_a_difference() {
    let Some(server) = MySql::start() else { return };
    server.sql(
        "mysql",
        "CREATE DATABASE shop CHARACTER SET latin1; CREATE DATABASE back; CREATE DATABASE theirs;
         CREATE USER shop@'%' IDENTIFIED BY 'p''w';
         GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, EXECUTE ON shop.* TO shop@'%'; GRANT SHOW_ROUTINE ON *.* TO shop@'%';",
    );
    server.sql("shop", TORTURE);
    let dir = tempfile::tempdir().unwrap();
    // The first way in exchanges keys for the password, which the server remembers then; the last one is read by the driver.
    let tcp = format!("mysql://shop:p%27w@127.0.0.1:{}/shop", server.port);
    let socket = format!("mysql://shop:p%27w@localhost/shop?socket={}", server.socket().display());
    let encrypted = format!("{tcp}?ssl=true&ssl_verify=false");
    let mut sql = Vec::new();
    for (number, url) in [&tcp, &socket, &encrypted].into_iter().enumerate() {
        let (dumped, text) = dumped(url, &dir.path().join(number.to_string())).await;
        assert_eq!(codes(&dumped.warnings), [("large_statement", "", false)], "{url}");
        assert!(sql.is_empty() || sql == text, "the bytes are the same by every way");
        sql = text;
    }

    let restored = server.sql("back", &sql);
    assert_eq!(restored, "");
    let all = tables(&server);
    assert!(all.len() >= 12, "{all:?}");
    for table in &all {
        let (definition, rows) = content(&server, "shop", table);
        let back = content(&server, "back", table);
        assert_eq!(back.0.replace("`back`", "`shop`"), definition, "{table}");
        assert!(!rows.is_empty() && back.1 == rows, "{table}: {}", first_difference(&rows, &back.1));
    }
    assert_eq!(objects(&server, "back"), objects(&server, "shop"));

    // What the official tool restores beside it. Of a table whose columns are all generated it writes what no server reads, and
    // a foreign key to what is not unique is refused unless somebody says otherwise.
    let options = ["--single-transaction", "--routines", "--events", "--ignore-table=shop.all_gen", "shop"];
    let theirs = server.client("mysqldump").args(options).output();
    let theirs = theirs.unwrap();
    assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
    server.sql(
        "theirs",
        [b"SET SESSION restrict_fk_on_non_standard_key = OFF;\n".as_slice(), &theirs.stdout].concat(),
    );
    let differs = |table: &&String| {
        *table != "all_gen" && content(&server, "theirs", table).1 != content(&server, "shop", table).1
    };
    let differing: Vec<&str> = all.iter().filter(differs).map(String::as_str).collect();
    // Another version of it may lose less.
    assert!(
        differing.iter().all(|table| ["edges", "numbers", "texts", "times"].contains(table)),
        "{differing:?}"
    );
}

fn first_difference(expected: &str, found: &str) -> String {
    let mut lines = expected.lines().zip(found.lines()).filter(|(expected, found)| expected != found);
    let shorten = |line: &str| line.chars().take(400).collect::<String>();
    lines
        .next()
        .map_or_else(|| "not as many rows".into(), |(a, b)| format!("\n{}\n{}", shorten(a), shorten(b)))
}
