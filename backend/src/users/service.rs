use super::convert::{self, Account};
use super::error::Error;
use super::repo;
pub use super::repo::SortBy;
use super::roles;
use crate::clock::SharedClock;
use crate::crypto::Passwords;
use crate::db::{self, Db};
use contract::{Grants, PageArgs, User, UserInput, UserPage};

/// Who there is, and what they may do.
#[derive(Clone)]
pub struct UsersService {
    db: Db,
    clock: SharedClock,
    passwords: Passwords,
}

impl UsersService {
    pub fn new(db: Db, clock: SharedClock, passwords: Passwords) -> Self {
        UsersService { db, clock, passwords }
    }

    pub async fn list(&self, page: PageArgs, sort: (SortBy, bool)) -> Result<UserPage, Error> {
        let range = (page.offset(), u64::from(page.per_page));
        let (people, total) = repo::list(&self.db, sort, range).await?;
        let items = people.into_iter().map(convert::user).collect();
        Ok(UserPage { items, page: page.page, per_page: page.per_page, total })
    }

    pub async fn get(&self, id: i64) -> Result<User, Error> {
        repo::find(&self.db, id).await?.map(convert::user).ok_or(Error::UserNotFound(id))
    }

    /// `actor` is what the acting user may do: nobody gives away more than they hold.
    pub async fn create(&self, actor: &Grants, input: &UserInput) -> Result<User, Error> {
        let password = input.password.as_deref().ok_or(Error::PasswordRequired)?;
        let hash = self.hash(password).await?;
        let id = self
            .in_transaction(|tx| {
                let (actor, input, hash, now) =
                    (actor.clone(), input.clone(), hash.clone(), self.clock.now());
                async move {
                    repo::lock(&*tx).await?;
                    let Some(role) = roles::repo::find(&*tx, input.role_id).await? else {
                        return Ok(Err(Error::RoleUnknown(input.role_id)));
                    };
                    if let Err(refused) = roles::within(&actor, &role) {
                        return Ok(Err(refused));
                    }
                    let new = repo::NewUser {
                        username: &input.username,
                        password_hash: &hash,
                        role_id: role.id,
                        enabled: input.enabled,
                        now,
                    };
                    repo::insert(&*tx, new).await.map(Ok)
                }
            })
            .await?;
        self.get(id).await
    }

    /// Disabling the user, a new password and another role end everything that was issued to them before.
    pub async fn update(
        &self,
        actor: &Grants,
        id: i64,
        input: &UserInput,
        expected: Option<i64>,
    ) -> Result<User, Error> {
        let hash = match &input.password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        self.in_transaction(|tx| {
            let (actor, input, hash, now) = (actor.clone(), input.clone(), hash.clone(), self.clock.now());
            async move {
                repo::lock(&*tx).await?;
                let Some(person) = repo::find(&*tx, id).await? else {
                    return Ok(Err(Error::UserNotFound(id)));
                };
                if expected.is_some_and(|revision| revision != person.user.revision) {
                    return Ok(Err(Error::Changed));
                }
                let Some(role) = roles::repo::find(&*tx, input.role_id).await? else {
                    return Ok(Err(Error::RoleUnknown(input.role_id)));
                };
                if let Err(refused) =
                    roles::within(&actor, &person.role).and_then(|()| roles::within(&actor, &role))
                {
                    return Ok(Err(refused));
                }
                let stays = repo::is_administrator(&role) && input.enabled;
                if !stays && is_last_administrator(&tx, &person).await? {
                    return Ok(Err(Error::LastAdministrator));
                }
                let ends_sessions =
                    hash.is_some() || role.id != person.role.id || (person.user.enabled && !input.enabled);
                let change = repo::UserChange {
                    username: &input.username,
                    role_id: role.id,
                    enabled: input.enabled,
                    password_hash: hash.as_deref(),
                    ends_sessions,
                    now,
                };
                repo::update(&*tx, person.user, change).await.map(Ok)
            }
        })
        .await?;
        self.get(id).await
    }

    pub async fn delete(&self, actor: &Grants, id: i64) -> Result<(), Error> {
        self.in_transaction(|tx| {
            let actor = actor.clone();
            async move {
                repo::lock(&*tx).await?;
                let Some(person) = repo::find(&*tx, id).await? else {
                    return Ok(Err(Error::UserNotFound(id)));
                };
                if let Err(refused) = roles::within(&actor, &person.role) {
                    return Ok(Err(refused));
                }
                if is_last_administrator(&tx, &person).await? {
                    return Ok(Err(Error::LastAdministrator));
                }
                repo::delete(&*tx, id).await.map(Ok)
            }
        })
        .await
    }

    /// Whatever the case of the name.
    pub async fn account_by_name(&self, username: &str) -> Result<Option<Account>, Error> {
        Ok(repo::find_by_name(&self.db, username).await?.map(Account::from))
    }

    pub async fn account(&self, id: i64) -> Result<Option<Account>, Error> {
        Ok(repo::find(&self.db, id).await?.map(Account::from))
    }

    /// Sets a password and ends everything that was issued to the user before.
    pub async fn set_password(&self, id: i64, password: &str) -> Result<(), Error> {
        let hash = self.hash(password).await?;
        self.in_transaction(|tx| {
            let (hash, now) = (hash.clone(), self.clock.now());
            async move {
                repo::lock(&*tx).await?;
                let Some(person) = repo::find(&*tx, id).await? else {
                    return Ok(Err(Error::UserNotFound(id)));
                };
                let user = person.user;
                let change = repo::UserChange {
                    username: &user.username.clone(),
                    role_id: user.role_id,
                    enabled: user.enabled,
                    password_hash: Some(&hash),
                    ends_sessions: true,
                    now,
                };
                repo::update(&*tx, user, change).await.map(Ok)
            }
        })
        .await
    }

    /// For whoever has a shell on the server and forgot the password.
    pub async fn reset_password(&self, username: &str, password: &str) -> Result<(), Error> {
        let account = self.account_by_name(username).await?.ok_or(Error::NoSuchUsername)?;
        self.set_password(account.id, password).await
    }

    pub async fn signed_in(&self, id: i64) -> Result<(), Error> {
        Ok(repo::signed_in(&self.db, id, self.clock.now()).await?)
    }

    /// Until there is one, the set-up token makes one.
    pub async fn administrator_exists(&self) -> Result<bool, Error> {
        Ok(repo::administrators(&self.db, false).await? > 0)
    }

    /// Returns the id. Of two that try at once one gets [`Error::AlreadySetUp`].
    pub async fn create_first_administrator(&self, username: &str, password: &str) -> Result<i64, Error> {
        let hash = self.hash(password).await?;
        self.in_transaction(|tx| {
            let (username, hash, now) = (username.to_owned(), hash.clone(), self.clock.now());
            async move {
                repo::lock(&*tx).await?;
                if repo::administrators(&*tx, false).await? > 0 {
                    return Ok(Err(Error::AlreadySetUp));
                }
                let role = repo::administrator_role(&*tx)
                    .await?
                    .ok_or_else(|| db::Error::RecordNotFound("the built-in administrator role".into()))?;
                let new = repo::NewUser {
                    username: &username,
                    password_hash: &hash,
                    role_id: role.id,
                    enabled: true,
                    now,
                };
                repo::insert(&*tx, new).await.map(Ok)
            }
        })
        .await
    }

    async fn hash(&self, password: &str) -> Result<String, Error> {
        self.passwords.hash(password).await.map_err(Error::Hashing)
    }

    async fn in_transaction<T, F, W>(&self, work: F) -> Result<T, Error>
    where
        F: Fn(db::Tx) -> W,
        W: Future<Output = Result<Result<T, Error>, db::Error>>,
    {
        match db::transaction(&self.db, work).await {
            Err(error) if repo::is_taken(&error) => Err(Error::UsernameTaken),
            other => other?,
        }
    }
}

async fn is_last_administrator(tx: &db::Transaction, person: &repo::Person) -> Result<bool, db::Error> {
    let counts = person.user.enabled && repo::is_administrator(&person.role);
    Ok(counts && repo::administrators(tx, true).await? <= 1)
}
