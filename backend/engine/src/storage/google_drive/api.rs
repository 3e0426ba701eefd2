//! Google's API as the driver calls it: files by id, searches, the account.

use super::NAME;
use super::fault::{self, FULL, fault, is_googles};
use super::file::{About, FIELDS, File, folder_metadata};
use crate::storage::account::Account;
use crate::storage::http::{Answer, QUICK, Wanted};
use crate::storage::{ByteStream, Error, ErrorKind, Result, Secret};
use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// No list is longer; the limit ends a list that goes in circles.
const MAX_PAGES: usize = 10_000;

/// What a search found.
pub(super) struct Found {
    pub files: Vec<File>,
    /// False when Google says that it did not look everywhere.
    pub complete: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    files: Vec<File>,
    next_page_token: Option<String>,
    #[serde(default)]
    incomplete_search: bool,
}

/// What was made or changed. A success that does not name it is not Google's.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "id")]
    _id: String,
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<String>,
}

/// `path` at Google, or below the base that stands for all of its hosts.
pub(super) fn address(base: Option<&Url>, host: &'static str, path: &str) -> Url {
    let mut url = match base {
        Some(base) => base.clone(),
        None => Url::parse(host).unwrap_or_else(|e| unreachable!("{host} is a constant: {e}")),
    };
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

pub(super) struct Api {
    pub account: Arc<Account>,
    files: Url,
    about: Url,
    pub upload: Url,
    page: u32,
}

impl Api {
    pub fn new(account: Arc<Account>, base: Option<&Url>, page: u32) -> Api {
        let at = |path: &str| {
            let mut url = address(base, "https://www.googleapis.com", path);
            url.query_pairs_mut().append_pair("supportsAllDrives", "true");
            url
        };
        Api {
            account,
            files: at("/drive/v3/files"),
            about: address(base, "https://www.googleapis.com", "/drive/v3/about"),
            upload: at("/upload/drive/v3/files"),
            page: page.clamp(1, 1000),
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.account.time.now()
    }

    pub async fn sleep(&self, duration: Duration) {
        self.account.time.sleep(duration).await;
    }

    fn file(&self, id: &str) -> Url {
        let mut url = self.files.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(id);
        }
        url
    }

    /// A small call, whatever its answer.
    pub async fn call(
        &self,
        request: impl Fn(&crate::storage::http::Http) -> RequestBuilder + Send + Sync,
    ) -> Result<Answer> {
        let http = &self.account.http;
        self.account.call(QUICK, |token: &Secret| request(http).bearer_auth(token.expose())).await
    }

    /// The error for an answer; what it says about the account as a whole is kept.
    pub async fn fault(&self, answer: &Answer) -> Error {
        let error = fault(answer, self.now());
        match &error.kind {
            ErrorKind::NeedsRelink => self.account.tell_lost(&error.message).await,
            // Also where the status does not tell that it is a pause: 403.
            ErrorKind::RateLimited { .. } => {
                if let Some(pause) = answer.retry_after(self.now()) {
                    self.account.close_for(pause);
                }
            }
            _ => {}
        }
        error
    }

    /// Adds the figures to the error of a full account, where they can be had.
    pub async fn with_figures(&self, error: Error) -> Error {
        if error.kind != ErrorKind::QuotaExceeded || error.message != FULL {
            return error;
        }
        match self.about().await {
            Ok(about) => Error { message: about.full(), ..error },
            Err(_) => error,
        }
    }

    pub async fn about(&self) -> Result<About> {
        let mut url = self.about.clone();
        let fields = "user(emailAddress,displayName,permissionId),storageQuota";
        url.query_pairs_mut().append_pair("fields", fields);
        let answer = self.call(|http| http.get(url.clone())).await?;
        if !answer.is_success() {
            return Err(self.fault(&answer).await);
        }
        answer.json()
    }

    /// Without a lag, other than a search.
    pub async fn get(&self, id: &str) -> Result<Option<File>> {
        let mut url = self.file(id);
        url.query_pairs_mut().append_pair("fields", FIELDS);
        let answer = self.call(|http| http.get(url.clone())).await?;
        if answer.is_success() {
            return Ok(Some(answer.json()?));
        }
        match self.fault(&answer).await {
            error if error.kind == ErrorKind::NotFound => Ok(None),
            error => Err(error),
        }
    }

    /// Everything that a query finds. What was written or deleted lately may be missing, or still be there.
    pub async fn search(&self, query: &str) -> Result<Found> {
        match self.pages(query).await {
            // A page's token may run out: the list is begun anew, once.
            Err(Paging::Lost) => match self.pages(query).await {
                Err(Paging::Lost) => {
                    let text = "Google Drive broke off a list twice.";
                    Err(Error::new(ErrorKind::Unavailable, text))
                }
                Err(Paging::Failed(error)) => Err(error),
                Ok(found) => Ok(found),
            },
            Err(Paging::Failed(error)) => Err(error),
            Ok(found) => Ok(found),
        }
    }

    async fn pages(&self, query: &str) -> std::result::Result<Found, Paging> {
        let mut url = self.files.clone();
        url.query_pairs_mut()
            .append_pair("q", query)
            .append_pair("spaces", "drive")
            .append_pair("pageSize", &self.page.to_string())
            .append_pair("fields", &format!("nextPageToken,incompleteSearch,files({FIELDS})"));
        let mut found = Found { files: Vec::new(), complete: true };
        let mut next: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = url.clone();
            if let Some(token) = &next {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let answer = self.call(|http| http.get(url.clone())).await?;
            if !answer.is_success() {
                let lost = next.is_some() && matches!(answer.status, 400 | 404 | 410);
                return Err(if lost { Paging::Lost } else { Paging::Failed(self.fault(&answer).await) });
            }
            let page: Page = answer.json()?;
            found.files.extend(page.files);
            found.complete &= !page.incomplete_search;
            // A page may be empty before the end.
            match page.next_page_token.filter(|token| !token.is_empty()) {
                Some(token) => next = Some(token),
                None => return Ok(found),
            }
        }
        Ok(Found { complete: false, ..found })
    }

    /// Ids for files and folders to come.
    pub async fn ids(&self, count: usize) -> Result<Vec<String>> {
        let mut url = self.file("generateIds");
        url.query_pairs_mut()
            .clear()
            .append_pair("count", &count.to_string())
            .append_pair("space", "drive")
            .append_pair("type", "files");
        let answer = self.call(|http| http.get(url.clone())).await?;
        if !answer.is_success() {
            return Err(self.fault(&answer).await);
        }
        let Ids { ids } = answer.json()?;
        if ids.len() < count {
            return Err(Error::new(ErrorKind::Unavailable, "Google Drive gave out too few ids."));
        }
        Ok(ids)
    }

    /// Makes a folder of the given id. Done already is fine; false when the id has become something else.
    pub async fn make_folder(&self, id: &str, name: &str, parent: &str) -> Result<bool> {
        let body = folder_metadata(id, name, parent);
        let mut url = self.files.clone();
        url.query_pairs_mut().append_pair("fields", "id");
        let answer = self.call(|http| http.post(url.clone()).json(&body)).await?;
        if answer.is_success() {
            return answer.json::<Named>().map(|_| true);
        }
        if answer.status != 409 || !is_googles(&answer) {
            return Err(self.fault(&answer).await);
        }
        // An answer of before was lost.
        let above = [parent.to_owned()];
        Ok(self.get(id).await?.is_some_and(|f| f.is_our_folder() && f.name == name && f.lies_in(&above)))
    }

    /// For good, since the trash takes up room. For files only: with a folder all that is in it would go, also what people put there and
    /// `drive.file` does not show. Gone already is fine.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let url = self.file(id);
        let answer = self.call(|http| http.delete(url.clone())).await?;
        // Any other success is a proxy's, or the sign-in page of a network.
        if answer.status == 204 {
            return Ok(());
        }
        if fault::reason(&answer) == "insufficientFilePermissions" {
            // Not everybody who may write may also delete for good.
            tracing::warn!(
                "a file of Google Drive may not be deleted for good: it goes to the trash, where it takes up room"
            );
            return self.trash(id).await;
        }
        match self.fault(&answer).await {
            error if error.kind == ErrorKind::NotFound => Ok(()),
            error => Err(error),
        }
    }

    /// To the trash, where people find what they had put into a folder. Gone already is fine.
    pub async fn trash(&self, id: &str) -> Result<()> {
        let mut url = self.file(id);
        url.query_pairs_mut().append_pair("fields", "id");
        let answer = self.call(|http| http.patch(url.clone()).json(&json!({"trashed": true}))).await?;
        if answer.is_success() {
            return answer.json::<Named>().map(|_| ());
        }
        match self.fault(&answer).await {
            error if error.kind == ErrorKind::NotFound => Ok(()),
            error => Err(error),
        }
    }

    /// The content of a file of this size, from an offset on.
    pub async fn read(&self, key: &str, id: &str, size_bytes: u64, offset: u64) -> Result<ByteStream> {
        let wanted = Wanted { provider: NAME, key, offset, size_bytes };
        let mut url = self.file(id);
        url.query_pairs_mut().append_pair("alt", "media");
        let answer = match self.read_at(&url, &wanted).await? {
            Ok(stream) => return Ok(stream),
            Err(answer) => answer,
        };
        if fault::reason(&answer) != "cannotDownloadAbusiveFile" {
            return Err(self.fault(&answer).await);
        }
        // We made the file, and whoever reads it compares its hash.
        url.query_pairs_mut().append_pair("acknowledgeAbuse", "true");
        match self.read_at(&url, &wanted).await? {
            Ok(stream) => Ok(stream),
            Err(answer) => Err(self.fault(&answer).await),
        }
    }

    async fn read_at(
        &self,
        url: &Url,
        wanted: &Wanted<'_>,
    ) -> Result<std::result::Result<ByteStream, Answer>> {
        let offset = wanted.offset;
        let http = &self.account.http;
        let got = self.account.stream(|token: &Secret| {
            let request = http.get(url.clone()).bearer_auth(token.expose());
            if offset > 0 { request.header("range", format!("bytes={offset}-")) } else { request }
        });
        Ok(match got.await? {
            Ok((head, stream)) => Ok(wanted.of(&head, stream)?),
            Err(answer) => Err(answer),
        })
    }
}

/// Why a list did not come to its end.
enum Paging {
    /// The token of the next page is not known any more.
    Lost,
    Failed(Error),
}

impl From<Error> for Paging {
    fn from(error: Error) -> Self {
        Paging::Failed(error)
    }
}
