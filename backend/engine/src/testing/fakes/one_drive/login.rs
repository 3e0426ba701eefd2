//! The sign-in of Microsoft Entra: the consent page, and tokens whose refresh token changes with each use.

use super::super::super::fake::{Reply, Request};
use super::{FakeOneDrive, State, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const SCOPES: &str = "Files.ReadWrite offline_access";
const IDLE: TimeDelta = TimeDelta::days(90);

#[derive(Default)]
pub(super) struct Login {
    codes: BTreeMap<String, Code>,
    refresh: BTreeMap<String, Refresh>,
    /// When each access token ends.
    access: BTreeMap<String, DateTime<Utc>>,
}

impl Login {
    pub fn secrets(&self) -> Vec<String> {
        self.codes.keys().chain(self.refresh.keys()).chain(self.access.keys()).cloned().collect()
    }
}

struct Code {
    redirect_uri: String,
    challenge: String,
    until: DateTime<Utc>,
}

struct Refresh {
    until: DateTime<Utc>,
    /// What was given out for it, the newest last.
    heirs: Vec<String>,
    used: bool,
    revoked: bool,
}

impl Login {
    pub fn is_valid(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.access.get(token).is_some_and(|until| now < *until)
    }

    pub fn expire_access(&mut self) {
        self.access.clear();
    }

    pub fn revoke(&mut self) {
        self.access.clear();
        self.refresh.values_mut().for_each(|token| token.revoked = true);
    }
}

impl State {
    /// An access token, its end, and a refresh token that takes the place of `parent`.
    pub fn issue(&mut self, now: DateTime<Utc>, parent: Option<&str>) -> (String, DateTime<Utc>, String) {
        let (access, refresh) = (self.next("EwB-access-"), self.next("M.C1-refresh-"));
        let until = now + TimeDelta::seconds(3599);
        self.login.access.insert(access.clone(), until);
        let token = Refresh { until: now + IDLE, heirs: Vec::new(), used: false, revoked: false };
        self.login.refresh.insert(refresh.clone(), token);
        if let Some(parent) = parent.and_then(|parent| self.login.refresh.get_mut(parent)) {
            parent.used = true;
            parent.heirs.push(refresh.clone());
        }
        (access, until, refresh)
    }
}

fn refusal(status: u16, error: &str, code: u32) -> Reply {
    Reply::json(
        status,
        &json!({
            "error": error,
            "error_description": format!("AADSTS{code}: it was refused. Trace ID: 0"),
            "error_codes": [code],
            "trace_id": "0",
            "correlation_id": "0",
        }),
    )
}

impl World {
    /// The consent page, with somebody in front of it who has made up their mind.
    pub fn authorize(&self, request: &Request) -> Reply {
        let asked = |name: &str| request.query.get(name).cloned().unwrap_or_default();
        let mut missing: Vec<&str> = ["redirect_uri", "state", "code_challenge"].into();
        missing.retain(|name| asked(name).is_empty());
        let expected = [
            ("client_id", FakeOneDrive::CLIENT_ID),
            ("response_type", "code"),
            ("code_challenge_method", "S256"),
            ("scope", SCOPES),
        ];
        missing.extend(expected.iter().filter(|(name, value)| asked(name) != *value).map(|(name, _)| name));
        let Ok(mut target) = reqwest::Url::parse(&asked("redirect_uri")) else {
            return Reply::text(400, "AADSTS50011: The redirect URI is none.");
        };
        if !missing.is_empty() {
            self.record.violation(format!("the consent page was called with a wrong {}", missing.join(", ")));
            return Reply::text(400, "AADSTS900144: The request is wrong.");
        }
        let mut state = self.lock();
        if state.knobs.deny_consent {
            target
                .query_pairs_mut()
                .append_pair("error", "access_denied")
                .append_pair("error_description", "The user has denied access.")
                .append_pair("state", &asked("state"));
        } else {
            let code = state.next("M.C1-code-");
            target.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked("state"));
            let (redirect_uri, challenge) = (asked("redirect_uri"), asked("code_challenge"));
            let until = self.now() + TimeDelta::minutes(10);
            state.login.codes.insert(code, Code { redirect_uri, challenge, until });
        }
        Reply::status(302).with("location", target.as_str())
    }

    pub fn token(&self, request: &Request) -> Reply {
        let form = request.form();
        let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let mut state = self.lock();
        if !state.knobs.token_refusals.is_empty() {
            let (status, error, code) = state.knobs.token_refusals.remove(0);
            return refusal(status, error, code);
        }
        if given("client_id") != FakeOneDrive::CLIENT_ID {
            return refusal(400, "unauthorized_client", 700_016);
        }
        if given("client_secret") != FakeOneDrive::CLIENT_SECRET {
            return refusal(401, "invalid_client", 7_000_215);
        }
        match given("grant_type") {
            "authorization_code" => {
                let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
                // A code is good for one try.
                match state.login.codes.remove(given("code")) {
                    Some(code)
                        if self.now() < code.until
                            && code.redirect_uri == given("redirect_uri")
                            && code.challenge == verifier =>
                    {
                        self.grant(&mut state, None)
                    }
                    _ => refusal(400, "invalid_grant", 70_000),
                }
            }
            "refresh_token" => self.refresh(&mut state, given("refresh_token"), given("scope")),
            _ => refusal(400, "unsupported_grant_type", 70_003),
        }
    }

    fn refresh(&self, state: &mut State, token: &str, scope: &str) -> Reply {
        if scope != SCOPES {
            self.record.violation(format!("a refresh asks for the scope `{scope}`"));
        }
        let grace = state.knobs.grace as usize;
        let Some(known) = state.login.refresh.get(token) else {
            return refusal(400, "invalid_grant", 9_002_313);
        };
        if known.revoked {
            return refusal(400, "invalid_grant", 50_173);
        }
        if self.now() >= known.until {
            return refusal(400, "invalid_grant", 700_082);
        }
        // Who has used a newer one has got it.
        let outdated = known.heirs.iter().any(|heir| state.login.refresh.get(heir).is_some_and(|h| h.used));
        if outdated || known.heirs.len() > grace {
            self.record.violation("an old refresh token was used after a newer one was given out");
            return refusal(400, "invalid_grant", 70_000);
        }
        self.grant(state, Some(token))
    }

    fn grant(&self, state: &mut State, parent: Option<&str>) -> Reply {
        let (access_token, _, refresh_token) = state.issue(self.now(), parent);
        let scope = state.knobs.granted_scope.clone().unwrap_or_else(|| SCOPES.into());
        let mut answer = json!({
            "token_type": "Bearer",
            "scope": scope,
            "expires_in": 3599,
            "access_token": access_token,
        });
        if !state.knobs.no_refresh_token {
            answer["refresh_token"] = refresh_token.into();
        }
        Reply::json(200, &answer)
    }
}
