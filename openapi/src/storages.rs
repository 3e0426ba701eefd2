//! Storage Sets: the credentials of cloud destinations, shared by Backup Sets.

use crate::auth::opaque_debug;
use crate::check::{self, Check};
use crate::logs::StorageType;
use crate::page::page_of;
use crate::problem::FieldError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use validator::Validate;

pub const DEFAULT_REGION: &str = "us-east-1";
/// Slower uploads would run into the time limits of requests.
pub const MIN_BYTES_PER_SEC: i64 = 100 * 1024;

impl StorageType {
    /// Those that a Storage Set can be of.
    pub const CLOUDS: [StorageType; 4] =
        [StorageType::GoogleDrive, StorageType::OneDrive, StorageType::Dropbox, StorageType::AmazonS3];

    /// Whether an account is linked by consent, in the provider's own pages.
    pub const fn is_linked_by_consent(self) -> bool {
        matches!(self, StorageType::GoogleDrive | StorageType::OneDrive | StorageType::Dropbox)
    }

    /// What the provider calls `client_id`.
    pub const fn client_id_label(self) -> &'static str {
        match self {
            StorageType::Dropbox => "App key",
            StorageType::AmazonS3 => "Access key ID",
            _ => "Client ID",
        }
    }

    /// What the provider calls `client_secret`.
    pub const fn client_secret_label(self) -> &'static str {
        match self {
            StorageType::Dropbox => "App secret",
            StorageType::AmazonS3 => "Secret access key",
            _ => "Client secret",
        }
    }
}

/// How Amazon S3 encrypts what it stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// As the bucket is set up.
    #[default]
    None,
    Aes256,
    Kms,
}

/// Whether a Storage Set can be used, and if not, what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StorageState {
    Ready,
    /// The secret is missing.
    Incomplete,
    /// No account is linked yet.
    NotLinked,
    /// The provider has ended the link; `oauth_error_notify_mess` says why.
    NeedsRelink,
    /// The encryption key of the server has changed: enter the secret again, and link the account again.
    CredentialsUnreadable,
}

/// What an administrator should know before it matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageWarning {
    /// Stable: `insecure_endpoint`, `google_testing_mode`, `redirect_not_https`, `client_changed`, `other_account`, `place_changed`.
    pub code: String,
    pub message: String,
}

/// A Backup Set that sends its copies there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UsedBy {
    pub id: i64,
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageSet {
    pub id: i64,
    pub enabled: bool,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: StorageType,
    /// Client ID; App key of Dropbox, Access key ID of Amazon S3.
    pub client_id: String,
    /// The secret itself is never given out.
    pub client_secret_set: bool,
    /// Amazon S3 alone, as the next six.
    pub region: Option<String>,
    /// Null for Amazon itself.
    pub endpoint: Option<String>,
    /// The bucket stands in the path of URLs, not in the host name.
    pub path_style: bool,
    pub storage_class: Option<String>,
    pub encryption: Encryption,
    pub kms_key_id: Option<String>,
    /// What an earlier copy there holds as well is copied on the server instead of being sent again.
    pub incremental: bool,
    /// OneDrive alone: the directory whose accounts may be linked; null for every kind of account.
    pub tenant: Option<String>,
    /// Uploads to this destination together are not faster than this.
    pub max_bytes_per_sec: Option<i64>,
    /// Who it is linked to.
    pub account: Option<String>,
    /// It has what it needs to be used; for Amazon S3: its secret is set.
    pub linked: bool,
    pub linked_at: Option<DateTime<Utc>>,
    pub state: StorageState,
    /// Why the link does not work any more; null while it does.
    pub oauth_error_notify_mess: Option<String>,
    /// To be registered at the provider, byte for byte; null for Amazon S3.
    pub redirect_uri: Option<String>,
    pub used_by: Vec<UsedBy>,
    pub warnings: Vec<StorageWarning>,
    /// Changes with every save; the `ETag` of this row.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

page_of!(StorageSetPage, StorageSet);

/// What an administrator enters. Fields that another type needs are ignored.
#[derive(Clone, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StorageSetInput {
    #[serde(default = "yes")]
    pub enabled: bool,
    #[validate(custom(function = "title_rule"))]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 120))]
    pub title: String,
    /// Not `local`. It stays what it was when the Storage Set was made.
    #[serde(rename = "type")]
    pub kind: StorageType,
    /// Client ID; App key of Dropbox, Access key ID of Amazon S3.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 500))]
    pub client_id: String,
    /// Required for a new Storage Set; left out or empty, the stored one stays.
    #[validate(length(max = 4000, message = "Use at most 4000 characters."))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 4000))]
    pub client_secret: Option<String>,
    /// The code of the consent page (or the whole address that the browser was sent to): it is exchanged at once.
    #[validate(length(max = 8000, message = "Use at most 8000 characters."))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 8000))]
    pub authentication_code: Option<String>,
    /// `us-east-1` when left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 64))]
    pub region: Option<String>,
    /// Of a service that speaks S3: `https://…`; `http://…` in a private network, at the price that data travel in clear.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub endpoint: Option<String>,
    #[serde(default)]
    pub path_style: bool,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 64))]
    pub storage_class: Option<String>,
    #[serde(default)]
    pub encryption: Encryption,
    /// With `kms`; the account's own key when left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 512))]
    pub kms_key_id: Option<String>,
    /// Copies on the server what an earlier copy there holds as well, instead of sending it again; where the server cannot, all is sent.
    #[serde(default = "yes")]
    pub incremental: bool,
    /// A tenant's id or domain, `organizations` or `consumers`; every kind of account when left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_length = 255))]
    pub tenant: Option<String>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(minimum = 102_400, maximum = 1_000_000_000_000_i64))]
    pub max_bytes_per_sec: Option<i64>,
    /// Agrees to what is refused with `other_account` otherwise: older copies stay where they are, but out of sight and out of retention.
    #[serde(default)]
    pub confirm_other_account: bool,
}

opaque_debug!(StorageSetInput);

fn yes() -> bool {
    true
}

/// What the form of Backup Sets has to know of a Storage Set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageOption {
    pub id: i64,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: StorageType,
    pub enabled: bool,
    pub linked: bool,
    pub state: StorageState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StorageOptions {
    pub items: Vec<StorageOption>,
    /// To be registered at a provider, byte for byte, before a Storage Set is made.
    pub redirect_uri: String,
}

fn title_rule(title: &str) -> Result<(), validator::ValidationError> {
    if title.trim().is_empty() {
        return Err(check::error("required", "Give the Storage Set a title."));
    }
    if title.chars().count() > 120 {
        return Err(check::error("length", "Use at most 120 characters."));
    }
    if title.chars().any(char::is_control) {
        return Err(check::error("format", "Leave out line breaks and control characters."));
    }
    Ok(())
}

/// The text of an optional field: empty means the same as none.
pub fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|t| !t.is_empty())
}

impl Check for StorageSetInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.validate().err().map(|e| check::flatten(&e)).unwrap_or_default();
        let mut add = |field: &str, code: &str, message: String| {
            errors.push(FieldError::new(field, code, message));
        };
        let id = self.client_id.trim();
        if self.kind == StorageType::Local {
            add("type", "unknown", "Choose Google Drive, OneDrive, Dropbox or Amazon S3.".into());
        } else if id.is_empty() {
            add("client_id", "required", format!("Enter the {}.", self.kind.client_id_label()));
        } else if id.len() > 500 || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            let label = self.kind.client_id_label();
            add("client_id", "format", format!("Copy the {label} whole and without spaces."));
        }
        if filled(self.client_secret.as_deref()).is_some_and(|s| s.chars().any(char::is_control)) {
            let label = self.kind.client_secret_label();
            add("client_secret", "format", format!("Copy the {label} without line breaks."));
        }
        if filled(self.authentication_code.as_deref()).is_some() && !self.kind.is_linked_by_consent() {
            add("authentication_code", "conflict", "Amazon S3 needs no authentication code.".into());
        }
        if self.max_bytes_per_sec.is_some_and(|n| !(MIN_BYTES_PER_SEC..=1_000_000_000_000).contains(&n)) {
            add("max_bytes_per_sec", "range", "Allow at least 102400 bytes (100 KiB) a second.".into());
        }
        match self.kind {
            StorageType::AmazonS3 => self.check_s3(&mut errors),
            StorageType::OneDrive => self.check_tenant(&mut errors),
            _ => {}
        }
        errors
    }
}

impl StorageSetInput {
    fn check_s3(&self, errors: &mut Vec<FieldError>) {
        let word = |text: &str, extra: &[char]| {
            text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
        };
        if filled(self.region.as_deref()).is_some_and(|r| !word(r, &['-', '_'])) {
            let message = "Write the region as the service calls it, such as us-east-1.";
            errors.push(FieldError::new("region", "format", message));
        }
        if let Some(problem) = filled(self.endpoint.as_deref()).and_then(endpoint_error) {
            errors.push(FieldError::new("endpoint", "format", problem));
        }
        if filled(self.storage_class.as_deref()).is_some_and(|c| !word(c, &['_'])) {
            let message = "Write the storage class as Amazon does, such as STANDARD_IA.";
            errors.push(FieldError::new("storage_class", "format", message));
        }
        if let Some(key) = filled(self.kms_key_id.as_deref()) {
            if self.encryption != Encryption::Kms {
                let message =
                    "A KMS key is for the encryption `kms` only; choose that, or leave the key out.";
                errors.push(FieldError::new("kms_key_id", "conflict", message));
            } else if key.len() > 512 || !key.chars().all(|c| c.is_ascii_graphic()) {
                errors.push(FieldError::new(
                    "kms_key_id",
                    "format",
                    "Copy the key's id or ARN without spaces.",
                ));
            }
        }
    }

    fn check_tenant(&self, errors: &mut Vec<FieldError>) {
        let Some(tenant) = filled(self.tenant.as_deref()) else { return };
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if tenant.len() > 255 || !tenant.chars().all(fine) || tenant.starts_with('.') {
            let message = "Use the tenant's id or domain, `organizations` or `consumers`.";
            errors.push(FieldError::new("tenant", "format", message));
        }
    }
}

/// `http://` is for services in a private network (a MinIO in the next room); the answer then warns.
fn endpoint_error(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Some("Write the endpoint as https://host, or http://host in a private network.");
    };
    let host = rest.split('/').next().unwrap_or_default();
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    if host.is_empty() || host.starts_with(':') || text.len() > 500 || !text.chars().all(plain) {
        return Some("Write the endpoint as https://host or https://host:port.");
    }
    if text.contains(['?', '#', '@']) {
        return Some("Leave out user names, passwords and parameters; the keys have fields of their own.");
    }
    None
}

/// True for an endpoint to which everything travels in clear.
pub fn is_insecure_endpoint(endpoint: &str) -> bool {
    let Some(rest) = endpoint.strip_prefix("http://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    !(host == "localhost" || host == "::1" || is_loopback_v4(host))
}

fn is_loopback_v4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: StorageType) -> StorageSetInput {
        StorageSetInput {
            enabled: true,
            title: "Offsite".into(),
            kind,
            client_id: "AKIA".into(),
            client_secret: Some("hunter2".into()),
            authentication_code: None,
            region: None,
            endpoint: None,
            path_style: false,
            storage_class: None,
            encryption: Encryption::None,
            kms_key_id: None,
            incremental: true,
            tenant: None,
            max_bytes_per_sec: None,
            confirm_other_account: false,
        }
    }

    fn codes(input: &StorageSetInput) -> Vec<(String, String)> {
        input.check().into_iter().map(|e| (e.field, e.code)).collect()
    }

    #[test]
    fn every_type_asks_for_what_it_needs_in_the_words_of_its_provider() {
        for kind in StorageType::CLOUDS {
            assert_eq!(codes(&input(kind)), vec![]);
            let errors = StorageSetInput { client_id: "  ".into(), ..input(kind) }.check();
            assert_eq!(errors[0].message, format!("Enter the {}.", kind.client_id_label()));
        }
        assert_eq!(codes(&input(StorageType::Local))[0].0, "type");
    }

    #[test]
    fn endpoints_are_urls_without_secrets() {
        let s3 = |endpoint: &str| StorageSetInput {
            endpoint: Some(endpoint.into()),
            ..input(StorageType::AmazonS3)
        };
        for fine in [
            "",
            "https://s3.example.org",
            "http://10.0.0.5:9000",
            "https://x.example/storage/v1/s3",
            "http://[::1]:3900",
        ] {
            assert_eq!(codes(&s3(fine)), vec![], "{fine}");
        }
        for wrong in [
            "s3.example.org",
            "ftp://x",
            "https://",
            "https://u:p@x",
            "https://x?a=b",
            "https://x y",
            "https://x#f",
        ] {
            assert_eq!(codes(&s3(wrong)), vec![("endpoint".to_string(), "format".to_string())], "{wrong}");
        }
        // Of the other types the endpoint means nothing.
        let drive = StorageSetInput { endpoint: Some("x".into()), ..input(StorageType::GoogleDrive) };
        assert_eq!(codes(&drive), vec![]);
    }

    #[test]
    fn plain_http_is_insecure_unless_it_stays_on_the_machine() {
        for (endpoint, insecure) in [
            ("https://s3.example.org", false),
            ("http://127.0.0.1:3900", false),
            ("http://localhost", false),
            ("http://[::1]:3900/x", false),
            ("http://10.0.0.5:9000", true),
            ("http://localhost.example.org", true),
            ("http://127.0.0.1.example.org", true),
        ] {
            assert_eq!(is_insecure_endpoint(endpoint), insecure, "{endpoint}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_field() {
        let s3 = input(StorageType::AmazonS3);
        let cases = [
            (StorageSetInput { title: " ".into(), ..s3.clone() }, "title"),
            (StorageSetInput { title: "x".repeat(121), ..s3.clone() }, "title"),
            (StorageSetInput { client_id: "a b".into(), ..s3.clone() }, "client_id"),
            (StorageSetInput { client_secret: Some("a\nb".into()), ..s3.clone() }, "client_secret"),
            (StorageSetInput { region: Some("eu west".into()), ..s3.clone() }, "region"),
            (StorageSetInput { storage_class: Some("a b".into()), ..s3.clone() }, "storage_class"),
            (StorageSetInput { kms_key_id: Some("k".into()), ..s3.clone() }, "kms_key_id"),
            (StorageSetInput { authentication_code: Some("c".into()), ..s3.clone() }, "authentication_code"),
            (StorageSetInput { max_bytes_per_sec: Some(1000), ..s3.clone() }, "max_bytes_per_sec"),
            (StorageSetInput { tenant: Some("a/b".into()), ..input(StorageType::OneDrive) }, "tenant"),
        ];
        for (input, field) in cases {
            let found = codes(&input);
            assert_eq!(found.len(), 1, "{field}: {found:?}");
            assert_eq!(found[0].0, field);
        }
    }
}
