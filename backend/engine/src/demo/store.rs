//! The demo store as a whole: made once, opened again at every later start.

use super::server::{PrivateServer, ServerError};
use super::{rows, tree};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rand::Rng;
use rand::distr::Alphanumeric;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Raised when what is made changes: an older store is then made anew.
const FORMAT: u32 = 1;
const DATABASE: &str = "magento";
const USER: &str = "storekeep";
const MARKER: &str = "demo-store.json";

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("{dir} is not empty and holds no demo store: name an empty or a new directory.")]
    NotOurs { dir: PathBuf },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the demo store's database: {0}")]
    Database(#[from] mysql_async::Error),
    #[error("making the demo store was interrupted")]
    Interrupted,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Marker {
    format: u32,
    complete: bool,
    /// Of the database user in `env.php`.
    password: String,
}

/// A Magento-like store with a running private database. Dropping it ends the database; the files stay.
///
/// - `<dir>/magento`: the root, whose `pub/media` links to `<dir>/shared/pub/media`.
/// - `<dir>/database`: the private MariaDB server.
#[derive(Debug)]
pub struct DemoStore {
    root: PathBuf,
    password: String,
    server: Guarded,
}

impl DemoStore {
    /// Makes the store in `dir` (an empty or new directory), or opens the one that is there. A store whose making was
    /// interrupted, or that an older version made, is made anew. Takes some seconds the first time.
    pub async fn create_or_open(dir: &Path) -> Result<DemoStore, DemoError> {
        let made = dir.to_path_buf();
        let (dir, marker, server) = tokio::task::spawn_blocking(move || prepare(&made))
            .await
            .map_err(|_| DemoError::Interrupted)??;
        if !marker.complete {
            fill(&server.server, &marker.password).await?;
        }
        let root = dir.join("magento");
        tree::write_env(&root, server.server.socket(), USER, &marker.password, DATABASE)
            .map_err(io_error(&root))?;
        let Marker { format, password, .. } = marker;
        save(&dir, &Marker { format, complete: true, password: password.clone() })?;
        Ok(DemoStore { root, password, server })
    }

    /// The Magento root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn server(&self) -> &PrivateServer {
        &self.server.server
    }

    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// The password of the database user that `env.php` names: for tests that look for leaks.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Ends the database in order and waits for it.
    pub fn stop(self) {}
}

/// A server that ends with this process, however that ends.
#[derive(Debug)]
struct Guarded {
    watchdog: Child,
    server: PrivateServer,
}

impl Guarded {
    /// Small, and careless about the last second before a power cut: the store can be made again.
    fn start(dir: &Path) -> Result<Guarded, DemoError> {
        let server = PrivateServer::start_with(
            dir,
            &["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"],
        )?;
        Ok(Guarded { watchdog: watch(&server).map_err(io_error(dir))?, server })
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Before the server, whose process id may be somebody else's when it is gone.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// The shell waits on a pipe whose other end only this process holds, and then ends the server.
/// Whatever the shell cannot do any more, the next start does (`PrivateServer::start` ends a leftover).
fn watch(server: &PrivateServer) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    Command::new("sh")
        .args(["-c", "read -r _; kill -TERM \"$0\" 2>/dev/null", &server.pid().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> DemoError + '_ {
    move |source| DemoError::Io { path: path.to_path_buf(), source }
}

/// The blocking part: the directory, the tree, the server.
fn prepare(dir: &Path) -> Result<(PathBuf, Marker, Guarded), DemoError> {
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let dir = fs::canonicalize(dir).map_err(io_error(dir))?;
    let old: Option<Marker> = match fs::read(dir.join(MARKER)) {
        // A marker that cannot be read is still ours: its store is made anew.
        Ok(text) => Some(serde_json::from_slice(&text).unwrap_or(Marker {
            format: 0,
            complete: false,
            password: String::new(),
        })),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(io_error(&dir.join(MARKER))(e)),
    };
    let (root, database) = (dir.join("magento"), dir.join("database"));
    if let Some(marker) =
        old.as_ref().filter(|m| m.complete && m.format == FORMAT && root.is_dir() && database.is_dir())
    {
        let marker = Marker { format: FORMAT, complete: true, password: marker.password.clone() };
        let server = Guarded::start(&database)?;
        return Ok((dir, marker, server));
    }
    if old.is_none() && fs::read_dir(&dir).map_err(io_error(&dir))?.next().is_some() {
        return Err(DemoError::NotOurs { dir });
    }
    if database.is_dir() {
        // Ends a server that may still run on it, before its files go.
        drop(Guarded::start(&database));
    }
    for part in ["magento", "shared", "database"] {
        let part = dir.join(part);
        if part.exists() {
            fs::remove_dir_all(&part).map_err(io_error(&part))?;
        }
    }
    let password: String = rand::rng().sample_iter(Alphanumeric).take(24).map(char::from).collect();
    let marker = Marker { format: FORMAT, complete: false, password };
    save(&dir, &marker)?;
    let server = std::thread::scope(|scope| {
        let server = scope.spawn(|| Guarded::start(&database));
        let written = tree::write(&root, &dir.join("shared")).map_err(io_error(&root));
        let server = server.join().map_err(|_| DemoError::Interrupted)??;
        written.map(|()| server)
    })?;
    Ok((dir, marker, server))
}

fn save(dir: &Path, marker: &Marker) -> Result<(), DemoError> {
    let (path, fresh) = (dir.join(MARKER), dir.join("demo-store.json.new"));
    let text = serde_json::to_vec_pretty(marker).map_err(|e| io_error(&path)(e.into()))?;
    let write = || {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&text)?;
        fs::rename(&fresh, &path)
    };
    write().map_err(io_error(&path))
}

async fn fill(server: &PrivateServer, password: &str) -> Result<(), DemoError> {
    let options = Opts::from_url(&server.root_url("")).map_err(mysql_async::Error::from)?;
    let mut conn = Conn::new(options).await?;
    conn.query_drop(format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"))
        .await?;
    conn.query_drop(format!("USE {DATABASE}")).await?;
    conn.query_drop("SET SESSION sql_mode = ''").await?;
    run_script(&mut conn, include_str!("schema.sql")).await?;
    rows::fill(&mut conn).await?;
    run_script(&mut conn, include_str!("triggers.sql")).await?;
    // What a backup needs and no more: SHOW CREATE of a routine reads mysql.proc on MariaDB before 11.3.
    for statement in [
        format!("CREATE USER {USER}@localhost IDENTIFIED BY '{password}'"),
        format!(
            "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, EXECUTE ON {DATABASE}.* TO {USER}@localhost"
        ),
        format!("GRANT SELECT ON mysql.proc TO {USER}@localhost"),
    ] {
        conn.query_drop(statement).await?;
    }
    conn.query_drop("ANALYZE TABLE catalog_product_entity_varchar, cache, sales_order_item").await?;
    conn.disconnect().await?;
    Ok(())
}

/// Runs statements that are separated by blank lines; lines that begin with `-- ` are remarks.
async fn run_script(conn: &mut Conn, script: &str) -> Result<(), mysql_async::Error> {
    for statement in script.split("\n\n") {
        let text: Vec<&str> = statement.lines().filter(|line| !line.starts_with("-- ")).collect();
        if !text.is_empty() {
            conn.query_drop(text.join("\n")).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
