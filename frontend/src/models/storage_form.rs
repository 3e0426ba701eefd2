//! A Storage Set as its form holds it: what was typed, before it is a request.

use contract::{
    Check, DEFAULT_REGION, Encryption, FieldError, MIN_BYTES_PER_SEC, StorageSet, StorageSetInput,
    StorageType,
};

const BYTES_PER_MB: f64 = 1_000_000.0;

#[derive(Clone, PartialEq, Eq)]
pub struct StorageForm {
    pub kind: StorageType,
    pub enabled: bool,
    pub title: String,
    pub client_id: String,
    /// Empty: the stored one stays.
    pub client_secret: String,
    pub region: String,
    pub endpoint: String,
    pub path_style: bool,
    pub storage_class: String,
    pub encryption: Encryption,
    pub kms_key_id: String,
    pub incremental: bool,
    pub tenant: String,
    /// MB/s as typed; empty for no limit.
    pub limit: String,
}

impl StorageForm {
    pub fn new(kind: StorageType) -> Self {
        StorageForm {
            kind,
            enabled: true,
            title: String::new(),
            client_id: String::new(),
            client_secret: String::new(),
            region: DEFAULT_REGION.into(),
            endpoint: String::new(),
            path_style: false,
            storage_class: String::new(),
            encryption: Encryption::None,
            kms_key_id: String::new(),
            incremental: true,
            tenant: String::new(),
            limit: String::new(),
        }
    }

    pub fn of(set: &StorageSet) -> Self {
        StorageForm {
            kind: set.kind,
            enabled: set.enabled,
            title: set.title.clone(),
            client_id: set.client_id.clone(),
            client_secret: String::new(),
            region: set.region.clone().unwrap_or_else(|| DEFAULT_REGION.into()),
            endpoint: set.endpoint.clone().unwrap_or_default(),
            path_style: set.path_style,
            storage_class: set.storage_class.clone().unwrap_or_default(),
            encryption: set.encryption,
            kms_key_id: set.kms_key_id.clone().unwrap_or_default(),
            incremental: set.incremental,
            tenant: set.tenant.clone().unwrap_or_default(),
            limit: set.max_bytes_per_sec.map(megabytes).unwrap_or_default(),
        }
    }

    /// Another type keeps the title and what else was said of any type. Keys belong to one provider alone.
    pub fn set_kind(&mut self, kind: StorageType) {
        if self.kind != kind {
            let fresh = StorageForm::new(kind);
            let title = std::mem::take(&mut self.title);
            let limit = std::mem::take(&mut self.limit);
            *self = StorageForm { title, limit, enabled: self.enabled, ..fresh };
        }
    }

    /// A service of one's own most often has its buckets in the path; as long as nobody said otherwise.
    pub fn set_endpoint(&mut self, endpoint: String) {
        if self.endpoint.trim().is_empty() != endpoint.trim().is_empty() {
            self.path_style = !endpoint.trim().is_empty();
        }
        self.endpoint = endpoint;
    }

    /// What stands under *Advanced* is not as usual, so it is shown.
    pub fn is_advanced(&self) -> bool {
        let usual = StorageForm::new(self.kind);
        self.storage_class != usual.storage_class
            || self.encryption != usual.encryption
            || self.incremental != usual.incremental
            || self.limit != usual.limit
    }

    /// The request. What is no number becomes 0, which the rules refuse.
    pub fn input(&self) -> StorageSetInput {
        let text = |text: &str| Some(text.trim().to_string()).filter(|t| !t.is_empty());
        let s3 = self.kind == StorageType::AmazonS3;
        let kms = s3 && self.encryption == Encryption::Kms;
        StorageSetInput {
            enabled: self.enabled,
            title: self.title.trim().into(),
            kind: self.kind,
            client_id: self.client_id.trim().into(),
            client_secret: text(&self.client_secret),
            authentication_code: None,
            region: text(&self.region).filter(|_| s3),
            endpoint: text(&self.endpoint).filter(|_| s3),
            path_style: s3 && self.path_style,
            storage_class: text(&self.storage_class).filter(|_| s3),
            encryption: if s3 { self.encryption } else { Encryption::None },
            kms_key_id: text(&self.kms_key_id).filter(|_| kms),
            incremental: !s3 || self.incremental,
            tenant: text(&self.tenant).filter(|_| self.kind == StorageType::OneDrive),
            max_bytes_per_sec: text(&self.limit).map(|t| bytes_per_sec(&t).unwrap_or(0)),
            confirm_other_account: false,
        }
    }

    /// The wire's rules, the limit in the unit that was typed, and what the wire leaves to the server: without a stored secret one is needed.
    pub fn mistakes(&self, secret_stored: bool) -> Vec<FieldError> {
        let mut errors = self.input().check();
        for error in &mut errors {
            if error.field == "max_bytes_per_sec" {
                let least = megabytes((MIN_BYTES_PER_SEC + 9_999) / 10_000 * 10_000);
                error.message = match two_readings(&self.limit) {
                    Some((large, small)) => {
                        format!("This can be read as {large} or as {small}: write one of the two.")
                    }
                    None => format!("Enter a number of at least {least} MB/s, or nothing for no limit."),
                };
            }
        }
        if !secret_stored && self.client_secret.trim().is_empty() {
            let message = format!("Enter the {}.", self.kind.client_secret_label());
            errors.push(FieldError::new("client_secret", "required", message));
        }
        errors
    }
}

/// `1,000` is a thousand to some and one to others: both, plainly written.
fn two_readings(typed: &str) -> Option<(String, String)> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (whole, rest) = typed.trim().split_once(',')?;
    // Nobody groups digits behind a nought.
    let grouped =
        digits(whole) && whole.len() <= 3 && !whole.starts_with('0') && digits(rest) && rest.len() == 3;
    grouped.then(|| {
        let fraction = rest.trim_end_matches('0');
        (
            format!("{whole}{rest}"),
            if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") },
        )
    })
}

/// `12.5` and `12,5` alike.
fn bytes_per_sec(typed: &str) -> Option<i64> {
    if two_readings(typed).is_some() {
        return None;
    }
    let number: f64 = typed.trim().replace(',', ".").parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number * BYTES_PER_MB).round().min(9e15) as i64)
}

fn megabytes(bytes_per_sec: i64) -> String {
    let text = format!("{:.6}", bytes_per_sec as f64 / BYTES_PER_MB);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(kind: StorageType) -> StorageForm {
        StorageForm {
            title: " Offsite ".into(),
            client_id: " id ".into(),
            client_secret: " secret ".into(),
            ..StorageForm::new(kind)
        }
    }

    #[test]
    fn every_type_needs_a_title_and_its_two_keys_alone() {
        for kind in StorageType::CLOUDS {
            let form = filled(kind);
            assert_eq!(form.mistakes(false), vec![], "{kind:?}");
            let input = form.input();
            assert_eq!((input.title.as_str(), input.client_id.as_str()), ("Offsite", "id"));
            assert_eq!(input.client_secret.as_deref(), Some("secret"));
            let without = StorageForm { client_secret: " ".into(), ..form };
            assert_eq!(without.mistakes(true), vec![], "the stored one stays");
            assert_eq!(without.input().client_secret, None);
            let errors = without.mistakes(false);
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].message, format!("Enter the {}.", kind.client_secret_label()));
        }
    }

    #[test]
    fn fields_of_other_types_are_not_sent() {
        let mut form = StorageForm {
            endpoint: "nonsense".into(),
            tenant: "a/b".into(),
            kms_key_id: "k".into(),
            ..filled(StorageType::Dropbox)
        };
        assert_eq!(form.mistakes(false), vec![]);
        form.kind = StorageType::AmazonS3;
        form.endpoint = String::new();
        assert_eq!(form.mistakes(false), vec![], "a KMS key that is out of sight is left out");
        form.kind = StorageType::OneDrive;
        assert_eq!(form.mistakes(false)[0].field, "tenant");
    }

    #[test]
    fn unchanged_parts_are_copied_unless_it_is_switched_off() {
        for kind in StorageType::CLOUDS {
            assert!(filled(kind).input().incremental);
            let off = StorageForm { incremental: false, ..filled(kind) };
            assert_eq!(off.input().incremental, kind != StorageType::AmazonS3);
            assert!(off.is_advanced(), "what is not as usual is shown");
        }
    }

    #[test]
    fn the_limit_is_typed_in_megabytes() {
        for (typed, bytes) in [
            ("", None),
            ("12.5", Some(12_500_000)),
            ("12,5", Some(12_500_000)),
            (" 1 ", Some(1_000_000)),
            ("fast", Some(0)),
            ("-1", Some(0)),
            ("inf", Some(0)),
        ] {
            let form = StorageForm { limit: typed.into(), ..filled(StorageType::AmazonS3) };
            assert_eq!(form.input().max_bytes_per_sec, bytes, "{typed:?}");
        }
        for (bytes, text) in [(12_500_000, "12.5"), (1_000_000, "1"), (110_000, "0.11"), (102_400, "0.1024")]
        {
            assert_eq!(megabytes(bytes), text);
            assert_eq!(bytes_per_sec(text), Some(bytes));
        }
        let slow = StorageForm { limit: "0.05".into(), ..filled(StorageType::AmazonS3) }.mistakes(false);
        assert_eq!(slow[0].message, "Enter a number of at least 0.11 MB/s, or nothing for no limit.");
        let least = StorageForm { limit: "0.11".into(), ..filled(StorageType::AmazonS3) };
        assert_eq!(least.mistakes(false), vec![]);
    }

    #[test]
    fn a_number_that_can_be_read_in_two_ways_is_not_guessed_at() {
        for (typed, message) in [
            ("1,000", "This can be read as 1000 or as 1: write one of the two."),
            ("12,500", "This can be read as 12500 or as 12.5: write one of the two."),
            ("1,000,000", "Enter a number of at least 0.11 MB/s, or nothing for no limit."),
            ("1,000.5", "Enter a number of at least 0.11 MB/s, or nothing for no limit."),
        ] {
            let form = StorageForm { limit: typed.into(), ..filled(StorageType::AmazonS3) };
            let mistakes = form.mistakes(false);
            assert_eq!(mistakes.iter().map(|e| e.message.as_str()).collect::<Vec<_>>(), [message], "{typed}");
        }
        for (typed, bytes) in
            [("0,125", 125_000), ("1000", 1_000_000_000), ("1,0", 1_000_000), ("1.234", 1_234_000)]
        {
            assert_eq!(bytes_per_sec(typed), Some(bytes), "{typed}");
        }
    }

    #[test]
    fn an_endpoint_brings_the_bucket_into_the_path_until_somebody_says_otherwise() {
        let mut form = filled(StorageType::AmazonS3);
        form.set_endpoint("h".into());
        assert!(form.path_style);
        form.path_style = false;
        form.set_endpoint("https://minio.example".into());
        assert!(!form.path_style);
        form.set_endpoint(String::new());
        assert!(!form.path_style);
    }

    #[test]
    fn another_type_keeps_the_title_and_drops_the_keys() {
        let mut form = filled(StorageType::AmazonS3);
        form.limit = "5".into();
        form.set_kind(StorageType::AmazonS3);
        assert_eq!(form.client_id, " id ");
        form.set_kind(StorageType::Dropbox);
        assert_eq!((form.title.as_str(), form.limit.as_str()), (" Offsite ", "5"));
        assert!(form.client_id.is_empty() && form.client_secret.is_empty());
    }
}
