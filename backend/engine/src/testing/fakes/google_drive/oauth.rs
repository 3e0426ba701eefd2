//! Google's consent page and token endpoint.

use super::{CLIENT_ID, CLIENT_SECRET, SCOPE};
use crate::testing::fake::{Record, Reply, Request};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const ACCESS_LASTS: TimeDelta = TimeDelta::seconds(3600);
const CODE_LASTS: TimeDelta = TimeDelta::minutes(10);

struct Code {
    challenge: String,
    redirect_uri: String,
    at: DateTime<Utc>,
    scope: String,
    lasting: bool,
}

#[derive(Default)]
pub(super) struct Oauth {
    codes: BTreeMap<String, Code>,
    /// When they end.
    pub access: BTreeMap<String, DateTime<Utc>>,
    /// Those that are taken.
    pub refresh: Vec<String>,
    /// Those that a newer one has replaced.
    replaced: Vec<String>,
    issued: u32,
    consented: bool,
    pub deny: bool,
    /// A new refresh token with each refresh, which ends the one before.
    pub rotation: bool,
    /// No refresh token is given for a code.
    pub forgetful: bool,
    /// What people left ticked.
    pub granted: Option<String>,
    /// The next answers of the token endpoint.
    pub failures: Vec<Reply>,
}

fn error(status: u16, code: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": code, "error_description": description}))
}

impl Oauth {
    pub fn issue(&mut self, now: DateTime<Utc>) -> (String, String) {
        (self.new_access(now), self.new_refresh())
    }

    fn new_access(&mut self, now: DateTime<Utc>) -> String {
        self.issued += 1;
        let token = format!("ya29.fake-access-{:04}", self.issued);
        self.access.insert(token.clone(), now + ACCESS_LASTS);
        token
    }

    fn new_refresh(&mut self) -> String {
        self.issued += 1;
        let token = format!("1//fake-refresh-{:04}", self.issued);
        self.refresh.push(token.clone());
        token
    }

    /// The consent page. Whoever looks at it agrees at once, unless they are told to deny.
    pub fn authorize(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        let get = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
        if get("client_id") != CLIENT_ID {
            return Reply::text(401, "Error 401: invalid_client. The OAuth client was not found.");
        }
        let Ok(mut back) = reqwest::Url::parse(get("redirect_uri")) else {
            return Reply::text(400, "Error 400: redirect_uri_mismatch");
        };
        let wrong = [
            ("response_type", get("response_type") == "code"),
            ("scope", get("scope").split(' ').any(|scope| scope == SCOPE)),
            ("state", !get("state").is_empty()),
            ("code_challenge_method", get("code_challenge_method") == "S256"),
            ("code_challenge", get("code_challenge").len() == 43),
        ];
        if let Some((name, _)) = wrong.iter().find(|(_, good)| !good) {
            record.violation(format!("the way to the consent page has no good {name}"));
            return Reply::text(400, &format!("Error 400: invalid_request ({name})"));
        }
        if self.deny {
            back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", get("state"));
            return Reply::status(302).with("location", back);
        }
        // A second consent gives a refresh token only when it is asked for in earnest.
        let lasting = get("access_type") == "offline" && (!self.consented || get("prompt") == "consent");
        self.consented = true;
        self.issued += 1;
        let code = format!("4/fake-code-{:04}", self.issued);
        let known = Code {
            challenge: get("code_challenge").into(),
            redirect_uri: get("redirect_uri").into(),
            at: now,
            scope: self.granted.clone().unwrap_or_else(|| get("scope").into()),
            lasting: lasting && !self.forgetful,
        };
        back.query_pairs_mut()
            .append_pair("state", get("state"))
            .append_pair("code", &code)
            .append_pair("scope", &known.scope);
        self.codes.insert(code, known);
        Reply::status(302).with("location", back)
    }

    pub fn token(&mut self, request: &Request, record: &Record, now: DateTime<Utc>) -> Reply {
        if !self.failures.is_empty() {
            return self.failures.remove(0);
        }
        let form = request.form();
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if (get("client_id"), get("client_secret")) != (CLIENT_ID, CLIENT_SECRET) {
            return error(401, "invalid_client", "Unauthorized");
        }
        match get("grant_type") {
            "authorization_code" => self.exchange(&get, now),
            "refresh_token" => self.refresh(get("refresh_token"), record, now),
            _ => error(400, "unsupported_grant_type", "Invalid grant_type"),
        }
    }

    fn exchange<'a>(&mut self, get: &impl Fn(&str) -> &'a str, now: DateTime<Utc>) -> Reply {
        let Some(code) = self.codes.remove(get("code")) else {
            return error(400, "invalid_grant", "Malformed auth code.");
        };
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
        if challenge != code.challenge {
            return error(400, "invalid_grant", "Invalid code verifier.");
        }
        if code.redirect_uri != get("redirect_uri") {
            return error(400, "redirect_uri_mismatch", "Bad Request");
        }
        if now - code.at > CODE_LASTS {
            return error(400, "invalid_grant", "Bad Request");
        }
        let mut body = json!({
            "access_token": self.new_access(now),
            "expires_in": 3599,
            "scope": code.scope,
            "token_type": "Bearer",
        });
        if code.lasting {
            body["refresh_token"] = self.new_refresh().into();
        }
        Reply::json(200, &body)
    }

    fn refresh(&mut self, token: &str, record: &Record, now: DateTime<Utc>) -> Reply {
        if self.replaced.iter().any(|replaced| replaced == token) {
            record.violation("a refresh token was used although a newer one had been given for it");
        }
        if !self.refresh.iter().any(|known| known == token) {
            return error(400, "invalid_grant", "Token has been expired or revoked.");
        }
        let mut body = json!({
            "access_token": self.new_access(now),
            "expires_in": 3599,
            "scope": SCOPE,
            "token_type": "Bearer",
        });
        if self.rotation {
            self.refresh.retain(|known| known != token);
            self.replaced.push(token.into());
            body["refresh_token"] = self.new_refresh().into();
        }
        Reply::json(200, &body)
    }

    pub fn revoke(&mut self, token: &str) -> Reply {
        let known = self.refresh.iter().any(|t| t == token) || self.access.contains_key(token);
        if !known {
            return error(400, "invalid_token", "Token expired or revoked");
        }
        self.refresh.clear();
        self.access.clear();
        Reply::json(200, &json!({}))
    }

    /// Whether the request carries a token that holds.
    pub fn lets_in(&self, request: &Request, now: DateTime<Utc>) -> bool {
        let token = request.bearer().and_then(|token| self.access.get(token));
        token.is_some_and(|ends| now < *ends)
    }
}
