//! Links to accounts: a linking under way, and the tokens it ended in.

use crate::db::Db;
use crate::entity::storages::{self, ActiveModel, Column, Entity};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set as To, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
};

/// A linking that begins. One that was under way before is over with it.
#[derive(Debug, Clone)]
pub struct Begin<'a> {
    pub state_hash: &'a str,
    pub verifier_enc: &'a str,
    pub expires_at: DateTime<Utc>,
    pub user_id: i64,
    pub user_version: i64,
    pub redirect_uri: &'a str,
    pub confirmed: bool,
}

/// A new link. `generation` is one more than the row has.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    pub tokens: Tokens,
    pub account: String,
    pub account_id: String,
    pub generation: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    pub access_token_enc: String,
    pub access_token_expires_at: DateTime<Utc>,
    pub refresh_token_enc: String,
}

/// False when there is no such row.
pub async fn begin(db: &Db, id: i64, begin: &Begin<'_>) -> Result<bool, DbErr> {
    let changed = Entity::update_many()
        .col_expr(Column::LinkStateHash, Expr::value(begin.state_hash))
        .col_expr(Column::LinkVerifierEnc, Expr::value(begin.verifier_enc))
        .col_expr(Column::LinkExpiresAt, Expr::value(begin.expires_at))
        .col_expr(Column::LinkUserId, Expr::value(begin.user_id))
        .col_expr(Column::LinkUserVersion, Expr::value(begin.user_version))
        .col_expr(Column::LinkRedirectUri, Expr::value(begin.redirect_uri))
        .col_expr(Column::LinkConfirmed, Expr::value(begin.confirmed))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// The row whose linking has this state. It is found once: of two who ask at the same time, one gets it. The rest of the linking stays, so
/// that a code can still be entered by hand.
pub async fn take_state(db: &Db, state_hash: &str) -> Result<Option<storages::Model>, DbErr> {
    let Some(row) = Entity::find().filter(Column::LinkStateHash.eq(state_hash)).one(db).await? else {
        return Ok(None);
    };
    let changed = Entity::update_many()
        .col_expr(Column::LinkStateHash, Expr::value(None::<String>))
        .filter(Column::Id.eq(row.id))
        .filter(Column::LinkStateHash.eq(state_hash))
        .exec(db)
        .await?;
    Ok((changed.rows_affected == 1).then_some(row))
}

/// False when it was linked meanwhile, or is gone.
pub async fn finish(db: &Db, id: i64, linked: &Linked, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let mut model = ActiveModel::default();
    set_link(&mut model, linked, now);
    let changed = Entity::update_many()
        .set(model)
        .filter(Column::Id.eq(id))
        .filter(Column::LinkGeneration.eq(linked.generation - 1))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// What a new link sets. The linking is over.
pub fn set_link(model: &mut ActiveModel, linked: &Linked, now: DateTime<Utc>) {
    model.access_token_enc = To(Some(linked.tokens.access_token_enc.clone()));
    model.access_token_expires_at = To(Some(linked.tokens.access_token_expires_at));
    model.refresh_token_enc = To(Some(linked.tokens.refresh_token_enc.clone()));
    model.account = To(Some(linked.account.clone()));
    model.account_id = To(Some(linked.account_id.clone()));
    model.linked = To(true);
    model.oauth_error_notify_mess = To(None);
    model.linked_at = To(Some(now));
    model.link_generation = To(linked.generation);
    end_linking(model);
}

/// The grant belonged to another app; the account stays known.
pub fn drop_link(model: &mut ActiveModel) {
    model.access_token_enc = To(None);
    model.access_token_expires_at = To(None);
    model.refresh_token_enc = To(None);
    model.linked = To(false);
    model.oauth_error_notify_mess = To(None);
    end_linking(model);
}

/// Whatever comes of a linking that is under way comes too late.
pub fn end_linking(model: &mut ActiveModel) {
    model.link_state_hash = To(None);
    model.link_verifier_enc = To(None);
    model.link_expires_at = To(None);
    model.link_user_id = To(None);
    model.link_user_version = To(None);
    model.link_redirect_uri = To(None);
    model.link_confirmed = To(false);
}

pub async fn raise_generation(db: &impl ConnectionTrait, id: i64) -> Result<(), DbErr> {
    let raise = Entity::update_many()
        .col_expr(Column::LinkGeneration, Expr::col(Column::LinkGeneration).add(1))
        .filter(Column::Id.eq(id));
    raise.exec(db).await.map(|_| ())
}

/// Stores what a refresh gave. False, and nothing is stored, when the account was linked again since, or is not linked any more.
pub async fn save_tokens(db: &Db, id: i64, generation: i64, tokens: &Tokens) -> Result<bool, DbErr> {
    let changed = Entity::update_many()
        .col_expr(Column::AccessTokenEnc, Expr::value(tokens.access_token_enc.as_str()))
        .col_expr(Column::AccessTokenExpiresAt, Expr::value(tokens.access_token_expires_at))
        .col_expr(Column::RefreshTokenEnc, Expr::value(tokens.refresh_token_enc.as_str()))
        .filter(Column::Id.eq(id))
        .filter(Column::LinkGeneration.eq(generation))
        .filter(Column::Linked.eq(true))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes why the link of this generation does not work, or that it does. False when it is another one by now.
pub async fn note_error(db: &Db, id: i64, generation: i64, message: Option<&str>) -> Result<bool, DbErr> {
    let changed = Entity::update_many()
        .col_expr(Column::OauthErrorNotifyMess, Expr::value(message.map(ToOwned::to_owned)))
        .filter(Column::Id.eq(id))
        .filter(Column::LinkGeneration.eq(generation))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
