//! An account at each kind of cloud: the fakes of the three OAuth providers and a private S3 server, in the machine's time, for tests of
//! whole servers.

use super::fake::Record;
use super::fakes::dropbox::FakeDropbox;
use super::fakes::google_drive::FakeGoogleDrive;
use super::fakes::one_drive::FakeOneDrive;
use super::garage::Garage;
use crate::storage::account::{Account, GrantStore};
use crate::storage::amazon_s3::{AmazonS3, Settings};
use crate::storage::dropbox::{self, Dropbox};
use crate::storage::google_drive::{self, GoogleDrive};
use crate::storage::http::{Http, base_url};
use crate::storage::oauth::{App, Grant};
use crate::storage::one_drive::{self, OneDrive};
use crate::storage::time::{SharedTime, SystemTime};
use crate::storage::{Cloud, Error, ErrorKind, MemorySessions, Result, Secret, SharedStorage, StorageKind};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// All of them. They end when this is dropped.
pub struct Clouds {
    pub google_drive: FakeGoogleDrive,
    pub one_drive: FakeOneDrive,
    pub dropbox: FakeDropbox,
    pub amazon_s3: Garage,
}

/// Where an account is, and what somebody needs who uses it.
pub struct Place {
    pub kind: StorageKind,
    /// The base URL of the provider; for Amazon S3 the endpoint.
    pub url: String,
    /// For Amazon S3 the access key.
    pub app: App,
    /// Of somebody who has linked the account; none for Amazon S3.
    pub grant: Option<Grant>,
    /// Amazon S3 alone.
    pub region: String,
}

impl Place {
    /// The account, by its driver.
    ///
    /// # Errors
    /// What the driver gives.
    pub fn cloud(&self) -> Result<Arc<dyn Cloud>> {
        let time: SharedTime = Arc::new(SystemTime);
        let wrong = |text: String| Error::new(ErrorKind::InvalidConfig, text);
        let base = base_url(&self.url).map_err(wrong)?;
        let base = Some(&base);
        let account = |provider| -> Result<Arc<Account>> {
            let grant = self.grant.clone().ok_or_else(|| wrong("no grant".into()))?;
            let held = Arc::new(Held(Mutex::new(grant)));
            Ok(Account::new(Http::new()?, Arc::clone(&time), provider, self.app.clone(), held))
        };
        Ok(match self.kind {
            StorageKind::AmazonS3 => AmazonS3::new(
                Settings {
                    access_key_id: self.app.client_id.clone(),
                    secret_access_key: self.app.client_secret.clone(),
                    region: self.region.clone(),
                    endpoint: base.cloned(),
                    path_style: true,
                    storage_class: None,
                    encryption: None,
                    incremental: true,
                },
                Arc::clone(&time),
            )?,
            StorageKind::GoogleDrive => GoogleDrive::new(account(google_drive::provider(base))?, base),
            StorageKind::OneDrive => OneDrive::new(account(one_drive::provider(base, None))?, base),
            StorageKind::Dropbox => Dropbox::new(account(dropbox::provider(base))?, base),
            StorageKind::Local => return Err(wrong("not a cloud".into())),
        })
    }

    /// For another process on the same machine; with every secret.
    ///
    /// # Errors
    /// Never: it is plain.
    pub fn to_json(&self) -> serde_json::Result<Value> {
        let grant = self.grant.as_ref().map(|grant| {
            json!({
                "access_token": grant.access_token.expose(),
                "access_expires_at": grant.access_expires_at,
                "refresh_token": grant.refresh_token.expose(),
            })
        });
        Ok(json!({
            "kind": serde_json::to_value(self.kind)?,
            "url": self.url,
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret.expose(),
            "region": self.region,
            "grant": grant,
        }))
    }

    /// # Errors
    /// When it is not what [`Place::to_json`] makes.
    pub fn from_json(value: &Value) -> serde_json::Result<Place> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let grant = match &value["grant"] {
            Value::Null => None,
            grant => Some(Grant {
                access_token: Secret::new(text(&grant["access_token"])),
                access_expires_at: DateTime::deserialize(&grant["access_expires_at"])?,
                refresh_token: Secret::new(text(&grant["refresh_token"])),
                generation: 1,
            }),
        };
        let client_secret = Secret::new(text(&value["client_secret"]));
        Ok(Place {
            kind: StorageKind::deserialize(&value["kind"])?,
            url: text(&value["url"]),
            app: App { client_id: text(&value["client_id"]), client_secret },
            grant,
            region: text(&value["region"]),
        })
    }
}

impl Clouds {
    /// # Errors
    /// When no port is free, or Garage does not start.
    pub async fn start() -> io::Result<Clouds> {
        Clouds::start_in(&std::env::temp_dir()).await
    }

    /// The same; what the S3 server keeps is inside of `dir`.
    ///
    /// # Errors
    /// As [`Clouds::start`].
    pub async fn start_in(dir: &Path) -> io::Result<Clouds> {
        let clouds = Clouds {
            google_drive: FakeGoogleDrive::start().await?,
            one_drive: FakeOneDrive::start().await?,
            dropbox: FakeDropbox::start().await?,
            amazon_s3: Garage::start_in(dir).await?,
        };
        for record in clouds.records() {
            record.time.run();
        }
        Ok(clouds)
    }

    fn records(&self) -> [&Record; 3] {
        [self.google_drive.record(), self.one_drive.record(), self.dropbox.record()]
    }

    /// What the real providers would not have taken.
    pub fn violations(&self) -> Vec<String> {
        self.records().iter().flat_map(|record| record.violations()).collect()
    }

    /// Everything that may be seen nowhere.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.google_drive.secrets();
        secrets.extend(self.one_drive.secrets());
        secrets.extend(self.dropbox.secrets());
        secrets.push(self.amazon_s3.settings().secret_access_key.expose().to_owned());
        secrets
    }

    /// Each with a grant of its own.
    pub fn places(&self) -> [Place; 4] {
        let s3 = self.amazon_s3.settings();
        let key = App { client_id: s3.access_key_id, client_secret: s3.secret_access_key };
        let linked =
            |kind, url, app, grant| Place { kind, url, app, grant: Some(grant), region: String::new() };
        let (drive, one_drive, dropbox) = (&self.google_drive, &self.one_drive, &self.dropbox);
        [
            Place {
                kind: StorageKind::AmazonS3,
                url: self.amazon_s3.url(),
                app: key,
                grant: None,
                region: s3.region,
            },
            linked(StorageKind::GoogleDrive, drive.url(), drive.app(), drive.grant()),
            linked(StorageKind::OneDrive, one_drive.graph().url(), one_drive.app(), one_drive.link()),
            linked(StorageKind::Dropbox, dropbox.url(), dropbox.app(), dropbox.grant(1)),
        ]
    }

    /// The destination at `root` as another program sees it that the same person has linked.
    ///
    /// # Errors
    /// What the driver gives.
    pub fn storage(&self, kind: StorageKind, root: &str) -> Result<SharedStorage> {
        let places = self.places().into_iter().find(|place| place.kind == kind);
        let place = places.ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "not a cloud"))?;
        place.cloud()?.storage(root, Arc::new(MemorySessions::default()))
    }
}

/// A grant in memory.
struct Held(Mutex<Grant>);

#[async_trait::async_trait]
impl GrantStore for Held {
    async fn load(&self) -> Result<Grant> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn save(&self, grant: &Grant) -> Result<bool> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = grant.clone();
        Ok(true)
    }

    async fn lost(&self, message: &str) {
        tracing::warn!(message, "the grant is gone");
    }

    async fn works(&self) {}
}
