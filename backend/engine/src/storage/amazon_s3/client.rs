//! The SDK's client, set up so that waiting and trying again have one owner outside of it, and every call ends.

use super::classify::{self, Answer, Failure};
use super::{Settings, Tuning, invalid};
use crate::storage::time::{SharedTime, SystemTime};
use crate::storage::{Error, ErrorKind, Result};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause that is kept for the provider.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// A clock that is off by more makes signatures invalid at some servers.
const SKEWED: TimeDelta = TimeDelta::minutes(4);

/// What a call does, for messages: the right that it needs, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doing<'a> {
    pub right: &'static str,
    pub bucket: &'a str,
    /// Of the object, with the prefix; empty when the call is about the bucket.
    pub key: &'a str,
}

impl<'a> Doing<'a> {
    pub fn account(right: &'static str) -> Doing<'static> {
        Doing { right, bucket: "", key: "" }
    }

    pub fn bucket(right: &'static str, bucket: &'a str) -> Doing<'a> {
        Doing { right, bucket, key: "" }
    }

    pub fn object(right: &'static str, bucket: &'a str, key: &'a str) -> Doing<'a> {
        Doing { right, bucket, key }
    }
}

pub(super) struct Client {
    pub sdk: aws_sdk_s3::Client,
    pub time: SharedTime,
    /// As [`Tuning::like_amazon`] says.
    pub like_amazon: bool,
    /// As messages call it.
    pub server: String,
    pub region: String,
    pub access_key_id: String,
    signing: SharedTime,
    /// No request before this.
    closed_until: Mutex<Option<DateTime<Utc>>>,
    /// The server has refused to delete many objects in one call.
    no_batches: AtomicBool,
    /// The server does not know how to make parts of objects that it has.
    no_copies: AtomicBool,
}

struct Clock(SharedTime);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl aws_smithy_async::time::TimeSource for Clock {
    fn now(&self) -> std::time::SystemTime {
        self.0.now().into()
    }
}

/// HTTPS by rustls with *ring*, through the proxy that the environment names, as the other providers' client does.
fn http_client() -> SharedHttpClient {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

impl Client {
    pub fn new(settings: &Settings, time: SharedTime, tuning: &Tuning) -> Result<Client> {
        let like_amazon = tuning.like_amazon.unwrap_or(settings.endpoint.is_none());
        let signing = tuning.signing_time.clone().unwrap_or_else(|| std::sync::Arc::new(SystemTime));
        let secret = settings.secret_access_key.expose();
        let credentials = Credentials::new(&settings.access_key_id, secret, None, None, "storage");
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client())
            .credentials_provider(credentials)
            .region(Region::new(settings.region.clone()))
            .time_source(Clock(SharedTime::clone(&signing)))
            .force_path_style(settings.path_style)
            // `Retry` waits and tries again, for every destination alike. Another layer below it would multiply its attempts, and would
            // not know how far an upload has come.
            .retry_config(RetryConfig::disabled())
            // It takes servers that work in silence (putting the parts together takes minutes) and slow lines for dead ones. Every call
            // has a limit of its own instead.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build());
        if let Some(endpoint) = &settings.endpoint {
            config = config.endpoint_url(endpoint.as_str().trim_end_matches('/'));
        }
        if !like_amazon {
            // Each block carries its MD5 all the same.
            config = config
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        let server = match &settings.endpoint {
            None => "Amazon S3".to_owned(),
            Some(endpoint) => {
                let host = endpoint.host_str().ok_or_else(|| invalid("The endpoint has no host."))?;
                endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
            }
        };
        Ok(Client {
            sdk: aws_sdk_s3::Client::from_conf(config.build()),
            time,
            like_amazon,
            server,
            region: settings.region.clone(),
            access_key_id: settings.access_key_id.clone(),
            signing,
            closed_until: Mutex::new(None),
            no_batches: AtomicBool::new(false),
            no_copies: AtomicBool::new(false),
        })
    }

    /// Sends what `send` makes, after any pause that the provider asked for, and waits for `limit` at most.
    ///
    /// A request that was refused while the clocks differ is sent a second time at once: the SDK has learned the provider's time from the
    /// refusal, and signs with it from then on.
    pub async fn call<T, E, F>(
        &self,
        doing: Doing<'_>,
        limit: Duration,
        send: impl Fn() -> F + Send + Sync,
    ) -> std::result::Result<T, Failure>
    where
        F: Future<Output = std::result::Result<T, SdkError<E>>> + Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        T: Send,
    {
        let mut repeated = false;
        loop {
            self.pause().await;
            let error = match tokio::time::timeout(limit, send()).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) => error,
                Err(_) => {
                    let text = format!("{} did not answer within {} seconds.", self.server, limit.as_secs());
                    return Err(Failure::silent(Error::new(ErrorKind::Unavailable, text)));
                }
            };
            let Some(answer) = Answer::of(&error, self.signing.now()) else {
                return Err(Failure::silent(classify::unreachable(&self.server, &error)));
            };
            self.heed(&answer);
            let skewed = answer.skew.is_some_and(|skew| skew.abs() > SKEWED);
            if skewed && !repeated && matches!(answer.status, 400 | 401 | 403) {
                tracing::warn!(server = self.server, skew = ?answer.skew, "the clock of this server is wrong");
                repeated = true;
                continue;
            }
            return Err(self.failure(doing, answer));
        }
    }

    /// Whether many objects can be deleted in one call, as far as is known.
    pub fn takes_batches(&self) -> bool {
        !self.no_batches.load(Ordering::Relaxed)
    }

    pub fn no_batches(&self) {
        self.no_batches.store(true, Ordering::Relaxed);
    }

    /// Whether parts can be made of objects that are there, as far as is known.
    pub fn takes_copies(&self) -> bool {
        !self.no_copies.load(Ordering::Relaxed)
    }

    pub fn no_copies(&self) {
        self.no_copies.store(true, Ordering::Relaxed);
    }

    pub fn failure(&self, doing: Doing<'_>, answer: Answer) -> Failure {
        let (kind, mut message) = classify::explain(self, doing, &answer);
        if let Some(skew) = answer.skew.filter(|skew| skew.abs() > SKEWED)
            && matches!(answer.status, 400 | 401 | 403)
        {
            let off = classify::human(skew);
            message.push_str(&format!(" The clock of this server is off by {off}: set it, best by NTP."));
        }
        Failure {
            error: Error::new(kind, message),
            status: answer.status,
            code: answer.code,
            message: answer.message,
        }
    }

    async fn pause(&self) {
        loop {
            let until = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
            match until.and_then(|until| (until - self.time.now()).to_std().ok()) {
                // Longer than any pause: the clock was set back meanwhile.
                Some(left) if left > LONGEST_PAUSE => return,
                Some(left) if !left.is_zero() => self.time.sleep(left).await,
                _ => return,
            }
        }
    }

    /// Keeps the pause that an answer asks for, for all that the account does.
    fn heed(&self, answer: &Answer) {
        let Some(pause) = answer.retry_after(self.time.now()).filter(|_| matches!(answer.status, 429 | 503))
        else {
            return;
        };
        let pause = TimeDelta::from_std(pause.min(LONGEST_PAUSE)).unwrap_or(TimeDelta::zero());
        let until = self.time.now() + pause;
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |c| c.max(until)));
    }
}
