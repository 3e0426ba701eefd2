//! Storage Sets in words: their types, the state they are in and what to do about it.

use super::format;
use super::words::{Tone, storage_type};
use contract::{
    StorageOption, StorageSet, StorageState, StorageTestReport, StorageTestStep, StorageType, StorageWarning,
};

/// What a type is good for, on the card that chooses it.
pub fn about(kind: StorageType) -> &'static str {
    match kind {
        StorageType::Local => "",
        StorageType::GoogleDrive => "A Google account. Storekeep sees only what it stored itself.",
        StorageType::OneDrive => "A Microsoft account, personal or of an organisation.",
        StorageType::Dropbox => "A Dropbox account, through an app of your own.",
        StorageType::AmazonS3 => "A bucket at Amazon, or at any service that speaks S3.",
    }
}

/// Who keeps the account, as one says it.
pub fn provider(kind: StorageType) -> &'static str {
    match kind {
        StorageType::GoogleDrive => "Google",
        StorageType::OneDrive => "Microsoft",
        other => storage_type(other),
    }
}

pub fn state(state: StorageState) -> (Tone, &'static str) {
    match state {
        StorageState::Ready => (Tone::Good, "Ready"),
        StorageState::Incomplete => (Tone::Warn, "Incomplete"),
        StorageState::NotLinked => (Tone::Warn, "Not linked"),
        StorageState::NeedsRelink => (Tone::Bad, "Link ended"),
        StorageState::CredentialsUnreadable => (Tone::Bad, "Keys unreadable"),
    }
}

/// What is wrong and what to do about it; `None` while nothing is.
pub fn remedy(set: &StorageSet) -> Option<(Tone, String, String)> {
    let (id, secret) = (set.kind.client_id_label(), set.kind.client_secret_label());
    let told = set.oauth_error_notify_mess.clone();
    match set.state {
        StorageState::Ready => told.map(|text| (Tone::Warn, "The last call was refused".into(), text)),
        StorageState::Incomplete => Some((
            Tone::Warn,
            format!("The {secret} is missing"),
            format!("Enter the {secret} that belongs to the {id}, and save."),
        )),
        StorageState::NotLinked => Some((
            Tone::Info,
            "No account is linked yet".into(),
            "Until one is, no copies can be sent there.".into(),
        )),
        StorageState::NeedsRelink => Some((
            Tone::Bad,
            "The account has to be linked again".into(),
            told.unwrap_or_else(|| format!("{} has ended the link.", provider(set.kind))),
        )),
        StorageState::CredentialsUnreadable => {
            let then = if set.kind.is_linked_by_consent() { ", then link the account again" } else { "" };
            Some((
                Tone::Bad,
                "The stored keys cannot be read".into(),
                format!(
                    "The encryption key of this server has changed. Enter the {secret} again and save{then}."
                ),
            ))
        }
    }
}

/// Why a row of a Backup Set that uses it would fail, or do nothing.
pub fn row_trouble(option: &StorageOption) -> Option<&'static str> {
    if !option.enabled {
        return Some("This Storage Set is switched off, so this destination fails.");
    }
    match option.state {
        StorageState::Ready => None,
        StorageState::Incomplete => {
            Some("The secret of this Storage Set is missing, so this destination fails.")
        }
        StorageState::NotLinked => Some("No account is linked yet, so this destination fails."),
        StorageState::NeedsRelink => {
            Some("The link has ended: until the account is linked again, this destination fails.")
        }
        StorageState::CredentialsUnreadable => {
            Some("The stored keys cannot be read: until they are entered again, this destination fails.")
        }
    }
}

/// Label, placeholder and hint of the path of a row.
pub fn path_field(kind: StorageType) -> (&'static str, &'static str, &'static str) {
    match kind {
        StorageType::AmazonS3 => {
            ("Bucket and folder", "bucket-name/optional/prefix/", "The bucket has to exist already.")
        }
        _ => ("Folder", "Backups", "Made when it is not there. Empty is the top of the account."),
    }
}

/// A step of a connection's test.
pub fn test_step(step: &str) -> String {
    match step {
        "credentials" => "Keys".into(),
        "account" => "Account".into(),
        "space" => "Space".into(),
        "path" => "Folder".into(),
        "write" => "Write".into(),
        "read" => "Read back".into(),
        "list" => "List".into(),
        "delete" => "Delete".into(),
        other => other.replace('_', " "),
    }
}

/// What it found, in the units of the rest of the console.
pub fn test_message(step: &StorageTestStep, report: &StorageTestReport) -> String {
    match (step.step.as_str(), step.ok, report.free_bytes, report.total_bytes) {
        ("space", true, Some(free), Some(total)) => {
            format!("{} of {} are free.", format::bytes(free), format::bytes(total))
        }
        _ => step.message.clone(),
    }
}

/// One line for the whole.
pub fn verdict(report: &StorageTestReport, kind: StorageType) -> (Tone, String) {
    let failed = report.steps.iter().find(|s| !s.ok);
    match failed {
        Some(_) => (Tone::Bad, "The connection does not work".into()),
        // Without a bucket nothing was written.
        None if !report.steps.iter().any(|s| s.step == "write") => {
            let what = if kind == StorageType::AmazonS3 { "bucket" } else { "folder" };
            (Tone::Warn, format!("The keys work. No {what} was tried."))
        }
        None => (Tone::Good, "The connection works".into()),
    }
}

/// How full the account is, from 0 to 1.
pub fn fullness(report: &StorageTestReport) -> Option<f64> {
    let (used, total) = (report.used_bytes?, report.total_bytes.filter(|t| *t > 0)?);
    Some((used as f64 / total as f64).clamp(0.0, 1.0))
}

/// The text of a refusal without the sentence that is meant for other clients: here a button does it.
pub fn for_people(detail: &str) -> String {
    let own = |sentence: &&str| !sentence.contains("`confirm_other_account`");
    let kept: Vec<&str> = detail.split_inclusive(". ").filter(own).map(str::trim).collect();
    if kept.is_empty() { detail.replace(" (`confirm_other_account`)", "") } else { kept.join(" ") }
}

/// Those that are about the Storage Set as such: what the page says itself in its own place is left out.
pub fn own_warnings(set: &StorageSet) -> Vec<StorageWarning> {
    set.warnings.iter().filter(|w| w.code != "google_testing_mode").cloned().collect()
}

/// Whether a link that was waited for is there: a newer one than before, and one that works.
pub fn is_linked_since(before: &StorageSet, now: &StorageSet) -> bool {
    now.state == StorageState::Ready && now.linked_at.is_some() && now.linked_at != before.linked_at
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeZone, Utc};
    use contract::Encryption;

    fn at(second: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, 1, 10, 0, second).unwrap()
    }

    fn set(kind: StorageType, state: StorageState) -> StorageSet {
        StorageSet {
            id: 7,
            enabled: true,
            title: "Offsite".into(),
            kind,
            client_id: "id".into(),
            client_secret_set: true,
            region: None,
            endpoint: None,
            path_style: false,
            storage_class: None,
            encryption: Encryption::None,
            kms_key_id: None,
            incremental: true,
            tenant: None,
            max_bytes_per_sec: None,
            account: None,
            linked: state == StorageState::Ready,
            linked_at: None,
            state,
            oauth_error_notify_mess: None,
            redirect_uri: None,
            used_by: vec![],
            warnings: vec![],
            revision: 1,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn report(steps: &[(&str, bool)]) -> StorageTestReport {
        StorageTestReport {
            ok: steps.iter().all(|s| s.1),
            account: None,
            total_bytes: Some(15_000_000_000),
            used_bytes: Some(5_000_000_000),
            free_bytes: Some(10_000_000_000),
            path: None,
            steps: steps
                .iter()
                .map(|(step, ok)| StorageTestStep { step: (*step).into(), ok: *ok, message: "said".into() })
                .collect(),
            notes: vec![],
        }
    }

    #[test]
    fn every_state_but_ready_says_what_to_do_in_the_words_of_its_provider() {
        use StorageState::*;
        assert_eq!(remedy(&set(StorageType::Dropbox, Ready)), None);
        let missing = remedy(&set(StorageType::Dropbox, Incomplete)).unwrap();
        assert!(missing.1.contains("App secret") && missing.2.contains("App key"), "{missing:?}");
        let ended = StorageSet {
            oauth_error_notify_mess: Some("It was revoked.".into()),
            ..set(StorageType::OneDrive, NeedsRelink)
        };
        assert_eq!(remedy(&ended).unwrap().2, "It was revoked.");
        let s3 = remedy(&set(StorageType::AmazonS3, CredentialsUnreadable)).unwrap().2;
        assert!(s3.contains("Secret access key") && !s3.contains("link"), "{s3}");
        assert!(remedy(&set(StorageType::GoogleDrive, CredentialsUnreadable)).unwrap().2.contains("link"));
    }

    #[test]
    fn a_row_warns_of_a_storage_set_that_cannot_take_copies() {
        let option = |enabled, state| StorageOption {
            id: 1,
            title: "x".into(),
            kind: StorageType::Dropbox,
            enabled,
            linked: true,
            state,
        };
        assert_eq!(row_trouble(&option(true, StorageState::Ready)), None);
        assert!(row_trouble(&option(false, StorageState::Ready)).unwrap().contains("switched off"));
        assert!(row_trouble(&option(true, StorageState::NeedsRelink)).unwrap().contains("ended"));
    }

    #[test]
    fn a_test_without_a_bucket_proves_only_the_keys() {
        let kind = StorageType::AmazonS3;
        assert_eq!(verdict(&report(&[("credentials", true), ("account", true)]), kind).0, Tone::Warn);
        assert_eq!(verdict(&report(&[("credentials", true), ("write", true)]), kind).0, Tone::Good);
        assert_eq!(verdict(&report(&[("credentials", true), ("account", false)]), kind).0, Tone::Bad);
        let full = report(&[("space", true)]);
        assert_eq!(test_message(&full.steps[0], &full), "10.0 GB of 15.0 GB are free.");
        assert!((fullness(&full).unwrap() - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(fullness(&StorageTestReport { total_bytes: Some(0), ..full }), None);
    }

    #[test]
    fn what_is_meant_for_other_clients_is_left_out() {
        let text = "Another Client ID ends the link to ada. Google hides copies. Save with `confirm_other_account` if that is what you want.";
        assert_eq!(for_people(text), "Another Client ID ends the link to ada. Google hides copies.");
        assert_eq!(for_people("Agree (`confirm_other_account`) and save."), "Agree and save.");
        assert_eq!(for_people("Plain."), "Plain.");
    }

    #[test]
    fn a_link_is_new_when_it_is_another_one_than_before() {
        let none = set(StorageType::Dropbox, StorageState::NotLinked);
        let first = StorageSet { linked_at: Some(at(1)), ..set(StorageType::Dropbox, StorageState::Ready) };
        let second = StorageSet { linked_at: Some(at(2)), ..first.clone() };
        assert!(is_linked_since(&none, &first) && is_linked_since(&first, &second));
        assert!(!is_linked_since(&first, &first) && !is_linked_since(&none, &none));
    }
}
