//! A client of the API that remembers every secret it met.

use super::server::{SETUP_TOKEN, Server};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::{Duration, Instant};

pub const USER: &str = "operator@example.com";
pub const PASSWORD: &str = "correct-horse-battery-staple";

pub struct Api {
    url: String,
    agent: ureq::Agent,
    token: String,
    /// Tokens and cookies that the server handed out.
    pub secrets: RefCell<Vec<String>>,
}

pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body, when the status is this one.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }
}

impl Api {
    fn new(server: &Server) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(150)))
            .build()
            .into();
        Api { url: server.url.clone(), agent, token: String::new(), secrets: RefCell::default() }
    }

    /// Makes the first administrator and signs in.
    pub fn set_up(server: &Server) -> Self {
        let mut api = Api::new(server);
        let body = json!({"token": SETUP_TOKEN, "username": USER, "password": PASSWORD});
        let answer = api.call("POST", "/api/v1/setup", Some(body));
        api.token = answer.expect(201)["access_token"].as_str().unwrap().into();
        api
    }

    /// Signs in as the administrator that [`Api::set_up`] made.
    pub fn sign_in(server: &Server) -> Self {
        let mut api = Api::new(server);
        let body = json!({"username": USER, "password": PASSWORD});
        let answer = api.call("POST", "/api/v1/auth/login", Some(body));
        api.token = answer.expect(200)["access_token"].as_str().unwrap().into();
        api
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", &format!("/api/v1{path}"), None)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", &format!("/api/v1{path}"), Some(body))
    }

    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let response = match body {
            Some(body) => {
                let request =
                    request.header("content-type", "application/json").body(body.to_string()).unwrap();
                self.agent.run(request)
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = response.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        for cookie in response.headers().get_all("set-cookie") {
            let value = cookie.to_str().unwrap().split(['=', ';']).nth(1).unwrap_or_default().trim();
            self.remember(value);
        }
        let text = response.body_mut().read_to_string().unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if let Some(token) = body["access_token"].as_str() {
            self.remember(token);
        }
        Answer { status: response.status().as_u16(), body }
    }

    fn remember(&self, secret: &str) {
        if secret.len() >= 16 {
            self.secrets.borrow_mut().push(secret.into());
        }
    }

    /// A Set with one local row, switched off for the scheduler: passes start by hand alone. `change` adds to it.
    pub fn create_set(&self, folder: &str, change: Value) -> i64 {
        let mut set = json!({
            "enabled": false, "title": format!("The set {folder}"), "folder_name": folder,
            "backup_types": ["database", "files"], "frequency": 12,
            "storages": [{"storage_id": null, "enabled": true, "keep_copies": 3, "path": ""}],
        });
        for (name, value) in change.as_object().into_iter().flatten() {
            set[name] = value.clone();
        }
        self.post("/backups", set).expect(201)["id"].as_i64().unwrap()
    }

    /// Starts a pass; the id of its log.
    pub fn start(&self, set: i64) -> i64 {
        let answer = self.post(&format!("/backups/{set}/runs"), json!({}));
        assert!(matches!(answer.status, 200 | 202), "{} {:#}", answer.status, answer.body);
        answer.body["id"].as_i64().unwrap()
    }

    pub fn log(&self, id: i64) -> Value {
        self.get(&format!("/logs/{id}")).expect(200)
    }

    /// Runs a pass to its end and returns its log, whatever the status.
    pub fn run(&self, set: i64) -> Value {
        let id = self.start(set);
        self.finished(id)
    }

    pub fn finished(&self, id: i64) -> Value {
        let began = Instant::now();
        loop {
            let log = self.get(&format!("/logs/{id}?wait=5")).expect(200);
            if log["overall_status"] != "pending" {
                return log;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "still pending: {log:#}");
        }
    }

    /// A pass that has to succeed.
    pub fn run_well(&self, set: i64) -> Value {
        let log = self.run(set);
        assert_eq!(log["overall_status"], "success", "{log:#}");
        log
    }
}
