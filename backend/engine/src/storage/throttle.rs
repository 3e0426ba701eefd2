//! Less bandwidth than there is, around any destination.

use super::time::SharedTime;
use super::{Body, ByteStream, Entry, Listing, Result, Storage, StorageKind, Stored};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Time without uploads that may be made up for.
const BURST: TimeDelta = TimeDelta::milliseconds(250);
/// More than any number of uploads together would have to wait for.
const LONGEST_DEBT: TimeDelta = TimeDelta::minutes(30);

/// Gives the bodies of `put` out no faster than its [`Bandwidth`] lets it. Drivers read as they send, so this
/// is the bandwidth of the upload, but for the block or two that they keep in memory. What the destination has already
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
    /// Bytes at the start that are not sent.
    free: AtomicU64,
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
        let free = usize::try_from(self.free.load(Ordering::Relaxed).saturating_sub(offset));
        let state = (stream, Bytes::new(), free.unwrap_or(usize::MAX), Arc::clone(self.bandwidth));
        let paced =
            futures_util::stream::unfold(state, |(mut stream, mut rest, free, bandwidth)| async move {
                while rest.is_empty() {
                    match stream.next().await? {
                        Ok(chunk) => rest = chunk,
                        Err(error) => return Some((Err(error), (stream, rest, free, bandwidth))),
                    }
                }
                if free > 0 {
                    let piece = rest.split_to(rest.len().min(free));
                    let free = free - piece.len();
                    return Some((Ok(piece), (stream, rest, free, bandwidth)));
                }
                let piece = rest.split_to(rest.len().min(bandwidth.piece()));
                bandwidth.spend(piece.len()).await;
                Some((Ok(piece), (stream, rest, free, bandwidth)))
            });
        Ok(paced.boxed())
    }

    fn already_there(&self, bytes: u64) {
        self.free.store(bytes, Ordering::Relaxed);
        self.body.already_there(bytes);
    }
}

#[async_trait::async_trait]
impl Storage for Throttle {
    fn kind(&self) -> StorageKind {
        self.inner.kind()
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let paced = Paced { body, bandwidth: &self.bandwidth, free: AtomicU64::new(0) };
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
        let paced = Paced { body: &whole, bandwidth: &spare.bandwidth, free: AtomicU64::new(0) };
        paced.already_there(99_000);
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
