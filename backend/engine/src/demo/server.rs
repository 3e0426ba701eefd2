//! A private MariaDB server: own data directory, own socket, a free port of the loopback address.
//!
//! The demo store lives in one; tests and benches measure against one. It needs the programs of MariaDB's server package
//! (`mariadb-install-db`, `mariadbd`), as root or as a plain user, and touches no server that is already there.

use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest path that fits into a socket's address (`sun_path`), without its closing NUL.
const MAX_SOCKET_PATH: usize = 107;
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// Where distributions put servers; they are often not in the `PATH` of a plain user.
const SERVER_DIRS: [&str; 5] =
    ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin", "/usr/bin"];

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("{program} was not found: install the package mariadb-server.")]
    NotInstalled { program: &'static str },
    #[error("the data directory of the private MariaDB server could not be made in {dir}: {message}")]
    Install { dir: PathBuf, message: String },
    #[error("the private MariaDB server in {dir} did not start: {message}")]
    Start { dir: PathBuf, message: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> ServerError + '_ {
    move |source| ServerError::Io { path: path.to_path_buf(), source }
}

/// A running server. Dropping it ends it.
///
/// `root@localhost` has no password and is let in through the socket alone, whose directory only this user may enter.
#[derive(Debug)]
pub struct PrivateServer {
    child: Child,
    dir: PathBuf,
    socket: PathBuf,
    /// Made for the socket when `dir` is too long for one.
    socket_dir: Option<PathBuf>,
    port: u16,
    running: bool,
}

impl PrivateServer {
    /// Starts a server on `dir` (`data/`, `tmp/`, `err.log`), making the data directory when there is none. Blocks until it answers,
    /// a minute at most. A server that a killed process left running on the same directory is ended first.
    pub fn start(dir: &Path) -> Result<PrivateServer, ServerError> {
        Self::start_with(dir, &[])
    }

    /// The same with further options of `mariadbd`, each as `--name=value`.
    pub fn start_with(dir: &Path, options: &[&str]) -> Result<PrivateServer, ServerError> {
        if !dir.exists() {
            private_dir(dir)?;
        }
        let dir = &fs::canonicalize(dir).map_err(io_error(dir))?;
        let data = dir.join("data");
        end_leftover(dir)?;
        if !data.join("mysql").is_dir() {
            install(dir, &data)?;
        }
        // Between finding a free port and taking it somebody else may: that is worth another try.
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::launch(dir, &data, options) {
                Err(ServerError::Start { message, .. })
                    if tries < 4 && message.contains("already in use") => {}
                result => return result,
            }
        }
    }

    fn launch(dir: &Path, data: &Path, options: &[&str]) -> Result<PrivateServer, ServerError> {
        let program = find("mariadbd")?;
        let log = dir.join("err.log");
        fs::write(&log, "").map_err(io_error(&log))?;
        let (socket, socket_dir) = socket_path(dir)?;
        let port = free_port().map_err(io_error(dir))?;
        let output = File::options().append(true).open(&log).map_err(io_error(&log))?;
        let errors = output.try_clone().map_err(io_error(&log))?;
        let child = Command::new(program)
            .arg("--no-defaults")
            .arg(option("datadir", data))
            .arg(option("socket", &socket))
            .arg(option("pid-file", &dir.join("mariadb.pid")))
            .arg(option("log-error", &log))
            .arg(option("tmpdir", &temporary(dir)?))
            .arg(format!("--port={port}"))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"])
            .args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"])
            .args(["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2"])
            .args(["--performance-schema=OFF", "--max-allowed-packet=64M"])
            .args(as_root())
            .args(options)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C at the terminal is for the program; it ends the server when it is done with it.
            .process_group(0)
            .spawn()
            .map_err(io_error(dir))?;
        let mut server =
            PrivateServer { child, dir: dir.to_path_buf(), socket, socket_dir, port, running: true };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), ServerError> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().map_err(io_error(&self.dir))? {
                self.running = false;
                return Err(self.start_error(&format!("it ended with {status}")));
            }
            if greets(&self.socket) {
                return Ok(());
            }
            if began.elapsed() > START_LIMIT {
                return Err(self.start_error("it did not answer within a minute"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn start_error(&self, what: &str) -> ServerError {
        let log = fs::read_to_string(self.dir.join("err.log")).unwrap_or_default();
        ServerError::Start {
            dir: self.dir.clone(),
            message: format!("{what}. Its log ends with:\n{}", tail(&log)),
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// On 127.0.0.1. `root` cannot sign in there: make a user for it.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The directory that [`PrivateServer::start`] was given.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A URL that signs in as root through the socket.
    pub fn root_url(&self, database: &str) -> String {
        let mut socket = String::new();
        for byte in self.socket.as_os_str().as_encoded_bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    socket.push(char::from(*byte))
                }
                _ => socket.push_str(&format!("%{byte:02X}")),
            }
        }
        format!("mysql://root@localhost/{database}?socket={socket}")
    }

    /// Shuts the server down in order and waits for it, 20 s at most; then it is killed.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.end(STOP_LIMIT).map_err(io_error(&self.dir))
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(mut self) -> Result<(), ServerError> {
        self.end(Duration::ZERO).map_err(io_error(&self.dir))
    }

    fn end(&mut self, limit: Duration) -> std::io::Result<()> {
        if !self.running {
            return Ok(());
        }
        self.running = false;
        let began = Instant::now();
        if !limit.is_zero() {
            terminate(self.child.id())?;
        }
        while self.child.try_wait()?.is_none() {
            if began.elapsed() >= limit {
                self.child.kill()?;
                self.child.wait()?;
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if let Err(error) = self.end(STOP_LIMIT) {
            tracing::warn!(%error, dir = %self.dir.display(), "the private MariaDB server could not be ended");
        }
        if let Some(dir) = &self.socket_dir {
            // Nothing but a dead socket is in it; what is left of it is in the system's temporary directory.
            let _ = fs::remove_dir_all(dir);
        }
    }
}

fn install(dir: &Path, data: &Path) -> Result<(), ServerError> {
    let program = find("mariadb-install-db")?;
    let failed = |message: String| ServerError::Install { dir: dir.to_path_buf(), message };
    if data.exists() {
        // Left by a run that was interrupted before the system tables were complete.
        fs::remove_dir_all(data).map_err(io_error(data))?;
    }
    let fresh = dir.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(io_error(&fresh))?;
    }
    let output = Command::new(program)
        .arg("--no-defaults")
        .arg(option("datadir", &fresh))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        .arg("--innodb-log-file-size=32M")
        .args(as_root())
        .env("TMPDIR", temporary(dir)?)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(failed(format!("mariadb-install-db ended with {}:\n{}", output.status, tail(&text))));
    }
    fs::rename(&fresh, data).map_err(io_error(data))
}

/// Where the server keeps temporary tables. Not the system's directory: a server that starts there removes those of all others.
fn temporary(dir: &Path) -> Result<PathBuf, ServerError> {
    let path = dir.join("tmp");
    fs::create_dir_all(&path).map_err(io_error(&path))?;
    Ok(path)
}

/// Ends a server that still runs on `dir`: found by its process id file, and ended only if its command line names our data.
fn end_leftover(dir: &Path) -> Result<(), ServerError> {
    let file = dir.join("mariadb.pid");
    let Some(pid) = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u32>().ok()) else {
        return Ok(());
    };
    let ours = || {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let wanted = option("datadir", &dir.join("data"));
        line.split(|b| *b == 0).any(|argument| argument == wanted.as_encoded_bytes())
    };
    if !ours() {
        return Ok(());
    }
    terminate(pid).map_err(io_error(&file))?;
    let began = Instant::now();
    while ours() {
        if began.elapsed() > STOP_LIMIT {
            return Err(ServerError::Start {
                dir: dir.to_path_buf(),
                message: format!("process {pid} still runs on the same data directory; end it first."),
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn terminate(pid: u32) -> std::io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| std::io::Error::other("not a process id"))?;
    match rustix::process::kill_process(pid, rustix::process::Signal::TERM) {
        // It ended by itself a moment ago.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// True when a server greets on the socket. A server that only begins to listen refuses, or says nothing.
fn greets(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let mut packet = [0u8; 5];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.read_exact(&mut packet).is_ok()
        // Protocol version 10; an error packet would be 0xff.
        && packet[4] == 10
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn socket_path(dir: &Path) -> Result<(PathBuf, Option<PathBuf>), ServerError> {
    let near = dir.join("mariadb.sock");
    if near.as_os_str().len() <= MAX_SOCKET_PATH && is_private(dir) {
        return Ok((near, None));
    }
    for n in 0..1000 {
        let own = std::env::temp_dir().join(format!("mariadb-{}-{n}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&own) {
            Ok(()) => return Ok((own.join("s"), Some(own))),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(ServerError::Io { path: own, source }),
        }
    }
    Err(ServerError::Start {
        dir: dir.to_path_buf(),
        message: format!("no directory for its socket could be made in {}", std::env::temp_dir().display()),
    })
}

/// Only its owner may enter: what keeps other users of the machine away from a root without a password.
fn is_private(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0)
}

fn private_dir(dir: &Path) -> Result<(), ServerError> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(io_error(parent))?;
    }
    DirBuilder::new().mode(0o700).create(dir).map_err(io_error(dir))
}

fn as_root() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(format!("--{name}="));
    text.push(path);
    text
}

fn find(program: &'static str) -> Result<PathBuf, ServerError> {
    #[expect(clippy::disallowed_methods, reason = "PATH is how a program is found, not a setting of ours")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SERVER_DIRS.iter().map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .ok_or(ServerError::NotInstalled { program })
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
