//! The private MariaDB server of the unit tests.

use super::scope::end_with_this_program;
use engine::demo::server::PrivateServer;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::ChildStdin;
use std::sync::OnceLock;

static SERVER: OnceLock<(PrivateServer, ChildStdin)> = OnceLock::new();

/// Starts it; returns the URL of its root with `{}` for the database.
pub fn start() -> String {
    let (server, _) = SERVER.get_or_init(|| {
        // In a directory of its own user the server keeps its socket, too, so that the watcher removes it all.
        let private = Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix("storekeep-mariadb-").permissions(private).tempdir();
        let dir = dir.unwrap().keep();
        let options = ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"];
        let server = PrivateServer::start_with(&dir, &options).unwrap();
        let guard = end_with_this_program(server.pid(), "KILL", &dir);
        (server, guard)
    });
    server.root_url("{}")
}
