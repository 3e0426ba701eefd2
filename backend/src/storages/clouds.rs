//! Between Storage Sets and the drivers of the engine. Everything that knows one driver from another is in this file.

use engine::storage::account::{Account, GrantStore};
use engine::storage::amazon_s3::{self, AmazonS3};
use engine::storage::dropbox::{self, Dropbox};
use engine::storage::google_drive::{self, GoogleDrive};
use engine::storage::http::Http;
use engine::storage::oauth::{App, Provider};
use engine::storage::one_drive::{self, OneDrive};
use engine::storage::time::{SharedTime, SystemTime};
use engine::storage::{
    Bandwidth, Cloud, Error, ErrorKind, Result, Secret, SharedStorage, StorageKind, Throttle,
};
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
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
    pub incremental: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Encryption {
    Aes256,
    /// With the account's own key when there is none.
    Kms(Option<String>),
}

/// Makes accounts and what belongs to them.
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
    fn throttled(&self, storage_id: i64, storage: SharedStorage, bytes_per_sec: NonZeroU64) -> SharedStorage;
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
    time: SharedTime,
    bases: BaseUrls,
    /// By Storage Set.
    bandwidths: Mutex<HashMap<i64, Arc<Bandwidth>>>,
}

impl Drivers {
    /// # Errors
    /// When the machine has no usable TLS set-up.
    pub fn new(bases: BaseUrls) -> Result<Drivers> {
        let bandwidths = Mutex::default();
        Ok(Drivers { http: Http::new()?, time: Arc::new(SystemTime), bases, bandwidths })
    }
}

impl Clouds for Drivers {
    fn http(&self) -> &Http {
        &self.http
    }

    fn provider(&self, kind: StorageKind, tenant: Option<&str>) -> Result<Provider> {
        match kind {
            StorageKind::GoogleDrive => Ok(google_drive::provider(self.bases.google_drive.as_ref())),
            StorageKind::OneDrive => Ok(one_drive::provider(self.bases.one_drive.as_ref(), tenant)),
            StorageKind::Dropbox => Ok(dropbox::provider(self.bases.dropbox.as_ref())),
            StorageKind::AmazonS3 | StorageKind::Local => Err(no_consent(kind)),
        }
    }

    fn cloud(&self, settings: &CloudSettings, grants: Option<Arc<dyn GrantStore>>) -> Result<Arc<dyn Cloud>> {
        if settings.kind == StorageKind::AmazonS3 {
            return Ok(AmazonS3::new(s3_settings(settings)?, Arc::clone(&self.time))?);
        }
        let provider = self.provider(settings.kind, settings.tenant.as_deref())?;
        let app =
            App { client_id: settings.client_id.clone(), client_secret: settings.client_secret.clone() };
        let grants = grants.ok_or_else(|| no_consent(settings.kind))?;
        let account = Account::new(self.http.clone(), Arc::clone(&self.time), provider, app, grants);
        Ok(match settings.kind {
            StorageKind::GoogleDrive => GoogleDrive::new(account, self.bases.google_drive.as_ref()),
            StorageKind::OneDrive => OneDrive::new(account, self.bases.one_drive.as_ref()),
            StorageKind::Dropbox => Dropbox::new(account, self.bases.dropbox.as_ref()),
            StorageKind::AmazonS3 | StorageKind::Local => return Err(no_consent(settings.kind)),
        })
    }

    fn throttled(&self, storage_id: i64, storage: SharedStorage, bytes_per_sec: NonZeroU64) -> SharedStorage {
        let mut bandwidths = self.bandwidths.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Bandwidth::new(bytes_per_sec, Arc::clone(&self.time));
        let held = bandwidths.entry(storage_id).or_insert_with(fresh);
        if held.bytes_per_second() != bytes_per_sec {
            *held = fresh();
        }
        Arc::new(Throttle::new(storage, Arc::clone(held)))
    }
}

fn no_consent(kind: StorageKind) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{} is not linked by consent.", name(kind)))
}

fn s3_settings(settings: &CloudSettings) -> Result<amazon_s3::Settings> {
    let s3 = &settings.s3;
    let endpoint = s3.endpoint.as_deref().map(str::parse::<Url>).transpose();
    let endpoint = endpoint.map_err(|_| {
        Error::new(ErrorKind::InvalidConfig, "The endpoint is not an address. Write it as https://host.")
    })?;
    Ok(amazon_s3::Settings {
        access_key_id: settings.client_id.clone(),
        secret_access_key: settings.client_secret.clone(),
        region: s3.region.clone(),
        endpoint,
        path_style: s3.path_style,
        storage_class: s3.storage_class.clone(),
        encryption: s3.encryption.as_ref().map(|encryption| match encryption {
            S3Encryption::Aes256 => amazon_s3::Encryption::Aes256,
            S3Encryption::Kms(key_id) => amazon_s3::Encryption::Kms { key_id: key_id.clone() },
        }),
        incremental: s3.incremental,
    })
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
