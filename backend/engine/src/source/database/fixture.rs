//! A MariaDB server that the tests of one binary share, with throw-away stores in it.

use crate::demo::server::PrivateServer;
use crate::source::magento::Source;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub struct Server {
    pub private: PrivateServer,
    _dir: tempfile::TempDir,
}

/// The shared server: started by the first test that wants it, ended by the last that lets it go.
pub fn server() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start());
    *shared = Arc::downgrade(&server);
    server
}

impl Server {
    pub fn start() -> Server {
        Self::start_with(&[])
    }

    pub fn start_with(options: &[&str]) -> Server {
        let dir = tempfile::tempdir().unwrap();
        Server { private: PrivateServer::start_with(dir.path(), options).unwrap(), _dir: dir }
    }

    fn lives(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.private.socket()).is_ok()
    }

    /// The client, signed in as root unless `user` says otherwise; its password is `p'w`.
    pub fn client(&self, user: &str, database: &str) -> Command {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-BN", "--default-character-set=utf8mb4", "-u", user, database]);
        client.arg("-S").arg(self.private.socket());
        if user != "root" {
            client.env("MYSQL_PWD", "p'w");
        }
        client
    }

    /// Runs a script as root; tab-separated rows.
    pub fn sql(&self, database: &str, script: impl AsRef<[u8]>) -> String {
        let mut client = self.client("root", database);
        // By default it keeps remarks to itself, those in the bodies of routines too.
        client.arg("--comments");
        let mut child =
            client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_ref()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A new database with a user of the same name, who may do anything in it.
    pub fn store(self: &Arc<Self>, schema: impl AsRef<[u8]>) -> Store {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("shop_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql("mysql", format!("CREATE DATABASE {name} CHARACTER SET utf8mb4; CREATE USER {name}@'%' IDENTIFIED BY 'p''w'; GRANT ALL ON `{name}`.* TO {name}@'%';"));
        self.sql(&name, schema);
        let dir = tempfile::tempdir().unwrap();
        let store = Store { server: Arc::clone(self), name, dir };
        store.env(&format!("'host' => '{}'", self.private.socket().display()), "");
        store
    }
}

pub struct Store {
    pub server: Arc<Server>,
    /// Of the database and of its user.
    pub name: String,
    pub dir: tempfile::TempDir,
}

impl Store {
    /// Writes `app/etc/env.php`.
    pub fn env(&self, host: &str, prefix: &str) {
        let etc = self.dir.path().join("magento/app/etc");
        fs::create_dir_all(&etc).unwrap();
        let env = format!(
            "<?php\nreturn ['crypt' => ['key' => 'k'], 'db' => ['table_prefix' => '{prefix}', 'connection' => ['default' => [{host}, \
             'dbname' => '{0}', 'username' => '{0}', 'password' => 'p\\'w', 'active' => '1']]]];\n",
            self.name
        );
        fs::write(etc.join("env.php"), env).unwrap();
    }

    pub fn source(&self) -> Source {
        Source { root: self.dir.path().join("magento"), database_url: None, environment: BTreeMap::new() }
    }

    /// Where a copy is made.
    pub fn copy(&self) -> PathBuf {
        self.dir.path().join("copy")
    }

    pub fn sql(&self, script: impl AsRef<[u8]>) -> String {
        self.server.sql(&self.name, script)
    }

    /// Leaves the user with these grants alone, each with `{db}` for the database.
    pub fn grant_only(&self, grants: &[&str]) {
        let mut script = format!("REVOKE ALL, GRANT OPTION FROM {}@'%';", self.name);
        for grant in grants {
            script += &format!("GRANT {} TO {}@'%';", grant.replace("{db}", &self.name), self.name);
        }
        self.server.sql("mysql", script);
    }

    /// Restores into an empty database as a user who may do anything there and nothing elsewhere.
    pub fn restore(&self, archive: &Path) -> String {
        let target = format!("{}_restored", self.name);
        self.server.sql("mysql", format!("DROP DATABASE IF EXISTS {target}; CREATE DATABASE {target}; DROP USER IF EXISTS {target}@localhost; CREATE USER {target}@localhost IDENTIFIED BY 'p''w'; GRANT ALL ON `{target}`.* TO {target}@localhost;"));
        let output = self.load(archive, &target, &target);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target
    }

    /// `gunzip -c archive | mariadb database`.
    pub fn load(&self, archive: &Path, user: &str, database: &str) -> Output {
        let mut gunzip =
            Command::new("gunzip").arg("-c").arg(archive).stdout(Stdio::piped()).spawn().unwrap();
        let dump = gunzip.stdout.take().unwrap();
        let output = self.server.client(user, database).stdin(dump).output().unwrap();
        let unpacked = gunzip.wait().unwrap().success();
        assert!(unpacked || !output.status.success(), "gunzip");
        output
    }

    /// What the rows of every base table come to.
    pub fn checksums(&self, database: &str) -> BTreeMap<String, String> {
        let run = |script: &str| self.server.sql(database, script).lines().map(str::to_owned).collect();
        crate::testing::rows::sums(run, database)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // A server that a test has killed takes its stores with it.
        if !std::thread::panicking() && self.server.lives() {
            let name = &self.name;
            self.server.sql("mysql", format!("DROP DATABASE IF EXISTS {name}; DROP DATABASE IF EXISTS {name}_restored; DROP USER IF EXISTS {name}@'%', {name}_restored@localhost;"));
        }
    }
}
