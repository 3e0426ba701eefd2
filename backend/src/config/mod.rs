//! The settings of the operator: one struct per concern, each field a flag, an environment variable and a help text.
//!
//! They are read once, at start-up. What an administrator changes while the server runs is in `settings`.

mod empty;
mod secret;
mod size;
mod unknown;

pub use empty::without_empty_variables;
pub use secret::Secret;
pub use size::{MIN_PART_SIZE, parse_size};
pub use unknown::{unknown_variables, warn_about_unknown};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything the operator sets.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub store: StoreConfig,
    #[command(flatten)]
    pub data: DataConfig,
    #[command(flatten)]
    pub http: HttpConfig,
    #[command(flatten)]
    pub keys: KeyConfig,
    #[command(flatten)]
    pub providers: ProviderConfig,
    #[command(flatten)]
    pub log: LogConfig,
}

/// The Magento store that is backed up.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The store")]
pub struct StoreConfig {
    /// The directory of the Magento store: the one that holds app/etc/env.php. It cannot be set through the API.
    #[arg(long, env = "STOREKEEP_MAGENTO_ROOT", value_name = "DIR")]
    pub magento_root: Option<PathBuf>,

    /// Serves a demo store, made below the data directory at the first start, instead of a store of your own.
    #[arg(long, env = "STOREKEEP_DEMO", value_parser = clap::builder::BoolishValueParser::new())]
    pub demo: bool,

    /// Replaces the connection `default` of env.php (others stay): mysql://user:password@host:3306/name. Prefer the variable: a
    /// flag is visible to every user of the machine.
    #[arg(long, env = "STOREKEEP_MAGENTO_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub magento_database_url: Option<Secret>,

    /// The size above which an archive is split into parts: bytes, or a size such as 500MB or 4GiB.
    #[arg(long, env = "STOREKEEP_PART_SIZE", value_name = "SIZE", default_value = "4GiB", value_parser = size::parse_part_size)]
    pub part_size: u64,
}

/// Where Storekeep keeps its own files.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct DataConfig {
    /// The directory of the embedded database, the key file and the set-up token.
    #[arg(long, env = "STOREKEEP_DATA_DIR", value_name = "DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// The directory of the local copies [default: <data dir>/archives]
    #[arg(long, env = "STOREKEEP_ARCHIVE_DIR", value_name = "DIR")]
    pub archive_dir: Option<PathBuf>,

    /// The metadata database: sqlite://FILE, postgres://… or mysql://… [default: SQLite in the data directory]. Prefer
    /// the variable when it holds a password.
    #[arg(long, env = "STOREKEEP_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
}

/// How clients reach the server.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct HttpConfig {
    /// The address and port to listen on. Port 0 picks a free one and prints it.
    #[arg(long, env = "STOREKEEP_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,

    /// How browsers and providers reach the server [default: http://<listen>]
    #[arg(long, env = "STOREKEEP_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub public_url: Option<String>,

    /// Addresses of reverse proxies, separated by commas: of these alone `X-Forwarded-For` is believed.
    #[arg(long, env = "STOREKEEP_TRUSTED_PROXIES", value_name = "ADDRESSES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,

    /// Seconds that a stop waits for requests and passes to end.
    #[arg(long, env = "STOREKEEP_STOP_TIMEOUT", value_name = "SECONDS", default_value_t = 20)]
    pub stop_timeout: u64,
}

/// Keys and one-time tokens.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Keys")]
pub struct KeyConfig {
    /// The key that protects stored credentials: 32 bytes, base64 [default: made at the first start, in the data
    /// directory]. Prefer the variable or the file: a flag is visible to every user of the machine.
    #[arg(
        long,
        env = "STOREKEEP_ENCRYPTION_KEY",
        value_name = "BASE64",
        hide_env_values = true,
        conflicts_with = "encryption_key_file"
    )]
    pub encryption_key: Option<Secret>,

    /// A file that holds that key.
    #[arg(long, env = "STOREKEEP_ENCRYPTION_KEY_FILE", value_name = "FILE")]
    pub encryption_key_file: Option<PathBuf>,

    /// Fixes the one-time token that makes the first administrator [default: random, printed at start-up].
    #[arg(long, env = "STOREKEEP_SETUP_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub setup_token: Option<Secret>,

    /// Whoever sends this as `Authorization: Bearer …` may read /metrics from another machine [default: from this machine alone].
    #[arg(long, env = "STOREKEEP_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub metrics_token: Option<Secret>,
}

/// Where the providers of cloud storages are reached, when not at their own addresses: a proxy of the operator's, a fake of a test.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Providers")]
pub struct ProviderConfig {
    /// Reaches Google Drive below this URL [default: Google's own]. https, or http on the loopback address.
    #[arg(long, env = "STOREKEEP_GOOGLE_DRIVE_BASE_URL", value_name = "URL", value_parser = parse_base_url)]
    pub google_drive_base_url: Option<String>,

    /// Reaches OneDrive below this URL [default: Microsoft's own]. https, or http on the loopback address.
    #[arg(long, env = "STOREKEEP_ONE_DRIVE_BASE_URL", value_name = "URL", value_parser = parse_base_url)]
    pub one_drive_base_url: Option<String>,

    /// Reaches Dropbox below this URL [default: Dropbox's own]. https, or http on the loopback address.
    #[arg(long, env = "STOREKEEP_DROPBOX_BASE_URL", value_name = "URL", value_parser = parse_base_url)]
    pub dropbox_base_url: Option<String>,
}

/// What the server writes about itself, to standard error.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Logging")]
pub struct LogConfig {
    /// How much is logged: error, warn, info, debug, or a filter such as `info,storekeep=debug`.
    #[arg(long = "log", env = "STOREKEEP_LOG", value_name = "FILTER", default_value = "info")]
    pub filter: String,

    /// The form of log lines.
    #[arg(long = "log-format", env = "STOREKEEP_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The environment of this process, for what the store's own configuration reads from it.
#[expect(clippy::disallowed_methods, reason = "settings are read here")]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))).collect()
}

impl Config {
    /// An empty flag means the same as none, as an empty variable does: scripts pass on what is not set as an empty text.
    pub fn without_empty_values(mut self) -> Self {
        let filled = |secret: &Secret| !secret.expose().trim().is_empty();
        self.store.magento_root = self.store.magento_root.filter(|p| !p.as_os_str().is_empty());
        self.store.magento_database_url = self.store.magento_database_url.filter(filled);
        self.data.archive_dir = self.data.archive_dir.filter(|p| !p.as_os_str().is_empty());
        self.data.database_url = self.data.database_url.filter(filled);
        self.http.public_url = self.http.public_url.filter(|u| !u.is_empty());
        self.keys.encryption_key = self.keys.encryption_key.filter(filled);
        self.keys.encryption_key_file = self.keys.encryption_key_file.filter(|p| !p.as_os_str().is_empty());
        self.keys.setup_token = self.keys.setup_token.filter(filled);
        self.keys.metrics_token = self.keys.metrics_token.filter(filled);
        let providers = &mut self.providers;
        for url in [
            &mut providers.google_drive_base_url,
            &mut providers.one_drive_base_url,
            &mut providers.dropbox_base_url,
        ] {
            *url = url.take().filter(|u| !u.is_empty());
        }
        self
    }
}

impl DataConfig {
    /// Where local copies go.
    pub fn archive_dir(&self) -> PathBuf {
        self.archive_dir.clone().unwrap_or_else(|| self.data_dir.join("archives"))
    }

    /// The metadata database, embedded by default.
    pub fn database_url(&self) -> Secret {
        self.database_url.clone().unwrap_or_else(|| {
            let file = absolute(&self.data_dir).join("storekeep.db");
            Secret::new(format!("sqlite://{}?mode=rwc", file.display()))
        })
    }

    /// The file of the metadata database, where that is one.
    pub fn database_file(&self) -> Option<PathBuf> {
        let url = self.database_url();
        let rest = url.expose().strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next()?;
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }
}

impl HttpConfig {
    /// How browsers reach the server that listens on `address`; without a slash at the end.
    pub fn public_url(&self, address: std::net::SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{address}"))
    }

    pub fn stop_timeout(&self) -> Duration {
        Duration::from_secs(self.stop_timeout)
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The same rule as the engine's, at start-up: a token never travels in clear.
fn parse_base_url(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let url = engine::storage::http::base_url(text);
    url.map(|url| url.to_string()).map_err(|error| format!("{error} Write it as https://host."))
}

fn parse_public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match rest {
        _ if text.is_empty() => Ok(String::new()),
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => Ok(url.into()),
        _ => Err("write it as https://host or http://host:port, without a path".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use rstest::rstest;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        config: Config,
    }

    fn parse(args: &[&str]) -> Config {
        Only::try_parse_from(std::iter::once(&"x").chain(args)).unwrap().config.without_empty_values()
    }

    #[test]
    fn defaults_are_those_of_the_manual() {
        let config = parse(&[]);
        assert_eq!(config.data.archive_dir(), PathBuf::from("./data/archives"));
        assert!(config.data.database_url().expose().starts_with("sqlite:///"));
        assert_eq!(config.store.part_size, 4 << 30);
        let address = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(config.http.public_url(address), "http://127.0.0.1:8080");
    }

    #[test]
    fn debug_output_has_no_secret() {
        let config = parse(&["--database-url", "postgres://u:hunter2@h/d", "--setup-token", "letmein"]);
        let text = format!("{config:?}");
        assert!(!text.contains("hunter2") && !text.contains("letmein"), "{text}");
    }

    #[rstest]
    #[case(&[], Some("/storekeep.db"))]
    #[case(&["--database-url", "sqlite:///srv/meta.db?mode=rwc"], Some("/srv/meta.db"))]
    #[case(&["--database-url", "sqlite:meta.db"], Some("meta.db"))]
    #[case(&["--database-url", "sqlite::memory:"], None)]
    #[case(&["--database-url", "postgres://h/d"], None)]
    fn a_database_in_a_file_is_told_from_others(#[case] args: &[&str], #[case] end: Option<&str>) {
        let file = parse(args).data.database_file().map(|f| f.display().to_string());
        assert_eq!(file.is_some(), end.is_some());
        assert!(file.unwrap_or_default().ends_with(end.unwrap_or_default()));
    }

    #[rstest]
    #[case("https://drive.example.org/x", true)]
    #[case("http://127.0.0.1:4000", true)]
    #[case("", true)]
    #[case("http://drive.example.org", false)]
    #[case("drive.example.org", false)]
    fn providers_are_reached_by_https_or_on_the_machine_itself(#[case] url: &str, #[case] good: bool) {
        for flag in ["--google-drive-base-url", "--one-drive-base-url", "--dropbox-base-url"] {
            let parsed = Only::try_parse_from(["x", flag, url]);
            let error = parsed.as_ref().err().map(ToString::to_string).unwrap_or_default();
            assert_eq!(parsed.is_ok(), good, "{flag} {url}: {error}");
            assert!(good || error.contains("https://"), "{error}");
        }
        assert_eq!(parse(&["--dropbox-base-url", ""]).providers.dropbox_base_url, None);
    }

    #[rstest]
    #[case("https://backup.example.org/", Some("https://backup.example.org"))]
    #[case("http://localhost:8080", Some("http://localhost:8080"))]
    #[case("backup.example.org", None)]
    #[case("https://host/path", None)]
    #[case("https://user:pw@host", None)]
    fn public_urls_are_origins(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(parse_public_url(text).ok().as_deref(), expected);
    }
}
