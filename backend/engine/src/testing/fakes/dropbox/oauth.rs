//! The consent page and the tokens.

use super::reply;
use crate::testing::fake::{Reply, Request};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const ACCESS_SEC: i64 = 14_400;
const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);
pub(super) const SCOPES: &str =
    "account_info.read files.content.read files.content.write files.metadata.read";

struct Code {
    redirect_uri: Option<String>,
    challenge: Option<String>,
    offline: bool,
    until: DateTime<Utc>,
    used: bool,
}

struct Access {
    until: DateTime<Utc>,
    valid: bool,
    scope: String,
}

/// What was issued, and how the next requests are answered.
#[derive(Default)]
pub(super) struct Oauth {
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Access>,
    /// False once revoked.
    refresh: BTreeMap<String, bool>,
    issued: u32,
    /// The person presses *Cancel*.
    pub deny_consent: bool,
    /// What the person grants, where that is not all.
    pub granted: Option<String>,
    pub withhold_refresh_token: bool,
    /// What the token endpoint answers next, in place of tokens.
    pub refusals: Vec<Reply>,
}

impl Oauth {
    fn new_id(&mut self, what: &str) -> String {
        self.issued += 1;
        format!("{what}-{:04}-S3CR3T", self.issued)
    }

    /// Everything that may not show anywhere.
    pub fn secrets(&self) -> Vec<String> {
        let all = self.codes.keys().chain(self.access.keys()).chain(self.refresh.keys());
        all.cloned().chain([super::CLIENT_SECRET.to_owned()]).collect()
    }

    pub fn new_access(&mut self, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
        let (token, until) = (self.new_id("sl.access"), now + TimeDelta::seconds(ACCESS_SEC));
        let scope = self.granted.clone().unwrap_or_else(|| SCOPES.into());
        self.access.insert(token.clone(), Access { until, valid: true, scope });
        (token, until)
    }

    pub fn new_refresh(&mut self) -> String {
        let token = self.new_id("refresh");
        self.refresh.insert(token.clone(), true);
        token
    }

    /// Every access token has run out by now.
    pub fn expire_access(&mut self) {
        self.access.values_mut().for_each(|access| access.until = DateTime::UNIX_EPOCH);
    }

    /// The person has removed the app.
    pub fn revoke(&mut self) {
        self.refresh.values_mut().for_each(|valid| *valid = false);
        self.access.values_mut().for_each(|access| access.valid = false);
    }

    /// The reply for a token that does not do.
    pub fn check(&self, token: Option<&str>, scope: &str, now: DateTime<Utc>) -> Result<(), Reply> {
        let Some(access) = token.and_then(|t| self.access.get(t)).filter(|a| a.valid) else {
            return Err(reply::unauthorized("invalid_access_token"));
        };
        if access.until <= now {
            return Err(reply::unauthorized("expired_access_token"));
        }
        if !scope.is_empty() && !access.scope.split(' ').any(|s| s == scope) {
            return Err(reply::missing_scope(scope));
        }
        Ok(())
    }

    pub fn authorize(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        let query = |name: &str| request.query.get(name).map(String::as_str);
        if query("client_id") != Some(super::CLIENT_ID) || query("response_type") != Some("code") {
            return Reply::text(400, "Invalid client_id or response_type.");
        }
        let redirect_uri = query("redirect_uri").map(str::to_owned);
        let target = redirect_uri.as_deref().map(url::Url::parse);
        let target = match target {
            Some(Err(_)) => return Reply::text(400, "Invalid redirect_uri."),
            Some(Ok(url)) => Some(url),
            None => None,
        };
        let state = query("state").unwrap_or_default();
        if self.deny_consent {
            let denied =
                [("error", "access_denied"), ("error_description", "The user chose not to give access")];
            return match target {
                Some(url) => redirect(url, &denied, state),
                None => Reply::text(403, "You have not given access."),
            };
        }
        let challenge = query("code_challenge").map(str::to_owned);
        let offline = query("token_access_type") == Some("offline");
        let code = self.new_id("code");
        let until = now + CODE_LIFE;
        self.codes.insert(code.clone(), Code { redirect_uri, challenge, offline, until, used: false });
        match target {
            Some(url) => redirect(url, &[("code", &code)], state),
            // Without an address to go back to, the person is shown the code.
            None => {
                let page =
                    format!("<!doctype html><title>Dropbox</title><p>Access code: <code>{code}</code></p>");
                let headers = vec![("content-type".into(), "text/html".into())];
                Reply { status: 200, headers, body: page.into() }
            }
        }
    }

    pub fn token(&mut self, request: &Request, now: DateTime<Utc>) -> Reply {
        if let Some(refusal) = self.refusals.pop() {
            return refusal;
        }
        let form = request.form();
        let field = |name: &str| form.get(name).map(String::as_str);
        if !is_client(request, field("client_id"), field("client_secret")) {
            return refuse("invalid_client", "Invalid client_id or client_secret");
        }
        match field("grant_type") {
            Some("authorization_code") => {
                let verifier = field("code_verifier").unwrap_or_default();
                match self.take_code(field("code"), field("redirect_uri"), verifier, now) {
                    Ok(offline) => self.tokens(offline && !self.withhold_refresh_token, now),
                    Err(text) => refuse("invalid_grant", text),
                }
            }
            Some("refresh_token") => match field("refresh_token").and_then(|t| self.refresh.get(t)) {
                Some(true) => self.tokens(false, now),
                _ => refuse("invalid_grant", "refresh token is invalid or revoked"),
            },
            _ => refuse("unsupported_grant_type", "unknown grant type"),
        }
    }

    fn take_code(
        &mut self,
        code: Option<&str>,
        redirect_uri: Option<&str>,
        verifier: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, &'static str> {
        let code =
            code.and_then(|code| self.codes.get_mut(code)).ok_or("code doesn't exist or has expired")?;
        if code.used || code.until <= now {
            return Err("code has already been used or has expired");
        }
        if code.redirect_uri.as_deref() != redirect_uri {
            return Err("redirect_uri mismatch");
        }
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if code.challenge.as_ref().is_some_and(|challenge| *challenge != proof) {
            return Err("invalid code verifier");
        }
        code.used = true;
        Ok(code.offline)
    }

    fn tokens(&mut self, with_refresh: bool, now: DateTime<Utc>) -> Reply {
        let (access, _) = self.new_access(now);
        let mut tokens = json!({ "access_token": access, "token_type": "bearer", "expires_in": ACCESS_SEC });
        if with_refresh {
            tokens["refresh_token"] = json!(self.new_refresh());
            tokens["scope"] = json!(self.granted.clone().unwrap_or_else(|| SCOPES.into()));
            tokens["uid"] = json!("12345");
            tokens["account_id"] = json!(super::ACCOUNT_ID);
        }
        Reply::json(200, &tokens)
    }
}

fn is_client(request: &Request, id: Option<&str>, secret: Option<&str>) -> bool {
    let expected = (super::CLIENT_ID, super::CLIENT_SECRET);
    let basic = STANDARD.encode(format!("{}:{}", expected.0, expected.1));
    match request.header("authorization") {
        Some(header) => header.strip_prefix("Basic ") == Some(basic.as_str()),
        None => (id, secret) == (Some(expected.0), Some(expected.1)),
    }
}

fn refuse(error: &str, text: &str) -> Reply {
    Reply::json(400, &json!({ "error": error, "error_description": text }))
}

fn redirect(mut url: url::Url, answer: &[(&str, &str)], state: &str) -> Reply {
    url.query_pairs_mut().extend_pairs(answer).append_pair("state", state);
    Reply::status(302).with("location", url.as_str())
}
