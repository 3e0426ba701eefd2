//! Uploads: what is small in one request, the rest in parts.

use super::bucket::Bucket;
use super::etag::{self, md5_of};
use super::read::Reader;
use super::{Encryption, Settings};
use crate::storage::{Body, Error, ErrorKind, Result, Stored};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The metadata in which an object carries the hash of its content.
pub(super) const SHA256: &str = "sha256";

impl Bucket {
    pub async fn upload(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let object = self.object(key)?;
        if body.size_bytes() > self.s3.tuning.part_size {
            return self.upload_in_parts(key, &object, body).await;
        }
        if self.sessions.load(key).await?.is_some() {
            self.give_up(key).await?;
        }
        self.upload_at_once(key, &object, body).await
    }

    /// The provider makes the object when it has all of it, and its MD5 is right.
    async fn upload_at_once(&self, key: &str, object: &str, body: &dyn Body) -> Result<Stored> {
        let mut reader = Reader::open(body, key).await?;
        let bytes = reader.take(body.size_bytes()).await?;
        let sha256 = reader.finish().await?;
        expect_sha256(key, body, &sha256)?;
        let md5 = md5_of(bytes.clone()).await?;
        let (client, encryption) = (&self.s3.client, encryption(&self.s3.settings));
        let put = || {
            let call = client.sdk.put_object().bucket(&self.name).key(object);
            call.content_md5(BASE64.encode(md5))
                .metadata(SHA256, &sha256)
                .set_server_side_encryption(encryption.0.clone())
                .set_ssekms_key_id(encryption.1.clone())
                .body(ByteStream::from(bytes.clone()))
                .send()
        };
        let limit = self.s3.tuning.sending(bytes.len() as u64);
        let answer = client.call(self.doing("s3:PutObject", object), limit, put).await?;
        let etag = answer.e_tag().map(etag::bare).unwrap_or_default();
        if etag == hex::encode(md5) {
            return Ok(Stored { size_bytes: bytes.len() as u64, sha256: Some(sha256) });
        }
        if client.like_amazon && etag::comparable(answer.server_side_encryption()) {
            return Err(self.damaged(object).await);
        }
        // The provider has compared the MD5 that it got; what it calls the object proves nothing more.
        self.look(key, object).await
    }

    /// Removes an object that is not what was sent.
    pub async fn damaged(&self, object: &str) -> Error {
        let (client, quick) = (&self.s3.client, self.s3.tuning.quick);
        let delete = || client.sdk.delete_object().bucket(&self.name).key(object).send();
        let deleted = client.call(self.doing("s3:DeleteObject", object), quick, delete).await;
        let gone =
            if deleted.is_ok() { "was removed again" } else { "could not be removed: delete it by hand" };
        let text = format!(
            "What arrived as `{}/{object}` is not what was sent (its ETag differs); it {gone}.",
            self.name
        );
        Error::new(ErrorKind::Integrity, text)
    }

    /// What the provider says of an object that it has just made.
    pub async fn look(&self, key: &str, object: &str) -> Result<Stored> {
        let found = self.head(object).await.map_err(|failure| match failure.error.kind {
            ErrorKind::NotFound => {
                Error::new(ErrorKind::Unavailable, format!("`{key}` was stored, but does not show."))
            }
            _ => failure.error,
        })?;
        let size_bytes = u64::try_from(found.content_length().unwrap_or_default()).unwrap_or_default();
        Ok(Stored { size_bytes, sha256: None })
    }
}

/// A body that says its hash has to be what it says.
pub(super) fn expect_sha256(key: &str, body: &dyn Body, found: &str) -> Result<()> {
    match body.sha256() {
        Some(expected) if expected != found => {
            let text = format!("`{key}` is not what it was: its SHA-256 has changed. It was not stored.");
            Err(Error::new(ErrorKind::Integrity, text))
        }
        _ => Ok(()),
    }
}

/// What the storage asks for, as the provider calls it: the way, and the key's id.
pub(super) fn encryption(settings: &Settings) -> (Option<ServerSideEncryption>, Option<String>) {
    match &settings.encryption {
        None => (None, None),
        Some(Encryption::Aes256) => (Some(ServerSideEncryption::Aes256), None),
        Some(Encryption::Kms { key_id }) => (Some(ServerSideEncryption::AwsKms), key_id.clone()),
    }
}
