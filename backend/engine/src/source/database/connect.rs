//! Connecting, and what goes wrong with it.

use super::wire::{Target, Wire};
use crate::source::magento::SourceError;
use crate::source::magento::connection::{Address, Connection, Tls};
use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, DriverError, Error, IoError, OptsBuilder, SslOpts};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The largest the protocol has: rows come as they are, whatever the server's own limit for statements is.
const MAX_PACKET: usize = 1 << 30;
/// Where servers put their socket, in the order in which PHP installations have them.
const SOCKETS: [&str; 4] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];

/// What kind of server it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub mariadb: bool,
    /// `MariaDB 10.11.19`, `MySQL 8.0.36`.
    pub name: String,
    /// `(10, 11, 19)`
    pub version: (u32, u32, u32),
    /// Tells servers apart: two connections to one server and database are one database.
    pub identity: String,
}

/// A connection with its session set up for reading a store: UTC, `utf8mb4`, no SQL modes, patient time-outs.
#[derive(Debug)]
pub struct Session {
    pub conn: Conn,
    /// Beneath `conn`, for reading the rows of whole tables; none where the connection is encrypted.
    pub wire: Option<Wire>,
    pub server: Server,
}

impl Session {
    /// Connects, ten seconds at most for each place it tries.
    ///
    /// # Errors
    /// Name the cause and the remedy, and never a password.
    pub async fn open(connection: &Connection) -> Result<Session, SourceError> {
        let (mut conn, wire) = connect(connection).await?;
        match set_up(&mut conn).await {
            Ok(server) => Ok(Session { conn, wire, server }),
            Err(error) => Err(explain(&error, connection)),
        }
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        if let Err(error) = self.conn.disconnect().await {
            tracing::debug!(%error, "the connection to the store's database ended by itself");
        }
        if let Some(wire) = self.wire
            && tokio::time::timeout(TIME_LIMIT, wire.ended()).await.is_err()
        {
            tracing::debug!("the store's database does not take leave");
        }
    }

    /// Gives up a connection whose rows have not been read to the end: without the server's help it would go on sending them.
    pub async fn abort(self, connection: &Connection) {
        let id = self.conn.id();
        if let Ok((mut other, _)) = connect(connection).await
            && let Err(error) = other.query_drop(format!("KILL {id}")).await
        {
            tracing::debug!(%error, "the abandoned query could not be ended");
        }
    }
}

async fn connect(connection: &Connection) -> Result<(Conn, Option<Wire>), SourceError> {
    let sockets: Vec<PathBuf> = match &connection.address {
        Address::Socket(path) => vec![path.clone()],
        Address::Localhost { .. } => SOCKETS.iter().map(PathBuf::from).filter(|path| path.exists()).collect(),
        Address::Tcp { .. } => Vec::new(),
    };
    if let Some(tls) = &connection.tls {
        check_files(tls, connection)?;
    }
    let mut last = None;
    for socket in sockets {
        match attempt(connection, Some(&socket)).await {
            // A socket that nobody listens on is left over; the server may have another.
            Err(Error::Io(error)) => last = Some(Error::Io(error)),
            Err(error) => return Err(explain(&error, connection)),
            Ok(conn) => return Ok(conn),
        }
    }
    match (&connection.address, last) {
        (Address::Socket(_), Some(error)) => Err(explain(&error, connection)),
        _ => attempt(connection, None).await.map_err(|error| explain(&error, connection)),
    }
}

async fn attempt(connection: &Connection, socket: Option<&Path>) -> Result<(Conn, Option<Wire>), Error> {
    match tokio::time::timeout(TIME_LIMIT, sign_in(connection, socket)).await {
        Ok(result) => result,
        Err(_) => Err(io_error(io::ErrorKind::TimedOut.into())),
    }
}

async fn sign_in(connection: &Connection, socket: Option<&Path>) -> Result<(Conn, Option<Wire>), Error> {
    let builder = OptsBuilder::default()
        .user(Some(connection.username.as_str()))
        .pass(Some(connection.password.expose()))
        .db_name(Some(connection.database.as_str()))
        .prefer_socket(false)
        .max_allowed_packet(Some(MAX_PACKET))
        // Without it, statements with parameters would stay open until the connection ends, one more for every table.
        .stmt_cache_size(4)
        .tcp_keepalive(Some(Duration::from_secs(60)))
        .local_infile_handler(None::<mysql_async::WhiteListFsHandler>);
    let target = match (socket, &connection.address) {
        (Some(path), _) => Target::Socket(path.to_owned()),
        (None, Address::Socket(path)) => Target::Socket(path.clone()),
        (None, Address::Tcp { host, port }) => Target::Tcp { host: host.clone(), port: *port },
        (None, Address::Localhost { port }) => Target::Tcp { host: "localhost".into(), port: *port },
    };
    let (builder, relayed) = match (&connection.tls, &target) {
        (Some(tls), Target::Tcp { .. }) => (builder.ssl_opts(Some(ssl(tls).map_err(io_error)?)), None),
        _ => (builder, Wire::open(&target).await.map_err(io_error)?),
    };
    let at = |place| match place {
        Target::Socket(path) => builder.clone().socket(Some(path.to_string_lossy().into_owned())),
        Target::Tcp { host, port } => builder.clone().ip_or_hostname(host).tcp_port(port),
    };
    if let Some((wire, door)) = relayed {
        match Conn::new(at(door)).await {
            // It may be the door's fault.
            Err(error @ (Error::Io(_) | Error::Driver(DriverError::ConnectionClosed))) => {
                tracing::debug!(%error, "no connection to the store's database through a relay");
            }
            result => return Ok((result?, Some(wire))),
        }
    }
    Ok((Conn::new(at(target)).await?, None))
}

fn io_error(error: io::Error) -> Error {
    Error::Io(IoError::Io(error))
}

/// The driver would only say that some file cannot be read.
fn check_files(tls: &Tls, connection: &Connection) -> Result<(), SourceError> {
    let identity = tls.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
    for path in tls.authorities.iter().chain(identity) {
        let readable = if path.is_dir() {
            std::fs::read_dir(path).map(drop)
        } else {
            std::fs::File::open(path).map(drop)
        };
        readable.map_err(|error| {
            SourceError::new(
                "database_tls",
                format!(
                    "{} cannot be read, which the encrypted connection to the database server at {} needs: {error}.",
                    path.display(),
                    connection.address
                ),
                format!("Correct the path in `driver_options` of {}, or let this server read the file.", settings(connection)),
            )
        })?;
    }
    Ok(())
}

fn settings(connection: &Connection) -> String {
    format!("`db/connection/{}` in app/etc/env.php", connection.name())
}

fn ssl(tls: &Tls) -> io::Result<SslOpts> {
    let mut options = SslOpts::default();
    if let Some(path) = &tls.authorities {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            files = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
            files.retain(|file| file.is_file());
            files.sort();
        }
        options = options
            .with_root_certs(files.into_iter().map(Into::into).collect())
            .with_disable_built_in_roots(true);
    }
    if let Some((certificate, key)) = &tls.identity {
        options = options
            .with_client_identity(Some(ClientIdentity::new(certificate.clone().into(), key.clone().into())));
    }
    Ok(options.with_danger_accept_invalid_certs(!tls.verify).with_danger_skip_domain_validation(!tls.verify))
}

async fn set_up(conn: &mut Conn) -> Result<Server, Error> {
    let (version, host, port, data): (String, String, u32, String) =
        conn.query_first("SELECT VERSION(), @@hostname, @@port, @@datadir").await?.unwrap_or_default();
    let mariadb = version.contains("MariaDB");
    let number = version.split(['-', '+', '~']).next().unwrap_or_default();
    let vendor = if mariadb { "MariaDB" } else { "MySQL" };
    for statement in [
        "SET NAMES utf8mb4",
        "SET SESSION time_zone = '+00:00', sql_mode = '', sql_quote_show_create = 1, lock_wait_timeout = 30",
        // A minute's stall of a disk or a destination must not end the dump.
        "SET SESSION net_write_timeout = 86400, net_read_timeout = 86400, wait_timeout = 86400",
    ] {
        conn.query_drop(statement).await?;
    }
    let of_vendor: &[&str] = if mariadb {
        &["SET SESSION max_statement_time = 0"]
    } else {
        // Roles that are granted but not active would hide what the user may do.
        &[
            "SET SESSION max_execution_time = 0",
            "SET SESSION information_schema_stats_expiry = 0",
            "SET ROLE ALL",
        ]
    };
    for statement in of_vendor {
        match conn.query_drop(*statement).await {
            // A server too old to know it does without.
            Err(Error::Server(error)) => {
                tracing::debug!(%error, statement, "not known to the store's database server")
            }
            result => result?,
        }
    }
    let mut numbers = number.split('.').map(|part| part.parse().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    let version = (next(), next(), next());
    Ok(Server {
        mariadb,
        name: format!("{vendor} {number}"),
        version,
        identity: format!("{host}\n{port}\n{data}"),
    })
}

/// What an error of the driver means for an administrator.
pub fn explain(error: &Error, connection: &Connection) -> SourceError {
    let Connection { address, username, database, .. } = connection;
    let settings = settings(connection);
    let tls_failed = |cause: &dyn std::fmt::Display| {
        SourceError::new(
            "database_tls",
            format!("No encrypted connection to the database server at {address}: {cause}."),
            format!("Check the certificates in `driver_options` of {settings}."),
        )
    };
    let refused = |message: String, remedy: String| SourceError::new("database_refused", message, remedy);
    match error {
        Error::Server(server) => match server.code {
            1045 | 1698 => refused(
                format!(
                    "The database server at {address} refuses the user '{username}': wrong password, or not allowed from here."
                ),
                format!("Compare user and password with {settings}."),
            ),
            1044 => refused(
                format!("The user '{username}' may not use the database '{database}' at {address}."),
                format!(
                    "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON {}.* TO it.",
                    super::quote_name(database)
                ),
            ),
            1049 => refused(
                format!("There is no database '{database}' at {address}."),
                format!("Compare `dbname` with {settings}."),
            ),
            1040 | 1203 | 1226 => refused(
                format!("The database server at {address} takes no more connections: {}.", server.message),
                "Raise max_connections (or the user's limit), or back up at a quieter time.".into(),
            ),
            1129 | 1130 => refused(
                format!("The database server at {address} does not let this host in: {}.", server.message),
                "Create the user for this host, or run mariadb-admin flush-hosts if it is blocked.".into(),
            ),
            _ => SourceError::new(
                "database_error",
                format!(
                    "The database server at {address} answers: {} (error {}).",
                    server.message, server.code
                ),
                "Look into its error log.",
            ),
        },
        // How the handshake's own errors arrive.
        Error::Io(IoError::Io(io)) if connection.tls.is_some() && io.kind() == io::ErrorKind::InvalidData => {
            tls_failed(io)
        }
        Error::Io(IoError::Io(io)) => unreachable_server(io, &address.to_string(), &settings),
        Error::Io(IoError::Tls(tls)) => tls_failed(tls),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => SourceError::new(
            "database_tls",
            format!(
                "The database server at {address} offers no encrypted connection, but {settings} asks for one."
            ),
            "Set up TLS on the server, or remove its options.",
        ),
        Error::Driver(DriverError::UnknownAuthPlugin { name }) => SourceError::new(
            "database_refused",
            format!("The user '{username}' at {address} signs in by '{name}', which is not known here."),
            "Give it a password (mysql_native_password, caching_sha2_password, ed25519).",
        ),
        other => SourceError::new(
            "database_error",
            format!("The connection to the database server at {address} failed: {other}."),
            format!("Compare {settings} with the server."),
        ),
    }
}

fn unreachable_server(error: &io::Error, address: &str, settings: &str) -> SourceError {
    let (message, remedy) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => (
            format!("No database server answers at {address}."),
            format!("Start it, or compare the address with {settings}."),
        ),
        io::ErrorKind::TimedOut => (
            format!(
                "The database server at {address} did not answer within {} seconds.",
                TIME_LIMIT.as_secs()
            ),
            format!("Check firewall and network, and compare the address with {settings}."),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("The socket {address} may not be opened."),
            "Let the user that runs this server use it.".into(),
        ),
        _ => (
            format!("The connection to the database server at {address} failed: {error}."),
            format!("Check that it runs, and compare the address with {settings}."),
        ),
    };
    SourceError::new("database_unreachable", message, remedy)
}
