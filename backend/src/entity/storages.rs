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
    pub storage_class: Option<String>,
    pub encryption: String,
    pub kms_key_id: Option<String>,
    pub incremental: bool,
    pub tenant: Option<String>,
    pub max_bytes_per_sec: Option<i64>,
    /// For people; it may change.
    pub account: Option<String>,
    /// As the provider calls the account, whatever its name.
    pub account_id: Option<String>,
    pub linked: bool,
    pub linked_at: Option<DateTimeUtc>,
    /// Counts the times it was linked.
    pub link_generation: i64,
    pub oauth_error_notify_mess: Option<String>,
    pub link_state_hash: Option<String>,
    pub link_verifier_enc: Option<String>,
    pub link_expires_at: Option<DateTimeUtc>,
    /// Who asked for the linking under way, and what was issued to them up to then.
    pub link_user_id: Option<i64>,
    pub link_user_version: Option<i64>,
    pub link_redirect_uri: Option<String>,
    /// Another account than the one before was agreed to.
    pub link_confirmed: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
