//! Graph: items by path and by id.

use super::super::super::fake::{Reply, Request};
use super::content::Session;
use super::tree::{Content, DRIVE, Node, ROOT};
use super::{State, World, decode, select};
use serde_json::{Value, json};

const FORBIDDEN: [char; 8] = ['"', '*', ':', '<', '>', '?', '\\', '|'];

/// What a request is about.
struct Asked {
    /// The item by which the path begins.
    from: String,
    /// What follows it, decoded.
    path: Vec<String>,
    action: String,
}

/// `/root`, `/root:/a/b:/children`, `/items/1/content`, `/items/1:/a:/createUploadSession`
fn parse(path: &str) -> Option<Asked> {
    let (from, rest) = match path.strip_prefix("/items/") {
        Some(rest) => {
            let end = rest.find(['/', ':']).unwrap_or(rest.len());
            (decode(&rest[..end]), &rest[end..])
        }
        None => (ROOT.to_owned(), path.strip_prefix("/root")?),
    };
    let asked = |path: &str, action: &str| Asked {
        from: from.clone(),
        path: path.split('/').filter(|name| !name.is_empty()).map(decode).collect(),
        action: action.to_owned(),
    };
    match rest.strip_prefix(":/") {
        Some(rest) => {
            let (path, action) = rest.split_once(":/").unwrap_or((rest.trim_end_matches(':'), ""));
            Some(asked(path, action))
        }
        None if rest.is_empty() => Some(asked("", "")),
        None => Some(asked("", rest.strip_prefix('/')?)),
    }
}

fn is_good_name(name: &str) -> bool {
    let trimmed = name.trim() == name && !name.ends_with('.');
    trimmed && !name.is_empty() && !name.contains(FORBIDDEN) && !name.chars().any(char::is_control)
}

impl World {
    pub fn graph(&self, request: &Request) -> Reply {
        let mut state = self.lock();
        let valid = request.bearer().is_some_and(|token| state.login.is_valid(token, self.now()));
        if !valid {
            return self.fault(&state, 401, "InvalidAuthenticationToken", None);
        }
        let Some(path) = request.path.strip_prefix("/v1.0/me/drive") else {
            self.record.violation(format!("{} {} is not there", request.method, request.path));
            return self.fault(&state, 400, "BadRequest", None);
        };
        if request.is("GET", "/v1.0/me/drive") {
            return Reply::json(200, &select(&self.drive_json(&state), request.query.get("$select")));
        }
        let Some(asked) = parse(path) else { return self.fault(&state, 400, "invalidRequest", None) };
        let walked = asked.path.join("/");
        let found = state.tree.walk(&asked.from, &walked).filter(|id| state.tree.nodes.contains_key(id));
        match (request.method.as_str(), asked.action.as_str(), found) {
            ("PUT", "content", found) => self.put_content(&mut state, request, &asked, found),
            ("POST", "createUploadSession", found) => self.create_session(&mut state, request, &asked, found),
            (_, _, None) => self.fault(&state, 404, "itemNotFound", None),
            ("GET", "", Some(id)) => {
                let item = state.tree.json(&id);
                Reply::json(200, &select(&item, request.query.get("$select")))
            }
            ("GET", "children", Some(id)) => self.list(&mut state, request, &id),
            ("GET", "content", Some(id)) => self.redirect(&mut state, &id),
            ("POST", "children", Some(id)) => self.make_folder(&mut state, request, &id),
            ("DELETE", "", Some(id)) => self.delete(&mut state, request, &id, true),
            ("POST", "permanentDelete", Some(id)) => match state.knobs.permanent_delete {
                204 => self.delete(&mut state, request, &id, false),
                status => self.fault(&state, status, "notSupported", None),
            },
            _ => {
                self.record.violation(format!("{} {} is not there", request.method, request.path));
                self.fault(&state, 405, "invalidRequest", None)
            }
        }
    }

    fn drive_json(&self, state: &State) -> Value {
        let (used, deleted) = (state.tree.used_bytes(), state.tree.deleted_bytes());
        let total = state.knobs.quota.unwrap_or(0);
        let full = if used >= total { "exceeded" } else { "normal" };
        let quota = match total {
            0 => json!({ "total": 0, "used": 0, "remaining": 0, "deleted": 0 }),
            _ => json!({
                "total": total,
                "used": used,
                "remaining": total.saturating_sub(used),
                "deleted": deleted,
                "state": full,
            }),
        };
        json!({
            "id": DRIVE,
            "driveType": "business",
            "owner": { "user": { "displayName": "Ann Example", "email": "ann@example.org" } },
            "quota": quota,
        })
    }

    /// There is room for so many more bytes.
    pub fn has_room(&self, state: &State, bytes: u64) -> bool {
        state.knobs.quota.is_none_or(|quota| state.tree.used_bytes() + bytes <= quota)
    }

    fn list(&self, state: &mut State, request: &Request, id: &str) -> Reply {
        let number = |name: &str| request.query.get(name).and_then(|n| n.parse::<usize>().ok());
        let page = number("$top").unwrap_or(200).min(state.knobs.page).max(1);
        let from = number("$skiptoken").unwrap_or(0);
        let all: Vec<String> = state.tree.children(id).into_iter().cloned().collect();
        let shown = all.iter().skip(from).take(page).map(|id| state.tree.json(id)).collect::<Vec<_>>();
        let fields = request.query.get("$select");
        let shown: Vec<_> = shown.iter().map(|item| select(item, fields)).collect();
        let mut answer = json!({ "value": shown });
        let host = if state.knobs.pages_elsewhere { &self.content_url } else { &self.graph_url };
        if from + page < all.len() || state.knobs.endless_pages {
            let next = if state.knobs.endless_pages { 0 } else { from + page };
            let fields = fields.cloned().unwrap_or_default();
            let link = format!("{host}{}?$top={page}&$select={fields}&$skiptoken={next}", request.path);
            answer["@odata.nextLink"] = link.into();
        }
        Reply::json(200, &answer)
    }

    /// What is in a folder that was just made is not known everywhere.
    fn lags(&self, state: &State, folder: &str) -> Option<Reply> {
        let made_at = state.tree.nodes.get(folder)?.made_at;
        let (status, code) = state.knobs.lag_is;
        (self.now() < made_at + state.knobs.folder_lag).then(|| self.fault(state, status, code, None))
    }

    fn make_folder(&self, state: &mut State, request: &Request, parent: &str) -> Reply {
        let body = request.json();
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        if body["folder"].as_object().is_none() || !is_good_name(&name) {
            return self.fault(state, 400, "invalidRequest", None);
        }
        if body["@microsoft.graph.conflictBehavior"] != "fail" {
            self.record.violation("a folder is made that may be renamed, or take the place of another");
        }
        if let Some(reply) = self.lags(state, parent) {
            return reply;
        }
        if state.tree.child(parent, &name).is_some() {
            return self.fault(state, 409, "nameAlreadyExists", None);
        }
        let id = state.next("01FOLDER");
        let node = Node {
            name,
            parent: parent.into(),
            content: None,
            version: 1,
            made_at: self.now(),
            ours: true,
            hash_comes_after: 0,
        };
        state.tree.insert(id.clone(), node);
        Reply::json(201, &state.tree.json(&id))
    }

    /// The folder and the name of something to be stored.
    fn target(&self, state: &State, asked: &Asked, found: Option<&str>) -> Result<(String, String), Reply> {
        let refuse = |status, code| Err(self.fault(state, status, code, None));
        let Some((name, above)) = asked.path.split_last() else { return refuse(400, "invalidRequest") };
        if !is_good_name(name) {
            return refuse(400, "invalidRequest");
        }
        let Some(parent) = state.tree.walk(&asked.from, &above.join("/")) else {
            return refuse(404, "itemNotFound");
        };
        match state.tree.nodes.get(&parent) {
            Some(node) if node.content.is_none() => {}
            _ => return refuse(404, "itemNotFound"),
        }
        if let Some(reply) = self.lags(state, &parent) {
            return Err(reply);
        }
        if found.and_then(|id| state.tree.nodes.get(id)).is_some_and(|node| node.content.is_none()) {
            return refuse(409, "nameAlreadyExists");
        }
        Ok((parent, name.clone()))
    }

    fn put_content(
        &self,
        state: &mut State,
        request: &Request,
        asked: &Asked,
        found: Option<String>,
    ) -> Reply {
        let (parent, name) = match self.target(state, asked, found.as_deref()) {
            Ok(target) => target,
            Err(reply) => return reply,
        };
        if request.query.get("@microsoft.graph.conflictBehavior").map(String::as_str) != Some("replace") {
            self.record.violation("a small file does not replace what has its name");
        }
        if request.body.len() > 250 << 20 {
            self.record.violation("a file of more than 250 MB comes in one request");
        }
        if !self.has_room(state, request.body.len() as u64) {
            return self.fault(state, 507, "insufficientStorage", Some("quotaLimitReached"));
        }
        let mut bytes = request.body.to_vec();
        state.damage(&mut bytes);
        let mut content = Content::default();
        content.append(&bytes);
        self.store(state, &parent, &name, content)
    }

    /// A file under its name, in place of what was there.
    pub fn store(&self, state: &mut State, parent: &str, name: &str, content: Content) -> Reply {
        let old = state.tree.child(parent, name);
        let before =
            old.as_ref().and_then(|id| state.tree.nodes.get(id)).map(|n| (n.name.clone(), n.version));
        let (name, version) = before.unwrap_or((name.to_owned(), 0));
        let status = if old.is_some() { 200 } else { 201 };
        let id = old.unwrap_or_else(|| state.next("01FILE"));
        let node = Node {
            name,
            parent: parent.into(),
            content: Some(content),
            version: version + 1,
            made_at: self.now(),
            ours: true,
            hash_comes_after: state.knobs.hash_comes_after,
        };
        state.tree.insert(id.clone(), node);
        Reply::json(status, &state.tree.json(&id))
    }

    fn create_session(
        &self,
        state: &mut State,
        request: &Request,
        asked: &Asked,
        found: Option<String>,
    ) -> Reply {
        let (parent, name) = match self.target(state, asked, found.as_deref()) {
            Ok(target) => target,
            Err(reply) => return reply,
        };
        let item = &request.json()["item"];
        if item["@microsoft.graph.conflictBehavior"] != "replace" {
            self.record.violation("a session does not replace what has its name");
        }
        if item["name"].as_str().is_some_and(|n| n != name) {
            self.record.violation("a session has two names");
        }
        if let Some(size) = item["fileSize"].as_u64() {
            if state.knobs.size_refused {
                return self.fault(state, 400, "invalidRequest", None);
            }
            if !self.has_room(state, size) {
                return self.fault(state, 507, "insufficientStorage", Some("quotaLimitReached"));
            }
        }
        let id = state.next("session-");
        let session = Session::new(parent, name, self.now() + state.knobs.session_life, &state.knobs);
        let url = format!("{}/up/{id}?tempauth=capability-{id}", self.content_url);
        let mut answer = session.json(&state.knobs);
        answer["uploadUrl"] = url.into();
        answer["nextExpectedRanges"] = json!(["0-"]);
        state.sessions.insert(id, session);
        Reply::json(200, &answer)
    }

    fn redirect(&self, state: &mut State, id: &str) -> Reply {
        if state.tree.nodes.get(id).is_none_or(|node| node.content.is_none()) {
            return self.fault(state, 404, "itemNotFound", None);
        }
        let name = state.download(id, self.now());
        let url = format!("{}/down/{name}?tempauth=capability-{name}", self.content_url);
        Reply::status(302).with("location", url)
    }

    fn delete(&self, state: &mut State, request: &Request, id: &str, recycle: bool) -> Reply {
        if !state.knobs.refuse_deletions.is_empty() {
            let (status, code) = state.knobs.refuse_deletions.remove(0);
            return self.fault(state, status, code, None);
        }
        let tag = request.header("if-match");
        if tag.is_some_and(|tag| tag != state.tree.tag(id)) {
            return self.fault(state, 412, "resourceModified", None);
        }
        if !state.tree.is_known(id) {
            self.record.violation(format!("somebody else's item {id} was deleted"));
        }
        if !state.tree.children(id).is_empty() {
            self.record.violation(format!("the folder {id} was deleted with what it held"));
        }
        state.tree.remove(id, recycle);
        Reply::status(204)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_path_and_by_id() {
        let parts = |path: &str| parse(path).map(|a| (a.from, a.path.join("|"), a.action));
        let is = |from: &str, path: &str, action: &str| Some((from.into(), path.into(), action.into()));
        assert_eq!(parts("/root"), is(ROOT, "", ""));
        assert_eq!(parts("/root/children"), is(ROOT, "", "children"));
        assert_eq!(parts("/root:/a%20b/c"), is(ROOT, "a b|c", ""));
        assert_eq!(parts("/root:/a/b:/children"), is(ROOT, "a|b", "children"));
        assert_eq!(parts("/items/7%211"), is("7!1", "", ""));
        assert_eq!(parts("/items/7/content"), is("7", "", "content"));
        assert_eq!(parts("/items/7:/x%3Ay:/content"), is("7", "x:y", "content"));
        assert_eq!(parts("/elsewhere"), None);
    }
}
