//! What tests make Dropbox do, and what they see of it.

use super::sessions::AfterCommit;
use super::tree::Content;
use super::{FakeDropbox, reply};
use crate::storage::time::Time;
use crate::testing::fake::{Blob, Reply};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

impl FakeDropbox {
    /// Every access token has run out, whatever was said about its life.
    pub fn expire_access(&self) {
        self.inner.state().oauth.expire_access();
    }

    /// The person removes the app from the account.
    pub fn revoke(&self) {
        self.inner.state().oauth.revoke();
    }

    /// The person presses *Cancel* on the consent page.
    pub fn deny_consent(&self, deny: bool) {
        self.inner.state().oauth.deny_consent = deny;
    }

    /// What tokens are good for from now on; `None` for everything.
    pub fn grant_scopes(&self, scopes: Option<&str>) {
        self.inner.state().oauth.granted = scopes.map(Into::into);
    }

    pub fn withhold_refresh_token(&self, withhold: bool) {
        self.inner.state().oauth.withhold_refresh_token = withhold;
    }

    /// The token endpoint answers its next request with this error.
    pub fn fail_next_token(&self, status: u16, error: &str) {
        let reply = Reply::json(status, &json!({ "error": error, "error_description": error }));
        self.inner.state().oauth.refusals.push(reply);
    }

    pub fn suspend(&self, suspended: bool) {
        self.inner.state().suspended = suspended;
    }

    /// The next request for a route with `part` in it is answered with a 429; seconds to wait are told in the body, in the header.
    pub fn limit_next(&self, part: &str, reason: &str, in_body: Option<u64>, in_header: Option<u64>) {
        self.answer_next(part, reply::limited(reason, in_body, in_header));
    }

    /// The next request for a route with `part` in it is refused with a 409 of these tags, from the outside in.
    pub fn refuse_next(&self, part: &str, tags: &[&str]) {
        self.answer_next(part, reply::fault(tags));
    }

    pub fn answer_next(&self, part: &str, reply: Reply) {
        self.inner.state().answers.push((part.into(), reply));
    }

    /// An account with so many bytes, of which so many are used by other things.
    pub fn quota(&self, allocated: u64, used_elsewhere: u64) {
        let mut state = self.inner.state();
        state.allocation = json!({ ".tag": "individual", "allocated": allocated });
        state.used_elsewhere = used_elsewhere;
    }

    /// A member of a team that has so many bytes together.
    pub fn team_quota(&self, allocated: u64, used_by_others: u64) {
        let mut state = self.inner.state();
        state.allocation = json!({ ".tag": "team", "allocated": allocated, "user_within_team_space_allocated": 0,
            "user_within_team_space_limit_type": { ".tag": "off" }, "user_within_team_space_used_cached": 0 });
        state.used_elsewhere = used_by_others;
    }

    /// Every file, by its path.
    pub fn files(&self) -> BTreeMap<String, Blob> {
        self.inner.state().tree.files()
    }

    pub fn folders(&self) -> Vec<String> {
        self.inner.state().tree.folders()
    }

    /// A person puts a file there.
    pub fn put_foreign(&self, path: &str, bytes: &[u8]) {
        let now = self.inner.record.time.now();
        // A path that is taken by a folder is a mistake of the test, and shows as a file that is missing.
        let _ = self.inner.state().tree.write(path, Content::of(bytes), false, now);
    }

    /// A person makes a folder.
    pub fn put_foreign_folder(&self, path: &str) {
        let _ = self.inner.state().tree.make_folders(path, false);
    }

    /// A person deletes a file or a folder.
    pub fn remove_foreign(&self, path: &str) {
        self.inner.state().tree.remove(&path.to_lowercase());
    }

    /// `path_display` is right about the last name alone.
    pub fn sloppy_display(&self) {
        self.inner.state().tree.sloppy_display = true;
    }

    /// So many more files are shown without their hash.
    pub fn hide_hashes(&self, files: u32) {
        self.inner.state().tree.hidden_hashes.set(files);
    }

    /// Requests that have come and are not over.
    pub fn requests_under_way(&self) -> usize {
        self.inner.under_way.load(Ordering::SeqCst)
    }

    /// Requests whose work is done, whether or not a reply to them is on its way.
    pub fn requests_answered(&self) -> usize {
        self.inner.answered.load(Ordering::SeqCst)
    }

    /// Sessions that are not committed, and what they hold.
    pub fn open_sessions(&self) -> BTreeMap<String, u64> {
        self.inner.state().sessions.open()
    }

    /// Dropbox has given all sessions up.
    pub fn forget_sessions(&self) {
        self.inner.state().sessions.forget();
    }

    pub fn close_sessions(&self) {
        self.inner.state().sessions.close();
    }

    /// Dropbox has lost all but the first so many bytes of every session.
    pub fn cut_sessions(&self, to: u64) {
        self.inner.state().sessions.cut(to);
    }

    /// Every session has so many bytes more than were sent.
    pub fn grow_sessions(&self, by: usize) {
        self.inner.state().sessions.grow(by);
    }

    /// What becomes of a session that was committed.
    pub fn after_commit(&self, what: AfterCommit) {
        self.inner.state().sessions.after_commit = what;
    }

    /// So many bodies arrive with one bit turned.
    pub fn damage_bodies(&self, bodies: u32) {
        self.inner.state().sessions.damage_bodies = bodies;
    }

    /// So many commits store other bytes than were sent.
    pub fn damage_commits(&self, commits: u32) {
        self.inner.state().sessions.damage_commits = commits;
    }

    /// The next commit takes so long that a gateway answers in its place; then it is done.
    pub fn slow_commit(&self, delay: TimeDelta) {
        self.inner.state().sessions.slow_commits.push(delay);
    }

    /// The next commit is refused with these tags, from the outside in.
    pub fn refuse_commit(&self, tags: &[&'static str]) {
        self.inner.state().sessions.refusals.push(tags.to_vec());
    }

    /// Pages hold so many entries at most; before each comes an empty one, if wanted.
    pub fn pages(&self, entries: usize, empty_between: bool) {
        let mut state = self.inner.state();
        state.listings.page = Some(entries);
        state.listings.empty_pages = empty_between;
    }

    /// So many uses of a cursor find it invalid.
    pub fn reset_cursors(&self, times: u32) {
        self.inner.state().listings.resets = times;
    }

    /// Listings promise more for ever.
    pub fn endless_listings(&self) {
        self.inner.state().listings.endless = true;
    }

    /// A folder with more entries cannot be deleted at once.
    pub fn too_many_files_above(&self, entries: usize) {
        self.inner.state().listings.too_many_files = Some(entries);
    }
}
