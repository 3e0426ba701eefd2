//! Pings: a Set's address is called at the start and at the end of each pass, for a service that notices when nothing comes.
//!
//! By the convention of healthchecks.io: `/start` behind the path at the start, the address as it is at a good end, `/fail` behind it at another
//! one. One task for each pass sends them in order, whatever the pass waits for; nothing waits for them. An address is a capability: logs
//! name its host alone.

use reqwest::{Client, Url};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

const LIMIT: Duration = Duration::from_secs(10);
/// Before each of two further attempts.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Pings(Arc<Inner>);

#[derive(Default)]
struct Inner {
    client: OnceLock<Client>,
    tasks: TaskTracker,
    /// The passes whose start was sent, by log; each gets to know whether it ended well.
    begun: Mutex<HashMap<i64, oneshot::Sender<bool>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Start,
    Good,
    Fail,
}

impl Sign {
    fn of_end(good: bool) -> Sign {
        if good { Sign::Good } else { Sign::Fail }
    }

    /// The address to call; its query stays.
    fn address(self, url: &str) -> Option<Url> {
        let mut url = Url::parse(url).ok()?;
        let suffix = match self {
            Sign::Start => "/start",
            Sign::Fail => "/fail",
            Sign::Good => return Some(url),
        };
        let path = format!("{}{suffix}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Some(url)
    }
}

impl Pings {
    /// A pass starts.
    pub fn begin(&self, log_id: i64, url: &str) {
        let (sender, end) = oneshot::channel();
        self.begun().insert(log_id, sender);
        let (pings, url) = (self.clone(), url.to_owned());
        self.0.tasks.spawn(async move {
            pings.send(log_id, Sign::Start, &url).await;
            // Nobody says how it ended when the pass was lost.
            if let Ok(good) = end.await {
                pings.send(log_id, Sign::of_end(good), &url).await;
            }
        });
    }

    /// A pass has ended: after its start was sent, if that was here.
    pub fn end(&self, log_id: i64, url: &str, good: bool) {
        if let Some(begun) = self.begun().remove(&log_id)
            && begun.send(good).is_ok()
        {
            return;
        }
        let (pings, url) = (self.clone(), url.to_owned());
        self.0.tasks.spawn(async move { pings.send(log_id, Sign::of_end(good), &url).await });
    }

    /// A pass that is somebody else's by now, or whose end was sent.
    pub fn forget(&self, log_id: i64) {
        self.begun().remove(&log_id);
    }

    /// Waits up to `limit` for what is being sent.
    pub async fn finish(&self, limit: Duration) {
        self.begun().clear();
        self.0.tasks.close();
        // What is not sent by then is not worth waiting for: the service on the other side notices.
        let _ = tokio::time::timeout(limit, self.0.tasks.wait()).await;
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<i64, oneshot::Sender<bool>>> {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, log_id: i64, sign: Sign, url: &str) {
        let Some(url) = sign.address(url) else {
            tracing::warn!(
                backup_log.id = log_id,
                "the ping address of a Backup Set cannot be read; save it again"
            );
            return;
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut pauses = PAUSES.iter();
        loop {
            let error = match self.call(url.clone()).await {
                Ok(()) => return,
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    tracing::warn!(backup_log.id = log_id, host, sign = ?sign, error, "a ping did not get through");
                    return;
                }
            }
        }
    }

    async fn call(&self, url: Url) -> Result<(), String> {
        let client = match self.0.client.get() {
            Some(client) => client,
            None => {
                let made = Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .timeout(LIMIT)
                    .user_agent(super::webhook::AGENT)
                    .build()
                    .map_err(super::webhook::cause)?;
                self.0.client.get_or_init(|| made)
            }
        };
        let answer = client.get(url).send().await.map_err(super::webhook::cause)?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(format!("the answer was {status}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://hc-ping.com/abc", "https://hc-ping.com/abc/start", "https://hc-ping.com/abc/fail")]
    #[case("https://hc-ping.com/abc/", "https://hc-ping.com/abc/start", "https://hc-ping.com/abc/fail")]
    #[case("https://p.example.org", "https://p.example.org/start", "https://p.example.org/fail")]
    #[case(
        "http://10.0.0.7/k?create=1&x=a%2Fb",
        "http://10.0.0.7/k/start?create=1&x=a%2Fb",
        "http://10.0.0.7/k/fail?create=1&x=a%2Fb"
    )]
    fn signs_stand_behind_the_path(#[case] url: &str, #[case] start: &str, #[case] fail: &str) {
        assert_eq!(Sign::Start.address(url).unwrap().as_str(), start);
        assert_eq!(Sign::Fail.address(url).unwrap().as_str(), fail);
        assert_eq!(Sign::Good.address(url), Url::parse(url).ok());
        assert_eq!(Sign::Good.address("not an address"), None);
    }
}
