//! One part, sent.

use super::AmazonS3;
use super::classify::Failure;
use super::client::Doing;
use super::etag::{self, Md5Sum};
use super::state::Part;
use crate::storage::{Error, ErrorKind};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How often a part is sent before its `put` fails, which would read all of the source again.
const TRIES: u32 = 4;
/// So many failures of parts in a row are the destination's, not those of one part.
const FAILURES: u32 = 8;
/// The wait before a part is sent a second time; it doubles with each.
const PART_AGAIN: Duration = Duration::from_secs(1);

/// Where a part belongs.
pub(super) struct Place {
    pub bucket: String,
    pub object: String,
    pub upload_id: String,
    pub number: u32,
}

/// Sends a part again when that may help: not for longer than one try may take, and not when other parts fail as well (`failures`: in a
/// row, of all parts). What lasts longer is for who waits for the whole destination.
pub(super) async fn send_patiently(
    s3: &AmazonS3,
    place: &Place,
    bytes: Bytes,
    md5: Md5Sum,
    limit: Duration,
    failures: &AtomicU32,
) -> std::result::Result<Part, Failure> {
    let (began, mut tries) = (Instant::now(), 1);
    loop {
        let failure = match send_part(s3, place, &bytes, md5, limit).await {
            Ok(part) => {
                failures.store(0, Ordering::Relaxed);
                return Ok(part);
            }
            Err(failure) => failure,
        };
        let others = failures.fetch_add(1, Ordering::Relaxed);
        let helps = failure.error.kind.is_retryable() && !failure.is_gone_upload();
        if !helps || tries == TRIES || others >= FAILURES || began.elapsed() >= limit {
            return Err(failure);
        }
        let wait = PART_AGAIN.saturating_mul(1 << (tries - 1)).mul_f64(1.0 - rand::random::<f64>() / 2.0);
        tracing::debug!(object = place.object, part = place.number, tries, error = %failure.error, "sending a part again");
        // What the provider asks for on top is kept by the client.
        s3.client.time.sleep(wait).await;
        tries += 1;
    }
}

/// The provider takes a part when it has all of it, and its MD5 is right.
async fn send_part(
    s3: &AmazonS3,
    place: &Place,
    bytes: &Bytes,
    md5: Md5Sum,
    limit: Duration,
) -> std::result::Result<Part, Failure> {
    let Place { bucket, object, upload_id, number } = place;
    let part_number = i32::try_from(*number).unwrap_or(i32::MAX);
    let send = || {
        let call = s3.client.sdk.upload_part().bucket(bucket).key(object).upload_id(upload_id);
        let call = call.part_number(part_number).content_md5(BASE64.encode(md5));
        call.body(ByteStream::from(bytes.clone())).send()
    };
    let doing = Doing::object("s3:PutObject", bucket, object);
    let sent = s3.client.call(doing, limit, send).await?;
    let crc32 = sent.checksum_crc32().map(str::to_owned);
    match sent.e_tag() {
        Some(etag) => Ok(Part { etag: etag::bare(etag).to_owned(), crc32 }),
        None => {
            let text = format!("{} took a part without giving its ETag.", s3.client.server);
            Err(Failure::silent(Error::new(ErrorKind::Unavailable, text)))
        }
    }
}
