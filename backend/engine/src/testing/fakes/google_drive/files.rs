//! Files and folders by their ids, searches, the account.

use super::items::{FOLDER, Maker};
use super::query::Query;
use super::{Burst, State, fault};
use crate::testing::fake::{Record, Reply, Request};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Parameters that each call knows. Google refuses others.
const KNOWN: [(&str, &str, &[&str]); 6] = [
    ("GET", "files", &["supportsAllDrives", "q", "spaces", "pageSize", "fields", "pageToken", "orderBy"]),
    ("POST", "files", &["supportsAllDrives", "fields"]),
    ("GET", "file", &["supportsAllDrives", "fields", "alt", "acknowledgeAbuse"]),
    ("PATCH", "file", &["supportsAllDrives", "fields"]),
    ("DELETE", "file", &["supportsAllDrives"]),
    ("GET", "generateIds", &["count", "space", "type"]),
];

/// `fields=a,b,list(c,d)`: what stands before the brackets, or in the brackets after `list`.
fn fields_of<'a>(fields: &'a str, list: &str) -> &'a str {
    let inner = fields.split_once(&format!("{list}(")).and_then(|(_, rest)| rest.split_once(')'));
    inner.map_or("", |(inner, _)| inner)
}

impl State {
    pub(super) fn files(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        let Some(rest) = request.path.strip_prefix("/drive/v3/files") else {
            return fault(404, "notFound");
        };
        let id = percent_encoding::percent_decode_str(rest.trim_start_matches('/'))
            .decode_utf8_lossy()
            .into_owned();
        let call = match id.as_str() {
            "" => "files",
            "generateIds" => "generateIds",
            _ => "file",
        };
        let known = KNOWN.iter().find(|(method, name, _)| *method == request.method && *name == call);
        let Some((_, _, known)) = known else { return fault(404, "notFound") };
        if let Some(name) = request.query.keys().find(|name| !known.contains(&name.as_str())) {
            record.violation(format!("{} {call} does not know the parameter {name}", request.method));
            return fault(400, "badRequest");
        }
        if call != "generateIds" && request.query.get("supportsAllDrives").is_none_or(|v| v != "true") {
            record.violation(format!("{} {call} without supportsAllDrives", request.method));
        }
        match (request.method.as_str(), call) {
            ("GET", "files") => self.list(request, record, now),
            ("GET", "generateIds") => self.generate(request),
            ("POST", _) => self.make_folder(request, record, now),
            ("GET", _) => self.get_file(&id, request),
            ("PATCH", _) => self.change(&id, request, record, now),
            _ => self.remove(&id, record, now),
        }
    }

    /// What the app may see of an id.
    fn seen(&self, id: &str) -> bool {
        self.items.get(id).is_some_and(|item| item.maker == Maker::App)
    }

    fn generate(&mut self, request: &Request) -> Reply {
        let count = request.query.get("count").and_then(|n| n.parse::<usize>().ok()).unwrap_or(10);
        if count == 0 || count > 1000 {
            return fault(400, "invalidParameter");
        }
        let ids: Vec<String> = (0..count).map(|_| self.items.new_id()).collect();
        self.items.reserved.extend(ids.iter().cloned());
        Reply::json(200, &json!({"kind": "drive#generatedIds", "space": "drive", "ids": ids}))
    }

    /// The id, the folder and the properties of something that is to be made.
    pub(super) fn wanted(&mut self, json: &Value, record: &Record) -> Result<Wanted, Reply> {
        let id = match json["id"].as_str() {
            None => self.items.new_id(),
            Some(id) if self.items.all.contains_key(id) => return Err(fault(409, "fileIdInUse")),
            Some(id) if self.items.reserved.contains(id) => id.to_owned(),
            Some(_) => {
                record.violation("an id was used that nobody had given out");
                return Err(fault(400, "invalid"));
            }
        };
        let parent = json["parents"][0].as_str().unwrap_or("root").to_owned();
        // A folder that people made is not there for the app.
        if parent != "root" && !(self.seen(&parent) && self.items.is_folder(&parent)) {
            return Err(fault(404, "notFound"));
        }
        let properties: BTreeMap<String, String> =
            serde_json::from_value(json["appProperties"].clone()).unwrap_or_default();
        if properties.iter().any(|(name, value)| name.len() + value.len() > 124) {
            record.violation("a property is too long");
            return Err(fault(400, "propertyTooLarge"));
        }
        let name = json["name"].as_str().unwrap_or("Untitled").to_owned();
        Ok(Wanted { id, name, parent, properties })
    }

    fn make_folder(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        let json = request.json();
        if json["mimeType"] != FOLDER {
            record.violation("a file without content was made");
            return fault(400, "badRequest");
        }
        let wanted = match self.wanted(&json, record) {
            Ok(wanted) => wanted,
            Err(refusal) => return refusal,
        };
        let item = self.items.add(wanted.id.clone(), &wanted.name, &wanted.parent, Maker::App, now);
        item.properties = wanted.properties;
        self.answer(&wanted.id, request)
    }

    fn answer(&mut self, id: &str, request: &Request) -> Reply {
        let fields = request.query.get("fields").cloned().unwrap_or_default();
        Reply::json(200, &self.items.json(id, &fields, None))
    }

    fn get_file(&mut self, id: &str, request: &Request) -> Reply {
        // The root's own entry is nothing that the app made.
        if !self.seen(id) {
            return fault(404, "notFound");
        }
        if request.query.get("alt").is_none_or(|alt| alt != "media") {
            return self.answer(id, request);
        }
        if self.abusive && request.query.get("acknowledgeAbuse").is_none_or(|v| v != "true") {
            return fault(403, "cannotDownloadAbusiveFile");
        }
        let Some(bytes) = self.items.get(id).and_then(|i| i.content.as_ref()).and_then(|c| c.bytes()) else {
            return fault(403, "fileNotDownloadable");
        };
        let from = request
            .header("range")
            .filter(|_| !self.ignores_ranges)
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        match from {
            Some(from) if from >= bytes.len() => fault(416, "requestedRangeNotSatisfiable"),
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                let body = bytes::Bytes::copy_from_slice(&bytes[from..]);
                Reply { status: 206, headers: Vec::new(), body }.with("content-range", range)
            }
            None => Reply { status: 200, headers: Vec::new(), body: bytes::Bytes::copy_from_slice(bytes) },
        }
    }

    fn change(&mut self, id: &str, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        if !self.seen(id) {
            return fault(404, "notFound");
        }
        let json = request.json();
        if json != json!({"trashed": true}) {
            record.violation(format!("a file was changed in a way that nobody expects: {json}"));
            return fault(400, "badRequest");
        }
        if let Some(item) = self.items.all.get_mut(id) {
            item.trashed = true;
            item.gone.get_or_insert(now);
        }
        self.trashed_with_content(id);
        self.answer(id, request)
    }

    /// What went to the trash inside of a folder is gone for people as well, until they look there.
    fn trashed_with_content(&mut self, id: &str) {
        for child in self.items.children(id) {
            let path = self.items.get(&child).map(|item| self.items.path(item)).unwrap_or_default();
            self.trashed_inside.push(path);
            self.trashed_with_content(&child);
        }
    }

    fn remove(&mut self, id: &str, record: &Record, now: DateTime<Utc>) -> Reply {
        if !self.items.all.contains_key(id) && !self.items.reserved.contains(id) {
            record.violation("something was deleted that never was");
        }
        if !self.seen(id) {
            return fault(404, "notFound");
        }
        if self.may_not_delete {
            return fault(403, "insufficientFilePermissions");
        }
        if self.items.is_folder(id) {
            record.violation("a folder was deleted for good, with whatever people have put into it");
        }
        if self.items.get(id).is_some_and(|item| item.is_foreign()) {
            record.violation("something was deleted that the program did not mark as its own");
        }
        self.items.delete(id, now);
        Reply::status(204)
    }

    fn list(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        let get = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
        let Some(query) = Query::parse(get("q")) else {
            record.violation(format!("a search that nobody understands: {}", get("q")));
            return fault(400, "invalid");
        };
        let size = get("pageSize").parse::<usize>().unwrap_or(100);
        if !(1..=1000).contains(&size) {
            return fault(400, "invalidParameter");
        }
        let size = self.short_pages.unwrap_or(size).min(size);
        let (start, empty) = match get("pageToken") {
            "" => (0, self.empty_pages),
            token => {
                if self.lost_page_tokens > 0 {
                    self.lost_page_tokens -= 1;
                    return fault(400, "invalid");
                }
                let number = token.trim_start_matches(['e', 'p']).parse::<usize>();
                let Ok(number) = number else { return fault(400, "invalid") };
                (number, token.starts_with('e'))
            }
        };
        let mut fits: Vec<(String, bool)> = Vec::new();
        for item in self.items.all.values().filter(|item| item.maker == Maker::App) {
            if let Some(trashed) = self.items.searched(item, now)
                && query.fits(&self.items.subject(item, trashed))
            {
                fits.push((item.id.clone(), trashed));
            }
        }
        let mut body = json!({"kind": "drive#fileList", "incompleteSearch": self.incomplete});
        if self.incomplete {
            fits.truncate(fits.len() / 2);
        }
        let fields = fields_of(get("fields"), "files").to_owned();
        if empty && start < fits.len() {
            body["files"] = json!([]);
            body["nextPageToken"] = format!("p{start}").into();
            return Reply::json(200, &body);
        }
        let end = (start + size).min(fits.len());
        let page: Vec<Value> = fits[start.min(end)..end]
            .iter()
            .map(|(id, trashed)| self.items.json(id, &fields, Some(*trashed)))
            .collect();
        body["files"] = page.into();
        if end < fits.len() {
            body["nextPageToken"] = format!("{}{end}", if self.empty_pages { 'e' } else { 'p' }).into();
        }
        Reply::json(200, &body)
    }

    pub(super) fn about(&self, request: &Request, record: &Record) -> Reply {
        if request.query.get("fields").is_none_or(String::is_empty) {
            record.violation("the account was asked for without fields");
            return fault(400, "required");
        }
        let mut quota = json!({
            "usage": self.items.used().to_string(),
            "usageInDrive": self.items.used().to_string(),
            "usageInDriveTrash": "0",
        });
        if let Some(limit) = self.quota {
            quota["limit"] = limit.to_string().into();
        }
        let user = json!({
            "displayName": "A Shopkeeper",
            "emailAddress": super::EMAIL,
            "permissionId": super::ACCOUNT_ID,
        });
        Reply::json(200, &json!({"user": user, "storageQuota": quota}))
    }

    /// The refusal that is due for any call, if one is.
    pub(super) fn burst(&mut self) -> Option<Reply> {
        let Burst { status, reason, left } = self.burst.as_mut()?;
        if *left == 0 {
            return None;
        }
        *left = left.saturating_sub(1);
        Some(fault(*status, reason))
    }
}

/// Something that is to be made.
pub(super) struct Wanted {
    pub id: String,
    pub name: String,
    pub parent: String,
    pub properties: BTreeMap<String, String>,
}
