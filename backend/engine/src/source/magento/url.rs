//! `mysql://user:password@host:port/database?socket=…`: what the operator gives instead of `env.php`.

use super::SourceError;
use super::connection::{Address, Connection, DEFAULT_PORT, Secret, Tls};

/// Names, never values, appear in errors: a URL holds a password.
pub(super) fn parse(url: &str) -> Result<Connection, SourceError> {
    let rest = url
        .strip_prefix("mysql://")
        .or_else(|| url.strip_prefix("mariadb://"))
        .ok_or_else(|| wrong("it does not begin with mysql://"))?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    // An unescaped `@` in a password is a common slip, and never ambiguous: hosts have none.
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (username, password) = user.split_once(':').unwrap_or((user, ""));

    let mut tls = Tls { authorities: None, identity: None, verify: true };
    let (mut encrypt, mut socket, mut certificate, mut key) = (None, None, None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value)?;
        match name {
            "socket" => socket = Some(value),
            "ssl_ca" => tls.authorities = Some(value.into()),
            "ssl_cert" => certificate = Some(value.into()),
            "ssl_key" => key = Some(value.into()),
            "ssl" => encrypt = Some(flag(name, &value)?),
            "ssl_verify" => tls.verify = flag(name, &value)?,
            _ => {
                return Err(wrong(&format!(
                    "it has the unknown parameter `{name}`; known are socket, ssl, ssl_ca, ssl_cert, ssl_key, ssl_verify"
                )));
            }
        }
    }
    tls.identity = certificate.zip(key);
    let wanted = encrypt.unwrap_or(tls.authorities.is_some() || tls.identity.is_some());

    let database = decode(database)?;
    if database.is_empty() {
        return Err(wrong("it names no database"));
    }
    if username.is_empty() {
        return Err(wrong("it names no user"));
    }
    Ok(Connection {
        names: vec!["default".to_string()],
        address: match socket.filter(|socket| !socket.is_empty()) {
            Some(socket) => Address::Socket(socket.into()),
            None => address(host)?,
        },
        database,
        username: decode(username)?,
        password: Secret::new(decode(password)?),
        tls: wanted.then_some(tls),
    })
}

fn address(host: &str) -> Result<Address, SourceError> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port.parse().map_err(|_| wrong("its port is not a number from 0 to 65535"))?,
    };
    Ok(match decode(name)?.as_str() {
        "" | "localhost" => Address::Localhost { port },
        host => Address::Tcp { host: host.to_string(), port },
    })
}

fn flag(name: &str, value: &str) -> Result<bool, SourceError> {
    match value {
        "1" | "true" | "" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(wrong(&format!("its parameter `{name}` is neither true nor false"))),
    }
}

fn decode(text: &str) -> Result<String, SourceError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong(
                "a `%` in it is not followed by two hexadecimal digits; write `%25` for the sign itself",
            ));
        };
        out.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    String::from_utf8(out).map_err(|_| wrong("what it escapes is not UTF-8"))
}

fn wrong(what: &str) -> SourceError {
    SourceError::new(
        "database_url",
        format!("STOREKEEP_MAGENTO_DATABASE_URL cannot be used: {what}."),
        "Write it as mysql://user:password@host:3306/database, or with ?socket=/path, reserved characters percent-encoded.",
    )
}
