//! `put` and `abandon`: one file by one resumable upload, gone on with where it stopped.
//!
//! Planned (ids are chosen) → session open → bytes sent → file made → checked → the older content gone → nothing remembered. The state is
//! saved before each arrow, so that whoever comes next, in this process or after it, knows what may be there.

use super::api::Api;
use super::feed::{self, Digest, Feed};
use super::file::{File, metadata};
use super::folders::Trust;
use super::root::Root;
use super::session::{Progress, Start};
use super::state::State;
use super::{NAME, split};
use crate::storage::{Body, Error, ErrorKind, Result, Secret, Stored, There};
use chrono::TimeDelta;
use std::time::Duration;

/// Google keeps a session for a week; one that is nearly over is not begun with.
const SESSION_LASTS: TimeDelta = TimeDelta::hours(7 * 24 - 1);
/// A session that takes nothing twice in a row is left.
const STUCK: u32 = 2;
/// How often one `put` begins anew with another id.
const RESTARTS: u32 = 1;
/// The hash of a file may come a moment after it.
const HASH_WAITS: [u64; 3] = [1, 2, 4];

/// Why an attempt ended.
enum Trouble {
    /// The content cannot be read, or is not what it was.
    Source(Error),
    /// The provider; the state is good to go on from.
    Remote(Error),
    /// The session takes nothing.
    Stuck(Error),
    /// What was done is void: it is cleared away, and done once more.
    Anew(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Remote(error)
    }
}

type Attempt<T> = std::result::Result<T, Trouble>;

struct Upload<'a> {
    root: &'a Root,
    key: &'a str,
    body: &'a dyn Body,
    state: State,
    /// Bytes that were confirmed before this attempt.
    before: u64,
    /// The most that was confirmed during this attempt.
    reached: u64,
}

pub(super) async fn put(root: &Root, key: &str, body: &dyn Body) -> Result<Stored> {
    let _alone = root.drive.busy.alone(&root.path(key)).await;
    let state = match load(root, key).await? {
        Some(state) if state.is_of(body) => state,
        Some(other) => {
            give_up(root, key, &other).await?;
            State::new(body)
        }
        None => State::new(body),
    };
    let mut upload = Upload { root, key, body, before: state.furthest, state, reached: 0 };
    let mut restarts = 0;
    loop {
        match upload.attempt().await {
            Ok(stored) => return Ok(stored),
            Err(Trouble::Anew(error)) => {
                give_up(root, key, &upload.state).await?;
                if restarts == RESTARTS {
                    return Err(error);
                }
                restarts += 1;
                tracing::warn!(path = root.path(key), %error, "an upload to Google Drive begins anew");
                upload.state = State { furthest: upload.before.max(upload.reached), ..State::new(body) };
            }
            Err(trouble) => return Err(upload.failed(trouble).await),
        }
    }
}

pub(super) async fn abandon(root: &Root, key: &str) -> Result<()> {
    let _alone = root.drive.busy.alone(&root.path(key)).await;
    match load(root, key).await? {
        Some(state) => give_up(root, key, &state).await,
        None => Ok(()),
    }
}

async fn load(root: &Root, key: &str) -> Result<Option<State>> {
    let Some(text) = root.sessions.load(key).await? else { return Ok(None) };
    let state = State::read(&text);
    if state.is_none() {
        // Its session ends by itself.
        root.sessions.remove(key).await?;
    }
    Ok(state)
}

/// Ends what a state tells of. A file that came to its end with the right content stays, and stays alone; anything else of it goes.
async fn give_up(root: &Root, key: &str, state: &State) -> Result<()> {
    let api = &root.drive.api;
    // The session first: after that no file comes of it.
    if let Some(session) = &state.session {
        api.cancel_session(&Secret::new(session.clone())).await?;
    }
    if let Some(target) = &state.target
        && let Some(file) = api.get(target).await?
    {
        if file.is_object(key) && is_content(&file, state) {
            root.drive.recent.wrote(&root.path(key), target, api.now());
            root.delete_all_but(key, Some(target)).await?;
        } else if file.is_made_for(key) {
            api.delete(target).await?;
            root.drive.recent.deleted(&root.path(key), target, api.now());
        }
    }
    root.sessions.remove(key).await
}

fn is_content(file: &File, state: &State) -> bool {
    let same = match (&file.sha256_checksum, &state.sha256) {
        (Some(theirs), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
        _ => true,
    };
    same && file.size_bytes() == Some(state.size_bytes)
}

fn removed(path: &str) -> Trouble {
    let text = format!(
        "The folder {path} was removed at {NAME} while something was uploaded to it. A new one is made; what was in the old one may be \
         in the trash there."
    );
    Trouble::Anew(Error::new(ErrorKind::Unavailable, text))
}

impl Upload<'_> {
    async fn attempt(&mut self) -> Attempt<Stored> {
        self.prepare().await?;
        let (file, digest) = self.transfer().await?;
        let (file, stored) = self.check(file, digest).await?;
        let (root, path) = (self.root, self.root.path(self.key));
        root.drive.recent.wrote(&path, &file.id, root.drive.api.now());
        root.delete_all_but(self.key, Some(&file.id)).await?;
        root.sessions.remove(self.key).await?;
        Ok(stored)
    }

    fn api(&self) -> &Api {
        &self.root.drive.api
    }

    async fn save(&self) -> Result<()> {
        self.root.sessions.save(self.key, &self.state.write()?).await
    }

    /// Makes sure of the folder and of the ids.
    async fn prepare(&mut self) -> Attempt<()> {
        let path = self.root.path(self.key);
        let dir = split(&path).0;
        let folders = &self.root.drive.folders;
        let place = folders.locate(self.api(), dir, Trust::Nothing).await?;
        if place.missing.is_empty() && self.state.target.is_some() {
            return self.settle(&place.ids, dir).await;
        }
        let _alone = folders.alone().await;
        // Another may have made them meanwhile.
        let place = folders.locate(self.api(), dir, Trust::Lately).await?;
        let planned = |path: &String| self.state.folders.contains_key(path);
        let unplanned: Vec<String> = place.missing.iter().filter(|p| !planned(p)).cloned().collect();
        let wanted = unplanned.len() + usize::from(self.state.target.is_none());
        if wanted > 0 {
            let mut ids = self.api().ids(wanted).await?.into_iter();
            self.state.folders.extend(unplanned.into_iter().zip(&mut ids));
            if self.state.target.is_none() {
                self.state.target = ids.next();
            }
        }
        let deepest = place.missing.last().and_then(|path| self.state.folders.get(path)).cloned();
        let parents = match deepest {
            Some(id) => vec![id],
            None => place.ids.clone(),
        };
        self.settle(&parents, dir).await?;
        let mut above = place.ids.first().cloned().unwrap_or_default();
        for path in &place.missing {
            let id = self.state.folders.get(path).cloned().unwrap_or_default();
            if !self.api().make_folder(&id, split(path).1, &above).await? {
                return Err(removed(path));
            }
            folders.learn(path, vec![id.clone()], self.api().now());
            above = id;
        }
        Ok(())
    }

    /// Keeps the folder that the upload was begun for, or sets it. Saves.
    async fn settle(&mut self, parents: &[String], dir: &str) -> Attempt<()> {
        match &self.state.parent {
            Some(parent) if parents.contains(parent) => {}
            // What was begun would come to lie in a folder that is not there any more.
            Some(_) if self.state.session.is_some() => return Err(removed(dir)),
            _ => self.state.parent = parents.first().cloned(),
        }
        Ok(self.save().await?)
    }

    fn target(&self) -> &str {
        self.state.target.as_deref().unwrap_or_default()
    }

    /// Sends what is missing. The digest is there when the whole content was read for it.
    async fn transfer(&mut self) -> Attempt<(File, Option<Digest>)> {
        // A session that is lost is replaced once; one that is lost again is for a later attempt.
        for _ in 0..2 {
            let at = match self.session().await? {
                Progress::At(at, _) => at,
                Progress::Done(file) => return Ok((*file, None)),
                Progress::Gone => continue,
            };
            if let Some(done) = self.send(at).await? {
                return Ok(done);
            }
            self.state.forget_session();
            self.save().await?;
            // Its last answer may have been lost.
            if let Some(file) = self.api().get(self.target()).await? {
                return Ok((file, None));
            }
        }
        let text = format!("{NAME} ended the upload of `{}` before all of it was there.", self.key);
        Err(Trouble::Remote(Error::new(ErrorKind::Unavailable, text)))
    }

    /// A session that takes bytes, and how many it has; or the file, when it is made already.
    async fn session(&mut self) -> Attempt<Progress> {
        if let Some(session) = self.state.session.clone().map(Secret::new) {
            if self.state.stuck >= STUCK {
                self.api().cancel_session(&session).await?;
            } else if self.state.expires_at.is_some_and(|at| self.api().now() < at) {
                let size = self.state.size_bytes;
                match self.api().ask_session(&session, size).await? {
                    Progress::Gone => {}
                    // Everything is there, and no file comes of it.
                    Progress::At(at, _) if at >= size && size > 0 => return Err(self.stuck()),
                    Progress::At(at, moved) => {
                        self.moved(moved).await?;
                        self.reached = self.reached.max(at);
                        self.before = self.before.max(at);
                        return Ok(Progress::At(at, None));
                    }
                    done @ Progress::Done(_) => return Ok(done),
                }
            }
            self.state.forget_session();
            self.save().await?;
            if let Some(file) = self.api().get(self.target()).await? {
                return Ok(Progress::Done(Box::new(file)));
            }
        }
        let parent = self.state.parent.clone().unwrap_or_default();
        let metadata = metadata(self.target(), self.key, &parent);
        match self.api().start_session(&metadata, self.state.size_bytes).await? {
            Start::Open(session) => {
                self.state.session = Some(session.expose().to_owned());
                self.state.expires_at = Some(self.api().now() + SESSION_LASTS);
                self.save().await?;
                Ok(Progress::At(0, None))
            }
            Start::Taken => match self.api().get(self.target()).await? {
                Some(file) => Ok(Progress::Done(Box::new(file))),
                None => {
                    let text = format!("{NAME} does not take the id that it gave out for `{}`.", self.key);
                    Err(Trouble::Anew(Error::new(ErrorKind::Unavailable, text)))
                }
            },
            Start::NoParent => {
                let path = self.root.path(self.key);
                self.root.drive.folders.forget(split(&path).0);
                Err(removed(split(&path).0))
            }
        }
    }

    async fn moved(&mut self, session: Option<Secret>) -> Result<()> {
        if let Some(session) = session {
            self.state.session = Some(session.expose().to_owned());
            self.save().await?;
        }
        Ok(())
    }

    fn stuck(&self) -> Trouble {
        let text = format!("The upload of `{}` to {NAME} makes no progress.", self.key);
        Trouble::Stuck(Error::new(ErrorKind::Unavailable, text))
    }

    /// Sends from an offset on. `None`: the session is lost.
    async fn send(&mut self, offset: u64) -> Attempt<Option<(File, Option<Digest>)>> {
        let size = self.state.size_bytes;
        self.body.already_there(&There::first(offset));
        let mut feed = Feed::open(self.body, self.key).await.map_err(Trouble::Source)?;
        feed.skip(offset).await.map_err(Trouble::Source)?;
        let (mut at, mut digest) = (offset, None);
        loop {
            let piece =
                feed.next(self.root.drive.chunk_bytes.min(size - at)).await.map_err(Trouble::Source)?;
            let end = at + piece.len() as u64;
            if end == size && digest.is_none() {
                digest = Some(feed.end().await.map_err(Trouble::Source)?);
            }
            let session = Secret::new(self.state.session.clone().unwrap_or_default());
            match self.api().send(&session, at, &piece, size).await? {
                Progress::Done(file) => return Ok(Some((*file, digest))),
                Progress::Gone => return Ok(None),
                Progress::At(stored, moved) => {
                    self.moved(moved).await?;
                    if stored < at || stored > end {
                        let text = format!("{NAME} lost count of the upload of `{}`.", self.key);
                        return Err(Trouble::Remote(Error::new(ErrorKind::Unavailable, text)));
                    }
                    if stored == at || stored == size {
                        return Err(self.stuck());
                    }
                    // What was taken is what counts; part of a piece may have been.
                    let taken = usize::try_from(stored - at).unwrap_or(usize::MAX).min(piece.len());
                    feed.give_back(piece.slice(taken..));
                    at = stored;
                    self.state.stuck = 0;
                    self.reached = self.reached.max(at);
                }
            }
        }
    }

    /// Compares the file with what was read: its size, and the hash that Google made of what arrived.
    async fn check(&self, file: File, digest: Option<Digest>) -> Attempt<(File, Stored)> {
        let (mut file, mut digest) = (file, digest);
        let mut waits = HASH_WAITS.iter();
        loop {
            if file.trashed {
                let path = self.root.path(self.key);
                self.root.drive.folders.forget(split(&path).0);
                return Err(removed(split(&path).0));
            }
            let sha256 = digest.as_ref().map(|d| d.sha256.clone()).or_else(|| self.state.sha256.clone());
            let size_bytes = file.size_bytes();
            if size_bytes.is_some_and(|size| size != self.state.size_bytes) {
                return Err(self.differs(&file).await);
            }
            match (&file.sha256_checksum, sha256, &file.md5_checksum) {
                _ if size_bytes.is_none() => {}
                (Some(theirs), Some(ours), _) => {
                    if !theirs.eq_ignore_ascii_case(&ours) {
                        return Err(self.differs(&file).await);
                    }
                    return Ok((file, Stored { size_bytes: self.state.size_bytes, sha256: Some(ours) }));
                }
                (_, _, Some(theirs)) => {
                    let ours = match &digest {
                        Some(digest) => digest.clone(),
                        None => feed::digest(self.body, self.key).await.map_err(Trouble::Source)?,
                    };
                    if !theirs.eq_ignore_ascii_case(&ours.md5) {
                        return Err(self.differs(&file).await);
                    }
                    return Ok((file, Stored { size_bytes: self.state.size_bytes, sha256: None }));
                }
                // Theirs has come, and ours is not known: the upload was ended by another process, of a body without a hash.
                (Some(_), None, None) => {
                    digest = Some(feed::digest(self.body, self.key).await.map_err(Trouble::Source)?);
                    continue;
                }
                (None, _, None) => {}
            }
            let Some(wait) = waits.next() else {
                let path = self.root.path(self.key);
                if size_bytes.is_none() {
                    let text = format!("{NAME} does not tell the size of `{path}` yet.");
                    return Err(Trouble::Remote(Error::new(ErrorKind::Unavailable, text)));
                }
                tracing::warn!(
                    path,
                    "Google Drive gave no hash of what arrived: its size alone was compared"
                );
                return Ok((file, Stored { size_bytes: self.state.size_bytes, sha256: None }));
            };
            self.api().sleep(Duration::from_secs(*wait)).await;
            match self.api().get(&file.id).await? {
                Some(now) => file = now,
                None => {
                    let text = format!("`{}` vanished at {NAME} as soon as it was there.", self.key);
                    return Err(Trouble::Anew(Error::new(ErrorKind::Unavailable, text)));
                }
            }
        }
    }

    /// What arrived is wrong: it goes at once, so that nobody reads it.
    async fn differs(&self, file: &File) -> Trouble {
        let path = self.root.path(self.key);
        if let Err(error) = self.api().delete(&file.id).await {
            return Trouble::Remote(error);
        }
        self.root.drive.recent.deleted(&path, &file.id, self.api().now());
        let text = format!(
            "What arrived at {NAME} as `{path}` was not what was sent (its size or its hash differs); it was deleted there. Something \
             between this server and Google alters data."
        );
        Trouble::Anew(Error::new(ErrorKind::Integrity, text))
    }

    /// The error of this attempt. What is good to go on from is kept, anything else is cleared away as far as that works now; `abandon`
    /// does the rest.
    async fn failed(mut self, trouble: Trouble) -> Error {
        let (error, resumable) = match trouble {
            Trouble::Source(error) if error.kind == ErrorKind::Cancelled => return error,
            Trouble::Source(error) => (error, false),
            Trouble::Stuck(error) => {
                self.state.stuck += 1;
                (error, true)
            }
            Trouble::Remote(error) | Trouble::Anew(error) => (self.api().with_figures(error).await, true),
        };
        if !resumable || self.state.sha256.is_none() {
            if let Err(error) = give_up(self.root, self.key, &self.state).await {
                tracing::debug!(key = self.key, %error, "what was uploaded is not cleared away yet");
            }
            return error;
        }
        let advanced = self.reached > self.before;
        self.state.furthest = self.before.max(self.reached);
        if self.state.target.is_some()
            && let Err(error) = self.save().await
        {
            tracing::warn!(key = self.key, %error, "how far an upload came cannot be saved");
        }
        error.advanced(advanced)
    }
}
