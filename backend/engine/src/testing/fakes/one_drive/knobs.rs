//! What of the fake can be set to go wrong, beside the faults of the network.

use chrono::TimeDelta;

/// How a session says which bytes it wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranges {
    /// `26-`
    Open,
    /// `26-99`
    Closed,
    /// Answers to fragments do not say; the session does when it is asked.
    OnRequest,
}

/// What becomes of the last byte of a session instead of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// 500, and the fragment is not kept.
    Refuse,
    /// 202 without any byte that is wanted still, and no file.
    Nothing,
    /// 409 with this code, and no file.
    Conflict(&'static str),
    /// 409 `nameAlreadyExists`, though the file is there.
    ConflictWithItself,
    /// 202 without any byte that is wanted still, and the file is there.
    Late,
}

/// What somebody in front of a browser does, by path.
#[derive(Debug, Clone)]
pub enum Deed {
    Remove(String),
    /// The path, and the new name.
    Rename(String, String),
}

#[derive(Debug, Clone)]
pub struct Knobs {
    /// So many requests to each new session are answered with 404 first.
    pub new_sessions_unknown: u32,
    /// The next session that holds so many bytes is gone.
    pub lose_session_at: Option<u64>,
    /// Sessions that are gone answer 400.
    pub gone_is_400: bool,
    /// How long a session lasts after the last fragment.
    pub session_life: TimeDelta,
    /// A fragment that broke off is kept as far as it came, and not dropped whole.
    pub keep_parts: bool,
    /// Of the next whole fragment only so many bytes are kept.
    pub keep_of_next: Option<u64>,
    /// After so many more fragments, one of which nothing is kept sets the session back to this byte; one after the other.
    pub set_backs: Vec<(u32, u64)>,
    /// So many fragments are kept, and answered with 416 as if they had been there already.
    pub kept_with_416: u32,
    /// So many fragments are not kept, and answered with 416.
    pub dropped_with_416: u32,
    pub ranges: Ranges,
    /// What becomes of the next last fragments, in order.
    pub endings: Vec<Ending>,
    /// Calls for what is in a new folder fail for so long.
    pub folder_lag: TimeDelta,
    /// What they fail with.
    pub lag_is: (u16, &'static str),
    /// So many answers about each new file tell no hash.
    pub hash_comes_after: u32,
    /// So many of the next files are stored with one bit flipped.
    pub damage: u32,
    /// Bytes of room, of which the files and the recycle bin use some.
    pub quota: Option<u64>,
    /// Sessions that tell their size are refused.
    pub size_refused: bool,
    /// What `permanentDelete` answers.
    pub permanent_delete: u16,
    /// What the next deletions answer instead of deleting.
    pub refuse_deletions: Vec<(u16, &'static str)>,
    /// Downloads are refused at their second hop.
    pub malware: bool,
    /// Downloads are given out whole, whatever range is asked for.
    pub ignore_ranges: bool,
    /// Items in a page at most.
    pub page: usize,
    /// Every page says that the listing goes on with itself.
    pub endless_pages: bool,
    /// The next page is said to be at another host.
    pub pages_elsewhere: bool,
    pub lower_case_inner_error: bool,
    /// The consent page is cancelled by the person in front of it.
    pub deny_consent: bool,
    /// What is granted instead of what was asked for.
    pub granted_scope: Option<String>,
    pub no_refresh_token: bool,
    /// How often a refresh token may be used again after another was given out for it.
    pub grace: u32,
    /// What the next token requests answer: status, `error`, AADSTS code.
    pub token_refusals: Vec<(u16, &'static str, u32)>,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            new_sessions_unknown: 0,
            lose_session_at: None,
            gone_is_400: false,
            session_life: TimeDelta::days(3),
            keep_parts: false,
            keep_of_next: None,
            set_backs: Vec::new(),
            kept_with_416: 0,
            dropped_with_416: 0,
            ranges: Ranges::Open,
            endings: Vec::new(),
            folder_lag: TimeDelta::zero(),
            lag_is: (404, "itemNotFound"),
            hash_comes_after: 0,
            damage: 0,
            quota: None,
            size_refused: false,
            permanent_delete: 204,
            refuse_deletions: Vec::new(),
            malware: false,
            ignore_ranges: false,
            page: 1000,
            endless_pages: false,
            pages_elsewhere: false,
            lower_case_inner_error: false,
            deny_consent: false,
            granted_scope: None,
            no_refresh_token: false,
            grace: 1,
            token_refusals: Vec::new(),
        }
    }
}
