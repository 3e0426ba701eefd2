//! A private S3 server: Garage, a single node on free ports of the loopback address, in a temporary folder, with one empty bucket.
//!
//! `scripts/setup test` builds it once into the user's cache; `make test` calls that.

mod forward;

pub use forward::Forward;

use crate::storage::amazon_s3::{AmazonS3, Settings};
use crate::storage::time::SystemTime;
use crate::storage::{Cloud, MemorySessions, Secret};
use crate::testing::{Supervised, cache};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As `scripts/garage` builds it.
const VERSION: &str = "2.5.0";
const BUCKET: &str = "shop-backups";
const REGION: &str = "garage";
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends it and removes what it kept.
#[derive(Debug)]
pub struct Garage {
    server: Supervised,
    program: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    access_key_id: String,
    secret_access_key: String,
}

impl Garage {
    /// Starts a server in the system's temporary directory and waits until it serves its bucket, a minute at most.
    ///
    /// # Errors
    /// When it was never built (then the message says how), or does not start.
    pub async fn start() -> io::Result<Garage> {
        Garage::start_in(&std::env::temp_dir()).await
    }

    /// The same with its folder inside of `parent`.
    ///
    /// # Errors
    /// As [`Garage::start`].
    pub async fn start_in(parent: &Path) -> io::Result<Garage> {
        let program = program()?;
        // Between finding a free port and taking it somebody else may: that is worth another try.
        let mut tries = 0;
        loop {
            tries += 1;
            let mut garage = Garage::launch(&program, parent)?;
            match garage.wait_until_ready().await {
                Err(error) if tries < 4 && error.to_string().contains("in use") => {}
                result => return result.map(|()| garage),
            }
        }
    }

    fn launch(program: &Path, parent: &Path) -> io::Result<Garage> {
        let dir = tempfile::Builder::new().prefix("garage-").tempdir_in(parent)?;
        let (port, rpc_port) = (free_port()?, free_port()?);
        let config = dir.path().join("garage.toml");
        std::fs::write(&config, configuration(dir.path(), port, rpc_port))?;
        let output = File::create(dir.path().join("log"))?;
        let log = output.try_clone()?;
        let access_key_id = format!("GK{}", random(12));
        let secret_access_key = random(32);
        let server = Supervised::start(dir.path(), program.as_os_str(), |command| {
            command
                .args(["server", "--single-node", "--default-bucket"])
                .env("GARAGE_CONFIG_FILE", &config)
                .env("GARAGE_DEFAULT_ACCESS_KEY", &access_key_id)
                .env("GARAGE_DEFAULT_SECRET_KEY", &secret_access_key)
                .env("GARAGE_DEFAULT_BUCKET", BUCKET)
                .env("RUST_LOG", "garage=warn")
                .stdout(log)
                .stderr(output);
        })?;
        let program = program.to_path_buf();
        Ok(Garage { server, program, dir, port, access_key_id, secret_access_key })
    }

    async fn wait_until_ready(&mut self) -> io::Result<()> {
        let cloud = AmazonS3::new(self.settings(), Arc::new(SystemTime)).map_err(io::Error::other)?;
        let storage = cloud.storage(BUCKET, Arc::new(MemorySessions::default())).map_err(io::Error::other)?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.server.ended()? {
                return Err(self.failed(&format!("it ended with {status}")));
            }
            let listed = tokio::time::timeout(START_LIMIT, storage.list("")).await;
            match listed {
                Ok(Ok(_)) => return Ok(()),
                other if began.elapsed() > START_LIMIT => {
                    return Err(self.failed(&format!("it was not ready within a minute ({other:?})")));
                }
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn failed(&self, what: &str) -> io::Error {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        io::Error::other(format!("the S3 server for tests did not start: {what}. Its log:\n{log}"))
    }

    /// Of an account that may do everything in the bucket.
    pub fn settings(&self) -> Settings {
        Settings {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: Secret::new(self.secret_access_key.clone()),
            region: REGION.into(),
            endpoint: self.url().parse().ok(),
            path_style: true,
            storage_class: None,
            encryption: None,
            incremental: true,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs one of Garage's own commands, such as `bucket create name`; what it prints.
    ///
    /// # Errors
    /// What it says when it fails.
    pub fn command(&self, arguments: &[&str]) -> io::Result<String> {
        let output = Command::new(&self.program)
            .arg("--config")
            .arg(self.dir.path().join("garage.toml"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(io::Error::other(format!("garage {}: {said}", arguments.join(" "))))
    }

    /// An account of its own, with the given rights (`--read`, `--write`, `--owner`) on a bucket.
    ///
    /// # Errors
    /// As [`Garage::command`].
    pub fn account(&self, bucket: &str, rights: &[&str]) -> io::Result<Settings> {
        let (id, secret) = (format!("GK{}", random(12)), random(32));
        self.command(&["key", "import", "--yes", "-n", &id, &id, &secret])?;
        self.command(&[&["bucket", "allow"], rights, &[bucket, "--key", &id]].concat())?;
        Ok(Settings { access_key_id: id, secret_access_key: Secret::new(secret), ..self.settings() })
    }

    /// A plain client of the server, which knows nothing of the driver.
    pub fn client(&self, settings: &Settings) -> aws_sdk_s3::Client {
        let secret = settings.secret_access_key.expose();
        let credentials = Credentials::new(&settings.access_key_id, secret, None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.url())
            .force_path_style(true)
            .region(Region::new(settings.region.clone()))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .credentials_provider(credentials);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// Keys of uploads in parts that were neither completed nor given up, as the server lists them on one page.
    ///
    /// # Errors
    /// What the server says.
    pub async fn unfinished(&self) -> io::Result<Vec<String>> {
        let client = self.client(&self.settings());
        let listing =
            client.list_multipart_uploads().bucket(BUCKET).send().await.map_err(io::Error::other)?;
        Ok(listing.uploads().iter().filter_map(|upload| upload.key().map(str::to_owned)).collect())
    }

    /// The bucket that is there from the start.
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }
}

fn configuration(dir: &Path, port: u16, rpc_port: u16) -> String {
    let (dir, secret) = (dir.display(), random(32));
    format!(
        r#"metadata_dir = "{dir}/meta"
data_dir = "{dir}/data"
db_engine = "lmdb"
metadata_fsync = false
data_fsync = false
compression_level = "none"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:{rpc_port}"
rpc_public_addr = "127.0.0.1:{rpc_port}"
rpc_secret = "{secret}"
[s3_api]
s3_region = "{REGION}"
api_bind_addr = "127.0.0.1:{port}"
"#
    )
}

fn random(bytes: usize) -> String {
    let mut block = vec![0u8; bytes];
    rand::fill(&mut block[..]);
    hex::encode(block)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Where `scripts/garage` puts it.
fn program() -> io::Result<PathBuf> {
    let program = cache().join(format!("garage-{VERSION}/bin/garage"));
    if program.is_file() {
        return Ok(program);
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "the S3 server for tests is not at {}: `make test` builds it first; `scripts/setup test` does that alone",
            program.display()
        ),
    ))
}
