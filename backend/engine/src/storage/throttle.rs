//! Less bandwidth than there is, around any destination.

use super::time::SharedTime;
use super::{Body, ByteStream, Earlier, Entry, Listing, Result, Storage, StorageKind, Stored, There};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Time without uploads that may be made up for.
const BURST: TimeDelta = TimeDelta::milliseconds(250);
/// More than any number of uploads together would have to wait for.
const LONGEST_DEBT: TimeDelta = TimeDelta::minutes(30);

/// Gives the bodies of `put` out no faster than its [`Bandwidth`] lets it. Drivers read as they send, so this
/// is the bandwidth of the upload, but for the blocks that they keep in memory. What the destination has already
/// ([`Body::already_there`]) is read at full speed.
pub struct Throttle {
    inner: Arc<dyn Storage>,
    bandwidth: Arc<Bandwidth>,
}

impl Throttle {
    pub fn new(inner: Arc<dyn Storage>, bandwidth: Arc<Bandwidth>) -> Self {
        Throttle { inner, bandwidth }
    }
}

/// So many bytes a second, for all uploads that share it: a token bucket, kept as the instant up to which it is spent.
pub struct Bandwidth {
    bytes_per_second: NonZeroU64,
    time: SharedTime,
    spent_until: Mutex<DateTime<Utc>>,
}

impl Bandwidth {
    pub fn new(bytes_per_second: NonZeroU64, time: SharedTime) -> Arc<Bandwidth> {
        let spent_until = Mutex::new(time.now() - BURST);
        Arc::new(Bandwidth { bytes_per_second, time, spent_until })
    }

    pub fn bytes_per_second(&self) -> NonZeroU64 {
        self.bytes_per_second
    }

    /// What is given out in one go: a quarter of a second's worth.
    fn piece(&self) -> usize {
        usize::try_from(self.bytes_per_second.get() / 4).unwrap_or(usize::MAX).max(1024)
    }

    async fn spend(&self, bytes: usize) {
        let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let price = TimeDelta::nanoseconds(i64::try_from(nanoseconds).unwrap_or(i64::MAX));
        let now = self.time.now();
        let wait = {
            let mut spent_until = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
            // A debt that nobody can have made is a clock that was set back.
            if *spent_until - now > LONGEST_DEBT {
                *spent_until = now;
            }
            let from = (*spent_until).max(now - BURST);
            *spent_until = from + price;
            (*spent_until - now).to_std().unwrap_or(Duration::ZERO)
        };
        if !wait.is_zero() {
            self.time.sleep(wait).await;
        }
    }
}

struct Paced<'a> {
    body: &'a dyn Body,
    bandwidth: &'a Arc<Bandwidth>,
    /// What is not sent; it may turn out otherwise while a stream is read.
    free: Arc<Mutex<There>>,
}

#[async_trait::async_trait]
impl Body for Paced<'_> {
    fn size_bytes(&self) -> u64 {
        self.body.size_bytes()
    }

    fn sha256(&self) -> Option<String> {
        self.body.sha256()
    }

    async fn open(&self, offset: u64) -> std::io::Result<ByteStream> {
        let stream = self.body.open(offset).await?;
        let pace = Pace {
            stream,
            rest: Bytes::new(),
            at: offset,
            free: Arc::clone(&self.free),
            bandwidth: Arc::clone(self.bandwidth),
        };
        let paced = futures_util::stream::unfold(pace, |mut pace| async move {
            let piece = pace.next().await?;
            Some((piece, pace))
        });
        Ok(paced.boxed())
    }

    fn earlier(&self) -> &[Earlier] {
        self.body.earlier()
    }

    fn already_there(&self, there: &There) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clone_from(there);
        self.body.already_there(there);
    }
}

/// A body that is being read.
struct Pace {
    stream: ByteStream,
    /// Of the chunk that was read last, what was not given out yet.
    rest: Bytes,
    /// Where it begins in the body.
    at: u64,
    free: Arc<Mutex<There>>,
    bandwidth: Arc<Bandwidth>,
}

impl Pace {
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        while self.rest.is_empty() {
            match self.stream.next().await? {
                Ok(chunk) => self.rest = chunk,
                Err(error) => return Some(Err(error)),
            }
        }
        let (free, run) = self.free.lock().unwrap_or_else(PoisonError::into_inner).run(self.at);
        let run = usize::try_from(run).unwrap_or(usize::MAX);
        let most = if free { run } else { run.min(self.bandwidth.piece()) };
        let piece = self.rest.split_to(self.rest.len().min(most));
        self.at += piece.len() as u64;
        if !free {
            self.bandwidth.spend(piece.len()).await;
        }
        Some(Ok(piece))
    }
}

#[async_trait::async_trait]
impl Storage for Throttle {
    fn kind(&self) -> StorageKind {
        self.inner.kind()
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let paced = Paced { body, bandwidth: &self.bandwidth, free: Arc::default() };
        self.inner.put(key, &paced).await
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        self.inner.abandon(key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        self.inner.stat(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        self.inner.list(prefix).await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.inner.open(key, offset).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        self.inner.delete_all(keys).await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.inner.remove_empty_dir(prefix).await
    }

    fn copies_ranges(&self) -> bool {
        self.inner.copies_ranges()
    }

    async fn notes(&self) -> Result<Vec<String>> {
        self.inner.notes().await
    }
}

#[cfg(test)]
mod tests {
    use super::super::time::{SystemTime, Time};
    use super::*;
    use crate::storage::{BytesBody, MemoryStorage, read_small};
    use crate::testing::{VirtualTime, conformance};

    fn throttle(bytes_per_second: u64, time: SharedTime) -> Throttle {
        let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
        Throttle::new(memory, Bandwidth::new(NonZeroU64::new(bytes_per_second).unwrap(), time))
    }

    fn body(size: usize) -> BytesBody {
        BytesBody(Bytes::from(vec![7u8; size]))
    }

    #[tokio::test]
    async fn a_throttled_destination_keeps_the_contract() {
        let storage = throttle(1_000_000, Arc::new(VirtualTime::default()));
        conformance::verify(&storage, "conformance").await;
    }

    #[tokio::test]
    async fn an_upload_takes_as_long_as_its_bandwidth_lets_it() {
        let time = VirtualTime::default();
        let storage = throttle(100_000, Arc::new(time.clone()));
        let began = time.now();
        storage.put("a", &body(1_000_000)).await.unwrap();
        let took = time.now() - began;
        // The first quarter of a second is a burst.
        assert_eq!(took, TimeDelta::milliseconds(9_750));
        assert_eq!(read_small(&storage, "a", 2_000_000).await.unwrap().len(), 1_000_000);
    }

    #[tokio::test]
    async fn idle_time_is_made_up_for_in_small_measure_only() {
        let time = VirtualTime::default();
        let storage = throttle(100_000, Arc::new(time.clone()));
        storage.put("a", &body(100_000)).await.unwrap();
        time.advance(TimeDelta::hours(1));
        let began = time.now();
        storage.put("b", &body(100_000)).await.unwrap();
        assert_eq!(time.now() - began, TimeDelta::milliseconds(750));
    }

    #[tokio::test]
    async fn uploads_share_the_bandwidth() {
        let storage = throttle(1_000_000, Arc::new(SystemTime));
        let began = std::time::Instant::now();
        let bodies = [body(400_000), body(400_000)];
        let (a, b) = tokio::join!(storage.put("a", &bodies[0]), storage.put("b", &bodies[1]));
        assert!(a.is_ok() && b.is_ok());
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(549), "800 KB at 1 MB/s, less the burst, took {took:?}");
    }

    #[tokio::test]
    async fn what_is_there_already_is_read_at_full_speed() {
        let time = VirtualTime::default();
        let spare = throttle(1000, Arc::new(time.clone()));
        let whole = body(100_000);
        let paced = Paced { body: &whole, bandwidth: &spare.bandwidth, free: Arc::default() };
        paced.already_there(&There::first(99_000));
        let began = time.now();
        for (offset, expected) in [(0, 100_000), (98_000, 2000)] {
            let mut stream = paced.open(offset).await.unwrap();
            let mut size = 0;
            while let Some(chunk) = stream.next().await {
                size += chunk.unwrap().len();
            }
            assert_eq!(size, expected);
        }
        // Twice a thousand bytes at a thousand a second.
        assert_eq!(time.now() - began, TimeDelta::milliseconds(1750));
    }

    /// Parts that the destination makes of what it has lie anywhere, and turn out to be none after all.
    #[tokio::test]
    async fn what_turns_out_to_be_sent_after_all_is_paced_from_there_on() {
        let time = VirtualTime::default();
        let spare = throttle(1000, Arc::new(time.clone()));
        let whole = body(100_000);
        let paced = Paced { body: &whole, bandwidth: &spare.bandwidth, free: Arc::default() };
        paced.already_there(&There::ranges([0..40_000, 41_000..100_000]));
        let (began, mut size) = (time.now(), 0);
        let mut stream = paced.open(0).await.unwrap();
        while size < 41_000 {
            size += stream.next().await.unwrap().unwrap().len();
        }
        assert_eq!((size, time.now() - began), (41_000, TimeDelta::milliseconds(750)));
        paced.already_there(&There::first(98_000));
        while let Some(chunk) = stream.next().await {
            size += chunk.unwrap().len();
        }
        assert_eq!((size, time.now() - began), (100_000, TimeDelta::milliseconds(2750)));
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_stops_nothing() {
        let time = VirtualTime::default();
        let storage = throttle(100_000, Arc::new(time.clone()));
        storage.put("a", &body(100_000)).await.unwrap();
        time.advance(-TimeDelta::hours(2));
        let began = time.now();
        storage.put("b", &body(100_000)).await.unwrap();
        assert_eq!(time.now() - began, TimeDelta::seconds(1));
    }

    #[tokio::test]
    async fn a_slow_line_gives_out_small_pieces() {
        let time = VirtualTime::default();
        let storage = throttle(10, Arc::new(time.clone()));
        let began = time.now();
        storage.put("a", &body(3000)).await.unwrap();
        assert_eq!((time.now() - began).num_seconds(), 299);
    }
}
