use super::connect::Server as Info;
use super::fixture::{Server, Store, server};
use super::grants::{Grants, current_user, escape_like, routines_remedy};
use super::groups::{GROUPS, expand};
use super::packets::{Cells, Rows};
use super::patterns::{glob, names, resolve};
use super::*;
use crate::source::magento::connection::{Address, Connection, Secret, Tls};
use mysql_async::prelude::Queryable;
use proptest::prelude::*;
use rstest::rstest;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn mariadb() -> Info {
    Info { mariadb: true, name: "MariaDB 10.11".into(), version: (10, 11, 0), identity: String::new() }
}

fn mysql() -> Info {
    Info { mariadb: false, name: "MySQL 8.0".into(), version: (8, 0, 0), identity: String::new() }
}

#[rstest]
#[case("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `shop`.* TO `u`@`%`", "shop", true)]
#[case("GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%` WITH GRANT OPTION", "shop", true)]
#[case("GRANT ALL PRIVILEGES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*00' REQUIRE SSL", "shop", true)]
#[case("GRANT ALL PRIVILEGES ON `sh%`.* TO `u`@`%`", "shop", true)]
#[case("GRANT ALL PRIVILEGES ON `sho_`.* TO `u`@`%`", "shop", true)]
#[case("GRANT ALL PRIVILEGES ON `my\\_shop`.* TO `u`@`%`", "my_shop", true)]
#[case("GRANT ALL PRIVILEGES ON `my\\_shop`.* TO `u`@`%`", "myxshop", false)]
#[case("GRANT ALL PRIVILEGES ON `my_shop`.* TO `u`@`%`", "myxshop", true)]
#[case("GRANT ALL PRIVILEGES ON `we``ird`.* TO `u`@`%`", "we`ird", true)]
#[case("GRANT USAGE ON *.* TO `u`@`%`", "shop", false)]
#[case("GRANT INSERT, SELECT (`a`, `b, c`) ON `shop`.`t` TO `u`@`%`", "shop", false)]
#[case("GRANT SELECT ON `shop`.`t` TO `u`@`%`", "shop", false)]
#[case("GRANT SELECT ON `other`.* TO `u`@`%`", "shop", false)]
#[case("GRANT `reader`@`%` TO `u`@`%`", "shop", false)]
#[case("GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION", "shop", false)]
#[case("GRANT EXECUTE ON PROCEDURE `shop`.`select` TO `u`@`%`", "shop", false)]
#[case("SET DEFAULT ROLE `reader` FOR `u`@`%`", "shop", false)]
#[case("", "shop", false)]
fn select_is_read_from_a_line_of_grants(#[case] line: &str, #[case] database: &str, #[case] held: bool) {
    assert_eq!(Grants::parse([line]).holds("SELECT", database), held, "{line}");
}

#[test]
fn partial_revokes_of_mysql_count() {
    let grants =
        Grants::parse(["GRANT SELECT, EVENT ON *.* TO `u`@`%`", "REVOKE SELECT ON `shop`.* FROM `u`@`%`"]);
    assert!(!grants.holds("SELECT", "shop"));
    assert!(grants.holds("SELECT", "other") && grants.holds("EVENT", "shop"));
}

#[test]
fn routines_are_seen_by_different_means() {
    let sees = |line: &str, server: &Info| Grants::parse([line]).sees_routines("shop", server);
    for line in [
        "GRANT SELECT ON `mysql`.`proc` TO `u`@`%`",
        "GRANT SELECT ON *.* TO `u`@`%`",
        "GRANT SHOW CREATE ROUTINE ON `shop`.* TO `u`@`%`",
        "GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%`",
    ] {
        assert!(sees(line, &mariadb()), "{line}");
    }
    assert!(!sees("GRANT SELECT ON `shop`.* TO `u`@`%`", &mariadb()));
    assert!(sees("GRANT SHOW_ROUTINE ON *.* TO `u`@`%`", &mysql()));
    assert!(sees("GRANT EXECUTE ON `shop`.* TO `u`@`%`", &mysql()));
    assert!(!sees("GRANT SELECT, SHOW VIEW, TRIGGER ON `shop`.* TO `u`@`%`", &mysql()));
}

#[rstest]
#[case(true, (10, 6, 4), "GRANT SELECT ON `mysql`.`proc` TO 'u'@'%';")]
#[case(true, (11, 2, 9), "GRANT SELECT ON `mysql`.`proc` TO 'u'@'%';")]
#[case(true, (11, 3, 0), "GRANT SHOW CREATE ROUTINE ON `my\\_shop`.* TO 'u'@'%';")]
#[case(true, (11, 8, 2), "GRANT SHOW CREATE ROUTINE ON `my\\_shop`.* TO 'u'@'%';")]
#[case(false, (5, 7, 44), "GRANT SELECT ON `mysql`.`proc` TO 'u'@'%';")]
#[case(false, (8, 0, 19), "GRANT SELECT ON *.* TO 'u'@'%';")]
#[case(false, (8, 0, 20), "GRANT SHOW_ROUTINE ON *.* TO 'u'@'%';")]
#[case(false, (9, 1, 0), "GRANT SHOW_ROUTINE ON *.* TO 'u'@'%';")]
fn what_shows_routines_depends_on_the_server(
    #[case] mariadb: bool,
    #[case] version: (u32, u32, u32),
    #[case] expected: &str,
) {
    let server = Info { mariadb, version, ..mysql() };
    assert_eq!(routines_remedy(&server, "my_shop", "'u'@'%'"), expected);
}

#[rstest]
#[case("*_log", "customer_log", true)]
#[case("*_log", "log", false)]
#[case("log", "log", true)]
#[case("log", "LOG", false)]
#[case("l?g", "log", true)]
#[case("l_g", "log", false)]
#[case("l%", "log", false)]
#[case("*", "", true)]
#[case("a*b*c", "axxbyybzc", true)]
#[case("a*b*c", "axxbyybz", false)]
#[case("**a", "bba", true)]
#[case("", "a", false)]
#[case("[ab]", "a", false)]
fn globs_are_case_sensitive_and_know_two_signs(
    #[case] pattern: &str,
    #[case] name: &str,
    #[case] matches: bool,
) {
    assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), matches);
}

proptest! {
    #[test]
    fn a_glob_finds_what_a_plain_search_finds(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
        fn plain(pattern: &[u8], name: &[u8]) -> bool {
            match pattern {
                [] => name.is_empty(),
                [b'*', rest @ ..] => (0..=name.len()).any(|taken| plain(rest, &name[taken..])),
                [byte, rest @ ..] => !name.is_empty() && (*byte == b'?' || *byte == name[0]) && plain(rest, &name[1..]),
            }
        }
        prop_assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), plain(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn grants_of_any_shape_are_taken(line in "(GRANT |REVOKE )?[A-Z`(),.*%@ a-c\\\\]{0,60}") {
        let _ = Grants::parse([line]).holds("SELECT", "a`b");
    }
}

#[test]
fn patterns_are_tried_as_given_and_behind_the_prefix() {
    assert!(names("m2_log", "m2_", "m2_log") && names("log", "m2_", "m2_log"));
    assert!(!names("m2_log", "m2_", "log"));
    assert!(names("log", "", "log") && !names("og", "l", "lo"));
}

fn table(name: &str, kind: Kind) -> Table {
    Table { name: name.into(), kind, engine: None, rows: 0, data_bytes: 0, index_bytes: 0, created: None }
}

#[test]
fn exclusions_name_the_pattern_that_came_first() {
    let tables = [
        table("m2_session", Kind::Table),
        table("m2_report_viewed_product_index", Kind::Table),
        table("m2_log_view", Kind::View),
        table("m2_order_sequence", Kind::Sequence),
        table("wp_session", Kind::Table),
    ];
    let patterns = ["@noise", "session", "*log*", "@log", "wp_*", "@unknown", "*sequence"].map(String::from);
    let resolved = resolve(&patterns, "m2_", &tables);
    let excluded: Vec<(&str, &str)> =
        resolved.excluded.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
    assert_eq!(
        excluded,
        [("m2_report_viewed_product_index", "@noise"), ("m2_session", "@noise"), ("wp_session", "wp_*")]
    );
    assert_eq!(resolved.unmatched, BTreeSet::from(["*log*", "*sequence", "@unknown"].map(String::from)));
}

#[test]
fn groups_contain_groups_and_suggest_no_merchant_data() {
    for group in GROUPS {
        assert!(!expand(group.name).is_empty(), "{}", group.name);
        assert!(!group.description.is_empty());
    }
    assert!(expand("@development").contains(&"customer_entity".to_string()));
    assert!(expand("@trade").contains(&"sequence_order_*".to_string()));
    assert_eq!(expand("@nothing"), Vec::<String>::new());
    let precious = [
        "quote",
        "quote_item",
        "customer_entity",
        "customer_log",
        "sales_order",
        "sales_order_item",
        "sequence_order_1",
        "search_synonyms",
        "admin_user",
        "catalog_product_price_cl",
        "newsletter_subscriber",
        "core_config_data",
        "catalogsearch_fulltext",
        "review",
        "wishlist",
        "oauth_token",
        "inventory_reservation",
        "email_template",
    ];
    for group in GROUPS.iter().filter(|group| group.suggested) {
        for pattern in expand(group.name) {
            for table in precious {
                assert!(
                    !glob(pattern.as_bytes(), table.as_bytes()),
                    "{} ({pattern}) suggests {table}",
                    group.name
                );
            }
        }
    }
}

fn connection(store: &Store) -> Connection {
    store.source().databases().unwrap().connections.remove(0)
}

async fn refused(connection: &Connection) -> String {
    let error = Session::open(connection).await.map(|_| ()).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains(connection.password.expose()), "{text}");
    format!("{}: {text}", error.code)
}

#[tokio::test]
async fn a_session_is_set_up_for_reading() {
    let store = server().store("");
    let mut session = Session::open(&connection(&store)).await.unwrap();
    assert!(session.server.version >= (10, 0, 0), "{:?}", session.server);
    assert!(session.server.mariadb && session.server.name.starts_with("MariaDB 1"), "{:?}", session.server);
    let found: Option<(String, String, String, u64, f64)> = session
        .conn
        .query_first("SELECT @@time_zone, @@sql_mode, @@character_set_results, @@net_write_timeout, @@max_statement_time")
        .await
        .unwrap();
    assert_eq!(found.unwrap(), ("+00:00".into(), String::new(), "utf8mb4".into(), 86400, 0.0));
    let user = current_user(&mut session.conn).await.unwrap();
    assert_eq!(user, format!("'{}'@'%'", store.name));
    assert!(Grants::read(&mut session.conn).await.unwrap().holds("TRIGGER", &store.name));
    session.close().await;
    assert_eq!(escape_like("a_b%"), "a\\_b\\%");
}

#[tokio::test]
async fn refusals_name_cause_and_remedy_and_no_password() {
    let store = server().store("");
    let good = connection(&store);
    let tcp = Address::Tcp { host: "127.0.0.1".into(), port: store.server.private.port() };
    for address in [good.address.clone(), tcp.clone()] {
        let wrong = Connection { password: Secret::new("hunter2"), address, ..good.clone() };
        let text = refused(&wrong).await;
        assert!(
            text.starts_with("database_refused")
                && text.contains("wrong password")
                && text.contains(&store.name),
            "{text}"
        );
        assert!(text.contains("`db/connection/default`"), "{text}");
    }
    store.server.sql("mysql", format!("GRANT SELECT ON *.* TO {}@'%'", store.name));
    let text = refused(&Connection { database: "no_such_db".into(), ..good.clone() }).await;
    assert!(text.contains("no database 'no_such_db'"), "{text}");
    store.grant_only(&["SELECT ON `{db}`.*"]);
    let text = refused(&Connection { database: "mysql".into(), ..good.clone() }).await;
    assert!(text.contains("may not use the database 'mysql'") && text.contains("GRANT SELECT"), "{text}");
    let socket = Connection { address: Address::Socket("/nowhere/mysql.sock".into()), ..good.clone() };
    let text = refused(&socket).await;
    assert!(
        text.starts_with("database_unreachable")
            && text.contains("No database server answers at /nowhere/mysql.sock"),
        "{text}"
    );
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let nobody =
        Connection { address: Address::Tcp { host: "127.0.0.1".into(), port: closed }, ..good.clone() };
    assert!(refused(&nobody).await.contains("No database server answers at 127.0.0.1:"));
    let unknown = Connection {
        address: Address::Tcp { host: "no-such-host.invalid".into(), port: 3306 },
        ..good.clone()
    };
    assert!(refused(&unknown).await.starts_with("database_unreachable"));
    // The same server by TCP.
    let session = Session::open(&Connection { address: tcp, ..good }).await.unwrap();
    assert!(session.wire.is_some());
    session.close().await;
}

fn by_tcp(store: &Store) -> Connection {
    let port = store.server.private.port();
    Connection { address: Address::Tcp { host: "127.0.0.1".into(), port }, ..connection(store) }
}

/// All rows, each value as text.
async fn read_by_packets(session: &mut Session, sql: &str) -> Result<Vec<Vec<String>>, mysql_async::Error> {
    let mut rows = Rows::of(session.wire.as_mut().unwrap(), sql).await?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().await? {
        let text = |cell: Option<&[u8]>| String::from_utf8_lossy(cell.unwrap_or(b"NULL")).into_owned();
        all.push(row.cells().map(text).collect());
    }
    Ok(all)
}

#[tokio::test]
async fn driver_and_packets_take_turns_on_one_connection() {
    let store = server().store(
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(20)); INSERT INTO t VALUES (1, 'a'), (2, NULL)",
    );
    for connection in [connection(&store), by_tcp(&store)] {
        let mut session = Session::open(&connection).await.unwrap();
        session.conn.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT").await.unwrap();
        store.sql("REPLACE INTO t VALUES (1, 'changed')");
        for _ in 0..3 {
            let id: Option<String> = session.conn.query_first("SELECT CONNECTION_ID()").await.unwrap();
            assert_eq!(
                read_by_packets(&mut session, "SELECT CONNECTION_ID()").await.unwrap(),
                [[id.unwrap()]]
            );
            let rows = read_by_packets(&mut session, "SELECT id, v FROM t ORDER BY id").await.unwrap();
            assert_eq!(rows, [["1", "a"], ["2", "NULL"]], "the rows of the transaction");
            let refused = read_by_packets(&mut session, "SELECT * FROM nowhere").await.unwrap_err();
            assert!(matches!(refused, mysql_async::Error::Server(error) if error.code == 1146));
        }
        store.sql("REPLACE INTO t VALUES (1, 'a')");
        session.close().await;
    }
}

#[tokio::test]
async fn rows_that_nobody_read_to_their_end_end_the_connection() {
    let store = server().store("");
    let mut session = Session::open(&connection(&store)).await.unwrap();
    let mut rows = Rows::of(session.wire.as_mut().unwrap(), "SELECT 1 UNION SELECT 2").await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    drop(rows);
    session.conn.query_drop("SELECT 1").await.unwrap_err();
    assert!(read_by_packets(&mut session, "SELECT 1").await.is_err());
}

#[tokio::test]
async fn a_connection_that_was_killed_is_told() {
    let store = server().store("");
    let mut session = Session::open(&by_tcp(&store)).await.unwrap();
    store.sql(format!("KILL {}", session.conn.id()));
    let error = read_by_packets(&mut session, "SELECT 1").await.unwrap_err();
    assert!(!matches!(error, mysql_async::Error::Server(_)), "{error}");
    session.conn.query_drop("SELECT 1").await.unwrap_err();
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let connection = Connection {
        names: vec!["default".into()],
        address: Address::Tcp { host: "127.0.0.1".into(), port: silent.local_addr().unwrap().port() },
        database: "d".into(),
        username: "u".into(),
        password: Secret::new("hunter2"),
        tls: None,
    };
    let began = Instant::now();
    let text = refused(&connection).await;
    assert!(text.contains("did not answer within 10 seconds"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// A certificate for 127.0.0.1 and the authority that signed it.
fn certificates(dir: &Path) {
    let script = r#"set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE
        openssl req -newkey rsa:2048 -nodes -subj /CN=db -keyout server.key -out server.csr
        printf 'subjectAltName=IP:127.0.0.1\n' > ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out server.pem
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=other -keyout other.key -out other.pem -addext basicConstraints=critical,CA:TRUE"#;
    let output = Command::new("bash").args(["-c", script]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn connections_are_encrypted_when_the_settings_ask_for_it() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let option = |name: &str, file: &str| format!("--{name}={}", dir.path().join(file).display());
    let options =
        [option("ssl-ca", "ca.pem"), option("ssl-cert", "server.pem"), option("ssl-key", "server.key")];
    let encrypting = Server::start_with(&options.each_ref().map(String::as_str));
    let store = std::sync::Arc::new(encrypting).store("");
    store.server.sql("mysql", format!("ALTER USER {}@'%' REQUIRE SSL", store.name));
    let port = store.server.private.port();
    let with = |tls: Option<Tls>, host: &str| Connection {
        address: Address::Tcp { host: host.into(), port },
        tls,
        ..connection(&store)
    };
    let tls = |file: &str, verify: bool| {
        Some(Tls { authorities: Some(dir.path().join(file)), identity: None, verify })
    };

    let mut session = Session::open(&with(tls("ca.pem", true), "127.0.0.1")).await.unwrap();
    let cipher: Option<(String, String)> =
        session.conn.query_first("SHOW STATUS LIKE 'Ssl_cipher'").await.unwrap();
    assert!(!cipher.unwrap().1.is_empty());
    assert!(session.wire.is_none(), "nobody looks into an encrypted connection");
    session.close().await;
    Session::open(&with(tls("other.pem", false), "localhost")).await.unwrap().close().await;

    let text = refused(&with(None, "127.0.0.1")).await;
    assert!(text.starts_with("database_refused"), "{text}");
    for wrong in [tls("other.pem", true), tls("no-such.pem", true)] {
        let text = refused(&with(wrong, "127.0.0.1")).await;
        assert!(text.starts_with("database_tls"), "{text}");
    }
}

#[tokio::test]
async fn encryption_that_the_server_does_not_offer_is_an_error() {
    let store = server().store("");
    let plain = Connection {
        address: Address::Tcp { host: "127.0.0.1".into(), port: store.server.private.port() },
        tls: Some(Tls { authorities: None, identity: None, verify: true }),
        ..connection(&store)
    };
    let text = refused(&plain).await;
    assert!(text.starts_with("database_tls") && text.contains("offers no encrypted connection"), "{text}");
}
