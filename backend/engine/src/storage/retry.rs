//! Retries, around any destination.

use super::time::{SharedTime, SystemTime};
use super::{Body, ByteStream, Entry, Error, ErrorKind, Listing, Result, Storage, StorageKind, Stored};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// How often, and how long between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls in all, the first included. A `put` that got further than any before it is not counted: it was worth its while.
    pub attempts: u32,
    /// The wait before the second call; it doubles with each, and is spread by half so that many clients do not come back together.
    pub first_wait: Duration,
    /// The longest wait; a destination that asks for more is given up on.
    pub longest_wait: Duration,
}

impl RetryPolicy {
    /// The longest wait of a pass.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(300);
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts: 6,
            first_wait: Duration::from_secs(2),
            longest_wait: RetryPolicy::LONGEST_WAIT,
        }
    }
}

impl RetryPolicy {
    /// How long to wait before the call after `failed` ones; `None`: give up.
    fn wait(&self, error: &Error, failed: u32, spread: f64) -> Option<Duration> {
        if failed >= self.attempts || !error.kind.is_retryable() {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(2u32.saturating_pow(failed.saturating_sub(1)));
        let own = doubled.min(self.longest_wait).mul_f64(1.0 - spread.clamp(0.0, 1.0) / 2.0);
        match error.kind {
            ErrorKind::RateLimited { retry_after: Some(asked) } if asked > self.longest_wait => None,
            ErrorKind::RateLimited { retry_after: Some(asked) } => Some(asked.max(own)),
            _ => Some(own),
        }
    }
}

/// Repeats calls that failed as `Unavailable` or `RateLimited`. A body is opened anew for each `put`.
pub struct Retry {
    inner: Arc<dyn Storage>,
    policy: RetryPolicy,
    time: SharedTime,
}

impl Retry {
    pub fn new(inner: Arc<dyn Storage>, policy: RetryPolicy) -> Self {
        Retry::waiting(inner, policy, Arc::new(SystemTime))
    }

    /// The same, with another way to wait.
    pub fn waiting(inner: Arc<dyn Storage>, policy: RetryPolicy, time: SharedTime) -> Self {
        Retry { inner, policy, time }
    }

    async fn run<'a, T>(
        &self,
        doing: &'static str,
        key: &str,
        call: impl Fn() -> BoxFuture<'a, Result<T>> + Send + Sync,
    ) -> Result<T> {
        let mut failed = 0;
        loop {
            let error = match call().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failed = if error.advanced { 1 } else { failed + 1 };
            let Some(wait) = self.policy.wait(&error, failed, rand::random()) else { return Err(error) };
            tracing::warn!(storage.kind = ?self.inner.kind(), doing, key, failed, wait_sec = wait.as_secs_f64(), %error, "will retry");
            self.time.sleep(wait).await;
        }
    }
}

#[async_trait::async_trait]
impl Storage for Retry {
    fn kind(&self) -> StorageKind {
        self.inner.kind()
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        self.run("put", key, || self.inner.put(key, body)).await
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        self.run("abandon", key, || self.inner.abandon(key)).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        self.run("stat", key, || self.inner.stat(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        self.run("list", prefix, || self.inner.list(prefix)).await
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        self.run("open", key, || self.inner.open(key, offset)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.run("delete", key, || self.inner.delete(key)).await
    }

    async fn delete_all(&self, keys: &[String]) -> Result<()> {
        let first = keys.first().map_or("", String::as_str);
        self.run("delete_all", first, || self.inner.delete_all(keys)).await
    }

    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        self.run("remove_empty_dir", prefix, || self.inner.remove_empty_dir(prefix)).await
    }

    fn copies_ranges(&self) -> bool {
        self.inner.copies_ranges()
    }

    async fn notes(&self) -> Result<Vec<String>> {
        self.run("notes", "", || self.inner.notes()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        first_wait: Duration::from_secs(2),
        longest_wait: Duration::from_secs(30),
    };

    fn limited(seconds: u64) -> ErrorKind {
        ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(seconds)) }
    }

    #[rstest]
    #[case(ErrorKind::Unavailable, 1, 0.0, Some(2.0))]
    #[case(ErrorKind::Unavailable, 2, 0.0, Some(4.0))]
    #[case(ErrorKind::Unavailable, 3, 1.0, Some(4.0))]
    #[case(ErrorKind::Unavailable, 4, 0.0, None)]
    #[case(ErrorKind::RateLimited { retry_after: None }, 1, 0.0, Some(2.0))]
    #[case(limited(20), 1, 1.0, Some(20.0))]
    #[case(limited(1), 3, 0.0, Some(8.0))]
    #[case(limited(31), 1, 0.0, None)]
    #[case(ErrorKind::NotFound, 1, 0.0, None)]
    #[case(ErrorKind::NeedsRelink, 1, 0.0, None)]
    #[case(ErrorKind::PermissionDenied, 1, 0.0, None)]
    #[case(ErrorKind::QuotaExceeded, 1, 0.0, None)]
    #[case(ErrorKind::Integrity, 1, 0.0, None)]
    #[case(ErrorKind::Cancelled, 1, 0.0, None)]
    fn waits_follow_the_kind_of_the_error(
        #[case] kind: ErrorKind,
        #[case] failed: u32,
        #[case] spread: f64,
        #[case] seconds: Option<f64>,
    ) {
        let wait = POLICY.wait(&Error::new(kind, "x"), failed, spread);
        assert_eq!(wait.map(|w| w.as_secs_f64()), seconds);
    }
}
