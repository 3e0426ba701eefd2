//! A linked account: its access token, refreshed by one task at a time, and the pauses that its provider asks for.

use super::http::{Answer, Http};
use super::oauth::{App, Grant, Provider};
use super::time::SharedTime;
use super::{ByteStream, Error, ErrorKind, Result, Secret};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::RequestBuilder;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An access token with less left than this is not begun with.
const LEFT: TimeDelta = TimeDelta::minutes(5);
/// The longest pause that is kept for a provider. Who asks for more is answered by giving up (`RetryPolicy::longest_wait`).
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// How often a refresh is begun anew because the account was linked meanwhile.
const RELOADS: u32 = 3;

/// Where an account's grant is kept. Everything in it is secret.
#[async_trait::async_trait]
pub trait GrantStore: Send + Sync {
    /// The grant as it is stored now.
    ///
    /// # Errors
    /// `NeedsRelink`, with the reason, when there is none or it cannot be decrypted; `Unavailable` when the store does not answer.
    async fn load(&self) -> Result<Grant>;
    /// Stores what a refresh gave; it is not used before. False when the account has another generation by now: it was linked again, and
    /// what came is thrown away.
    async fn save(&self, grant: &Grant) -> Result<bool>;
    /// The provider says that the grant is gone; `message` says what to do. Told each time it is found out.
    async fn lost(&self, message: &str);
    /// The provider has taken the grant. Told once after the start and once after each `lost`.
    async fn works(&self);
}

/// One linked account. One object of it serves all rows and passes of a process: two refreshes at once would make one token void.
pub struct Account {
    pub http: Http,
    pub time: SharedTime,
    provider: Provider,
    app: App,
    store: Arc<dyn GrantStore>,
    held: tokio::sync::Mutex<Held>,
    /// No request before this.
    closed_until: Mutex<Option<DateTime<Utc>>>,
    /// How often the grant was found to be gone.
    losses: AtomicU64,
    /// Whether the store was told that the grant works, since the last loss. Held while the store is told anything, so that what it hears
    /// last is what holds.
    told_works: tokio::sync::Mutex<bool>,
}

#[derive(Default)]
struct Held {
    grant: Option<Grant>,
    /// What a refresh gave and the store did not take: the refresh token in it may be the only one that is valid.
    unsaved: Option<Grant>,
}

impl Account {
    pub fn new(
        http: Http,
        time: SharedTime,
        provider: Provider,
        app: App,
        store: Arc<dyn GrantStore>,
    ) -> Arc<Account> {
        Arc::new(Account {
            http,
            time,
            provider,
            app,
            store,
            held: tokio::sync::Mutex::default(),
            closed_until: Mutex::new(None),
            losses: AtomicU64::new(0),
            told_works: tokio::sync::Mutex::new(false),
        })
    }

    /// As messages call the provider.
    pub fn provider_name(&self) -> &'static str {
        self.provider.name
    }

    /// Sends what `request` makes of an access token, after any pause that the provider asked for. A token that is refused is refreshed
    /// once. An answer of any other status is `Ok`; one with 429, or 503 and `Retry-After`, closes the account for all its tasks as long as
    /// asked and is `Ok` as well.
    ///
    /// # Errors
    /// `NeedsRelink` when a fresh token is refused too; what [`Http::call`] and [`Provider::refresh`] give.
    pub async fn call(
        self: &Arc<Self>,
        limit: Duration,
        request: impl Fn(&Secret) -> RequestBuilder + Send + Sync,
    ) -> Result<Answer> {
        let losses = self.losses.load(Ordering::SeqCst);
        self.pause().await;
        let token = self.token(None).await?;
        let mut answer = self.http.call(request(&token), limit).await?;
        if answer.status == 401 {
            if let Some(error) = self.final_word(&answer).await {
                return Err(error);
            }
            let fresh = self.token(Some(&token)).await?;
            answer = self.http.call(request(&fresh), limit).await?;
            if answer.status == 401 {
                return Err(self.twice(&answer).await);
            }
        }
        self.heed(&answer);
        // 308 is how an upload session says that it wants more.
        if answer.status < 400 {
            self.tell_works(losses).await;
        }
        Ok(answer)
    }

    /// The same for an answer that is read as it comes, as [`Http::stream`] gives it.
    pub async fn stream(
        self: &Arc<Self>,
        request: impl Fn(&Secret) -> RequestBuilder + Send + Sync,
    ) -> Result<std::result::Result<(Answer, ByteStream), Answer>> {
        let losses = self.losses.load(Ordering::SeqCst);
        self.pause().await;
        let token = self.token(None).await?;
        let mut got = self.http.stream(request(&token)).await?;
        if let Err(answer) = &got
            && answer.status == 401
        {
            if let Some(error) = self.final_word(answer).await {
                return Err(error);
            }
            let fresh = self.token(Some(&token)).await?;
            got = self.http.stream(request(&fresh)).await?;
            if let Err(answer) = &got
                && answer.status == 401
            {
                return Err(self.twice(answer).await);
            }
        }
        match &got {
            Ok(_) => self.tell_works(losses).await,
            Err(answer) => self.heed(answer),
        }
        Ok(got)
    }

    /// What a 401 means beyond a token that has run out, as the provider words it.
    async fn final_word(&self, answer: &Answer) -> Option<Error> {
        let error = (self.provider.unauthorized)(answer)?;
        if error.kind == ErrorKind::NeedsRelink {
            self.tell_lost(&error.message).await;
        }
        Some(error)
    }

    /// A fresh token is refused too. All providers refuse in JSON: another answer is a proxy's, and says nothing about the link.
    async fn twice(&self, answer: &Answer) -> Error {
        if let Some(error) = self.final_word(answer).await {
            return error;
        }
        if answer.json::<serde_json::Map<String, serde_json::Value>>().is_err() {
            let name = self.provider.name;
            let text = format!(
                "{name} cannot be reached: something before it asks for a sign-in (status 401). Check this server's proxy."
            );
            return Error::new(ErrorKind::Unavailable, text);
        }
        self.refused().await
    }

    /// An access token that still holds for a while; `refused` is one that the provider did not take.
    ///
    /// A refresh that has begun goes on when its caller is gone: the token it brings may be the only one that is valid.
    pub async fn token(self: &Arc<Self>, refused: Option<&Secret>) -> Result<Secret> {
        let fits = |grant: &Grant| {
            grant.access_expires_at - self.time.now() > LEFT && refused != Some(&grant.access_token)
        };
        if let Some(grant) = self.held.lock().await.grant.as_ref().filter(|g| fits(g)) {
            return Ok(grant.access_token.clone());
        }
        let (account, refused) = (Arc::clone(self), refused.cloned());
        let refreshing = tokio::spawn(async move { account.refresh(refused).await });
        refreshing
            .await
            .map_err(|e| Error::new(ErrorKind::Other, format!("The refresh of a token broke off: {e}")))?
    }

    async fn refresh(&self, refused: Option<Secret>) -> Result<Secret> {
        let mut held = self.held.lock().await;
        let fits = |grant: &Grant| {
            grant.access_expires_at - self.time.now() > LEFT && refused.as_ref() != Some(&grant.access_token)
        };
        if let Some(unsaved) = held.unsaved.take() {
            self.keep(&mut held, unsaved).await?;
        }
        // Another task may have done it meanwhile.
        if let Some(grant) = held.grant.as_ref().filter(|g| fits(g)) {
            return Ok(grant.access_token.clone());
        }
        for _ in 0..RELOADS {
            // Another server may have done it.
            let stored = self.store.load().await?;
            if fits(&stored) {
                let token = stored.access_token.clone();
                held.grant = Some(stored);
                return Ok(token);
            }
            self.pause().await;
            let refreshed = self.provider.refresh(&self.http, &self.app, &stored, self.time.now()).await;
            let error = match refreshed {
                Ok(fresh) => match self.keep(&mut held, fresh).await? {
                    Some(token) => return Ok(token),
                    None => continue,
                },
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::NeedsRelink => {
                    // What was refused may not be the grant any more: a new link ends the old one, and a rotation by another server too.
                    let now = self.store.load().await?;
                    if now.generation == stored.generation && now.refresh_token == stored.refresh_token {
                        held.grant = None;
                        self.tell_lost(&error.message).await;
                        return Err(error);
                    }
                }
                ErrorKind::RateLimited { retry_after: Some(pause) } => {
                    self.close_for(pause);
                    return Err(error);
                }
                _ => return Err(error),
            }
        }
        let text = format!("The {} account is being linked anew again and again.", self.provider.name);
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    /// Saves what a refresh gave, and only then uses it. `None`: the account was linked anew meanwhile.
    async fn keep(&self, held: &mut Held, fresh: Grant) -> Result<Option<Secret>> {
        match self.store.save(&fresh).await {
            Ok(true) => {
                let token = fresh.access_token.clone();
                held.grant = Some(fresh);
                Ok(Some(token))
            }
            Ok(false) => Ok(None),
            Err(error) => {
                held.unsaved = Some(fresh);
                Err(error)
            }
        }
    }

    /// The error for a fresh token that the provider did not take.
    pub async fn refused(&self) -> Error {
        let text = format!("{} rejects the link. Link the account again.", self.provider.name);
        self.tell_lost(&text).await;
        Error::new(ErrorKind::NeedsRelink, text)
    }

    /// Tells the store that the grant is gone, or lacks what is needed; `message` says what to do.
    pub async fn tell_lost(&self, message: &str) {
        let mut told = self.told_works.lock().await;
        self.losses.fetch_add(1, Ordering::SeqCst);
        *told = false;
        self.store.lost(message).await;
    }

    /// What was sent before a loss was found out proves nothing: an access token outlives its grant for a while.
    async fn tell_works(&self, losses: u64) {
        let mut told = self.told_works.lock().await;
        if !*told && self.losses.load(Ordering::SeqCst) == losses {
            self.store.works().await;
            *told = true;
        }
    }

    /// Waits until the account is open.
    pub async fn pause(&self) {
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

    /// Closes the account for `pause`, for all its tasks.
    pub fn close_for(&self, pause: Duration) {
        let pause = TimeDelta::from_std(pause.min(LONGEST_PAUSE)).unwrap_or(TimeDelta::zero());
        let until = self.time.now() + pause;
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |c| c.max(until)));
    }

    /// Keeps the pause that an answer asks for.
    pub fn heed(&self, answer: &Answer) {
        if matches!(answer.status, 429 | 503 | 509)
            && let Some(pause) = answer.retry_after(self.time.now())
        {
            self.close_for(pause);
        }
    }
}

#[cfg(test)]
mod tests;
