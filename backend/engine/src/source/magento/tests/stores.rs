use super::*;

struct Store {
    dir: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl Store {
    fn new(env: &str) -> Store {
        let store = Store { dir: tempfile::tempdir().unwrap(), environment: environment() };
        store.write("app/etc/env.php", env);
        store
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn with(mut self, name: &str, value: &str) -> Store {
        self.environment.insert(name.into(), value.into());
        self
    }

    fn source(&self) -> Source {
        Source {
            root: self.dir.path().to_path_buf(),
            database_url: None,
            environment: self.environment.clone(),
        }
    }

    fn databases(&self) -> Databases {
        self.source().databases().unwrap()
    }
}

const MODERN: &str = r#"<?php
return [
    'backend' => ['frontName' => 'admin_x1'],
    'crypt' => ['key' => 'base64AAAA
second-key-after-rotation'],
    'db' => ['table_prefix' => 'm2_', 'connection' => ['default' => [
        'host' => 'db.internal:3307', 'dbname' => 'shop', 'username' => 'shop',
        'password' => 'p\'a\\ss"$w#//;?>', 'active' => '1', 'initStatements' => 'SET NAMES utf8;',
        'driver_options' => [1009 => '/etc/ssl/db-ca.pem', 1014 => true]]]],
    'resource' => ['default_setup' => ['connection' => 'default']],
];
"#;

#[test]
fn a_modern_file_gives_address_prefix_and_encryption() {
    let store = Store::new(MODERN);
    let databases = store.databases();
    assert_eq!(databases.table_prefix, "m2_");
    let [connection] = databases.connections.as_slice() else { panic!("{databases:?}") };
    assert_eq!(connection.names, ["default"]);
    assert_eq!(connection.address, Address::Tcp { host: "db.internal".into(), port: 3307 });
    assert_eq!(connection.database, "shop");
    assert_eq!(connection.password.expose(), r#"p'a\ss"$w#//;?>"#);
    assert_eq!(
        connection.tls,
        Some(Tls { authorities: Some("/etc/ssl/db-ca.pem".into()), identity: None, verify: true })
    );
    assert!(!format!("{databases:?}").contains("p'a"), "no password is printed");
    assert!(store.source().configuration().unwrap().has_crypt_key());
}

#[test]
fn split_databases_are_found_once_each_with_default_first() {
    let entry = |name: &str, host: &str, db: &str, active: &str| {
        format!(
            "'{name}' => array ('host' => '{host}', 'dbname' => '{db}', 'username' => 'm', 'password' => 'x', 'active' => {active}),"
        )
    };
    let env = format!(
        "<?php return array ('db' => array ('table_prefix' => '', 'connection' => array ({} {} {} {} {})));",
        entry("checkout", "localhost", "magento_quote", "'1'"),
        entry("indexer", "/run/mysqld/mysqld.sock", "magento", "true"),
        entry("default", "/run/mysqld/mysqld.sock", "magento", "'1'"),
        entry("sales", "localhost", "magento_sales", "1"),
        entry("old", "gone", "gone", "'0'"),
    );
    let databases = Store::new(&env).databases();
    let found: Vec<_> = databases
        .connections
        .iter()
        .map(|c| (c.names.join("+"), c.address.to_string(), c.database.as_str()))
        .collect();
    let expected = [
        ("default+indexer", "/run/mysqld/mysqld.sock", "magento"),
        ("checkout", "localhost", "magento_quote"),
        ("sales", "localhost", "magento_sales"),
    ];
    assert_eq!(found, expected.map(|(names, address, db)| (names.to_string(), address.to_string(), db)));
}

#[rstest]
#[case("'host' => 'localhost'", Address::Localhost { port: 3306 })]
#[case("'host' => ''", Address::Localhost { port: 3306 })]
#[case("'model' => 'mysql4'", Address::Localhost { port: 3306 })]
#[case("'host' => '127.0.0.1'", Address::Tcp { host: "127.0.0.1".into(), port: 3306 })]
#[case("'host' => 'db', 'port' => '3307'", Address::Tcp { host: "db".into(), port: 3307 })]
#[case("'host' => 'db', 'port' => 3307", Address::Tcp { host: "db".into(), port: 3307 })]
#[case("'host' => 'db:3308', 'port' => ''", Address::Tcp { host: "db".into(), port: 3308 })]
#[case("'host' => '/tmp/my.sock'", Address::Socket("/tmp/my.sock".into()))]
#[case("'host' => 'localhost', 'unix_socket' => '/tmp/my.sock'", Address::Socket("/tmp/my.sock".into()))]
#[case("'host' => '::1'", Address::Tcp { host: "::1".into(), port: 3306 })]
#[case("'host' => '[::1]:3307'", Address::Tcp { host: "::1".into(), port: 3307 })]
#[case("'host' => getenv('HOST') . ':33' . 1", Address::Tcp { host: "db.internal".into(), port: 331 })]
fn hosts_are_read_as_magento_reads_them(#[case] host: &str, #[case] expected: Address) {
    let env = format!(
        "<?php return ['db' => ['connection' => ['default' => [{host}, 'dbname' => 'd', 'username' => 'u', 'active' => '1']]]];"
    );
    assert_eq!(Store::new(&env).databases().connections[0].address, expected);
}

#[test]
fn config_php_lies_under_env_php() {
    let store = Store::new("<?php return ['db' => ['connection' => ['default' => ['password' => 'new']]]];");
    store.write(
        "app/etc/config.php",
        "<?php return ['modules' => ['A' => 1], 'db' => ['table_prefix' => 'x_', 'connection' => ['default' => \
         ['host' => 'h', 'dbname' => 'd', 'username' => 'u', 'password' => 'old', 'active' => '1']]]];",
    );
    let databases = store.databases();
    assert_eq!(databases.table_prefix, "x_");
    assert_eq!(databases.connections[0].password.expose(), "new");
    store.write("app/etc/config.php", "<?php return [");
    assert_eq!(store.source().configuration().unwrap().remark.unwrap().code, "env_invalid");
}

#[test]
fn the_environment_overrides_as_in_magento() {
    let env = "<?php return ['db' => ['table_prefix' => '', 'connection' => ['default' => ['host' => 'a', 'dbname' => \
         '#env(DB_NAME, \"fallback\")', 'username' => '#env( HOST )', 'password' => '#env(PW)', 'active' => '1']]]];";
    let store = Store::new(env).with("PW", "pw1").with("MAGENTO_DC_DB__CONNECTION__DEFAULT__HOST", "b:1");
    let databases = store.databases();
    let connection = &databases.connections[0];
    assert_eq!(connection.address, Address::Tcp { host: "b".into(), port: 1 });
    assert_eq!((connection.database.as_str(), connection.username.as_str()), ("fallback", "db.internal"));
    assert_eq!(connection.password, Secret::new("pw1"));

    let whole = r#"{"db":{"table_prefix":"j_","connection":{"default":{"host":"j","dbname":"d","username":"u","password":"p","active":"1"}}}}"#;
    let store = Store::new(env).with("MAGENTO_DC__OVERRIDE", whole);
    let databases = store.databases();
    assert_eq!((databases.table_prefix.as_str(), databases.connections[0].database.as_str()), ("j_", "d"));

    let missing = Store::new(env).source().databases().unwrap_err();
    assert_eq!(missing.code, "setting_unresolved");
    assert!(
        missing.message.contains("db/connection/default/password") && missing.message.contains("PW"),
        "{missing}"
    );
}

#[test]
fn a_setting_that_only_php_can_tell_is_named_and_others_do_not_matter() {
    let env = |password: &str| {
        format!(
            "<?php return ['cache' => new Cache(['x']), 'session' => $session, 'db' => ['connection' => ['default' => ['host' => 'a', \
             'dbname' => 'd', 'username' => 'u', 'password' => {password}, 'active' => '1']]]];"
        )
    };
    assert_eq!(Store::new(&env("'x'")).databases().connections[0].password, Secret::new("x"));
    let error = Store::new(&env("'hunter2' . vault('shop')")).source().databases().unwrap_err();
    assert_eq!(error.code, "setting_unresolved");
    assert!(
        error.message.contains("db/connection/default/password") && error.message.contains("vault()"),
        "{error}"
    );
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(error.remedy.contains("STOREKEEP_MAGENTO_DATABASE_URL"));
}

fn names_and_databases(databases: &Databases) -> Vec<(String, String, String)> {
    databases
        .connections
        .iter()
        .map(|c| (c.names.join("+"), c.address.to_string(), c.database.clone()))
        .collect()
}

#[test]
fn a_url_stands_in_for_the_default_connection_alone() {
    let env = "<?php return ['db' => ['connection' => [
        'indexer' => ['host' => 'db', 'dbname' => 'shop', 'username' => 'u', 'active' => '1'],
        'checkout' => ['host' => 'db', 'dbname' => 'quotes', 'username' => 'u', 'active' => '1'],
        'default' => ['host' => 'db', 'dbname' => 'shop', 'username' => getenv('NOT_SET'), 'active' => '1'],
        'sales' => ['host' => '127.0.0.1', 'dbname' => 'replica', 'username' => 'u', 'active' => '1'],
        'old' => ['host' => 'db', 'dbname' => 'old', 'username' => 'u', 'active' => '0'],
    ]]];";
    let store = Store::new(env);
    let with_url = |url: &str| {
        let source = Source { database_url: Some(url.into()), ..store.source() };
        names_and_databases(&source.databases().unwrap())
    };
    let row = |names: &str, address: &str, database: &str| (names.into(), address.into(), database.into());
    // The indexer's is the database of `default`, wherever that is now.
    assert_eq!(
        with_url("mysql://reader:x@127.0.0.1/copy"),
        [
            row("default+indexer", "127.0.0.1:3306", "copy"),
            row("checkout", "db:3306", "quotes"),
            row("sales", "127.0.0.1:3306", "replica")
        ]
    );
    // One database stays one, whoever names it.
    assert_eq!(
        with_url("mysql://reader:x@127.0.0.1/replica"),
        [row("default+indexer+sales", "127.0.0.1:3306", "replica"), row("checkout", "db:3306", "quotes")]
    );
}

#[test]
fn a_further_connection_that_cannot_be_understood_is_named_and_costs_nothing() {
    let env = "<?php return ['db' => ['connection' => [
        'checkout' => ['host' => 'db', 'dbname' => getenv('CHECKOUT'), 'username' => 'u', 'active' => '1'],
        'default' => ['host' => 'db', 'dbname' => 'shop', 'username' => 'u', 'active' => '1'],
        'sales' => new Connection(),
        'half' => ['host' => 'db', 'active' => '1'],
        'gone' => ['host' => 'db', 'active' => '0'],
        'unset' => ['host' => 'db', 'dbname' => 'unset', 'username' => 'u', 'active' => '#env(NOT_SET)'],
        'dynamic' => ['host' => 'db', 'dbname' => 'dynamic', 'username' => 'u', 'active' => enabled()],
        'false' => ['host' => 'db', 'dbname' => 'f', 'username' => 'u', 'active' => getenv('NOT_SET')],
    ]]];";
    let store = Store::new(env);
    let databases = store.databases();
    let found: Vec<&str> = databases.connections.iter().map(|c| c.database.as_str()).collect();
    assert_eq!(found, ["shop", "unset", "dynamic", "f"]);
    let named: Vec<(&str, &str)> =
        databases.unresolved.iter().map(|(name, error)| (name.as_str(), error.code)).collect();
    assert_eq!(
        named,
        [
            ("checkout", "setting_unresolved"),
            ("sales", "setting_unresolved"),
            ("half", "connection_incomplete")
        ]
    );
    assert!(databases.unresolved[0].1.message.contains("CHECKOUT"), "{:?}", databases.unresolved);

    let source = Source { database_url: Some("mysql://u:p@h/d".into()), ..store.source() };
    assert_eq!(source.databases().unwrap().unresolved.len(), 3);
    // Without one that can be used there is nothing to dump.
    let env = "<?php return ['db' => ['connection' => ['default' => ['host' => getenv('NOT_SET'), 'dbname' => 'd', 'username' => 'u'],
        'sales' => ['host' => 'db', 'dbname' => 's', 'username' => 'u']]]];";
    assert_eq!(Store::new(env).source().databases().unwrap_err().code, "setting_unresolved");
}

#[test]
fn a_url_overrides_the_connections_and_keeps_the_prefix() {
    let mut source = Store::new(MODERN).source();
    // The temporary directory is gone by now: a URL alone is enough.
    source.database_url = Some("mysql://shop:p%40ss@/magento?socket=%2Frun%2Fmy.sock".into());
    let databases = source.databases().unwrap();
    assert_eq!(databases.table_prefix, "");
    assert_eq!(databases.connections[0].address, Address::Socket("/run/my.sock".into()));
    assert_eq!(databases.connections[0].password.expose(), "p@ss");

    let store = Store::new(MODERN);
    let mut source = store.source();
    source.database_url = Some("mysql://u:p@w@db:3307/d%62?ssl_ca=/ca.pem&ssl_verify=0".into());
    assert!(!format!("{source:?}").contains("p@w"));
    let databases = source.databases().unwrap();
    let connection = &databases.connections[0];
    assert_eq!(databases.table_prefix, "m2_");
    assert_eq!(connection.address, Address::Tcp { host: "db".into(), port: 3307 });
    assert_eq!((connection.database.as_str(), connection.password.expose()), ("db", "p@w"));
    assert_eq!(
        connection.tls,
        Some(Tls { authorities: Some("/ca.pem".into()), identity: None, verify: false })
    );
}

#[rstest]
#[case("postgres://u:hunter2@h/d", "mysql://")]
#[case("mysql://u:hunter2@h/", "no database")]
#[case("mysql://:hunter2@h/d", "no user")]
#[case("mysql://u:hunter2@h:x/d", "port")]
#[case("mysql://u:hunter2%2@h/d", "hexadecimal")]
#[case("mysql://u:hunter2@h/d?tls=1", "`tls`")]
#[case("mysql://u:hunter2@h/d?ssl=maybe", "neither true nor false")]
fn a_wrong_url_says_what_is_wrong_without_the_password(#[case] url: &str, #[case] expected: &str) {
    let source =
        Source { root: "/nowhere".into(), database_url: Some(url.into()), environment: BTreeMap::new() };
    let error = source.databases().unwrap_err().to_string();
    assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_wrong_root_says_what_to_do() {
    let source = |root: PathBuf| Source { root, database_url: None, environment: BTreeMap::new() };
    let store = Store::new(MODERN);
    store.write("pub/index.php", "");
    let root = store.dir.path();

    let error = source(root.join("nope")).databases().unwrap_err();
    assert!(
        error.message.contains("does not exist") && error.remedy.contains("STOREKEEP_MAGENTO_ROOT"),
        "{error}"
    );
    let error = source(root.join("pub/index.php")).databases().unwrap_err();
    assert!(error.message.contains("not a directory"), "{error}");
    let error = source(root.join("pub")).databases().unwrap_err();
    assert!(error.message.contains("app/etc/env.php") && error.remedy.contains("directory above"), "{error}");

    let link = root.join("current");
    std::os::unix::fs::symlink(root, &link).unwrap();
    assert_eq!(source(link).resolve_root().unwrap(), fs::canonicalize(root).unwrap());
}

#[test]
fn the_version_comes_from_composer() {
    let store = Store::new(MODERN);
    assert_eq!(store.source().version(), None);
    store.write(
        "composer.json",
        r#"{"name":"acme/shop","require":{"magento/product-community-edition":"2.4.6"}}"#,
    );
    assert_eq!(store.source().version().unwrap(), "Magento Open Source 2.4.6");
    store.write(
        "composer.lock",
        r#"{"packages":[{"name":"magento/product-community-edition","version":"2.4.7-p3"}]}"#,
    );
    assert_eq!(store.source().version().unwrap(), "Magento Open Source 2.4.7-p3");
    store.write(
        "composer.lock",
        r#"{"packages":[{"name":"magento/product-community-edition","version":"2.4.7-p3"},{"name":"magento/product-enterprise-edition","version":"2.4.7-p3"}]}"#,
    );
    assert_eq!(store.source().version().unwrap(), "Adobe Commerce 2.4.7-p3");
    fs::remove_file(store.dir.path().join("composer.lock")).unwrap();
    store.write("composer.json", r#"{"name":"magento/magento2ce","version":"2.4.8"}"#);
    assert_eq!(store.source().version().unwrap(), "Magento Open Source 2.4.8");
}

#[test]
fn remote_media_are_noticed() {
    let env = |driver: &str| format!("<?php return ['remote_storage' => ['driver' => '{driver}']];");
    assert_eq!(
        Store::new(&env("aws-s3")).source().configuration().unwrap().remote_storage().unwrap(),
        "aws-s3"
    );
    assert_eq!(Store::new(&env("file")).source().configuration().unwrap().remote_storage(), None);
}
