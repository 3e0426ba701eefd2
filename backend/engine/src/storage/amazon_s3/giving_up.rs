//! Giving up an upload in parts, so that nothing of it stays, unseen and paid for.

use super::bucket::Bucket;
use super::client::Doing;
use super::state::State;
use crate::storage::Result;
use std::time::Duration;

/// How often an upload is given up, since parts that were on their way may arrive after it.
const ABORTS: u32 = 3;
const ABORT_AGAIN: Duration = Duration::from_secs(1);

impl Bucket {
    /// Gives up what is remembered of an upload of `key`.
    pub async fn give_up(&self, key: &str) -> Result<()> {
        if let Some(state) = State::load(&*self.sessions, key).await? {
            match &state.upload_id {
                Some(upload_id) => self.abort(&state.bucket, &state.key, upload_id).await?,
                None if state.is_unreadable() => self.abort_unknown(&self.name, &self.object(key)?).await?,
                None => self.abort_unknown(&state.bucket, &state.key).await?,
            }
        }
        self.sessions.remove(key).await
    }

    async fn abort(&self, bucket: &str, object: &str, upload_id: &str) -> Result<()> {
        let (client, quick) = (&self.s3.client, self.s3.tuning.quick);
        for _ in 0..ABORTS {
            let abort =
                || client.sdk.abort_multipart_upload().bucket(bucket).key(object).upload_id(upload_id).send();
            let doing = Doing::object("s3:AbortMultipartUpload", bucket, object);
            match client.call(doing, quick, abort).await {
                Ok(_) => {}
                Err(failure) if failure.is_gone_upload() || failure.code == "NoSuchBucket" => return Ok(()),
                Err(failure) => return Err(failure.into()),
            }
            // A part that was on its way may have arrived after all, and then lies there, unseen and paid for.
            match self.list_parts(bucket, object, upload_id).await {
                Ok(parts) if !parts.is_empty() => client.time.sleep(ABORT_AGAIN).await,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Gives up uploads of exactly this object: the answer with the id of ours never came.
    async fn abort_unknown(&self, bucket: &str, object: &str) -> Result<()> {
        let (client, tuning) = (&self.s3.client, &self.s3.tuning);
        let (mut key_marker, mut id_marker): (Option<String>, Option<String>) = (None, None);
        loop {
            let list = || {
                let call = client.sdk.list_multipart_uploads().bucket(bucket).prefix(object);
                let call = call.max_uploads(tuning.page).set_key_marker(key_marker.clone());
                call.set_upload_id_marker(id_marker.clone()).send()
            };
            let doing = Doing::bucket("s3:ListBucketMultipartUploads", bucket);
            let page = match client.call(doing, tuning.quick, list).await {
                Ok(page) => page,
                Err(failure)
                    if failure.is_denied() || failure.is_unsupported() || failure.code == "NoSuchBucket" =>
                {
                    tracing::debug!(object, code = failure.code, "unfinished uploads cannot be listed");
                    return Ok(());
                }
                Err(failure) => return Err(failure.into()),
            };
            for upload in page.uploads().iter().filter(|upload| upload.key() == Some(object)) {
                if let Some(upload_id) = upload.upload_id() {
                    self.abort(bucket, object, upload_id).await?;
                }
            }
            let next =
                (page.next_key_marker().map(str::to_owned), page.next_upload_id_marker().map(str::to_owned));
            let stuck = next.0.is_none() || next == (key_marker.clone(), id_marker.clone());
            if page.is_truncated() != Some(true) || stuck {
                return Ok(());
            }
            (key_marker, id_marker) = next;
        }
    }
}
