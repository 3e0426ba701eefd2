//! One demo store for all black-box tests, made once per machine and reused by later runs.

use engine::demo::DemoStore;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

struct Shared {
    store: DemoStore,
    /// Held while this process lives: tests that run in a process each take turns.
    _lock: File,
}

pub fn shared() -> &'static DemoStore {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = File::create(dir.join("demo-store.lock")).unwrap();
        lock.lock().unwrap();
        let dir: PathBuf = dir.join("demo-store");
        // Tests have runtimes of their own, or none: the store is opened on a thread that has neither.
        let store = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(DemoStore::create_or_open(&dir)).unwrap()
        });
        Shared { store: store.join().unwrap(), _lock: lock }
    });
    &shared.store
}

/// A client of the store's database server, as root unless the arguments say otherwise. No defaults of the machine.
pub fn client(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("--no-defaults").arg(format!("--socket={}", shared().server().socket().display()));
    if !arguments.iter().any(|a| a.starts_with("--user=")) {
        command.arg("--user=root");
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs a statement as root; the rows, columns separated by tabs.
pub fn sql(statement: &str) -> Vec<String> {
    let output = client(
        "mariadb",
        &["--batch", "--skip-column-names", "--default-character-set=utf8mb4", "-e", statement],
    )
    .output()
    .expect("the mariadb client is installed");
    assert!(output.status.success(), "{statement}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

pub fn one(statement: &str) -> String {
    sql(statement).into_iter().next().unwrap_or_default()
}

/// `STOREKEEP_MAGENTO_DATABASE_URL` for the store's database as somebody else.
pub fn url(user: &str, password: &str) -> String {
    let port = shared().server().port();
    format!("mysql://{user}:{password}@127.0.0.1:{port}/{}", shared().database())
}

/// A database of its own with a user who owns it and may do nothing else, dropped at the end.
pub struct Scratch {
    pub name: String,
}

impl Scratch {
    pub fn new(name: &str) -> Self {
        let scratch = Scratch { name: name.into() };
        scratch.drop_all();
        sql(&format!(
            "CREATE DATABASE {name} CHARACTER SET utf8mb4; CREATE USER {name}@localhost IDENTIFIED BY 'scratch'; GRANT ALL ON {name}.* TO {name}@localhost"
        ));
        scratch
    }

    /// `gunzip -c FILE | mariadb`, as the database's own user. The user must not be able to do more than a shop's user can.
    pub fn restore(&self, dump: &Path) {
        let script = "set -o pipefail; gunzip -c \"$0\" | \"$@\"";
        let user = format!("--user={}", self.name);
        let client = client("mariadb", &[&user, "--password=scratch", &self.name]);
        let output = Command::new("bash")
            .args(["-c", script])
            .arg(dump)
            .arg(client.get_program())
            .args(client.get_args())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What `mariadb-dump` and the same client make of the store.
    pub fn restore_with_mariadb_dump(&self, database: &str) {
        let dump = client(
            "mariadb-dump",
            &["--single-transaction", "--routines", "--events", "--triggers", database],
        );
        let mut dump = dump_to_pipe(dump);
        let status = client("mariadb", &[&self.name])
            .stdin(dump.stdout.take().unwrap())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success() && dump.wait().unwrap().success());
    }

    fn drop_all(&self) {
        sql(&format!("DROP DATABASE IF EXISTS {0}; DROP USER IF EXISTS {0}@localhost", self.name));
    }
}

fn dump_to_pipe(mut command: Command) -> std::process::Child {
    command.stdout(Stdio::piped()).spawn().expect("mariadb-dump is installed")
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.drop_all();
        }
    }
}

/// The base tables of a database.
pub fn tables(database: &str) -> Vec<String> {
    sql(&format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' AND table_type = 'BASE TABLE' ORDER BY 1"
    ))
}

/// What the rows of every base table come to, in the order of [`tables`].
pub fn checksums(database: &str) -> Vec<(String, String)> {
    let mut sums = engine::testing::rows::sums(sql, database);
    tables(database)
        .into_iter()
        .map(|table| {
            let sum = sums.remove(&table).unwrap_or_else(|| panic!("no sum of {database}.{table}"));
            (table, sum)
        })
        .collect()
}
