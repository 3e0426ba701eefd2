//! Amazon S3 and servers that speak its protocol.
//!
//! What the driver counts on, beyond plain S3: `PutObject`, multipart uploads, `HeadObject`, `GetObject` with a range, `ListObjectsV2`,
//! `DeleteObject`. `UploadPartCopy`, `DeleteObjects`, `ListParts`, `ListMultipartUploads` and `ListBuckets` make it better where they are
//! there and allowed.
//!
//! Rights that the access key needs on the bucket: `s3:ListBucket`, and on its objects `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject`,
//! `s3:AbortMultipartUpload`; better also `s3:ListMultipartUploadParts` and, on the bucket, `s3:ListBucketMultipartUploads`,
//! `s3:GetBucketVersioning`. Without `s3:ListBucket` the provider answers 403 for what is not there, so nothing could be told apart.
//!
//! A bucket with versioning keeps what is deleted, as an older version, until a lifecycle rule of the bucket ends it: a `delete` here is
//! one that the bucket's owner can undo, on purpose. [`Storage::notes`](super::Storage::notes) says so where it is the case.

mod bucket;
mod classify;
mod client;
mod copying;
mod deleting;
mod etag;
mod giving_up;
mod multipart;
mod parts;
mod read;
mod sending;
mod state;
mod upload;

use super::time::SharedTime;
use super::{
    AccountInfo, Cloud, Error, ErrorKind, Result, Secret, Sessions, SharedStorage, StorageKind, http,
};
use bucket::Bucket;
use client::{Client, Doing};
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;

/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;

/// What a Storage Set says of an account.
#[derive(Debug, Clone)]
pub struct Settings {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// The region of the buckets; compatible servers have a name of their own for theirs (`garage`, `auto`).
    pub region: String,
    /// `None`: Amazon's own. Signatures never carry the secret key, so `http://` is let through for a server in the same network.
    pub endpoint: Option<Url>,
    /// `https://host/bucket/key` instead of `https://bucket.host/key`.
    pub path_style: bool,
    /// Of objects that are sent in parts (above 16 MiB). Smaller ones keep the bucket's own class: retention reads manifests back, which an
    /// archive class would not let it, and the cheaper classes charge small objects as larger ones.
    pub storage_class: Option<String>,
    /// `None`: as the bucket does by itself.
    pub encryption: Option<Encryption>,
    /// Whether parts of an upload that an earlier object holds are copied from it at the server instead of being sent. A server that cannot
    /// do so, or whose ETags are no MD5s, is sent all of it in any case.
    pub incremental: bool,
}

/// How the provider encrypts at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    Aes256,
    Kms {
        /// `None`: the account's own key for S3.
        key_id: Option<String>,
    },
}

/// Sizes and waits. Tests make them small; parts below 5 MiB are refused by Amazon.
#[derive(Clone)]
pub struct Tuning {
    /// The smallest part. Objects up to this size are sent in one request.
    pub part_size: u64,
    /// The smallest part where much of an object can be copied from earlier ones: the smaller, the less is sent beside what changed. Amazon
    /// copies no ranges below 5 MiB.
    pub copied_part_size: u64,
    /// Earlier objects up to this size are not copied from: Amazon does not let it.
    pub smallest_source: u64,
    /// Parts under way at once, memory permitting.
    pub in_flight: usize,
    /// Objects in one page of a listing, and in one call that deletes them; at most 1000.
    pub page: i32,
    /// A small call; one that sends a block has besides what a slow line needs for it.
    pub quick: Duration,
    /// Making one object of all its parts, which the provider may take minutes for.
    pub complete: Duration,
    /// A download that gives nothing for so long has broken off.
    pub silence: Duration,
    /// How long parts that are on their way may still take when another one has failed.
    pub grace: Duration,
    /// What requests are signed with; `None`: the machine's time.
    pub signing_time: Option<SharedTime>,
    /// Whether the server is taken to be as Amazon's: checksums of the newer kind (CRC) are sent beside the MD5 of each block, which many
    /// other servers refuse, and an ETag that does not fit is a damaged object. `None`: at Amazon alone.
    pub like_amazon: Option<bool>,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            part_size: 16 << 20,
            copied_part_size: 8 << 20,
            smallest_source: 5 << 20,
            in_flight: 4,
            page: 1000,
            quick: http::QUICK,
            complete: Duration::from_secs(15 * 60),
            silence: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            signing_time: None,
            like_amazon: None,
        }
    }
}

impl Tuning {
    /// How long sending `bytes` may take.
    fn sending(&self, bytes: u64) -> Duration {
        self.quick + Duration::from_secs(bytes / SLOWEST)
    }

    fn batch(&self) -> usize {
        usize::try_from(self.page).unwrap_or_default().clamp(1, 1000)
    }
}

/// One account: an access key at Amazon or at another server.
pub struct AmazonS3 {
    settings: Settings,
    tuning: Tuning,
    client: Client,
}

impl AmazonS3 {
    /// # Errors
    /// `InvalidConfig` when the settings cannot be right.
    pub fn new(settings: Settings, time: SharedTime) -> Result<Arc<Self>> {
        AmazonS3::tuned(settings, time, Tuning::default())
    }

    /// The same with other sizes and waits.
    ///
    /// # Errors
    /// As [`AmazonS3::new`].
    pub fn tuned(settings: Settings, time: SharedTime, tuning: Tuning) -> Result<Arc<Self>> {
        check(&settings)?;
        let client = Client::new(&settings, time, &tuning)?;
        Ok(Arc::new(AmazonS3 { settings, tuning, client }))
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidConfig, text)
}

fn check(settings: &Settings) -> Result<()> {
    if settings.access_key_id.trim().is_empty() || settings.secret_access_key.is_empty() {
        return Err(invalid("The access key ID and the secret access key of the storage are missing."));
    }
    if settings.access_key_id.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
        return Err(invalid("The access key ID has characters that no access key ID has. Copy it again."));
    }
    let region = &settings.region;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if region.is_empty() || !region.chars().all(plain) {
        return Err(invalid(format!(
            "`{}` is not a region. Amazon's look like `eu-central-1`; other servers document theirs.",
            region.escape_debug()
        )));
    }
    if let Some(endpoint) = &settings.endpoint {
        let anonymous = endpoint.username().is_empty() && endpoint.password().is_none();
        let bare = endpoint.query().is_none() && endpoint.fragment().is_none();
        if !matches!(endpoint.scheme(), "https" | "http") || !endpoint.has_host() || !anonymous || !bare {
            return Err(invalid(
                "The endpoint has to be the address of a server, without bucket or key: https://host.",
            ));
        }
    }
    Ok(())
}

/// `bucket/optional/prefix` as the bucket and the prefix without slashes at its ends.
fn split_root(root: &str) -> Result<(&str, &str)> {
    let root = root.trim_matches('/');
    let (bucket, prefix) = root.split_once('/').unwrap_or((root, ""));
    let prefix = prefix.trim_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(plain) {
        return Err(invalid(format!(
            "The path has to begin with the name of a bucket, as in `my-bucket/backups`; `{}` is none.",
            bucket.escape_debug()
        )));
    }
    if !prefix.is_empty() && !crate::policy::layout::is_safe_key(prefix) {
        let text = "is not a safe folder below the bucket.";
        return Err(invalid(format!("`{}` {text}", prefix.escape_debug())));
    }
    Ok((bucket, prefix))
}

#[async_trait::async_trait]
impl Cloud for AmazonS3 {
    fn kind(&self) -> StorageKind {
        StorageKind::AmazonS3
    }

    /// The name is the access key ID; the provider does not tell how much room there is.
    ///
    /// Asks for the list of buckets. A key that may not have it, which is good practice, has proved itself all the same: only who signs
    /// with the right secret is told `AccessDenied`.
    async fn about(&self) -> Result<AccountInfo> {
        let listing = self.client.call(Doing::account("s3:ListAllMyBuckets"), self.tuning.quick, || {
            self.client.sdk.list_buckets().max_buckets(1).send()
        });
        if let Err(failure) = listing.await
            && !failure.is_denied()
            && !failure.is_unsupported()
        {
            return Err(failure.into());
        }
        let name = self.settings.access_key_id.clone();
        Ok(AccountInfo { id: name.clone(), name, total_bytes: None, used_bytes: None })
    }

    fn storage(self: Arc<Self>, root: &str, sessions: Arc<dyn Sessions>) -> Result<SharedStorage> {
        let (bucket, prefix) = split_root(root)?;
        Ok(Arc::new(Bucket::new(self, bucket, prefix, sessions)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemorySessions;
    use crate::storage::time::SystemTime;
    use rstest::rstest;

    fn settings() -> Settings {
        Settings {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: Secret::new("hunter2"),
            region: "eu-central-1".into(),
            endpoint: None,
            path_style: false,
            storage_class: None,
            encryption: None,
            incremental: true,
        }
    }

    #[rstest]
    #[case("shop-backups", Some(("shop-backups", "")))]
    #[case("/shop-backups/", Some(("shop-backups", "")))]
    #[case("shop-backups/a/b/", Some(("shop-backups", "a/b")))]
    #[case("shop-backups//a", Some(("shop-backups", "a")))]
    #[case("shop.backups_2/Für den Laden", Some(("shop.backups_2", "Für den Laden")))]
    #[case("shop-backups/a/../b", None)]
    #[case("shop-backups/a//b", None)]
    #[case("", None)]
    #[case("ab/c", None)]
    #[case("shop backups", None)]
    #[case("s3:", None)]
    #[case("arn:aws:s3:eu-central-1:123:accesspoint/x", None)]
    fn a_root_is_a_bucket_and_a_prefix(#[case] root: &str, #[case] expected: Option<(&str, &str)>) {
        assert_eq!(split_root(root).ok(), expected);
    }

    #[rstest]
    #[case(Settings { access_key_id: " ".into(), ..settings() }, "access key ID")]
    #[case(Settings { access_key_id: "AKIA X".into(), ..settings() }, "access key ID")]
    #[case(Settings { secret_access_key: Secret::new(""), ..settings() }, "secret access key")]
    #[case(Settings { region: "".into(), ..settings() }, "region")]
    #[case(Settings { region: "evil.example.org/".into(), ..settings() }, "region")]
    #[case(Settings { endpoint: Some("ftp://s3.example.org".parse().unwrap()), ..settings() }, "endpoint")]
    #[case(Settings { endpoint: Some("https://u:p@s3.example.org".parse().unwrap()), ..settings() }, "endpoint")]
    #[case(Settings { endpoint: Some("https://s3.example.org/?x".parse().unwrap()), ..settings() }, "endpoint")]
    fn settings_that_cannot_be_right_are_refused(#[case] settings: Settings, #[case] names: &str) {
        let Err(error) = AmazonS3::new(settings, Arc::new(SystemTime)) else { panic!("taken") };
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        assert!(error.message.contains(names), "{error}");
        assert!(!format!("{error:?}").contains(":p@"), "{error:?}");
    }

    #[test]
    fn a_folder_is_needed_for_a_destination_and_secrets_do_not_show() {
        let settings = settings();
        assert!(!format!("{settings:?}").contains("hunter2"));
        let cloud = AmazonS3::new(settings, Arc::new(SystemTime)).unwrap();
        let sessions = Arc::new(MemorySessions::default());
        let error = Arc::clone(&cloud).storage("", sessions.clone()).err().unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        assert_eq!(cloud.storage("shop-backups/x", sessions).unwrap().kind(), StorageKind::AmazonS3);
    }
}
