//! Parts that the server makes of what it has (`UploadPartCopy`), so that they need not be sent.
//!
//! Nothing is believed: the local bytes of such a part are read and hashed as those of any, and the ETag that the server gives the part has
//! to be their MD5. Whatever else comes, the part is sent after all. No upload fails because of a copy.

use super::AmazonS3;
use super::Encryption;
use super::bucket::Bucket;
use super::classify::Failure;
use super::client::Doing;
use super::etag::{self, Md5Sum};
use super::parts::Plan;
use super::sending::Place;
use super::state::{Part, State};
use crate::storage::{Body, Earlier};
use aws_sdk_s3::operation::upload_part_copy::UploadPartCopyOutput;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Smaller parts are worth it where at least this share of an object is made of earlier ones: one byte in so many.
const WORTH: u64 = 10;
/// A destination that fails so many copies of one `put` for the moment is not asked for more.
const FAILURES: u32 = 3;
/// What a key in `x-amz-copy-source` keeps as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// How the copies of one `put` go.
#[derive(Debug, Default)]
pub(super) struct Copies {
    stopped: AtomicBool,
    failed: AtomicU32,
    /// Bytes of the body that were copied instead of being sent.
    done: Mutex<Vec<Range<u64>>>,
}

impl Copies {
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Parts are sent from now on.
    pub fn are_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// What was copied instead of being sent.
    pub fn done(&self) -> Vec<Range<u64>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where the bytes of one part lie.
#[derive(Debug, Clone)]
pub(super) struct Source {
    object: Arc<Object>,
    from: u64,
    length: u64,
    /// Where they belong in the body.
    at: u64,
}

/// An earlier object, as it is there.
#[derive(Debug)]
struct Object {
    /// As the header has it: bucket and key, encoded.
    path: String,
    etag: String,
    size: u64,
}

/// Classes of which Amazon charges every byte that is read, also by a copy, where sending costs nothing; and archives, which have to be
/// restored before.
fn is_costly(storage_class: &str) -> bool {
    matches!(storage_class, "STANDARD_IA" | "ONEZONE_IA" | "GLACIER_IR" | "GLACIER" | "DEEP_ARCHIVE")
}

/// The parts that lie whole in one range: by number, the range, and where in its object they begin.
fn whole_parts(plan: Plan, ranges: &[Earlier]) -> BTreeMap<u32, (&Earlier, u64)> {
    let mut parts = BTreeMap::new();
    for range in ranges {
        let first = range.at.div_ceil(plan.part_size.max(1));
        let mut number = u32::try_from(first).unwrap_or(u32::MAX).saturating_add(1);
        let mut at = first.saturating_mul(plan.part_size);
        while number <= plan.parts() && at + plan.len(number) <= range.at + range.length {
            parts.insert(number, (range, range.from + (at - range.at)));
            at += plan.len(number);
            number += 1;
        }
    }
    parts
}

impl AmazonS3 {
    /// Whether copies can be of use. With a key of one's own no ETag is an MD5, so that none could be proved.
    pub(super) fn copies_ranges(&self) -> bool {
        let opaque = matches!(self.settings.encryption, Some(Encryption::Kms { .. }));
        let costly = self.settings.storage_class.as_deref().is_some_and(is_costly);
        self.settings.incremental && !opaque && !costly && self.client.takes_copies()
    }

    /// The smallest part of a new upload of this body.
    pub(super) fn smallest_part(&self, body: &dyn Body, copies: &Copies) -> u64 {
        let (usual, small) = (self.tuning.part_size, self.tuning.copied_part_size);
        if copies.are_stopped() || !self.copies_ranges() || small >= usual {
            return usual;
        }
        let part_size = Plan::part_size(body.size_bytes(), small, !self.client.like_amazon);
        let plan = Plan { size: body.size_bytes(), part_size };
        let copied: u64 = whole_parts(plan, body.earlier()).keys().map(|number| plan.len(*number)).sum();
        if copied > 0 && copied >= plan.size / WORTH { small } else { usual }
    }
}

impl Bucket {
    /// What those of the missing parts that lie whole in an earlier object are to be copied from, by their numbers.
    pub async fn sources(&self, state: &State, body: &dyn Body, copies: &Copies) -> BTreeMap<u32, Source> {
        let mut sources = BTreeMap::new();
        if copies.are_stopped() || !self.s3.copies_ranges() {
            return sources;
        }
        let plan = state.plan();
        let mut objects: BTreeMap<&str, Option<Arc<Object>>> = BTreeMap::new();
        for (number, (range, from)) in whole_parts(plan, body.earlier()) {
            if state.parts.contains_key(&number) {
                continue;
            }
            let key = &*range.key;
            if !objects.contains_key(key) {
                objects.insert(key, self.source(key).await);
            }
            let (object, length) = (objects.get(key).cloned().flatten(), plan.len(number));
            if let Some(object) = object.filter(|object| from + length <= object.size) {
                let at = u64::from(number - 1) * plan.part_size;
                sources.insert(number, Source { object, from, length, at });
            }
        }
        sources
    }

    /// An earlier object that parts can be copied from.
    async fn source(&self, key: &str) -> Option<Arc<Object>> {
        let object = self.object(key).ok()?;
        let found = match self.head(&object).await {
            Ok(found) => found,
            Err(failure) => {
                tracing::debug!(object, error = %failure.error, "nothing can be copied from an earlier object");
                return None;
            }
        };
        if found.storage_class().is_some_and(|class| is_costly(class.as_str())) {
            tracing::debug!(object, class = ?found.storage_class(), "an earlier object would cost more to copy than to send");
            return None;
        }
        let size = found.content_length().and_then(|size| u64::try_from(size).ok())?;
        let etag = found.e_tag()?.to_owned();
        let path = format!("{}/{}", self.name, utf8_percent_encode(&object, ENCODED));
        (size > self.s3.tuning.smallest_source).then(|| Arc::new(Object { path, etag, size }))
    }
}

/// Has the server make a part of what it has. `None`: the part is to be sent.
///
/// # Errors
/// When the upload that the part belongs to is gone. Whether the destination is there at all, sending tells.
pub(super) async fn copy_part(
    s3: &AmazonS3,
    place: &Place,
    source: &Source,
    md5: Md5Sum,
    copies: &Copies,
) -> std::result::Result<Option<Part>, Failure> {
    if copies.are_stopped() {
        return Ok(None);
    }
    let Place { bucket, object, upload_id, number } = place;
    let part_number = i32::try_from(*number).unwrap_or(i32::MAX);
    let range = format!("bytes={}-{}", source.from, source.from + source.length - 1);
    let copy = || {
        let call = s3.client.sdk.upload_part_copy().bucket(bucket).key(object).upload_id(upload_id);
        let call = call.part_number(part_number).copy_source(&source.object.path).copy_source_range(&range);
        let call = call.copy_source_if_match(&source.object.etag);
        // The SDK sends no length with an empty body, and some servers insist on one.
        let explicit = call.customize().mutate_request(|request| {
            request.headers_mut().insert("content-length", "0");
        });
        explicit.send()
    };
    let limit = s3.tuning.sending(source.length);
    let failure = match s3.client.call(Doing::object("s3:GetObject", bucket, object), limit, copy).await {
        Ok(answer) => return Ok(proved(s3, place, &answer, source, md5, copies)),
        Err(failure) => failure,
    };
    if failure.is_gone_upload() {
        return Err(failure);
    }
    if failure.is_unsupported() {
        tracing::info!(server = s3.client.server, "the server copies no parts of objects; they are sent");
        s3.client.no_copies();
    } else {
        tracing::debug!(object, part = number, error = %failure.error, "a part is sent instead of being copied");
    }
    // An error inside of a success is nothing to wait for: the server began, and found that it cannot.
    let for_good = failure.is_unsupported() || failure.is_final() || (200..300).contains(&failure.status);
    if for_good || copies.failed.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES {
        copies.stop();
    }
    Ok(None)
}

/// The part, if what the server says of it proves that it is what would have been sent.
fn proved(
    s3: &AmazonS3,
    place: &Place,
    answer: &UploadPartCopyOutput,
    source: &Source,
    md5: Md5Sum,
    copies: &Copies,
) -> Option<Part> {
    let result = answer.copy_part_result();
    let etag = result.and_then(|result| result.e_tag()).map(etag::bare).unwrap_or_default();
    let crc32 = result.and_then(|result| result.checksum_crc32()).map(str::to_owned);
    // Where an upload was begun with checksums of the newer kind, its end asks for that of every part.
    if etag == hex::encode(md5) && (crc32.is_some() || !s3.client.like_amazon) {
        let done = source.at..source.at + source.length;
        copies.done.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        return Some(Part { etag: etag.to_owned(), crc32 });
    }
    tracing::info!(
        object = place.object,
        part = place.number,
        etag,
        "what the server copied is not proved to be what is here; it is sent"
    );
    copies.stop();
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn earlier(at: u64, length: u64, from: u64) -> Earlier {
        Earlier { at, length, key: "k".into(), from }
    }

    /// Parts of ten bytes, the last of five.
    #[rstest]
    #[case(&[earlier(0, 45, 7)], &[(1, 7), (2, 17), (3, 27), (4, 37), (5, 47)])]
    #[case(&[earlier(1, 44, 8)], &[(2, 17), (3, 27), (4, 37), (5, 47)])]
    #[case(&[earlier(0, 44, 7)], &[(1, 7), (2, 17), (3, 27), (4, 37)])]
    #[case(&[earlier(10, 10, 0)], &[(2, 0)])]
    #[case(&[earlier(5, 10, 0), earlier(15, 10, 99)], &[])]
    #[case(&[earlier(5, 15, 0), earlier(20, 25, 99)], &[(2, 5), (3, 99), (4, 109), (5, 119)])]
    #[case(&[earlier(40, 5, 3)], &[(5, 3)])]
    #[case(&[earlier(60, 50, 3)], &[])]
    #[case(&[], &[])]
    fn parts_that_lie_whole_in_a_range_can_be_copied(
        #[case] ranges: &[Earlier],
        #[case] expected: &[(u32, u64)],
    ) {
        let found = whole_parts(Plan { size: 45, part_size: 10 }, ranges);
        assert_eq!(found.iter().map(|(number, (_, from))| (*number, *from)).collect::<Vec<_>>(), expected);
    }

    proptest! {
        #[test]
        fn no_part_reaches_out_of_its_range(
            size in 1u64..5000, part_size in 1u64..700, cuts in prop::collection::vec((0u64..300, 1u64..2000), 0..8)
        ) {
            let (plan, mut at, mut ranges) = (Plan { size, part_size }, 0, Vec::new());
            for (gap, length) in cuts {
                let start = at + gap;
                let length = length.min(size.saturating_sub(start));
                if length > 0 {
                    ranges.push(earlier(start, length, 10_000 + 3 * start));
                }
                at = start + length;
            }
            let found = whole_parts(plan, &ranges);
            for number in 1..=plan.parts() {
                let (start, length) = (u64::from(number - 1) * part_size, plan.len(number));
                let holds = |r: &&Earlier| r.at <= start && start + length <= r.at + r.length;
                let expected = ranges.iter().find(holds).map(|r| r.from + start - r.at);
                prop_assert_eq!(found.get(&number).map(|(_, from)| *from), expected);
            }
        }
    }

    #[test]
    fn keys_are_encoded_but_for_their_slashes() {
        let encoded = utf8_percent_encode("Für den Laden/1+1 %.tgz", ENCODED).to_string();
        assert_eq!(encoded, "F%C3%BCr%20den%20Laden/1%2B1%20%25.tgz");
    }
}
