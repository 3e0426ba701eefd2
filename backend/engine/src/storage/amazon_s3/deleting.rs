//! Deleting: many objects in one call, where the server has such a call.
//!
//! Amazon and most others have it. Which checksum it has to carry is what servers disagree about, and it reports failures inside of a success;
//! so it carries both kinds, counts for what it names and no more, and a server that refuses it is asked object by object from then on.

use super::bucket::Bucket;
use super::classify::{Answer, Failure};
use super::client::Doing;
use super::etag::md5_base64;
use super::invalid;
use crate::storage::{Error, ErrorKind, Result};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

const RIGHT: &str = "s3:DeleteObject";

impl Bucket {
    /// In a bucket with versioning the object stays as an older version, as its owner wanted.
    pub async fn delete_object(&self, object: &str) -> Result<()> {
        let (client, quick) = (&self.s3.client, self.s3.tuning.quick);
        let delete = || client.sdk.delete_object().bucket(&self.name).key(object).send();
        match client.call(self.doing(RIGHT, object), quick, delete).await {
            Ok(deleted) => {
                if deleted.delete_marker() == Some(true) {
                    self.note_versions();
                }
                Ok(())
            }
            Err(failure) if failure.error.kind == ErrorKind::NotFound => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    pub async fn delete_objects(&self, objects: &[String]) -> Result<()> {
        for batch in objects.chunks(self.s3.tuning.batch()) {
            let left = if batch.len() > 1 && self.s3.client.takes_batches() {
                self.delete_batch(batch).await?
            } else {
                batch.iter().collect()
            };
            for object in left {
                self.delete_object(object).await?;
            }
        }
        Ok(())
    }

    /// Those that the answer does not name: all of them where the server does not take such a call.
    async fn delete_batch<'a>(&self, objects: &'a [String]) -> Result<Vec<&'a String>> {
        let client = &self.s3.client;
        let identifier = |object: &String| ObjectIdentifier::builder().key(object).build();
        let identifiers: std::result::Result<Vec<_>, _> = objects.iter().map(identifier).collect();
        // Not `quiet`: then an answer that was cut short would look like one without failures.
        let delete = identifiers.and_then(|objects| Delete::builder().set_objects(Some(objects)).build());
        let delete = delete.map_err(|error| invalid(error.to_string()))?;
        let send = || {
            let call = client.sdk.delete_objects().bucket(&self.name).delete(delete.clone());
            // Beside the CRC that the SDK adds: older servers know nothing else, and insist on it.
            let call = call.customize().mutate_request(|request| {
                let md5 = request.body().bytes().map(md5_base64).unwrap_or_default();
                request.headers_mut().insert("content-md5", md5);
            });
            call.send()
        };
        let doing = Doing::bucket(RIGHT, &self.name);
        let answer = match client.call(doing, self.s3.tuning.quick, send).await {
            Ok(answer) => answer,
            Err(failure) if failure.is_refused_batch() => {
                let (status, code) = (failure.status, failure.code);
                tracing::info!(server = client.server, status, code, "objects are deleted one by one here");
                client.no_batches();
                return Ok(objects.iter().collect());
            }
            Err(failure) => return Err(failure.into()),
        };
        let mut failures = Vec::new();
        for error in answer.errors() {
            let object = error.key().unwrap_or_default();
            let told = Answer::inside(error.code().unwrap_or_default(), error.message().unwrap_or_default());
            let failure = client.failure(self.doing(RIGHT, object), told);
            if failure.error.kind != ErrorKind::NotFound {
                failures.push(failure);
            }
        }
        if let Some(error) = the_one_to_tell(failures) {
            return Err(error);
        }
        if answer.deleted().iter().any(|deleted| deleted.delete_marker() == Some(true)) {
            self.note_versions();
        }
        let named: std::collections::HashSet<&str> =
            answer.deleted().iter().filter_map(|d| d.key()).collect();
        Ok(objects.iter().filter(|object| !named.contains(object.as_str())).collect())
    }
}

/// One that may pass before one that does not: what is left after another try is told then.
fn the_one_to_tell(mut failures: Vec<Failure>) -> Option<Error> {
    let others = failures.len().checked_sub(1)?;
    let at = failures.iter().position(|failure| failure.error.kind.is_retryable()).unwrap_or_default();
    let mut error = failures.swap_remove(at).error;
    if others > 0 {
        let objects = if others == 1 { "object" } else { "objects" };
        error.message.push_str(&format!(" {others} other {objects} could not be deleted either."));
    }
    Some(error)
}
