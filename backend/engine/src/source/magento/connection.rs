//! Where the store's databases are, as `env.php` or a URL says.

use super::SourceError;
use super::value::Value;
use std::fmt;
use std::path::PathBuf;

pub const DEFAULT_PORT: u16 = 3306;

/// Text that must not be shown: neither `Debug` nor anything else prints it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    /// `localhost`: a socket in one of the usual places, as PHP does; TCP where there is none.
    Localhost {
        port: u16,
    },
    Tcp {
        host: String,
        port: u16,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Socket(path) => write!(f, "{}", path.display()),
            Address::Localhost { port: DEFAULT_PORT } => f.write_str("localhost"),
            Address::Localhost { port } => write!(f, "localhost:{port}"),
            Address::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// A file of certificates, or a directory of such files; none means the public roots.
    pub authorities: Option<PathBuf>,
    /// Certificate and key of the client.
    pub identity: Option<(PathBuf, PathBuf)>,
    pub verify: bool,
}

/// One database, and the connections of `env.php` that mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub names: Vec<String>,
    pub address: Address,
    pub database: String,
    pub username: String,
    pub password: Secret,
    pub tls: Option<Tls>,
}

impl Connection {
    /// `default` comes first and names the archive `db.sql.gz`; the name of any other appears in its archive's name.
    pub fn name(&self) -> &str {
        self.names.first().map_or("default", String::as_str)
    }
}

const REMEDY: &str =
    "Set it in the environment of this server, or give the database by STOREKEEP_MAGENTO_DATABASE_URL.";

/// The active connections of a store.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// `default` first, each database once; never empty.
    pub usable: Vec<Connection>,
    /// Further ones that cannot be understood, by name: they must not cost the store the backup of the others.
    pub unresolved: Vec<(String, SourceError)>,
}

/// What `env.php` says. The connection `over`, if there is one, stands in for `default`, and for every other name of the database that
/// `default` means.
///
/// # Errors
/// When `default` cannot be understood and nothing stands in for it, or no connection is active.
pub(super) fn connections(config: &Value, over: Option<Connection>) -> Result<Connections, SourceError> {
    let entries = match entries(config) {
        Ok(entries) => entries,
        Err(error) if over.is_none() => return Err(error),
        // What was given is enough to work with.
        Err(_) => Vec::new(),
    };
    let default = entries.iter().find(|(name, _)| name == DEFAULT);
    let replaced = default.filter(|_| over.is_some()).and_then(|(name, entry)| place(name, entry).ok());
    let mut found = Connections { usable: over.into_iter().collect(), unresolved: Vec::new() };
    let stands_in = !found.usable.is_empty();
    for (name, entry) in entries {
        if stands_in && name == DEFAULT {
            continue;
        }
        if replaced.is_some() && place(&name, entry).ok() == replaced {
            found.usable[0].names.push(name);
            continue;
        }
        let connection = match connection(&name, entry) {
            Ok(connection) => connection,
            Err(error) if name == DEFAULT => return Err(error),
            Err(error) => {
                found.unresolved.push((name, error));
                continue;
            }
        };
        let same = |known: &&mut Connection| {
            known.address == connection.address && known.database == connection.database
        };
        match found.usable.iter_mut().find(same) {
            Some(known) => known.names.push(name),
            None => found.usable.push(connection),
        }
    }
    match (found.usable.is_empty(), found.unresolved.is_empty()) {
        (false, _) => Ok(found),
        (true, false) => Err(found.unresolved.remove(0).1),
        (true, true) => Err(SourceError::new(
            "no_connection",
            "No connection in `db/connection` of app/etc/env.php is active.",
            "Set `'active' => '1'` where the store's database is.",
        )),
    }
}

const DEFAULT: &str = "default";

/// The entries of the active connections by name, `default` first.
fn entries(config: &Value) -> Result<Vec<(String, &Value)>, SourceError> {
    let Some(all) = config.at(&["db", "connection"]) else {
        return Err(SourceError::new(
            "no_connection",
            "app/etc/env.php has no `db/connection`.",
            "Install the store first, or give the database by STOREKEEP_MAGENTO_DATABASE_URL.",
        ));
    };
    let Value::Array(all) = all else { return Err(unresolved("db/connection", all)) };
    let mut entries: Vec<(String, &Value)> =
        all.entries().map(|(key, entry)| (key.display(), entry)).collect();
    entries.sort_by_key(|(name, _)| name != DEFAULT);
    // Absent or not known here, it counts as active: better one connection too many than one that is silently left out.
    entries.retain(|(_, entry)| {
        let active = entry.at(&["active"]).filter(|active| active.is_known());
        active.and_then(Value::truth) != Some(false)
    });
    Ok(entries)
}

/// Where a connection leads: its server, its database.
fn place(name: &str, entry: &Value) -> Result<(Address, String), SourceError> {
    if !matches!(entry, Value::Array(_)) {
        return Err(unresolved(&format!("db/connection/{name}"), entry));
    }
    let path = |key: &str| setting(name, key);
    let optional = |key: &str| text(&path(key), entry.at(&[key]));
    let port = match optional("port")?.filter(|port| !port.is_empty()) {
        None => None,
        Some(port) => Some(number(&path("port"), &port)?),
    };
    let address = match optional("unix_socket")?.filter(|socket| !socket.is_empty()) {
        Some(socket) => Address::Socket(socket.into()),
        None => address(&optional("host")?.unwrap_or_default(), port, &path("host"))?,
    };
    Ok((address, required(name, entry, "dbname")?))
}

fn connection(name: &str, entry: &Value) -> Result<Connection, SourceError> {
    let (address, database) = place(name, entry)?;
    let path = |key: &str| setting(name, key);
    Ok(Connection {
        names: vec![name.to_string()],
        address,
        database,
        username: required(name, entry, "username")?,
        password: Secret(text(&path("password"), entry.at(&["password"]))?.unwrap_or_default()),
        tls: tls(&path("driver_options"), entry.at(&["driver_options"]))?,
    })
}

fn setting(name: &str, key: &str) -> String {
    format!("db/connection/{name}/{key}")
}

fn required(name: &str, entry: &Value, key: &str) -> Result<String, SourceError> {
    let path = setting(name, key);
    text(&path, entry.at(&[key]))?.filter(|text| !text.is_empty()).ok_or_else(|| {
        SourceError::new(
            "connection_incomplete",
            format!("app/etc/env.php does not say `{path}`."),
            "Complete the connection, or give the database by STOREKEEP_MAGENTO_DATABASE_URL.",
        )
    })
}

/// A host as Magento reads it: with a slash a socket, with a colon host and port. An address of IPv6 is taken too.
fn address(host: &str, port: Option<u16>, path: &str) -> Result<Address, SourceError> {
    if host.contains('/') {
        return Ok(Address::Socket(host.into()));
    }
    let (host, written) = match (host.strip_prefix('['), host.matches(':').count()) {
        (Some(rest), _) => match rest.split_once(']') {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => (rest, None),
        },
        (None, 1) => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        _ => (host, None),
    };
    let port = match written.filter(|port| !port.is_empty()) {
        Some(written) => number(path, written)?,
        None => port.unwrap_or(DEFAULT_PORT),
    };
    Ok(match host {
        "" | "localhost" => Address::Localhost { port },
        _ => Address::Tcp { host: host.to_string(), port },
    })
}

/// `driver_options` of PHP's driver: 1007 key, 1008 certificate, 1009 file or 1010 directory of authorities, 1014 verify.
/// Without one of the first four PHP does not encrypt, whatever 1014 says.
fn tls(path: &str, options: Option<&Value>) -> Result<Option<Tls>, SourceError> {
    let options = match options {
        None | Some(Value::Null) => return Ok(None),
        Some(options @ Value::Array(_)) => options,
        Some(other) => return Err(unresolved(path, other)),
    };
    let file = |number: &str| {
        let file = text(&format!("{path}/{number}"), options.at(&[number]))?;
        Ok(file.filter(|file| !file.is_empty()).map(PathBuf::from))
    };
    let (key, certificate) = (file("1007")?, file("1008")?);
    let authorities = file("1009")?.or(file("1010")?);
    if key.is_none() && certificate.is_none() && authorities.is_none() {
        return Ok(None);
    }
    let verify = options.at(&["1014"]).and_then(Value::truth).unwrap_or(authorities.is_some());
    Ok(Some(Tls { authorities, identity: certificate.zip(key), verify }))
}

/// The text of a setting: none when it is absent, an error when only PHP could tell.
pub(super) fn text(path: &str, value: Option<&Value>) -> Result<Option<String>, SourceError> {
    let Some(value) = value else { return Ok(None) };
    let bytes = value.to_text().ok_or_else(|| unresolved(path, value))?;
    String::from_utf8(bytes).map(Some).map_err(|_| {
        SourceError::new(
            "setting_not_text",
            format!("`{path}` in app/etc/env.php is not UTF-8."),
            "Write it in UTF-8, or give the database by STOREKEEP_MAGENTO_DATABASE_URL.",
        )
    })
}

fn number(path: &str, text: &str) -> Result<u16, SourceError> {
    text.trim().parse().map_err(|_| {
        SourceError::new(
            "connection_incomplete",
            format!("The port in `{path}` of app/etc/env.php is not a number from 0 to 65535."),
            "Correct it there.",
        )
    })
}

fn unresolved(path: &str, value: &Value) -> SourceError {
    let message = match value {
        Value::Unset { name, .. } => {
            format!(
                "`{path}` in app/etc/env.php comes from the environment variable {name}, which is not set here."
            )
        }
        Value::Dynamic(what) => {
            format!("`{path}` in app/etc/env.php is {what}: only PHP can tell its value.")
        }
        other => format!("`{path}` in app/etc/env.php is {}, which does not fit there.", other.kind()),
    };
    SourceError::new("setting_unresolved", message, REMEDY)
}
