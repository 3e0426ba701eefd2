//! Between Storage Sets and the drivers of the engine. Everything that knows one driver from another is in this file.

use contract::StorageTestStep;
use engine::storage::account::GrantStore;
use engine::storage::http::Http;
use engine::storage::oauth::Provider;
use engine::storage::time::{SharedTime, SystemTime};
use engine::storage::{Cloud, Error, ErrorKind, Result, Secret, SharedStorage, StorageKind};
use std::sync::Arc;
use url::Url;

/// A Storage Set as a driver needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudSettings {
    pub kind: StorageKind,
    pub client_id: String,
    pub client_secret: Secret,
    /// OneDrive alone.
    pub tenant: Option<String>,
    /// Amazon S3 alone.
    pub s3: S3Settings,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Settings {
    pub region: String,
    /// `None` is Amazon itself.
    pub endpoint: Option<String>,
    pub path_style: bool,
    pub storage_class: Option<String>,
    pub encryption: Option<S3Encryption>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Encryption {
    Aes256,
    /// With the account's own key when there is none.
    Kms(Option<String>),
}

/// Makes accounts and what belongs to them.
#[async_trait::async_trait]
pub trait Clouds: Send + Sync {
    /// What exchanges of codes are sent with.
    fn http(&self) -> &Http;

    /// The consent page and the tokens of a provider.
    ///
    /// # Errors
    /// `InvalidConfig` for Amazon S3, which knows neither.
    fn provider(&self, kind: StorageKind, tenant: Option<&str>) -> Result<Provider>;

    /// The account. `grants` keeps the tokens of one that is linked by consent; for Amazon S3 there are none.
    fn cloud(&self, settings: &CloudSettings, grants: Option<Arc<dyn GrantStore>>) -> Result<Arc<dyn Cloud>>;

    /// The same destination, no faster than this; what has the same `storage_id` shares the limit.
    fn throttled(&self, storage_id: i64, storage: SharedStorage, bytes_per_sec: u64) -> SharedStorage;

    /// Writes, reads back, lists and deletes a small object; says how each went.
    async fn probe(&self, storage: SharedStorage) -> Vec<StorageTestStep> {
        super::probe::probe(storage.as_ref()).await
    }
}

/// Where providers are reached, when not at their own addresses.
#[derive(Debug, Clone, Default)]
pub struct BaseUrls {
    pub google_drive: Option<Url>,
    pub one_drive: Option<Url>,
    pub dropbox: Option<Url>,
}

/// The drivers of the engine.
pub struct Drivers {
    http: Http,
    /// For accounts and for the driver of Amazon S3.
    _time: SharedTime,
    bases: BaseUrls,
}

impl Drivers {
    /// # Errors
    /// When the machine has no usable TLS set-up.
    pub fn new(bases: BaseUrls) -> Result<Drivers> {
        Ok(Drivers { http: Http::new()?, _time: Arc::new(SystemTime), bases })
    }

    fn base(&self, kind: StorageKind) -> Option<&Url> {
        match kind {
            StorageKind::GoogleDrive => self.bases.google_drive.as_ref(),
            StorageKind::OneDrive => self.bases.one_drive.as_ref(),
            StorageKind::Dropbox => self.bases.dropbox.as_ref(),
            StorageKind::AmazonS3 | StorageKind::Local => None,
        }
    }
}

impl Clouds for Drivers {
    fn http(&self) -> &Http {
        &self.http
    }

    fn provider(&self, kind: StorageKind, _tenant: Option<&str>) -> Result<Provider> {
        let _base = self.base(kind);
        Err(absent(kind))
    }

    fn cloud(&self, settings: &CloudSettings, _: Option<Arc<dyn GrantStore>>) -> Result<Arc<dyn Cloud>> {
        Err(absent(settings.kind))
    }

    fn throttled(&self, _storage_id: i64, storage: SharedStorage, _bytes_per_sec: u64) -> SharedStorage {
        storage
    }
}

/// A kind of destination that this binary was built without.
fn absent(kind: StorageKind) -> Error {
    let text = format!("{} is not available in this build of Storekeep.", name(kind));
    Error::new(ErrorKind::InvalidConfig, text)
}

/// As messages call it.
pub fn name(kind: StorageKind) -> &'static str {
    match kind {
        StorageKind::Local => "The local destination",
        StorageKind::GoogleDrive => "Google Drive",
        StorageKind::OneDrive => "OneDrive",
        StorageKind::Dropbox => "Dropbox",
        StorageKind::AmazonS3 => "Amazon S3",
    }
}
