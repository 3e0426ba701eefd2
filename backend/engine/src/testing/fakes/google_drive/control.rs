//! What a test tells the fake to do, what it asks it, and what people do with their account.

use super::items::{Hashes, Maker, ROOT_ID};
use super::{Burst, CLIENT_ID, CLIENT_SECRET, FakeGoogleDrive, State, Unaligned};
use crate::storage::Secret;
use crate::storage::oauth::{App, Grant};
use crate::testing::fake::{Action, Blob, Fault, Reply};
use chrono::{DateTime, TimeDelta, Utc};

impl FakeGoogleDrive {
    // The link.

    pub fn app(&self) -> App {
        App { client_id: CLIENT_ID.into(), client_secret: Secret::new(CLIENT_SECRET) }
    }

    /// A grant as linking would have brought it, of the first generation.
    pub fn grant(&self) -> Grant {
        let now = self.now();
        let (access, refresh) = self.state().oauth.issue(now);
        Grant {
            access_token: Secret::new(access),
            access_expires_at: now + TimeDelta::seconds(3599),
            refresh_token: Secret::new(refresh),
            generation: 1,
        }
    }

    /// Every access token is refused from now on.
    pub fn expire_access(&self) {
        self.state().oauth.access.clear();
    }

    /// The account's owner takes the permission back.
    pub fn revoke_refresh(&self) {
        let mut state = self.state();
        state.oauth.refresh.clear();
        state.oauth.access.clear();
    }

    /// Each refresh brings a new refresh token and ends the one before.
    pub fn rotation(&self, on: bool) {
        self.state().oauth.rotation = on;
    }

    /// The next answer of the token endpoint.
    pub fn fail_next_token(&self, reply: Reply) {
        self.state().oauth.failures.push(reply);
    }

    /// The token endpoint does its work, and its next answer is lost.
    pub fn drop_token_reply(&self) {
        self.plan(Fault::once("POST", "/token", Action::LoseReply));
    }

    /// Codes bring no refresh token.
    pub fn missing_refresh_token(&self, on: bool) {
        self.state().oauth.forgetful = on;
    }

    /// What people leave ticked at the consent page.
    pub fn granted_scope(&self, scope: Option<&str>) {
        self.state().oauth.granted = scope.map(Into::into);
    }

    /// People press "cancel" at the consent page.
    pub fn deny_consent(&self, on: bool) {
        self.state().oauth.deny = on;
    }

    // How it behaves.

    /// Bytes that fit in all; what is in the trash counts.
    pub fn quota(&self, bytes: Option<u64>) {
        self.state().quota = bytes;
    }

    /// Searches show what happened after so long.
    pub fn lag(&self, lag: TimeDelta) {
        self.state().items.lag = lag;
    }

    /// Searches say that they did not look everywhere, and leave out half.
    pub fn incomplete_search(&self, on: bool) {
        self.state().incomplete = on;
    }

    /// Pages hold at most so many entries, whatever was asked for; between them come empty ones.
    pub fn pages(&self, most: Option<usize>, empty: bool) {
        let mut state = self.state();
        (state.short_pages, state.empty_pages) = (most, empty);
    }

    /// So many page tokens are not known any more.
    pub fn lose_page_tokens(&self, count: usize) {
        self.state().lost_page_tokens = count;
    }

    pub fn hashes(&self, hashes: Hashes) {
        self.state().items.hashes = hashes;
    }

    /// Files show their hashes after they were looked at so often.
    pub fn late_hashes(&self, looks: u32) {
        self.state().late_hashes = looks;
    }

    /// So many of the next files have another hash than what was sent.
    pub fn lying_hashes(&self, files: u32) {
        self.state().lying_hashes = files;
    }

    pub fn unaligned(&self, what: Unaligned) {
        self.state().unaligned = what;
    }

    /// So many pieces are answered as if nothing of them had come.
    pub fn take_nothing(&self, pieces: u32) {
        self.state().takes_nothing = pieces;
    }

    /// At most so many bytes of each piece are kept.
    pub fn keep_of_a_piece(&self, bytes: Option<u64>) {
        self.state().keeps_of_a_piece = bytes;
    }

    /// Sessions that have all say that they want more.
    pub fn never_finish(&self, on: bool) {
        self.state().never_finishes = on;
    }

    /// Each answer moves a session to another URL.
    pub fn move_sessions(&self, on: bool) {
        self.state().moves_sessions = on;
    }

    /// The status with which a file is made: 200 or 201.
    pub fn made_status(&self, status: u16) {
        self.state().made_status = status;
    }

    /// Every session ends, and answers with this from now on: 404 or 410.
    pub fn end_sessions(&self, status: u16) {
        self.state().end_sessions(status);
    }

    /// Sessions lose the end of what they had confirmed.
    pub fn lose_bytes(&self, bytes: u64) {
        self.state().lose_bytes(bytes);
    }

    /// Files are taken for harmful.
    pub fn abusive(&self, on: bool) {
        self.state().abusive = on;
    }

    pub fn ignore_ranges(&self, on: bool) {
        self.state().ignores_ranges = on;
    }

    /// Files may be trashed, and not deleted.
    pub fn may_not_delete(&self, on: bool) {
        self.state().may_not_delete = on;
    }

    /// So many calls of the API in a row are refused.
    pub fn burst(&self, status: u16, reason: &str, times: usize) {
        self.state().burst = Some(Burst { status, reason: reason.into(), left: times });
    }

    // What is there.

    /// Every file that the app made and that is in use: path, id, content. Sorted.
    pub fn objects(&self) -> Vec<(String, String, Blob)> {
        let state = self.state();
        let items = &state.items;
        let in_use =
            items.all.values().filter(|i| !i.deleted && i.maker == Maker::App && !items.is_trashed(i));
        let mut objects: Vec<_> = in_use
            .filter(|item| !item.is_foreign())
            .filter_map(|item| Some((items.path(item), item.id.clone(), item.content.clone()?)))
            .collect();
        objects.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        objects
    }

    /// Paths of all folders in use, sorted; one that exists twice comes twice.
    pub fn folders(&self) -> Vec<String> {
        let state = self.state();
        let items = &state.items;
        let folders =
            items.all.values().filter(|i| !i.deleted && i.content.is_none() && !items.is_trashed(i));
        let mut paths: Vec<String> = folders.map(|item| items.path(item)).collect();
        paths.sort();
        paths
    }

    /// Upload sessions that may still become files.
    pub fn open_sessions(&self) -> usize {
        let now = self.now();
        self.state().open_sessions(now)
    }

    /// What is foreign and was deleted for good. (What went to the trash can be had back.)
    pub fn foreign_lost(&self) -> Vec<String> {
        let state = self.state();
        let lost = state.items.all.values().filter(|item| item.deleted && item.is_foreign());
        lost.map(|item| state.items.path(item)).collect()
    }

    /// Paths of what went to the trash because its folder did.
    pub fn trashed_inside(&self) -> Vec<String> {
        self.state().trashed_inside.clone()
    }

    /// Everything that must never be seen in a log or a message.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.state();
        let sessions = state.sessions.keys().cloned();
        let tokens = state.oauth.access.keys().cloned().chain(state.oauth.refresh.iter().cloned());
        let kinds = ["ya29.", "1//", "AFakeUploadCapability"].map(String::from);
        sessions.chain(tokens).chain(kinds).chain([CLIENT_SECRET.to_owned()]).collect()
    }

    // What people do.

    /// Makes the folders of a path that are not there, and says what the last one's id is.
    fn folder(state: &mut State, path: &str, maker: Maker, now: DateTime<Utc>) -> String {
        let Some((above, name)) = path.rsplit_once('/').or((!path.is_empty()).then_some(("", path))) else {
            return ROOT_ID.into();
        };
        if let Some(known) = state.items.at(path).first() {
            return known.id.clone();
        }
        let above = FakeGoogleDrive::folder(state, above, maker, now);
        let id = state.items.new_id();
        state.items.add(id.clone(), name, &above, maker, now);
        id
    }

    fn put_in(&self, path: &str, content: &[u8], maker: Maker) {
        let now = self.now();
        let mut state = self.state();
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let above = FakeGoogleDrive::folder(&mut state, above, maker, now);
        let id = state.items.new_id();
        state.items.add(id, name, &above, maker, now).content = Some(Blob::of(content));
    }

    /// A file of theirs, which the app does not see.
    pub fn human_puts(&self, path: &str, content: &[u8]) {
        self.put_in(path, content, Maker::Human);
    }

    /// A file that another program with the same client id made: the app sees it, and it is not ours.
    pub fn other_program_puts(&self, path: &str, content: &[u8]) {
        self.put_in(path, content, Maker::App);
    }

    /// A second folder of the same name, made later by another server of ours.
    ///
    /// # Panics
    /// When there is no first.
    pub fn double_folder(&self, path: &str) {
        let now = self.now();
        let mut state = self.state();
        let first = state.items.at(path).first().map(|item| (*item).clone());
        let Some(first) = first else { panic!("there is no folder {path}") };
        let id = state.items.new_id();
        let second = state.items.add(id, &first.name, &first.parent, Maker::App, now);
        second.properties = first.properties;
    }

    /// # Panics
    /// When nothing is there.
    fn first(&self, path: &str) -> String {
        match self.state().items.at(path).first() {
            Some(item) => item.id.clone(),
            None => panic!("there is nothing at {path}"),
        }
    }

    /// Puts what lies at a path (the oldest of it) into the trash.
    pub fn trash(&self, path: &str) {
        let (id, now) = (self.first(path), self.now());
        if let Some(item) = self.state().items.all.get_mut(&id) {
            item.trashed = true;
            item.gone = Some(now);
        }
    }

    /// Deletes what lies at a path for good.
    pub fn delete(&self, path: &str) {
        let (id, now) = (self.first(path), self.now());
        self.state().items.delete(&id, now);
    }

    /// Gives what lies at a path another name.
    pub fn rename(&self, path: &str, name: &str) {
        let id = self.first(path);
        if let Some(item) = self.state().items.all.get_mut(&id) {
            item.name = name.into();
        }
    }

    /// Moves what lies at a path into another folder that is there.
    pub fn move_into(&self, path: &str, folder: &str) {
        let (id, folder) = (self.first(path), self.first(folder));
        if let Some(item) = self.state().items.all.get_mut(&id) {
            item.parent = folder;
        }
    }
}
