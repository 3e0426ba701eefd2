//! Upload sessions: what is remembered of one, how it is opened, asked and given up.

use super::api::At;
use super::classify::Fault;
use super::folders::{Place, lags};
use super::{Folder, GRANULE, NAME, classify};
use crate::storage::http::{self, Answer};
use crate::storage::{Body, Error, ErrorKind, Result};
use chrono::{DateTime, Utc};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Waits before an odd refusal of a new session is believed.
const ODD: Duration = Duration::from_secs(2);

/// What is remembered of an upload under its key. It holds a capability: it is not to be shown.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The session's address. `None`: it was lost, the next one starts from the beginning.
    pub url: Option<String>,
    /// The folder that it was opened for. Another one: it was deleted meanwhile, or the account is another.
    pub parent: String,
    pub size_bytes: u64,
    pub sha256: Option<String>,
    /// The version of what had the name when the session was opened.
    pub replaces: Option<String>,
    /// The furthest that OneDrive has confirmed in this session.
    pub confirmed: u64,
    pub fragment_bytes: u64,
    pub expires_at: Option<DateTime<Utc>>,
    /// Sessions for this content that came to nothing.
    pub restarts: u32,
    /// How often the last byte was refused in this session.
    pub refused_ends: u32,
}

impl State {
    pub fn is_for(&self, body: &dyn Body) -> bool {
        let sha256 = body.sha256();
        sha256.is_some() && sha256 == self.sha256 && body.size_bytes() == self.size_bytes
    }

    /// The time of its session is over, whatever anybody says about it.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// What to go on with after OneDrive was overcharged with a fragment; false when it cannot be smaller.
    pub fn halve(&mut self) -> bool {
        let half = (self.fragment_bytes / 2 / GRANULE * GRANULE).max(GRANULE);
        std::mem::replace(&mut self.fragment_bytes, half) > half
    }
}

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It wants this byte next.
    At(u64),
    /// It wants nothing more, and has given no file.
    Empty,
    Gone,
}

/// What a session says of itself.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Said {
    upload_url: Option<String>,
    expiration_date_time: Option<DateTime<Utc>>,
    next_expected_ranges: Option<Vec<String>>,
}

impl Said {
    pub fn of(answer: &Answer) -> Result<Said> {
        answer.json()
    }

    /// `None` when it does not say.
    pub fn next(&self) -> Option<Standing> {
        let ranges = self.next_expected_ranges.as_ref()?;
        let Some(first) = ranges.first() else { return Some(Standing::Empty) };
        let start = first.split('-').next().unwrap_or_default();
        start.trim().parse().ok().map(Standing::At)
    }

    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expiration_date_time
    }
}

/// Answers that only a session which is no more gives, whatever the kind of account: with a code, for proxies answer with these statuses too.
pub(super) fn is_gone(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 401 | 404 | 410) && Fault::of(answer).is_coded()
}

impl Folder {
    pub(super) async fn saved(&self, key: &str) -> Result<Option<State>> {
        let Some(text) = self.sessions.load(key).await? else { return Ok(None) };
        match serde_json::from_str(&text) {
            Ok(state) => Ok(Some(state)),
            Err(_) => {
                tracing::warn!(
                    key,
                    "what is remembered of an upload to OneDrive cannot be read; it starts anew"
                );
                Ok(None)
            }
        }
    }

    pub(super) async fn save(&self, key: &str, state: &State) -> Result<()> {
        let text = serde_json::to_string(state).map_err(|e| Error::new(ErrorKind::Other, e.to_string()))?;
        self.sessions.save(key, &text).await
    }

    /// Opens a session and remembers it. Both are done to their end also when nobody waits any more: a session that nobody knows of cannot
    /// be given up.
    pub(super) async fn open_session(&self, key: &str, place: &Place, state: State) -> Result<State> {
        let (folder, key) = (self.clone(), key.to_owned());
        let (parent, name) = (place.parent.clone(), place.name.clone());
        let guard = Arc::clone(&self.opening).read_owned().await;
        let opening = tokio::spawn(async move {
            let _guard = guard;
            let (url, said) = folder.create_session(&key, &parent, &name, state.size_bytes).await?;
            let state = State { url: Some(url), expires_at: said.expires_at(), ..state };
            if let Err(error) = folder.save(&key, &state).await {
                // Nobody would know of it.
                let _ = folder.cancel(&key, &state).await;
                return Err(error);
            }
            Ok(state)
        });
        let broken = |e| Error::new(ErrorKind::Other, format!("The opening of an upload broke off: {e}"));
        opening.await.map_err(broken)?
    }

    async fn create_session(
        &self,
        key: &str,
        parent: &str,
        name: &str,
        size_bytes: u64,
    ) -> Result<(String, Said)> {
        let drive = &self.drive;
        let url = drive.url(At::In(parent, name), "createUploadSession", "")?;
        let create = |with_size: bool| {
            let mut item = serde_json::json!({
                "@microsoft.graph.conflictBehavior": "replace",
                "name": name,
            });
            if with_size {
                item["fileSize"] = size_bytes.into();
            }
            let (url, body) = (url.clone(), serde_json::json!({ "item": item }));
            async move { drive.ask(|| drive.account.http.post(url.clone()).json(&body)).await }
        };
        // With its size, so that an account without room says so before the first byte. Accounts of companies may not take it; and now and
        // then good requests are refused.
        let with_size = !drive.sizes_refused.load(Ordering::Relaxed);
        let mut answer = drive
            .settled(|answer: &Answer| answer.status != 400 && lags(answer), || create(with_size))
            .await?;
        if answer.status == 400 {
            drive.account.time.sleep(ODD).await;
            answer = drive.settled(lags, || create(false)).await?;
            drive.sizes_refused.fetch_or(answer.status == 200, Ordering::Relaxed);
        }
        if classify::is_absent(&answer) {
            let text = format!("The folder of `{key}` in {NAME} was removed in the middle of the upload.");
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        if answer.status == 409 {
            let text =
                format!("{NAME} does not begin an upload of `{key}` now: an earlier one may still be open.");
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        if answer.status != 200 {
            return Err(drive.failed_or_full(&answer, &format!("Beginning the upload of `{key}`")).await);
        }
        let mut said = Said::of(&answer)?;
        let Some(url) = said.upload_url.take() else {
            let text = format!("{NAME} began an upload of `{key}` and gave no address for it.");
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        http::given_url(&url)?;
        Ok((url, said))
    }

    /// Asks a session where it is: that alone counts.
    pub(super) async fn standing(&self, key: &str, state: &State, url: &Url) -> Result<Standing> {
        let request = self.drive.account.http.get(url.clone());
        let answer = self.drive.ask_plainly(http::QUICK, request).await?;
        match answer.status {
            200..=202 => Ok(Said::of(&answer)?.next().unwrap_or(Standing::Empty)),
            // Its address carries a permission, which may end sooner.
            403 if Fault::of(&answer).is_coded() => Ok(Standing::Gone),
            _ if is_gone(&answer) => Ok(Standing::Gone),
            400 | 401 | 403 | 404 | 410 if state.is_over(self.drive.account.time.now()) => Ok(Standing::Gone),
            _ => Err(self.drive.failed(&answer, &format!("Asking for the state of the upload of `{key}`"))),
        }
    }

    /// Ends a session, if there is one still.
    ///
    /// # Errors
    /// When it is not known whether it ended.
    pub(super) async fn cancel(&self, key: &str, state: &State) -> Result<()> {
        let Some(url) = state.url.as_deref().and_then(|url| http::given_url(url).ok()) else { return Ok(()) };
        let request = self.drive.account.http.delete(url);
        let answer = self.drive.ask_plainly(http::QUICK, request).await?;
        let ended = match answer.status {
            204 => true,
            200..=299 => !answer.is_page(),
            408 | 429 => false,
            // Whatever else OneDrive says, there is nothing more to be done with it. What a proxy says proves nothing.
            400..=499 => Fault::of(&answer).is_coded() || state.is_over(self.drive.account.time.now()),
            _ => false,
        };
        if ended {
            return Ok(());
        }
        let error = self.drive.failed(&answer, &format!("Giving up the upload of `{key}`"));
        // A refusal that is nobody's is worth another try.
        Err(if error.kind == ErrorKind::Other {
            Error { kind: ErrorKind::Unavailable, ..error }
        } else {
            error
        })
    }

    pub(super) async fn give_up(&self, key: &str) -> Result<()> {
        self.path(key)?;
        let _alone = self.opening.write().await;
        if let Some(state) = self.saved(key).await? {
            self.cancel(key, &state).await?;
        }
        self.sessions.remove(key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::BytesBody;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"nextExpectedRanges":["26-"]}"#, Some(Standing::At(26)))]
    #[case(r#"{"nextExpectedRanges":["26-99"]}"#, Some(Standing::At(26)))]
    #[case(r#"{"nextExpectedRanges":["6442450944-"]}"#, Some(Standing::At(6_442_450_944)))]
    #[case(r#"{"nextExpectedRanges":["0-25","77-"]}"#, Some(Standing::At(0)))]
    #[case(r#"{"nextExpectedRanges":[]}"#, Some(Standing::Empty))]
    #[case(r#"{"nextExpectedRanges":["x-"]}"#, None)]
    #[case(r#"{"expirationDateTime":"2026-11-27T10:00:00.000Z"}"#, None)]
    #[case("{}", None)]
    fn what_a_session_wants_next_is_read(#[case] json: &str, #[case] next: Option<Standing>) {
        let said: Said = serde_json::from_str(json).unwrap();
        assert_eq!(said.next(), next);
    }

    fn state(fragment_bytes: u64) -> State {
        let body = BytesBody("content".into());
        State {
            url: None,
            parent: "1".into(),
            size_bytes: 7,
            sha256: body.sha256(),
            replaces: None,
            confirmed: 0,
            fragment_bytes,
            expires_at: None,
            restarts: 0,
            refused_ends: 0,
        }
    }

    #[rstest]
    #[case(32, 16, true)]
    #[case(3, 1, true)]
    #[case(2, 1, true)]
    #[case(1, 1, false)]
    fn fragments_are_halved_down_to_one_granule(#[case] from: u64, #[case] to: u64, #[case] smaller: bool) {
        let mut state = state(from * GRANULE);
        assert_eq!(state.halve(), smaller);
        assert_eq!(state.fragment_bytes, to * GRANULE);
    }

    #[test]
    fn an_upload_is_gone_on_with_for_the_same_content_only() {
        assert!(state(GRANULE).is_for(&BytesBody("content".into())));
        assert!(!state(GRANULE).is_for(&BytesBody("Content".into())));
        assert!(!state(GRANULE).is_for(&BytesBody("contents".into())));
    }
}
