use super::error::Error;
use super::jwt::{ACCESS_TOKEN_SEC, Claims, TokenKey};
use super::repo;
use super::setup::SetupToken;
use super::throttle::Throttle;
use crate::clock::SharedClock;
use crate::crypto::{OpaqueToken, Passwords, hash_token};
use crate::db::{self, Db};
use crate::users::{Account, UsersService};
use chrono::{DateTime, TimeDelta, Utc};
use contract::{Grants, Session};
use std::net::IpAddr;
use std::sync::Arc;
use uuid::{NoContext, Timestamp, Uuid};

/// A session that is not used ends after this time.
pub const SESSION_IDLE: TimeDelta = TimeDelta::days(7);
/// Even a used one ends after this time.
const SESSION_LONGEST: TimeDelta = TimeDelta::days(30);
/// For so long after its use a refresh token may come again: the answer may have been lost on its way, and the client has
/// nothing newer. Only while its successor was never used, though (`docs/adr/0011-a-refresh-token-that-comes-again.md`).
const RETRY: TimeDelta = TimeDelta::seconds(10);
/// What guesses of the set-up token are counted under; no user can have this name.
const SETUP: &str = " set-up";

/// Signing in and out.
#[derive(Clone)]
pub struct AuthService {
    db: Db,
    clock: SharedClock,
    key: TokenKey,
    passwords: Passwords,
    users: UsersService,
    throttle: Arc<Throttle>,
    setup: SetupToken,
}

/// What a sign-in or a refresh gives.
pub struct Issued {
    pub session: Session,
    /// For the cookie.
    pub refresh_token: OpaqueToken,
}

/// Who holds an access token.
pub struct Holder {
    pub user_id: i64,
    pub username: String,
    pub role: String,
    /// What the token says and the role still allows.
    pub grants: Grants,
    pub session: String,
}

impl AuthService {
    pub fn new(
        db: Db,
        clock: SharedClock,
        key: TokenKey,
        passwords: Passwords,
        users: UsersService,
        setup: SetupToken,
    ) -> Self {
        AuthService { db, clock, key, passwords, users, throttle: Arc::default(), setup }
    }

    /// How many passwords were compared with a hash so far: once for every sign-in that was tried, whether the user exists or not.
    pub fn passwords_compared(&self) -> u64 {
        self.passwords.compared()
    }

    pub async fn setup_needed(&self) -> Result<bool, Error> {
        Ok(!self.users.administrator_exists().await?)
    }

    /// Makes the first administrator and signs them in. Of two that try at once, one succeeds.
    pub async fn set_up(
        &self,
        token: &str,
        username: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Issued, Error> {
        if !self.setup_needed().await? {
            return Err(Error::AlreadySetUp);
        }
        let attempt = self.throttle.begin(SETUP, from, self.clock.now()).map_err(too_many)?;
        if !self.setup.is(token) {
            return Err(Error::WrongSetupToken);
        }
        self.throttle.succeeded(&attempt);
        let id = self.users.create_first_administrator(username, password).await?;
        self.setup.forget();
        tracing::info!(user.id = id, "the first administrator was made");
        let account = self.users.account(id).await?.ok_or(Error::SessionEnded)?;
        self.open_session(&account).await
    }

    /// A wrong name takes as long as a wrong password, and is told in the same words.
    pub async fn sign_in(&self, username: &str, password: &str, from: IpAddr) -> Result<Issued, Error> {
        let attempt = self.throttle.begin(&db::key(username), from, self.clock.now()).map_err(too_many)?;
        let account = self.users.account_by_name(username).await?;
        let hash = account.as_ref().map(|a| a.password_hash.as_str());
        let fits = self.passwords.verify(password, hash).await.map_err(Error::Internal)?;
        let Some(account) = account.filter(|a| fits && a.enabled) else {
            tracing::info!(client.address = %from, "a sign-in was refused");
            return Err(Error::WrongCredentials);
        };
        self.throttle.succeeded(&attempt);
        self.users.signed_in(account.id).await?;
        self.open_session(&account).await
    }

    /// Exchanges a refresh token for the next one.
    ///
    /// One that was exchanged before ends the whole session: either it or its successor is in the wrong hands. The exception
    /// is a repetition within [`RETRY`] while the successor was never used: that one is void then, and another takes its
    /// place. So a session has one living token at any time, and a void one that comes ends it as well.
    pub async fn refresh(&self, token: &str) -> Result<Issued, Error> {
        let now = self.clock.now();
        let hash = hash_token(token);
        let found = repo::find(&self.db, &hash).await?.ok_or(Error::SessionEnded)?;
        let next = OpaqueToken::random();
        let expires_at = self.session_end(&found.family, now);
        let exchanged = db::transaction(&self.db, |tx| {
            let (hash, next) = (hash.clone(), next.hash());
            async move {
                // Whoever refreshes or ends this user's sessions at the same moment comes wholly before or wholly after.
                let user = repo::lock_user(&*tx, found.user_id).await?;
                let Some(token) = repo::find(&*tx, &hash).await?.filter(|_| user.is_some()) else {
                    return Ok(false);
                };
                if !exchange(&tx, &token, now).await? {
                    return Ok(false);
                }
                let (user_id, family) = (token.user_id, token.family.as_str());
                let new = repo::NewToken { user_id, family, token_hash: &next, now, expires_at };
                repo::insert(&*tx, new).await?;
                Ok(true)
            }
        })
        .await?;
        if !exchanged {
            return Err(Error::SessionEnded);
        }
        let account =
            self.users.account(found.user_id).await?.filter(|a| a.enabled).ok_or(Error::SessionEnded)?;
        Ok(Issued { session: self.access(&account, &found.family, now)?, refresh_token: next })
    }

    /// Ends the session of a refresh token or of an access token, whichever is given. Unknown ones are no error.
    pub async fn sign_out(
        &self,
        refresh_token: Option<&str>,
        access_token: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        if let Some(token) = refresh_token
            && let Some(found) = repo::find(&self.db, &hash_token(token)).await?
        {
            self.end(&found.family, now).await?;
        }
        if let Some(Ok(claims)) = access_token.map(|token| self.key.verify(token, now)) {
            self.end(&claims.sid, now).await?;
        }
        Ok(())
    }

    async fn end(&self, family: &str, now: DateTime<Utc>) -> Result<(), db::Error> {
        db::transaction(&self.db, |tx| async move { repo::end(&*tx, family, now).await }).await.map(|_| ())
    }

    /// Changes one's own password. Every session of the user ends; a new one takes the place of this one.
    pub async fn change_password(
        &self,
        user_id: i64,
        current: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<Issued, Error> {
        let account = self.users.account(user_id).await?.ok_or(Error::SessionEnded)?;
        let name = db::key(&account.username);
        let attempt = self.throttle.begin(&name, from, self.clock.now()).map_err(too_many)?;
        if !self.passwords.verify(current, Some(&account.password_hash)).await.map_err(Error::Internal)? {
            return Err(Error::WrongCurrentPassword);
        }
        self.throttle.succeeded(&attempt);
        self.users.set_password(user_id, new).await?;
        let account = self.users.account(user_id).await?.ok_or(Error::SessionEnded)?;
        self.open_session(&account).await
    }

    /// Looks the token's user and session up, each time anew.
    pub async fn holder(&self, access_token: &str) -> Result<Holder, Error> {
        let now = self.clock.now();
        self.holder_by(self.key.verify(access_token, now)?, now).await
    }

    /// The same for a token that was good when a request began, and may have run out in its course.
    pub async fn lasting_holder(&self, access_token: &str) -> Result<Holder, Error> {
        self.holder_by(self.key.claims(access_token)?, self.clock.now()).await
    }

    async fn holder_by(&self, claims: Claims, now: DateTime<Utc>) -> Result<Holder, Error> {
        let id: i64 = claims.sub.parse().map_err(|_| Error::NotSignedIn)?;
        let account = self.users.account(id).await?.ok_or(Error::SessionEnded)?;
        let current = account.enabled && account.token_version == claims.ver;
        if !current || !repo::is_open(&self.db, id, &claims.sid, now).await? {
            return Err(Error::SessionEnded);
        }
        let said = Grants::from_scope(&claims.scope);
        let grants = said.iter().filter(|r| account.grants.allows(*r)).collect();
        Ok(Holder {
            user_id: id,
            username: account.username,
            role: account.role,
            grants,
            session: claims.sid,
        })
    }

    async fn open_session(&self, account: &Account) -> Result<Issued, Error> {
        let now = self.clock.now();
        db::transaction(&self.db, |tx| async move { repo::clean_up(&*tx, now).await }).await?;
        let family = family_of(now);
        let token = OpaqueToken::random();
        let expires_at = self.session_end(&family, now);
        let opened = db::transaction(&self.db, |tx| {
            let (family, hash) = (family.clone(), token.hash());
            let (user_id, version) = (account.id, account.token_version);
            async move {
                // The password may have been changed since it was compared.
                if repo::lock_user(&*tx, user_id).await? != Some(version) {
                    return Ok(false);
                }
                let new = repo::NewToken { user_id, family: &family, token_hash: &hash, now, expires_at };
                repo::insert(&*tx, new).await?;
                Ok(true)
            }
        })
        .await?;
        if !opened {
            return Err(Error::SessionEnded);
        }
        Ok(Issued { session: self.access(account, &family, now)?, refresh_token: token })
    }

    fn session_end(&self, family: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let idle = now + SESSION_IDLE;
        began(family).map_or(idle, |began| idle.min(began + SESSION_LONGEST))
    }

    fn access(&self, account: &Account, family: &str, now: DateTime<Utc>) -> Result<Session, Error> {
        let claims = Claims {
            sub: account.id.to_string(),
            sid: family.into(),
            jti: Uuid::new_v4().to_string(),
            ver: account.token_version,
            scope: account.grants.to_scope(),
            iat: now.timestamp(),
            exp: now.timestamp() + ACCESS_TOKEN_SEC,
        };
        Ok(Session {
            access_token: self.key.sign(&claims)?,
            token_type: "Bearer".into(),
            expires_in: ACCESS_TOKEN_SEC,
            scopes: account.grants.iter().collect(),
        })
    }
}

/// Whether the next token may be issued for this one; it is marked as used then. Otherwise its session is over.
async fn exchange(
    tx: &db::Transaction,
    token: &repo::RefreshToken,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    if token.expires_at <= now {
        return Ok(false);
    }
    match token.used_at {
        None if token.ended_at.is_none() => {
            repo::mark_used(tx, token.id, now).await?;
            return Ok(true);
        }
        Some(used)
            if token.ended_at.is_none()
                && now - used <= RETRY
                && !repo::successor_was_used(tx, token).await? =>
        {
            tracing::debug!(user.id = token.user_id, "a refresh is answered again");
            repo::void_unused(tx, &token.family, now).await?;
            return Ok(true);
        }
        _ => {}
    }
    if repo::end(tx, &token.family, now).await? > 0 {
        tracing::warn!(user.id = token.user_id, "a used refresh token came again; its session is ended");
    }
    Ok(false)
}

fn too_many(retry_after_sec: u64) -> Error {
    Error::TooManyAttempts { retry_after_sec }
}

/// Names a session so that its name tells when it began.
fn family_of(now: DateTime<Utc>) -> String {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())).to_string()
}

fn began(family: &str) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = family.parse::<Uuid>().ok()?.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_after_its_beginning_and_no_two_alike() {
        let now = DateTime::from_timestamp(1_700_000_000, 123_000_000).unwrap();
        assert_eq!(began(&family_of(now)), Some(now));
        assert_ne!(family_of(now), family_of(now));
    }
}
