//! A MySQL server for tests, where `scripts/mysql` could fetch one.

use crate::testing::{Supervised, cache};
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(90);

pub struct MySql {
    programs: Programs,
    _server: Supervised,
    dir: tempfile::TempDir,
    pub port: u16,
}

/// Programs of another distribution, with the loader and the libraries that they were made for.
struct Programs {
    root: PathBuf,
    loader: String,
    libraries: String,
}

impl Programs {
    fn find() -> Option<Programs> {
        let root = cache().join("mysql");
        root.join("complete").exists().then_some(())?;
        let named = fs::read_to_string(root.join("programs")).ok()?;
        let (loader, libraries) = named.trim_end().split_once('\n')?;
        Some(Programs { loader: loader.into(), libraries: libraries.into(), root })
    }

    /// What stands in front of a program's own arguments.
    fn arguments(&self, program: &str) -> [PathBuf; 3] {
        ["--library-path".into(), (&self.libraries).into(), self.root.join("usr").join(program)]
    }

    fn server(&self, command: &mut Command, dir: &Path) {
        let share = self.root.join("usr/share/mysql");
        let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
        command
            .args(self.arguments("sbin/mysqld"))
            .args(["--no-defaults", "--skip-log-bin", "--mysqlx=OFF", "--secure-file-priv=NULL"])
            .args([
                "--innodb-redo-log-capacity=16M",
                "--innodb-doublewrite=OFF",
                "--innodb-flush-log-at-trx-commit=0",
            ])
            .args(["--innodb-buffer-pool-size=64M", "--max-allowed-packet=1G", "--bind-address=127.0.0.1"])
            .arg(option("basedir", &self.root.join("usr")))
            .arg(option("lc-messages-dir", &share))
            .arg(option("character-sets-dir", &share.join("charsets")))
            .arg(option("plugin-dir", &self.root.join("usr/lib/mysql/plugin")))
            .arg(option("datadir", &dir.join("data")))
            .arg(option("pid-file", &dir.join("pid")))
            .arg(option("socket", &dir.join("s")));
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
    }
}

impl MySql {
    /// `None`, with a word, where there is none.
    pub fn start() -> Option<MySql> {
        let Some(programs) = Programs::find() else {
            eprintln!("LEFT OUT: no MySQL server; scripts/mysql fetches one where it can");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("mysql-").tempdir().unwrap();
        let mut made = Command::new(&programs.loader);
        programs.server(&mut made, dir.path());
        let made = made.arg("--initialize-insecure").stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let log = File::create(dir.path().join("log")).unwrap();
        let mut server = Supervised::start(dir.path(), programs.loader.as_ref(), |command| {
            programs.server(command, dir.path());
            command.arg(format!("--port={port}")).stdout(log.try_clone().unwrap()).stderr(log);
        })
        .unwrap();
        let began = Instant::now();
        let log = || fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        while !log().contains("ready for connections") {
            assert!(server.ended().unwrap().is_none() && began.elapsed() < START_LIMIT, "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(MySql { programs, _server: server, dir, port })
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// One of its clients, signed in as root.
    pub fn client(&self, program: &str) -> Command {
        let mut client = Command::new(&self.programs.loader);
        client.args(self.programs.arguments(&format!("bin/{program}")));
        client.args([
            "--no-defaults",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
            "-uroot",
            "-S",
        ]);
        client.arg(self.socket());
        client
    }

    /// Runs a script; tab-separated rows, bytes in hexadecimal digits.
    pub fn sql(&self, database: &str, script: impl AsRef<[u8]>) -> String {
        let mut client = self.client("mysql");
        client.args(["-BN", "--binary-as-hex", "--comments", "-D", database]);
        let mut child =
            client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut input, script) = (child.stdin.take().unwrap(), script.as_ref().to_vec());
        // It answers before it has heard everything.
        let asking = std::thread::spawn(move || input.write_all(&script));
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        asking.join().unwrap().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
