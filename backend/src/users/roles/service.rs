use super::repo;
use crate::db::{self, Db};
use crate::users::Error;
use crate::users::repo::{is_taken, lock};
use contract::{Grants, PageArgs, Role, RoleInput, RolePage};

/// The sets of resources that users can be given.
#[derive(Clone)]
pub struct RolesService {
    db: Db,
}

/// Refused when the role holds something that the acting user does not: nobody raises themselves through others.
pub fn within(actor: &Grants, role: &repo::Role) -> Result<(), Error> {
    all_held(actor, &Grants::from_scope(&role.resources))
}

fn all_held(actor: &Grants, wanted: &Grants) -> Result<(), Error> {
    match wanted.iter().find_map(|resource| actor.missing(resource)) {
        Some(missing) => Err(Error::BeyondOwnRights(missing)),
        None => Ok(()),
    }
}

fn checked(input: &RoleInput) -> Result<(String, Grants), Error> {
    let name = input.name.trim();
    if name.is_empty() {
        return Err(Error::RoleNameBlank);
    }
    let grants: Grants = input.resources.iter().copied().collect();
    for nested in grants.iter() {
        if let Some(parent) = grants.missing(nested) {
            return Err(Error::ParentMissing { nested, parent });
        }
    }
    Ok((name.to_owned(), grants))
}

fn convert(role: repo::Role, users: i64) -> Role {
    Role {
        id: role.id,
        resources: Grants::from_scope(&role.resources).iter().collect(),
        name: role.name,
        built_in: role.built_in,
        users,
        revision: role.revision,
    }
}

impl RolesService {
    pub fn new(db: Db) -> Self {
        RolesService { db }
    }

    pub async fn list(&self, page: PageArgs, descending: bool) -> Result<RolePage, Error> {
        let (roles, total) =
            repo::list(&self.db, descending, (page.offset(), u64::from(page.per_page))).await?;
        let users = repo::users_by_role(&self.db).await?;
        let items = roles.into_iter().map(|role| {
            let count = users.get(&role.id).copied().unwrap_or(0);
            convert(role, count)
        });
        Ok(RolePage { items: items.collect(), page: page.page, per_page: page.per_page, total })
    }

    pub async fn get(&self, id: i64) -> Result<Role, Error> {
        let role = repo::find(&self.db, id).await?.ok_or(Error::RoleNotFound(id))?;
        let users = repo::users_of(&self.db, id).await?;
        Ok(convert(role, users))
    }

    pub async fn create(&self, actor: &Grants, input: &RoleInput) -> Result<Role, Error> {
        let (name, grants) = checked(input)?;
        all_held(actor, &grants)?;
        let id = self
            .in_transaction(|tx| {
                let (name, scope) = (name.clone(), grants.to_scope());
                async move {
                    lock(&*tx).await?;
                    repo::insert(&*tx, &name, &scope).await.map(Ok)
                }
            })
            .await?;
        self.get(id).await
    }

    /// Bites at once for everybody who has the role.
    pub async fn update(
        &self,
        actor: &Grants,
        id: i64,
        input: &RoleInput,
        expected: Option<i64>,
    ) -> Result<Role, Error> {
        let (name, grants) = checked(input)?;
        all_held(actor, &grants)?;
        self.in_transaction(|tx| {
            let (actor, name, scope) = (actor.clone(), name.clone(), grants.to_scope());
            async move {
                lock(&*tx).await?;
                let role = match own(&tx, &actor, id).await? {
                    Ok(role) => role,
                    Err(refused) => return Ok(Err(refused)),
                };
                if expected.is_some_and(|revision| revision != role.revision) {
                    return Ok(Err(Error::Changed));
                }
                repo::update(&*tx, role, &name, &scope).await.map(Ok)
            }
        })
        .await?;
        self.get(id).await
    }

    pub async fn delete(&self, actor: &Grants, id: i64) -> Result<(), Error> {
        self.in_transaction(|tx| {
            let actor = actor.clone();
            async move {
                lock(&*tx).await?;
                if let Err(refused) = own(&tx, &actor, id).await? {
                    return Ok(Err(refused));
                }
                match repo::users_of(&*tx, id).await? {
                    0 => repo::delete(&*tx, id).await.map(Ok),
                    users => Ok(Err(Error::RoleInUse(users))),
                }
            }
        })
        .await
    }

    async fn in_transaction<T, F, W>(&self, work: F) -> Result<T, Error>
    where
        F: Fn(db::Tx) -> W,
        W: Future<Output = Result<Result<T, Error>, db::Error>>,
    {
        match db::transaction(&self.db, work).await {
            Err(error) if is_taken(&error) => Err(Error::RoleNameTaken),
            other => other?,
        }
    }
}

/// A role that this user may change: it exists, is not built in, and holds nothing beyond their own rights.
async fn own(tx: &db::Transaction, actor: &Grants, id: i64) -> Result<Result<repo::Role, Error>, db::Error> {
    Ok(match repo::find(tx, id).await? {
        None => Err(Error::RoleNotFound(id)),
        Some(role) if role.built_in => Err(Error::BuiltIn),
        Some(role) => within(actor, &role).map(|()| role),
    })
}
