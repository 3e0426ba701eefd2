//! Storage Sets. `…_enc` is ciphertext.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "storages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub enabled: bool,
    pub title: String,
    pub title_key: String,
    #[sea_orm(column_name = "type")]
    pub kind: String,
    pub client_id: String,
    pub client_secret_enc: Option<String>,
    pub access_token_enc: Option<String>,
    pub access_token_expires_at: Option<DateTimeUtc>,
    pub refresh_token_enc: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    pub path_style: bool,
    pub account: Option<String>,
    pub linked: bool,
    pub oauth_error_notify_mess: Option<String>,
    pub link_state_hash: Option<String>,
    pub link_verifier_enc: Option<String>,
    pub link_expires_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
