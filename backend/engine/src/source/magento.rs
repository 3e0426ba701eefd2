//! The Magento root and its `app/etc/env.php`.
//!
//! Settings are read for each pass and never kept. PHP is never run: `env.php` is evaluated here, as far as such files go.

pub mod connection;
mod deployment;
mod eval;
mod operators;
mod token;
mod url;
mod value;
mod version;

#[cfg(test)]
mod tests;

use connection::Connection;
pub use deployment::{Deployment, MAINTENANCE_FLAG};
use eval::{MAX_BYTES, Scope, evaluate};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use value::{Array, Key, Value};

/// Where the store is, as the operator configured it.
#[derive(Clone)]
pub struct Source {
    /// The Magento root, links unresolved.
    pub root: PathBuf,
    /// `STOREKEEP_MAGENTO_DATABASE_URL`: overrides what `env.php` says of the connection `default`.
    pub database_url: Option<String>,
    /// The environment that `getenv()`, `$_ENV`, `#env(..)` and Magento's override variables see.
    pub environment: BTreeMap<String, String>,
}

/// The URL and the environment may hold passwords.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("root", &self.root)
            .field("database_url", &self.database_url.as_ref().map(|_| "***"))
            .field("environment", &format_args!("{} variables", self.environment.len()))
            .finish()
    }
}

/// Why the store cannot be read, and what to do about it. Never carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} {remedy}")]
pub struct SourceError {
    /// Stable.
    pub code: &'static str,
    pub message: String,
    pub remedy: String,
}

impl SourceError {
    pub fn new(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        SourceError { code, message: message.into(), remedy: remedy.into() }
    }
}

/// Where the databases are and how their tables are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Databases {
    pub table_prefix: String,
    /// Each database once, `default` first; never empty.
    pub connections: Vec<Connection>,
    /// Further active connections that cannot be understood, by name, and why.
    pub unresolved: Vec<(String, SourceError)>,
}

impl Source {
    /// The root with links resolved: the release behind `current`. An error unless it is a directory that can be entered.
    pub fn resolve_root(&self) -> Result<PathBuf, SourceError> {
        let shown = self.root.display();
        let root = std::fs::canonicalize(&self.root).map_err(|error| {
            let (message, remedy) = match error.kind() {
                io::ErrorKind::NotFound => (
                    format!("The Magento root {shown} does not exist."),
                    "Correct STOREKEEP_MAGENTO_ROOT, or mount the directory.",
                ),
                io::ErrorKind::PermissionDenied => (
                    format!("The Magento root {shown} may not be entered."),
                    "Let the user that runs this server read the store's files.",
                ),
                _ => (
                    format!("The Magento root {shown} cannot be used: {error}."),
                    "Check STOREKEEP_MAGENTO_ROOT.",
                ),
            };
            SourceError::new("root", message, remedy)
        })?;
        if !root.is_dir() {
            return Err(SourceError::new(
                "root",
                format!("The Magento root {shown} is not a directory."),
                "Set STOREKEEP_MAGENTO_ROOT to the directory that holds app/etc/env.php.",
            ));
        }
        Ok(root)
    }

    /// The settings of `app/etc/env.php` over those of `config.php`, with Magento's override variables applied.
    pub fn configuration(&self) -> Result<Configuration, SourceError> {
        let root = self.resolve_root()?;
        let mut values = Array::default();
        let mut remark = None;
        match self.load(&root, "app/etc/config.php") {
            Ok(array) => values = array,
            // Nothing of it is needed for a backup as long as env.php can be read.
            Err(error) if error.code != "env_missing" => remark = Some(error),
            Err(_) => {}
        }
        let own = self.load(&root, "app/etc/env.php").map_err(|mut error| {
            if error.code == "env_missing" && parent_is_root(&root) {
                error.remedy = "Set STOREKEEP_MAGENTO_ROOT to the directory above it.".into();
            }
            error
        })?;
        values.replace_recursive(&own);
        self.apply_environment(&mut values)?;
        Ok(Configuration { values: Value::Array(values), remark })
    }

    /// The databases of the store, read anew each time. The URL stands in for the connection `default`; others stay.
    pub fn databases(&self) -> Result<Databases, SourceError> {
        let over = self.database_url.as_deref().map(url::parse).transpose()?;
        let (configuration, over) = match (self.configuration(), over) {
            (Ok(configuration), over) => (configuration, over),
            // The settings are worth having, but the URL alone is enough to work with.
            (Err(_), Some(connection)) => {
                let connections = vec![connection];
                return Ok(Databases { table_prefix: String::new(), connections, unresolved: Vec::new() });
            }
            (Err(error), None) => return Err(error),
        };
        let table_prefix = configuration.table_prefix()?;
        let found = connection::connections(&configuration.values, over)?;
        Ok(Databases { table_prefix, connections: found.usable, unresolved: found.unresolved })
    }

    /// `Magento Open Source 2.4.7-p3`, when Composer's files say so.
    pub fn version(&self) -> Option<String> {
        version::version(&self.resolve_root().ok()?)
    }

    fn load(&self, root: &Path, name: &str) -> Result<Array, SourceError> {
        let file = root.join(name);
        let shown = file.display();
        let source = read_limited(&file, MAX_BYTES as u64 + 1).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::new(
                "env_missing",
                format!("{shown} does not exist: {} is not the root of an installed store.", root.display()),
                "Set STOREKEEP_MAGENTO_ROOT to the directory that holds app/etc/env.php.",
            ),
            io::ErrorKind::PermissionDenied => SourceError::new(
                "env_unreadable",
                format!("{shown} may not be read."),
                "Let the user that runs this server read it, for instance through the store's group.",
            ),
            _ => SourceError::new(
                "env_unreadable",
                format!("{shown} cannot be read: {error}."),
                "Check the file.",
            ),
        })?;
        evaluate(&source, Scope { file: &file, environment: &self.environment }).map_err(|error| {
            SourceError::new(
                "env_invalid",
                format!("{shown} cannot be understood: {error}."),
                "It has to return one array, as Magento writes it; or give the database by STOREKEEP_MAGENTO_DATABASE_URL.",
            )
        })
    }

    /// `MAGENTO_DC__OVERRIDE` (JSON, replaces whole sections), `#env(NAME, "default")`, then `MAGENTO_DC_A__B` for `a/b`: in the
    /// order of Magento's `DeploymentConfig`.
    fn apply_environment(&self, values: &mut Array) -> Result<(), SourceError> {
        const PREFIX: &str = "MAGENTO_DC_";
        const JSON: &str = "MAGENTO_DC__OVERRIDE";
        if let Some(text) = self.environment.get(JSON).filter(|text| !text.is_empty()) {
            let parsed: serde_json::Value = serde_json::from_str(text).map_err(|_| {
                SourceError::new(
                    "override_invalid",
                    format!("{JSON} is not JSON."),
                    "Correct or remove the variable.",
                )
            })?;
            if let Value::Array(over) = from_json(parsed) {
                for (key, value) in over.entries() {
                    values.set(key.clone(), value.clone());
                }
            }
        }
        values.each_leaf(&|leaf| {
            if let Value::Text(text) = leaf
                && let Some((name, default)) = env_reference(text)
            {
                // As there, an empty variable counts as absent.
                *leaf = match (self.environment.get(&name).filter(|value| !value.is_empty()), default) {
                    (Some(value), _) => Value::Text(value.clone().into_bytes()),
                    (None, Some(default)) => Value::Text(default.into_bytes()),
                    (None, None) => Value::Unset { name, null: true },
                };
            }
        });
        for (name, value) in &self.environment {
            if let Some(path) = name.strip_prefix(PREFIX)
                && name != JSON
            {
                let path = path.to_lowercase();
                // Deeper than any setting there is: not meant for one.
                let steps: Vec<&str> = path.splitn(16, "__").collect();
                values.set_path(&steps, Value::Text(value.clone().into_bytes()));
            }
        }
        Ok(())
    }
}

/// The merged settings.
#[derive(Debug)]
pub struct Configuration {
    values: Value,
    /// `config.php` is there but could not be read.
    pub remark: Option<SourceError>,
}

impl Configuration {
    pub fn table_prefix(&self) -> Result<String, SourceError> {
        let path = "db/table_prefix";
        Ok(connection::text(path, self.values.at(&["db", "table_prefix"]))?.unwrap_or_default())
    }

    /// The driver of `remote_storage` when media are not on this disk: `aws-s3`.
    pub fn remote_storage(&self) -> Option<String> {
        let driver = self.values.at(&["remote_storage", "driver"])?.to_text()?;
        let driver = String::from_utf8_lossy(&driver).into_owned();
        (!matches!(driver.as_str(), "" | "file")).then_some(driver)
    }

    /// True when `crypt/key` has a value here. A key that only PHP can tell is not known.
    pub fn has_crypt_key(&self) -> bool {
        self.values.at(&["crypt", "key"]).and_then(Value::to_text).is_some_and(|key| !key.is_empty())
    }
}

/// The file's bytes, at most `limit`. Only regular files are opened: a pipe would hang.
fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The operator named `pub`, or another directory just below the root.
fn parent_is_root(root: &Path) -> bool {
    root.parent().is_some_and(|above| above.join("app/etc/env.php").is_file())
}

/// `#env(NAME)` or `#env(NAME, "default")`, the whole text.
fn env_reference(text: &[u8]) -> Option<(String, Option<String>)> {
    let text = std::str::from_utf8(text).ok()?;
    let inner = text.strip_prefix("#env(")?.strip_suffix(')')?.trim_start();
    let (name, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((name, default)) => (name, Some(default.trim_start().strip_prefix('"')?.strip_suffix('"')?)),
    };
    let name = name.trim_end();
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_default = default.is_none_or(|default| !default.is_empty() && !default.contains('"'));
    (is_name && is_default).then(|| (name.to_string(), default.map(String::from)))
}

fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Value::Int(n),
            (None, Some(n)) => Value::Float(n),
            (None, None) => Value::Null,
        },
        serde_json::Value::String(text) => Value::Text(text.into_bytes()),
        serde_json::Value::Array(items) => {
            let mut array = Array::default();
            items.into_iter().for_each(|item| array.push(from_json(item)));
            Value::Array(array)
        }
        serde_json::Value::Object(map) => {
            let mut array = Array::default();
            map.into_iter().for_each(|(key, value)| array.set(Key::text(key.as_bytes()), from_json(value)));
            Value::Array(array)
        }
    }
}
