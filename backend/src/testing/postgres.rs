//! The private PostgreSQL server of the unit tests.
//!
//! PostgreSQL refuses to run as root: then it runs as the user `postgres` that its package made.

use super::scope::end_with_this_program;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static SERVER: OnceLock<(Child, ChildStdin, PathBuf)> = OnceLock::new();

/// Starts it; returns the URL of its superuser with `{}` for the database.
pub fn start() -> String {
    let (.., dir) = SERVER.get_or_init(|| {
        let dir = tempfile::Builder::new().prefix("storekeep-pg-").tempdir().unwrap().keep();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&dir).status().unwrap().success());
        }
        let made = program("initdb", &dir)
            .args(["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
            .arg(dir.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let log = File::create(dir.join("log")).unwrap();
        let server = program("postgres", &dir)
            .arg("-D")
            .arg(dir.join("data"))
            .arg("-k")
            .arg(&dir)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off"])
            .args(["-c", "full_page_writes=off", "-c", "max_connections=200"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let guard = end_with_this_program(server.id(), "INT", &dir);
        wait(&dir);
        (server, guard, dir)
    });
    format!("postgres://postgres@localhost/{{}}?host={}", dir.display())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn program(name: &str, dir: &Path) -> Command {
    let mut found: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("the repository tests need PostgreSQL: install the package postgresql")
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    let path = found.pop().expect("the repository tests need PostgreSQL: install the package postgresql");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// It writes `ready` into its lock file once it takes connections.
fn wait(dir: &Path) {
    let began = Instant::now();
    let ready = || {
        let lock = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap_or_default();
        lock.lines().any(|line| line.trim() == "ready")
    };
    while !ready() {
        let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(began.elapsed() < Duration::from_secs(30), "PostgreSQL did not start: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
