//! Between the wire, the database and the drivers.

use super::clouds::{CloudSettings, S3Encryption, S3Settings};
use super::repo::{Content, Row};
use super::vault::Vault;
use crate::db;
use crate::wire;
use contract::{
    DEFAULT_REGION, Encryption, StorageOption, StorageSet, StorageSetInput, StorageState, StorageType,
    StorageWarning, UsedBy, filled, is_insecure_endpoint,
};
use engine::storage::{Secret, StorageKind};

/// What of the input is stored; fields of other types are left out.
pub fn content(input: &StorageSetInput) -> Content {
    let text = |text: &Option<String>| filled(text.as_deref()).map(ToOwned::to_owned);
    let s3 = input.kind == StorageType::AmazonS3;
    let encryption = if s3 { input.encryption } else { Encryption::None };
    Content {
        enabled: input.enabled,
        title: input.title.trim().to_owned(),
        kind: wire::name(input.kind),
        client_id: input.client_id.trim().to_owned(),
        region: s3.then(|| text(&input.region).unwrap_or_else(|| DEFAULT_REGION.to_owned())),
        endpoint: text(&input.endpoint).filter(|_| s3),
        path_style: s3 && input.path_style,
        storage_class: text(&input.storage_class).filter(|_| s3),
        encryption: wire::name(encryption),
        kms_key_id: text(&input.kms_key_id).filter(|_| encryption == Encryption::Kms),
        incremental: !s3 || input.incremental,
        tenant: text(&input.tenant).filter(|_| input.kind == StorageType::OneDrive),
        max_bytes_per_sec: input.max_bytes_per_sec,
    }
}

/// What of a row is shown, given where providers send browsers and which Backup Sets use it.
pub fn storage_set(
    row: Row,
    vault: &Vault,
    redirect_uri: &str,
    used_by: Vec<(i64, String)>,
) -> Result<StorageSet, db::Error> {
    let kind: StorageType = wire::parse(&row.kind)?;
    let state = state(&row, kind, vault);
    let warnings = warnings(&row, kind, state);
    Ok(StorageSet {
        id: row.id,
        enabled: row.enabled,
        title: row.title,
        kind,
        client_id: row.client_id,
        client_secret_set: row.client_secret_enc.is_some(),
        region: row.region,
        endpoint: row.endpoint,
        path_style: row.path_style,
        storage_class: row.storage_class,
        encryption: wire::parse(&row.encryption)?,
        kms_key_id: row.kms_key_id,
        incremental: row.incremental,
        tenant: row.tenant,
        max_bytes_per_sec: row.max_bytes_per_sec,
        account: row.account,
        linked: is_linked(state),
        linked_at: row.linked_at,
        state,
        oauth_error_notify_mess: row.oauth_error_notify_mess,
        redirect_uri: kind.is_linked_by_consent().then(|| redirect_uri.to_owned()),
        used_by: used_by.into_iter().map(|(id, title)| UsedBy { id, title }).collect(),
        warnings,
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

pub fn option(row: Row, vault: &Vault) -> Result<StorageOption, db::Error> {
    let kind = wire::parse(&row.kind)?;
    let state = state(&row, kind, vault);
    let linked = is_linked(state);
    Ok(StorageOption { id: row.id, title: row.title, kind, enabled: row.enabled, linked, state })
}

fn is_linked(state: StorageState) -> bool {
    matches!(state, StorageState::Ready | StorageState::NeedsRelink)
}

pub fn state(row: &Row, kind: StorageType, vault: &Vault) -> StorageState {
    if !vault.reads(row) {
        StorageState::CredentialsUnreadable
    } else if row.client_secret_enc.is_none() {
        StorageState::Incomplete
    } else if !kind.is_linked_by_consent() {
        StorageState::Ready
    } else if !row.linked || row.refresh_token_enc.is_none() {
        StorageState::NotLinked
    } else if row.oauth_error_notify_mess.is_some() {
        StorageState::NeedsRelink
    } else {
        StorageState::Ready
    }
}

/// What an administrator should know of a Storage Set as it is.
fn warnings(row: &Row, kind: StorageType, state: StorageState) -> Vec<StorageWarning> {
    let mut warnings: Vec<_> = insecure(row).into_iter().collect();
    if kind == StorageType::GoogleDrive && !matches!(state, StorageState::Ready) {
        warnings.push(google_testing_mode());
    }
    warnings
}

/// The endpoint is plain http, beyond this machine.
pub fn insecure(row: &Row) -> Option<StorageWarning> {
    let insecure = row.endpoint.as_deref().is_some_and(is_insecure_endpoint);
    let text = "The endpoint is not https: copies, with customers' data in them, travel in clear. Use it in a network that you trust only.";
    insecure.then(|| warning("insecure_endpoint", text))
}

pub fn google_testing_mode() -> StorageWarning {
    let text = "While your Google app is in testing mode, every link ends after 7 days. Publish the app (In production) in the Google Cloud \
                console before you link; the permission that Storekeep asks for needs no verification.";
    warning("google_testing_mode", text)
}

pub fn warning(code: &str, message: impl Into<String>) -> StorageWarning {
    StorageWarning { code: code.into(), message: message.into() }
}

/// What a driver needs of a row.
pub fn settings(row: &Row, kind: StorageKind, client_secret: Secret) -> CloudSettings {
    let encryption = match row.encryption.as_str() {
        "aes256" => Some(S3Encryption::Aes256),
        "kms" => Some(S3Encryption::Kms(row.kms_key_id.clone())),
        _ => None,
    };
    CloudSettings {
        kind,
        client_id: row.client_id.clone(),
        client_secret,
        tenant: row.tenant.clone(),
        s3: S3Settings {
            region: row.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            endpoint: row.endpoint.clone(),
            path_style: row.path_style,
            storage_class: row.storage_class.clone(),
            encryption,
            incremental: row.incremental,
        },
    }
}
