//! A bucket and a prefix as a destination: everything but uploads and deletions.

use super::AmazonS3;
use super::classify::Failure;
use super::client::Doing;
use super::invalid;
use crate::storage::{
    Body, ByteStream, Entry, Error, ErrorKind, Listing, Result, Sessions, Storage, StorageKind, Stored,
    check_key, http,
};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{BucketVersioningStatus, EncodingType, LifecycleRule, ObjectLockEnabled};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest key, in bytes, as the provider counts it.
const LONGEST_KEY: usize = 1024;
const VERSIONED: &str = "has versioning: what retention deletes stays there as older versions, and takes room, until a lifecycle rule of \
    the bucket removes it. Add one (NoncurrentVersionExpiration)";

/// The objects below one prefix of one bucket.
pub(super) struct Bucket {
    pub s3: Arc<AmazonS3>,
    pub name: String,
    prefix: String,
    pub sessions: Arc<dyn Sessions>,
    /// That deleting only hides was logged.
    told_of_versions: AtomicBool,
    /// How many bytes of each upload that failed the provider has held at most.
    furthest: Mutex<BTreeMap<String, u64>>,
}

impl Bucket {
    pub fn new(s3: Arc<AmazonS3>, name: &str, prefix: &str, sessions: Arc<dyn Sessions>) -> Bucket {
        let told_of_versions = AtomicBool::new(false);
        let furthest = Mutex::default();
        Bucket { s3, name: name.into(), prefix: prefix.into(), sessions, told_of_versions, furthest }
    }

    pub fn furthest(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.furthest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole key of an object of ours.
    pub fn object(&self, key: &str) -> Result<String> {
        check_key(key)?;
        let object = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        if object.len() > LONGEST_KEY {
            return Err(invalid(format!(
                "`{object}` is longer than the {LONGEST_KEY} bytes that a key may have."
            )));
        }
        Ok(object)
    }

    pub fn doing<'a>(&'a self, right: &'static str, object: &'a str) -> Doing<'a> {
        Doing::object(right, &self.name, object)
    }

    /// What is there under a whole key.
    ///
    /// The provider gives no reason with a refusal of `HEAD`, and a proxy before it may have answered: a small listing is asked for it.
    pub async fn head(&self, object: &str) -> std::result::Result<HeadObjectOutput, Failure> {
        let (client, quick) = (&self.s3.client, self.s3.tuning.quick);
        let doing = self.doing("s3:GetObject", object);
        let head = || client.sdk.head_object().bucket(&self.name).key(object).send();
        let failure = match client.call(doing, quick, head).await {
            Err(failure) if (300..500).contains(&failure.status) => failure,
            result => return result,
        };
        let list = || client.sdk.list_objects_v2().bucket(&self.name).prefix(object).max_keys(1).send();
        let found = client.call(Doing::bucket("s3:ListBucket", &self.name), quick, list).await?;
        if found.contents().iter().any(|entry| entry.key() == Some(object)) {
            if failure.error.kind != ErrorKind::NotFound {
                return Err(failure);
            }
            let text = format!("{} lists `{}/{object}`, but does not find it.", client.server, self.name);
            return Err(Failure::silent(Error::new(ErrorKind::Unavailable, text)));
        }
        let text = format!("`{}/{object}` does not exist at {}.", self.name, client.server);
        Err(Failure { status: 404, ..Failure::silent(Error::new(ErrorKind::NotFound, text)) })
    }

    /// One page; the objects' keys below our prefix.
    async fn page(&self, prefix: &str, token: Option<&str>) -> Result<(Vec<Entry>, Option<String>, bool)> {
        let (client, tuning) = (&self.s3.client, &self.s3.tuning);
        let list = || {
            let call = client.sdk.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(tuning.page);
            // Keys of others may have characters that XML cannot have.
            call.encoding_type(EncodingType::Url).set_continuation_token(token.map(str::to_owned)).send()
        };
        let doing = Doing::bucket("s3:ListBucket", &self.name);
        let page = client.call(doing, tuning.quick, list).await?;
        let encoded = page.encoding_type() == Some(&EncodingType::Url);
        let mut entries = Vec::with_capacity(page.contents().len());
        for object in page.contents() {
            let key = object.key().unwrap_or_default();
            let key = if encoded { decoded(key) } else { Some(key.to_owned()) };
            let key = key.as_deref().and_then(|key| self.ours(key));
            // Other names (folders of the provider's console, which end in a slash) are nothing that we could have made.
            let Some(key) = key.filter(|key| check_key(key).is_ok()) else { continue };
            let size_bytes = u64::try_from(object.size().unwrap_or_default()).unwrap_or_default();
            entries.push(Entry { key: key.into(), size_bytes });
        }
        let more = page.is_truncated().unwrap_or(false);
        Ok((entries, page.next_continuation_token().map(str::to_owned), more))
    }

    /// A whole key without our prefix.
    fn ours<'a>(&self, object: &'a str) -> Option<&'a str> {
        if self.prefix.is_empty() {
            return Some(object);
        }
        object.strip_prefix(&self.prefix)?.strip_prefix('/')
    }

    pub fn note_versions(&self) {
        if !self.told_of_versions.swap(true, Ordering::Relaxed) {
            tracing::warn!(bucket = self.name, "the bucket {VERSIONED}");
        }
    }
}

/// A key as the provider writes it in a listing: `+` or `%20` for a space.
fn decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', "%20");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(|key| key.into_owned())
}

#[async_trait::async_trait]
impl Storage for Bucket {
    fn kind(&self) -> StorageKind {
        StorageKind::AmazonS3
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        self.upload(key, body).await
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.give_up(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        let object = self.object(key)?;
        let found = self.head(&object).await?;
        let size_bytes = u64::try_from(found.content_length().unwrap_or_default()).unwrap_or_default();
        Ok(Entry { key: key.into(), size_bytes })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        let prefix = prefix.trim_end_matches('/');
        // With its slash: `set-1` is not `set-10`.
        let whole = match (prefix, self.prefix.as_str()) {
            ("", "") => String::new(),
            ("", root) => format!("{root}/"),
            _ => format!("{}/", self.object(prefix)?),
        };
        let mut listing = Listing { entries: Vec::new(), complete: true };
        let mut token: Option<String> = None;
        loop {
            let (entries, next, more) = self.page(&whole, token.as_deref()).await?;
            listing.entries.extend(entries);
            if !more {
                return Ok(listing);
            }
            // More, but no way to get at it, or the same way again: the rest is not known.
            if next.is_none() || next == token {
                listing.complete = false;
                return Ok(listing);
            }
            token = next;
        }
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        let object = self.object(key)?;
        let (client, tuning) = (&self.s3.client, &self.s3.tuning);
        let range = (offset > 0).then(|| format!("bytes={offset}-"));
        let get = || client.sdk.get_object().bucket(&self.name).key(&object).set_range(range.clone()).send();
        let doing = self.doing("s3:GetObject", &object);
        let answer = client.call(doing, tuning.quick, get).await?;
        let starts = format!("bytes {offset}-");
        if offset > 0 && !answer.content_range().is_some_and(|range| range.starts_with(&starts)) {
            let text = format!("{} did not give `{key}` from byte {offset} on, as asked.", client.server);
            return Err(Error::new(ErrorKind::Other, text));
        }
        Ok(stream(answer.body, client.server.clone(), tuning.silence))
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.delete_object(&self.object(key)?).await
    }

    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        let objects: Result<Vec<String>> = keys.iter().map(|key| self.object(key)).collect();
        self.delete_objects(&objects?).await
    }

    /// There are no folders, only keys with slashes in them.
    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        check_key(prefix.trim_end_matches('/'))
    }

    fn copies_ranges(&self) -> bool {
        self.s3.copies_ranges()
    }

    /// What of the bucket's set-up changes what retention does. What may not be asked is passed over.
    async fn notes(&self) -> Result<Vec<String>> {
        let (client, quick) = (&self.s3.client, self.s3.tuning.quick);
        let mut notes = Vec::new();
        let doing = Doing::bucket("s3:GetBucketVersioning", &self.name);
        let asked = || client.sdk.get_bucket_versioning().bucket(&self.name).send();
        let versioning = client.call(doing, quick, asked).await;
        if versioning.is_ok_and(|v| v.status() == Some(&BucketVersioningStatus::Enabled))
            && !self.expires_versions().await
        {
            notes.push(format!("The bucket `{}` {VERSIONED}.", self.name));
        }
        let doing = Doing::bucket("s3:GetBucketObjectLockConfiguration", &self.name);
        let asked = || client.sdk.get_object_lock_configuration().bucket(&self.name).send();
        let locked = client.call(doing, quick, asked).await.is_ok_and(|lock| {
            let lock = lock.object_lock_configuration();
            lock.is_some_and(|l| l.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled))
        });
        if locked {
            notes.push(format!(
                "The bucket `{}` has object lock: what is locked there can be hidden by retention, but takes room until its lock ends.",
                self.name
            ));
        }
        Ok(notes)
    }
}

impl Bucket {
    /// Whether a rule of the bucket removes older versions.
    async fn expires_versions(&self) -> bool {
        let doing = Doing::bucket("s3:GetLifecycleConfiguration", &self.name);
        let asked = || self.s3.client.sdk.get_bucket_lifecycle_configuration().bucket(&self.name).send();
        let rules = self.s3.client.call(doing, self.s3.tuning.quick, asked).await;
        let expires = |rule: &LifecycleRule| rule.noncurrent_version_expiration().is_some();
        rules.is_ok_and(|rules| rules.rules().iter().any(expires))
    }
}

/// A download that ends in an error when nothing comes for `silence`.
fn stream(body: aws_sdk_s3::primitives::ByteStream, server: String, silence: Duration) -> ByteStream {
    let stream = futures_util::stream::unfold(Some((body, server)), move |state| async move {
        let (mut body, server) = state?;
        let error = match tokio::time::timeout(silence, body.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => return Some((Ok(chunk), Some((body, server)))),
            Ok(Some(Err(error))) => {
                let cause = http::chain(&error);
                let damaged = cause.contains("checksum mismatch");
                let kind = if damaged { ErrorKind::Integrity } else { ErrorKind::Unavailable };
                Error::new(kind, format!("{server} broke off: {cause}."))
            }
            Err(_) => {
                let text = format!("{server} gave nothing for {} seconds.", silence.as_secs());
                Error::new(ErrorKind::Unavailable, text)
            }
        };
        Some((Err(error.into()), None))
    });
    stream.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a/b", Some("a/b"))]
    #[case("F%C3%BCr+den%20Laden/1%2B1%25.tgz", Some("Für den Laden/1+1%.tgz"))]
    #[case("%FF", None)]
    fn keys_of_listings_are_decoded(#[case] listed: &str, #[case] key: Option<&str>) {
        assert_eq!(decoded(listed).as_deref(), key);
    }
}
