//! The calls of Microsoft Graph that a destination needs, and what they answer.

use super::{NAME, OneDrive, classify, names};
use crate::storage::http::{self, Answer};
use crate::storage::{Error, ErrorKind, Result};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

const FIELDS: &str = "$select=id,name,size,eTag,folder,file,parentReference";
/// What has just been made is not known everywhere at once.
const SETTLE: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// Pages of one folder that are read.
const MAX_PAGES: usize = 5_000;

/// A file, a folder, or something else (a notebook, a link to somebody's folder).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub id: String,
    #[serde(default)]
    pub name: String,
    size: Option<u64>,
    pub e_tag: Option<String>,
    pub folder: Option<FolderFacet>,
    pub file: Option<FileFacet>,
    #[serde(default)]
    pub parent_reference: ParentReference,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FolderFacet {
    pub child_count: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FileFacet {
    hashes: Option<Hashes>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hashes {
    quick_xor_hash: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParentReference {
    pub id: Option<String>,
    /// `/drive/root:/a/b`, where some hosts percent-encode the names.
    pub path: Option<String>,
}

impl Item {
    pub fn size_bytes(&self, key: &str) -> Result<u64> {
        self.size.ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, format!("{NAME} does not tell the size of `{key}` right now."))
        })
    }

    pub fn has_size(&self, size_bytes: u64) -> bool {
        self.size == Some(size_bytes)
    }

    pub fn quick_xor_hash(&self) -> Option<&str> {
        self.file.as_ref()?.hashes.as_ref()?.quick_xor_hash.as_deref().filter(|h| !h.is_empty())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Drive {
    pub id: String,
    #[serde(default)]
    owner: Value,
    #[serde(default)]
    pub quota: Quota,
}

impl Drive {
    pub fn owner_name(&self) -> String {
        let owners = ["user", "group", "application"].map(|kind| &self.owner[kind]);
        let names = owners.iter().flat_map(|owner| [&owner["email"], &owner["displayName"]]);
        let name = names.filter_map(Value::as_str).find(|name| !name.is_empty());
        name.unwrap_or(&self.id).to_owned()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Quota {
    pub total: Option<u64>,
    pub used: Option<u64>,
    remaining: Option<u64>,
    deleted: Option<u64>,
    #[serde(default)]
    state: String,
}

impl Quota {
    /// Some drives of companies tell zeros.
    pub fn known(&self) -> Option<&Quota> {
        self.total.is_some_and(|total| total > 0).then_some(self)
    }

    pub fn is_exhausted(&self) -> bool {
        self.known().is_some() && (self.state == "exceeded" || self.remaining == Some(0))
    }

    /// ` (4.9 of 5.0 GiB used, 1.2 GiB of it in the recycle bin)`
    pub fn describe(&self) -> String {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        let Some((total, used)) = self.known().and_then(|q| Some((q.total?, q.used?))) else {
            return String::new();
        };
        let bin = match self.deleted {
            Some(deleted) if deleted > 0 => format!(", {:.1} GiB in the recycle bin", gib(deleted)),
            _ => String::new(),
        };
        format!(" ({:.1} of {:.1} GiB used{bin})", gib(used), gib(total))
    }
}

#[derive(Deserialize)]
struct Page {
    value: Vec<Item>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// What a folder holds.
pub(super) struct Children {
    pub items: Vec<Item>,
    /// False when the pages did not end.
    pub complete: bool,
}

/// An item, by one of its names.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    /// Below the root of the account; empty for the root itself.
    Path(&'a str),
    Id(&'a str),
    /// By the id of its folder and its name.
    In(&'a str, &'a str),
}

impl OneDrive {
    /// The address of an item and of what is done with it (`children`, `content`, …).
    pub(super) fn url(&self, at: At<'_>, action: &str, query: &str) -> Result<Url> {
        let (item, end) = match at {
            At::Path("") => ("root".to_owned(), ""),
            At::Path(path) => (format!("root:/{}", names::encode_path(path)), ":"),
            At::Id(id) => (format!("items/{}", names::encode(id)), ""),
            At::In(folder, name) => {
                (format!("items/{}:/{}", names::encode(folder), names::encode(name)), ":")
            }
        };
        let action = if action.is_empty() { String::new() } else { format!("{end}/{action}") };
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let text = format!("{}/me/drive/{item}{action}{query}", self.api);
        text.parse().map_err(|_| Error::new(ErrorKind::Other, format!("{NAME} has no address for an item.")))
    }

    /// Sends a small request with a token.
    pub(super) async fn ask(&self, request: impl Fn() -> RequestBuilder + Send + Sync) -> Result<Answer> {
        self.ask_within(http::QUICK, request).await
    }

    pub(super) async fn ask_within(
        &self,
        limit: Duration,
        request: impl Fn() -> RequestBuilder + Send + Sync,
    ) -> Result<Answer> {
        self.account.call(limit, |token| request().bearer_auth(token.expose())).await
    }

    /// The same to an address that is a capability of its own: without a token.
    pub(super) async fn ask_plainly(&self, limit: Duration, request: RequestBuilder) -> Result<Answer> {
        self.account.pause().await;
        let answer = self.account.http.call(request, limit).await?;
        self.account.heed(&answer);
        Ok(answer)
    }

    pub(super) fn failed(&self, answer: &Answer, doing: &str) -> Error {
        classify::error(answer, doing, self.account.time.now())
    }

    /// The error for an account without room, with the figures where they can be had.
    pub(super) async fn failed_or_full(&self, answer: &Answer, doing: &str) -> Error {
        let mut error = self.failed(answer, doing);
        if error.kind == ErrorKind::QuotaExceeded
            && let Ok(drive) = self.drive().await
        {
            error.message.push_str(&drive.quota.describe());
        }
        error
    }

    /// Repeats a request a few times while what it relies on has only just been made.
    pub(super) async fn settled<T, F>(&self, lags: impl Fn(&T) -> bool, request: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut answer = request().await?;
        for wait in SETTLE {
            if !lags(&answer) {
                break;
            }
            self.account.time.sleep(wait).await;
            answer = request().await?;
        }
        Ok(answer)
    }

    pub(super) async fn drive(&self) -> Result<Drive> {
        let text = format!("{}/me/drive?$select=id,driveType,owner,quota", self.api);
        let url: Url = text
            .parse()
            .map_err(|_| Error::new(ErrorKind::Other, format!("{NAME} has no address for the account.")))?;
        let answer = self.ask(|| self.account.http.get(url.clone())).await?;
        match answer.status {
            200 => answer.json(),
            _ => Err(self.failed(&answer, &format!("Asking {NAME} about the account"))),
        }
    }

    /// `None` where there is nothing.
    pub(super) async fn find(&self, at: At<'_>, name: &str) -> Result<Option<Item>> {
        let url = self.url(at, "", FIELDS)?;
        let answer = self.ask(|| self.account.http.get(url.clone())).await?;
        match answer.status {
            200 => answer.json().map(Some),
            _ if classify::is_absent(&answer) => Ok(None),
            _ => Err(self.failed(&answer, &format!("Looking at `{name}` in {NAME}"))),
        }
    }

    /// What a folder holds; `None` when it is not there.
    pub(super) async fn children(&self, id: &str, name: &str) -> Result<Option<Children>> {
        let first = self.url(At::Id(id), "children", &format!("$top={}&{FIELDS}", self.tuning.page))?;
        let mut next = Some(first.clone());
        let mut children = Children { items: Vec::new(), complete: true };
        for page in 0.. {
            let Some(url) = next else { break };
            if page == MAX_PAGES {
                children.complete = false;
                break;
            }
            let answer = self.ask(|| self.account.http.get(url.clone())).await?;
            if page == 0 && classify::is_absent(&answer) {
                return Ok(None);
            }
            if answer.status != 200 {
                return Err(self.failed(&answer, &format!("Listing `{name}` in {NAME}")));
            }
            let Page { value, next: link } = answer.json()?;
            children.items.extend(value);
            next = link.map(|link| self.next_page(&link, &first)).transpose()?;
            if next.as_ref() == Some(&url) {
                // It would go on like this for ever.
                children.complete = false;
                break;
            }
        }
        Ok(Some(children))
    }

    /// The next page is asked for with the token, so it has to be at the same place.
    fn next_page(&self, link: &str, first: &Url) -> Result<Url> {
        let url = http::given_url(link)?;
        if url.origin() == first.origin() {
            return Ok(url);
        }
        let text = format!("{NAME} says that a listing goes on at another host.");
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    /// Makes a folder. The answer is any: 201 with the folder, 409 when there is something of that name.
    pub(super) async fn make_folder(&self, parent: &str, name: &str) -> Result<Answer> {
        let url = self.url(At::Id(parent), "children", "")?;
        let body = serde_json::json!({
            "name": name,
            "folder": {},
            "@microsoft.graph.conflictBehavior": "fail",
        });
        self.ask(|| self.account.http.post(url.clone()).json(&body)).await
    }

    /// Deletes an item, with all that a folder holds. `if_match`: only in this state. The answer is any.
    pub(super) async fn remove(&self, id: &str, if_match: Option<&str>) -> Result<Answer> {
        let url = self.url(At::Id(id), "", "")?;
        self.ask(|| {
            let request = self.account.http.delete(url.clone());
            match if_match {
                Some(tag) => request.header("if-match", tag),
                None => request,
            }
        })
        .await
    }

    /// Deletes an item without the recycle bin. The answer is any.
    pub(super) async fn remove_for_good(&self, id: &str) -> Result<Answer> {
        let url = self.url(At::Id(id), "permanentDelete", "")?;
        self.ask(|| self.account.http.post(url.clone()).header(CONTENT_LENGTH, 0)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn quota(json: Value) -> Quota {
        serde_json::from_value(json).unwrap()
    }

    #[rstest]
    #[case(serde_json::json!({"total": 100, "used": 100, "remaining": 0, "state": "exceeded"}), true)]
    #[case(serde_json::json!({"total": 100, "used": 99, "remaining": 1, "state": "critical"}), false)]
    #[case(serde_json::json!({"total": 100, "used": 100, "remaining": 0}), true)]
    #[case(serde_json::json!({"total": 0, "used": 0, "remaining": 0, "state": "exceeded"}), false)]
    #[case(serde_json::json!({}), false)]
    fn an_account_is_full_when_it_says_so(#[case] json: Value, #[case] full: bool) {
        assert_eq!(quota(json).is_exhausted(), full);
    }

    #[test]
    fn a_quota_is_told_in_figures() {
        let json = serde_json::json!({"total": 5_u64 << 30, "used": 4_u64 << 30, "deleted": 1_u64 << 30});
        assert_eq!(quota(json).describe(), " (4.0 of 5.0 GiB used, 1.0 GiB in the recycle bin)");
        assert_eq!(quota(serde_json::json!({"total": 0, "used": 0})).describe(), "");
    }

    #[test]
    fn an_account_is_called_by_what_people_know() {
        let name = |owner: Value| Drive { id: "d1".into(), owner, quota: Quota::default() }.owner_name();
        let both = serde_json::json!({"user": {"email": "a@example.org", "displayName": "Ann"}});
        assert_eq!(name(both), "a@example.org");
        assert_eq!(name(serde_json::json!({"user": {"email": "", "displayName": "Ann"}})), "Ann");
        assert_eq!(name(Value::Null), "d1");
    }
}
