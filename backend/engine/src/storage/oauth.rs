//! OAuth 2.0 as the providers speak it: the way to the consent page, the exchange of a code, the refresh of a token, and what their errors
//! mean. Keeping the tokens is the [`account`](super::account)'s work.

use super::http::{self, Answer, Http};
use super::{Error, ErrorKind, Result, Secret, StorageKind};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde::Deserialize;

/// An app that the administrator registered at a provider.
#[derive(Debug, Clone)]
pub struct App {
    pub client_id: String,
    pub client_secret: Secret,
}

/// What is particular to a provider.
#[derive(Debug, Clone)]
pub struct Provider {
    pub kind: StorageKind,
    /// As messages call it.
    pub name: &'static str,
    pub authorize_url: Url,
    pub token_url: Url,
    /// What is asked for, all of which has to be granted.
    pub scopes: &'static [&'static str],
    /// Parameters of the consent page beside the usual ones.
    pub authorize_extra: &'static [(&'static str, &'static str)],
    /// Microsoft wants the scopes again with each refresh.
    pub scope_at_refresh: bool,
    /// What a 401 of the API says beyond a token that ran out: that is final, a fresh token would be refused too.
    pub unauthorized: fn(&Answer) -> Option<Error>,
}

/// What an account has granted.
#[derive(Debug, Clone)]
pub struct Grant {
    pub access_token: Secret,
    pub access_expires_at: DateTime<Utc>,
    pub refresh_token: Secret,
    /// Counts the times the account was linked: what was refreshed before a new link must not overwrite it.
    pub generation: i64,
}

/// One linking under way. `state` and `verifier` are random, used once.
#[derive(Debug, Clone)]
pub struct Linking<'a> {
    pub app: &'a App,
    /// Byte for byte the same at the consent page and at the exchange.
    pub redirect_uri: &'a str,
}

impl Provider {
    /// The consent page. `challenge` is the S256 challenge of the verifier.
    pub fn consent_url(&self, linking: &Linking<'_>, state: &str, challenge: &str) -> Url {
        let mut url = self.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &linking.app.client_id)
            .append_pair("redirect_uri", linking.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &self.scopes.join(" "))
            .append_pair("state", state)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(self.authorize_extra);
        url
    }

    /// Turns the code of the consent page into a grant of the given generation.
    ///
    /// # Errors
    /// `InvalidConfig` for whatever the administrator has to put right, in the app or by linking again; an earlier link stays as it is.
    pub async fn exchange(
        &self,
        http: &Http,
        linking: &Linking<'_>,
        (code, verifier): (&Secret, &Secret),
        generation: i64,
        now: DateTime<Utc>,
    ) -> Result<Grant> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", linking.redirect_uri),
            ("client_id", &linking.app.client_id),
            ("client_secret", linking.app.client_secret.expose()),
            ("code_verifier", verifier.expose()),
        ];
        let answer = http.call(http.post(self.token_url.clone()).form(&form), http::QUICK).await?;
        if !answer.is_success() {
            let mut error = self.refused(&answer, Asking::Exchange, linking.redirect_uri, now);
            if error.kind == ErrorKind::NeedsRelink {
                // There is no link yet that could be gone, and an earlier one is not concerned.
                error.kind = ErrorKind::InvalidConfig;
            }
            return Err(error);
        }
        let tokens: Tokens = answer.json()?;
        self.check_scopes(tokens.scope.as_deref())?;
        let Some(refresh_token) = tokens.refresh_token.filter(|t| !t.is_empty()) else {
            let text = format!(
                "{} gave no lasting permission. Remove Storekeep's access in the account's security settings, then link the \
                 account again.",
                self.name
            );
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        };
        Ok(Grant {
            access_token: Secret::new(tokens.access_token),
            access_expires_at: now + lifetime(tokens.expires_in),
            refresh_token: Secret::new(refresh_token),
            generation,
        })
    }

    /// A new access token; with it a new refresh token where the provider rotates them.
    ///
    /// # Errors
    /// `NeedsRelink` when the grant is gone, `InvalidConfig` or `PermissionDenied` when the app is wrong, `RateLimited` or `Unavailable`
    /// otherwise: the old refresh token may be used again.
    pub async fn refresh(&self, http: &Http, app: &App, grant: &Grant, now: DateTime<Utc>) -> Result<Grant> {
        let scopes = self.scopes.join(" ");
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", grant.refresh_token.expose()),
            ("client_id", app.client_id.as_str()),
            ("client_secret", app.client_secret.expose()),
        ];
        if self.scope_at_refresh {
            form.push(("scope", &scopes));
        }
        let answer = http.call(http.post(self.token_url.clone()).form(&form), http::QUICK).await?;
        if !answer.is_success() {
            return Err(self.refused(&answer, Asking::Refresh, "", now));
        }
        let tokens: Tokens = answer.json()?;
        let rotated = tokens.refresh_token.filter(|t| !t.is_empty()).map(Secret::new);
        Ok(Grant {
            access_token: Secret::new(tokens.access_token),
            access_expires_at: now + lifetime(tokens.expires_in),
            refresh_token: rotated.unwrap_or_else(|| grant.refresh_token.clone()),
            generation: grant.generation,
        })
    }

    /// People can untick what is asked for.
    fn check_scopes(&self, granted: Option<&str>) -> Result<()> {
        let Some(granted) = granted else { return Ok(()) };
        // Microsoft puts its host before some scopes and not before others.
        let bare =
            |scope: &str| scope.trim_start_matches("https://graph.microsoft.com/").to_ascii_lowercase();
        let has = |scope: &str| granted.split([' ', ',']).any(|g| bare(g) == bare(scope));
        // `offline_access` is told by the refresh token itself.
        let missing: Vec<_> =
            self.scopes.iter().filter(|s| **s != "offline_access" && !has(s)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let text = format!(
            "The permission {} was not granted. Enable it for the app at {}, then link the account again and tick every box.",
            missing.join(", "),
            self.name
        );
        Err(Error::new(ErrorKind::InvalidConfig, text))
    }

    fn refused(&self, answer: &Answer, asking: Asking, redirect_uri: &str, now: DateTime<Utc>) -> Error {
        let fault: Fault = serde_json::from_slice(&answer.body).unwrap_or_default();
        let (kind, mut text) = meaning(self.name, answer.status, &fault, asking, redirect_uri);
        let kind = match (kind, answer.retry_after(now)) {
            (ErrorKind::RateLimited { .. }, retry_after) => ErrorKind::RateLimited { retry_after },
            (ErrorKind::Unavailable, retry_after @ Some(_)) => ErrorKind::RateLimited { retry_after },
            (kind, _) => kind,
        };
        if self.kind == StorageKind::GoogleDrive && kind == ErrorKind::NeedsRelink {
            text.push_str(
                " If that happens every 7 days, the app's consent screen is still in testing: publish the app in the Google Cloud \
                 console.",
            );
        }
        Error::new(kind, text)
    }
}

fn lifetime(seconds: Option<i64>) -> TimeDelta {
    TimeDelta::seconds(seconds.unwrap_or(3600).clamp(60, 86_400))
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    expires_in: Option<i64>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

/// What a token endpoint refuses with.
#[derive(Debug, Default, Deserialize)]
struct Fault {
    #[serde(default)]
    error: String,
    error_description: Option<String>,
    error_subtype: Option<String>,
    error_codes: Option<Vec<i64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Exchange,
    Refresh,
}

/// What a refusal means, and what to do. Never repeats `error_description`: it may hold what was sent.
fn meaning(
    name: &str,
    status: u16,
    fault: &Fault,
    asking: Asking,
    redirect_uri: &str,
) -> (ErrorKind, String) {
    let code = |n: i64| {
        fault.error_codes.iter().flatten().any(|c| *c == n)
            || fault.error_description.as_deref().is_some_and(|text| names_code(text, n))
    };
    let relink = |text: String| (ErrorKind::NeedsRelink, text);
    let operator = |text: String| (ErrorKind::InvalidConfig, text);
    let later = |text: String| (ErrorKind::Unavailable, text);
    if status == 429 {
        let text = format!("{name} limits the requests for tokens.");
        return (ErrorKind::RateLimited { retry_after: None }, text);
    }
    if status >= 500 || status == 408 || fault.error.is_empty() {
        return later(format!("{name} cannot give out a token right now (status {status})."));
    }
    // Dropbox puts a text after the code.
    let error = fault.error.split(':').next().unwrap_or_default().trim();
    if error == "redirect_uri_mismatch" || code(50_011) {
        return operator(format!(
            "The redirect URI differs from what the app has registered. Register exactly: {redirect_uri}"
        ));
    }
    if code(53_003) {
        let text = format!(
            "{name} denies access by policy (conditional access, AADSTS53003). Ask the directory's administrator to let this app in \
             from this server."
        );
        return (ErrorKind::PermissionDenied, text);
    }
    if error == "unauthorized_client" || code(700_016) || code(90_002) || code(50_194) {
        return operator(format!(
            "{name} does not know this app for this kind of account. Check the client id, the tenant and the app's account types."
        ));
    }
    match error {
        "invalid_grant" if asking == Asking::Exchange => operator(
            "The authentication code was used before, has expired, or belongs to another app. Start the linking again.".into(),
        ),
        "invalid_grant" if fault.error_subtype.as_deref() == Some("invalid_rapt") => relink(format!(
            "{name} asks for a new sign-in: the session control of the Google Workspace ended the link. Mark the app as trusted \
             in the Workspace's admin console, then link the account again."
        )),
        "invalid_grant" => relink(format!(
            "The link to the {name} account has expired or was revoked. Link the account again. What is stored there stays; \
             nothing was deleted."
        )),
        "interaction_required" | "consent_required" | "login_required" => {
            relink(format!("{name} asks for a new sign-in or consent. Link the account again."))
        }
        "invalid_client" | "invalid_client_id" | "deleted_client" => operator(if code(7_000_222) {
            "The client secret has expired. Make a new one in Microsoft Entra and save it here.".into()
        } else if code(7_000_215) {
            "The client secret is wrong. Copy the secret's value from Microsoft Entra, not its ID.".into()
        } else {
            format!("{name} does not accept the client id and client secret. Check both.")
        }),
        "invalid_scope" => operator(format!(
            "{name} does not let the app ask for the permissions it needs. Enable them for the app, then link the account again."
        )),
        "temporarily_unavailable" | "server_error" => {
            later(format!("{name} cannot give out a token right now."))
        }
        _ => {
            let other = fault.error.as_str();
            let known = other.len() <= 64 && other.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let what = if known { other } else { "an unknown error" };
            operator(format!(
                "{name} refused to give out a token ({what}). Check the app, then link the account again."
            ))
        }
    }
}

/// Whether a description names the code `AADSTS<n>`, and not a longer one that begins like it.
fn names_code(text: &str, n: i64) -> bool {
    let code = format!("AADSTS{n}");
    text.match_indices(&code)
        .any(|(at, _)| !text[at + code.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
