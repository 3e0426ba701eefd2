//! One attempt to store an object, which goes on where the last one stopped.
//!
//! OneDrive's own word on where a session is counts, and nothing else. An attempt ends with the first failure; who repeats it is
//! [`Retry`](crate::storage::Retry). Where the last answer was lost, what is there is compared with what was sent before anything is sent
//! again.

use super::api::{At, Item};
use super::classify::Fault;
use super::folders::{Place, lags};
use super::reading::{Verdict, compare};
use super::session::{Said, Standing, State, is_gone};
use super::source::Source;
use super::{Folder, NAME, classify};
use crate::storage::http::{self, Answer};
use crate::storage::{Body, Error, ErrorKind, Result, Stored, There};
use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use std::time::Duration;

/// Sessions that may come to nothing before an upload is given up on, each a start from the first byte.
const RESTARTS: u32 = 2;
/// Answers in a row that get no further.
const STUCK: u32 = 3;
/// How often the last byte may be refused before the session is held to be broken.
const REFUSED_ENDS: u32 = 3;
/// A new session may not be known everywhere at once.
const REPLICATION: [Duration; 3] = [Duration::from_secs(5); 3];

/// How an attempt ends that did not succeed.
enum Ending {
    /// The session stays: it is gone on with.
    Failed(Error),
    /// The session has come to nothing. The error is for when no other is tried.
    Lost(Error),
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        Ending::Failed(error)
    }
}

type Attempt<T> = std::result::Result<T, Ending>;

struct Upload<'a> {
    folder: &'a Folder,
    key: &'a str,
    path: &'a str,
    place: Place,
    body: &'a dyn Body,
    state: State,
}

impl Folder {
    pub(super) async fn upload(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        let path = self.path(key)?;
        let saved = self.saved(key).await?;
        let place = self.locate(&path).await?;
        let size_bytes = body.size_bytes();
        let simple = size_bytes == 0 || size_bytes <= self.drive.tuning.simple_up_to;
        let going_on = |state: &State| !simple && state.is_for(body) && state.parent == place.parent;
        let state = match saved {
            Some(state) if going_on(&state) => state,
            other => {
                if let Some(state) = other {
                    self.cancel(key, &state).await?;
                    self.sessions.remove(key).await?;
                }
                State {
                    url: None,
                    parent: place.parent.clone(),
                    size_bytes,
                    sha256: body.sha256(),
                    replaces: place.old.as_ref().and_then(|item| item.e_tag.clone()),
                    confirmed: 0,
                    fragment_bytes: self.drive.tuning.fragment_bytes,
                    expires_at: None,
                    restarts: 0,
                    refused_ends: 0,
                }
            }
        };
        let upload = Upload { folder: self, key, path: &path, place, body, state };
        if simple { upload.in_one_request().await } else { upload.in_a_session().await }
    }
}

impl Upload<'_> {
    fn stored(&self) -> Stored {
        // OneDrive tells another hash, which was compared.
        Stored { size_bytes: self.body.size_bytes(), sha256: None }
    }

    fn doing(&self) -> String {
        format!("Uploading `{}`", self.key)
    }

    fn unavailable(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unavailable, format!("{}: {what}", self.doing()))
    }

    async fn in_one_request(self) -> Result<Stored> {
        let (drive, size) = (&self.folder.drive, self.body.size_bytes());
        self.body.already_there(&There::default());
        let mut source = Source::open(self.key, self.body).await?;
        source.hold(size).await?;
        let content = Bytes::from(source.fragment(size).concat());
        let hash = source.quick_xor_hash().await?;
        let place = At::In(&self.place.parent, &self.place.name);
        let url = drive.url(place, "content", "@microsoft.graph.conflictBehavior=replace")?;
        let put = || {
            let request = drive.account.http.put(url.clone());
            let request = request.header(CONTENT_TYPE, "application/octet-stream");
            request.header(CONTENT_LENGTH, size).body(content.clone())
        };
        for tries_left in [1, 0] {
            let answer = drive.settled(lags, || drive.ask_within(http::sending(size), put)).await?;
            if classify::is_absent(&answer) {
                return Err(self.unavailable("its folder was removed meanwhile."));
            }
            if !matches!(answer.status, 200 | 201) {
                return Err(drive.failed_or_full(&answer, &self.doing()).await);
            }
            let arrived = match answer.json::<Item>() {
                Ok(item) => self.arrived(&item, &hash).await,
                // Not OneDrive's, or damaged on its way: what is there tells.
                Err(_) if self.is_there(&hash).await? => Ok(()),
                Err(error) => return Err(error),
            };
            match arrived {
                Ok(()) => return Ok(self.stored()),
                Err(Ending::Failed(error)) => return Err(error),
                // What did not arrive is worth a later try; what arrives damaged again and again is not.
                Err(Ending::Lost(error)) if tries_left == 0 && error.kind == ErrorKind::Other => {
                    return Err(Error { kind: ErrorKind::Unavailable, ..error });
                }
                Err(Ending::Lost(error)) if tries_left == 0 => return Err(error),
                Err(Ending::Lost(_)) => {}
            }
        }
        Err(self.unavailable("it did not arrive."))
    }

    async fn in_a_session(mut self) -> Result<Stored> {
        let before = self.state.confirmed;
        let sessions = &self.folder.sessions;
        match self.attempt().await {
            Ok(()) => {
                sessions.remove(self.key).await?;
                Ok(self.stored())
            }
            Err(Ending::Lost(error)) => Err(self.lost(error).await?),
            Err(Ending::Failed(error)) if error.kind == ErrorKind::Integrity => {
                // What was sent is not to be gone on with. Where this fails, `abandon` does it.
                if self.folder.cancel(self.key, &self.state).await.is_ok() {
                    sessions.remove(self.key).await?;
                }
                Err(error)
            }
            Err(Ending::Failed(error)) => {
                if self.state.url.is_some()
                    && let Err(unsaved) = self.folder.save(self.key, &self.state).await
                {
                    // What was saved before is good enough to go on with.
                    tracing::warn!(key = self.key, error = %unsaved, "the state of an upload to OneDrive was not saved");
                }
                Err(error.advanced(self.state.confirmed > before))
            }
        }
    }

    /// Gives the session up. Another one is begun by the next attempt, unless there were enough.
    async fn lost(&mut self, error: Error) -> Result<Error> {
        self.folder.cancel(self.key, &self.state).await?;
        let restarts = self.state.restarts + 1;
        self.state = State {
            url: None,
            confirmed: 0,
            refused_ends: 0,
            expires_at: None,
            restarts,
            ..self.state.clone()
        };
        if restarts > RESTARTS {
            self.folder.sessions.remove(self.key).await?;
            return Ok(error);
        }
        self.folder.save(self.key, &self.state).await?;
        Ok(Error { kind: ErrorKind::Unavailable, ..error })
    }

    async fn attempt(&mut self) -> Attempt<()> {
        if let Some(url) = self.url()? {
            match self.standing(&url).await? {
                Standing::At(at) if at < self.state.size_bytes => return self.send(&url, at, false).await,
                standing => {
                    if self.came_to_its_end(standing).await? {
                        return Ok(());
                    }
                    let is_over = self.state.is_over(self.folder.drive.account.time.now());
                    if standing != Standing::Gone || !is_over {
                        return Err(self.came_to_nothing());
                    }
                }
            }
        }
        let replaces = self.place.old.as_ref().and_then(|item| item.e_tag.clone());
        let state = State { confirmed: 0, refused_ends: 0, replaces, ..self.state.clone() };
        self.state = self.folder.open_session(self.key, &self.place, state).await?;
        match self.url()? {
            Some(url) => self.send(&url, 0, true).await,
            None => Err(self.came_to_nothing()),
        }
    }

    fn url(&self) -> Result<Option<Url>> {
        self.state.url.as_deref().map(http::given_url).transpose()
    }

    async fn standing(&self, url: &Url) -> Result<Standing> {
        self.folder.standing(self.key, &self.state, url).await
    }

    fn came_to_nothing(&self) -> Ending {
        let text = format!("{}: {NAME} lost what had been sent. It starts from the beginning.", self.doing());
        Ending::Lost(Error::new(ErrorKind::Other, text))
    }

    /// Whether a session that wants nothing more has become the file: the answer that said so was lost.
    async fn came_to_its_end(&self, standing: Standing) -> Result<bool> {
        let fits = |item: &Item| item.has_size(self.state.size_bytes);
        if standing == Standing::Gone && !self.place.old.as_ref().is_some_and(fits) {
            return Ok(false);
        }
        self.body.already_there(&There::first(self.state.size_bytes));
        let hash = Source::open(self.key, self.body).await?.quick_xor_hash().await?;
        self.is_there(&hash).await
    }

    /// Whether what is there now is what was sent. Without a hash it is, when it is not the version that was to be replaced.
    async fn is_there(&self, hash: &str) -> Result<bool> {
        let (verdict, item) = self.look(hash).await?;
        let new = item.is_some_and(|item| item.e_tag.is_some() && item.e_tag != self.state.replaces);
        Ok(verdict == Verdict::Same || (verdict == Verdict::SameSize && new))
    }

    /// What is there now, after a while if it is not what was sent: sizes and hashes come late.
    async fn look(&self, hash: &str) -> Result<(Verdict, Option<Item>)> {
        let size = self.body.size_bytes();
        let verdict = |item: &Option<Item>| compare(item.as_ref(), size, hash);
        let found = self
            .folder
            .drive
            .settled(|item| verdict(item) != Verdict::Same, || self.folder.look(self.path))
            .await?;
        Ok((verdict(&found), found))
    }

    async fn send(&mut self, url: &Url, from: u64, fresh: bool) -> Attempt<()> {
        let (folder, size) = (self.folder, self.state.size_bytes);
        self.body.already_there(&There::first(from));
        let mut source = Source::open(self.key, self.body).await?;
        source.skip_to(from).await?;
        self.confirm(from);
        let (mut stuck, mut waits) = (0, REPLICATION.iter());
        loop {
            let at = source.at();
            let length = self.state.fragment_bytes.min(size - at);
            source.hold(length).await?;
            let last = at + length == size;
            let answer = match self.send_fragment(url, at, length, source.fragment(length)).await {
                Ok(answer) => answer,
                Err(error) => return Err(self.broke_off(error).await.into()),
            };
            let next = match answer.status {
                200 | 201 => match answer.json::<Item>() {
                    Ok(item) => return self.arrived(&item, &source.quick_xor_hash().await?).await,
                    // Not OneDrive's, or damaged on its way: no reason to send everything again.
                    Err(error) => match self.standing(url).await? {
                        Standing::At(next) if next == at => return Err(error.into()),
                        standing => standing,
                    },
                },
                202 => match self.said(&answer)? {
                    Some(next) => next,
                    None => self.standing(url).await?,
                },
                404 if fresh && at == 0 => match waits.next() {
                    Some(wait) => {
                        folder.drive.account.time.sleep(*wait).await;
                        continue;
                    }
                    None => self.standing(url).await?,
                },
                // A policy, unless the session does not answer either: then the permission in its address has ended.
                403 if folder.drive.failed(&answer, "").kind == ErrorKind::PermissionDenied => {
                    return Err(match self.standing(url).await? {
                        Standing::At(_) => self.refused(&answer, last).await,
                        _ => Ending::Lost(folder.drive.failed(&answer, &self.doing())),
                    });
                }
                409 | 412 if Fault::of(&answer).is_coded() => {
                    if last && self.is_there(&source.quick_xor_hash().await?).await? {
                        return Ok(());
                    }
                    return Err(Ending::Lost(folder.drive.failed(&answer, &self.doing())));
                }
                416 => self.standing(url).await?,
                _ if is_gone(&answer) => self.standing(url).await?,
                _ => return Err(self.refused(&answer, last).await),
            };
            match next {
                Standing::At(next) if next < at => {
                    return Err(self.unavailable("OneDrive wants again what it had confirmed.").into());
                }
                Standing::At(next) if next == at => {
                    stuck += 1;
                    if stuck == STUCK {
                        let text = format!("{} makes no progress. Please report this.", self.doing());
                        return Err(Ending::Lost(Error::new(ErrorKind::Other, text)));
                    }
                }
                Standing::At(next) if next < size => {
                    source.skip_to(next).await?;
                    self.confirm(next);
                    stuck = 0;
                }
                Standing::At(_) | Standing::Empty | Standing::Gone => {
                    // Without its last byte it has not become the file.
                    if last && self.is_there(&source.quick_xor_hash().await?).await? {
                        return Ok(());
                    }
                    return Err(self.came_to_nothing());
                }
            }
        }
    }

    fn confirm(&mut self, at: u64) {
        self.state.confirmed = self.state.confirmed.max(at);
    }

    /// What a session wants next, where its answer to a fragment says so.
    fn said(&mut self, answer: &Answer) -> Result<Option<Standing>> {
        let said = Said::of(answer)?;
        self.state.expires_at = said.expires_at().or(self.state.expires_at);
        Ok(said.next())
    }

    /// To the address of a session goes no token.
    async fn send_fragment(&self, url: &Url, at: u64, length: u64, pieces: Vec<Bytes>) -> Result<Answer> {
        let size = self.state.size_bytes;
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let drive = &self.folder.drive;
        let request = drive
            .account
            .http
            .put(url.clone())
            .header(CONTENT_LENGTH, length)
            .header(CONTENT_RANGE, format!("bytes {at}-{}/{size}", at + length - 1))
            .body(body);
        drive.ask_plainly(http::sending(length), request).await
    }

    /// A server that refuses in the middle of a fragment closes the connection, and its answer is lost: whether there is room is asked.
    async fn broke_off(&self, error: Error) -> Error {
        if error.kind != ErrorKind::Unavailable {
            return error;
        }
        match self.folder.drive.drive().await {
            Ok(drive) if drive.quota.is_exhausted() => {
                let text = format!(
                    "{} failed: the account is full. Free space, empty the recycle bin, or keep fewer copies.{}",
                    self.doing(),
                    drive.quota.describe()
                );
                Error::new(ErrorKind::QuotaExceeded, text)
            }
            _ => Error::new(error.kind.clone(), format!("{} broke off: {}", self.doing(), error.message)),
        }
    }

    async fn refused(&mut self, answer: &Answer, last: bool) -> Ending {
        let error = self.folder.drive.failed_or_full(answer, &self.doing()).await;
        match answer.status {
            // Too much at once, for OneDrive or for a proxy before it.
            413 | 504 if self.state.halve() => Error { kind: ErrorKind::Unavailable, ..error }.into(),
            500 if last => {
                self.state.refused_ends += 1;
                if self.state.refused_ends < REFUSED_ENDS { error.into() } else { Ending::Lost(error) }
            }
            _ => error.into(),
        }
    }

    /// Makes sure that what OneDrive has taken is what was sent; takes it away when it is not.
    async fn arrived(&self, item: &Item, hash: &str) -> Attempt<()> {
        if compare(Some(item), self.body.size_bytes(), hash) == Verdict::Same {
            return Ok(());
        }
        let (verdict, found) = self.look(hash).await?;
        match verdict {
            Verdict::Same => Ok(()),
            Verdict::SameSize => {
                tracing::info!(key = self.key, "OneDrive tells no hash of an upload; its size is right");
                Ok(())
            }
            Verdict::Absent => Err(self.came_to_nothing()),
            Verdict::Different => {
                if let Some(found) = found.filter(|found| found.id == item.id) {
                    self.folder.remove_file(&found.id, self.key).await?;
                }
                let text = format!(
                    "{}: what arrived in {NAME} is not what was sent; it was deleted there. The connection or {NAME} damages data.",
                    self.doing()
                );
                Err(Ending::Lost(Error::new(ErrorKind::Integrity, text)))
            }
        }
    }
}
