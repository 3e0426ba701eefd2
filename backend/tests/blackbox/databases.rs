//! A private PostgreSQL server for servers that share their metadata.

#[path = "../../src/testing/postgres.rs"]
mod postgres;
#[path = "../../src/testing/scope.rs"]
mod scope;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The URL of its database, which is empty.
pub fn postgres() -> String {
    postgres::start().replace("{}", "postgres")
}

/// Ends one of its processes the hard way: all connections go, and the server recovers as after a crash.
pub fn restart_postgres() {
    let url = postgres::start();
    let dir = Path::new(url.split("host=").nth(1).unwrap());
    let lock = fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
    let server: u32 = lock.lines().next().unwrap().trim().parse().unwrap();
    let began = Instant::now();
    loop {
        if let Some(child) = connection(server) {
            let pid = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
            // It may have ended by itself just now.
            if rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok() {
                return;
            }
        }
        assert!(began.elapsed() < Duration::from_secs(10), "nobody is connected to the database");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process of the server that serves a connection.
fn connection(server: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).ok()?;
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).starts_with("postgres: postgres ")
    })
}
