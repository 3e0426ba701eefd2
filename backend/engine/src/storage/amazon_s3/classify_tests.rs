use super::super::Tuning;
use super::super::client::Client;
use super::*;
use crate::storage::Secret;
use crate::storage::amazon_s3::Settings;
use crate::storage::time::SystemTime;
use rstest::rstest;
use std::sync::Arc;

const AT: Doing<'static> = Doing { right: "s3:PutObject", bucket: "shop-backups", key: "set/files.tgz" };

fn client() -> Client {
    let settings = Settings {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: Secret::new("hunter2"),
        region: "us-east-1".into(),
        endpoint: None,
        path_style: false,
        storage_class: None,
        encryption: None,
        incremental: true,
    };
    Client::new(&settings, Arc::new(SystemTime), &Tuning::default()).unwrap()
}

fn answer(status: u16, code: &str, message: &str) -> Answer {
    Answer { status, code: code.into(), message: message.into(), ..Answer::default() }
}

#[rstest]
#[case(403, "InvalidAccessKeyId", "", ErrorKind::InvalidConfig, "AKIAIOSFODNN7EXAMPLE")]
#[case(403, "SignatureDoesNotMatch", "", ErrorKind::InvalidConfig, "secret access key is wrong")]
#[case(
    403,
    "AccessDenied",
    "Forbidden: Invalid signature",
    ErrorKind::InvalidConfig,
    "secret access key is wrong"
)]
#[case(
    403,
    "AccessDenied",
    "Forbidden: No such key: GK1",
    ErrorKind::InvalidConfig,
    "does not know the access key ID"
)]
#[case(400, "ExpiredToken", "", ErrorKind::InvalidConfig, "lasting access key")]
#[case(
    403,
    "AccessDenied",
    "Access Denied",
    ErrorKind::PermissionDenied,
    "s3:PutObject on `shop-backups/set/files.tgz` (403 AccessDenied: Access Denied)"
)]
#[case(403, "", "", ErrorKind::PermissionDenied, "s3:PutObject")]
#[case(404, "NoSuchBucket", "", ErrorKind::InvalidConfig, "no bucket `shop-backups`")]
#[case(404, "NoSuchKey", "", ErrorKind::NotFound, "does not exist")]
#[case(404, "NotFound", "", ErrorKind::NotFound, "does not exist")]
#[case(404, "", "", ErrorKind::Unavailable, "just now (404)")]
#[case(429, "", "Quota exceeded for requests per minute", ErrorKind::RateLimited { retry_after: None }, "less often")]
#[case(400, "KMS.ThrottlingException", "", ErrorKind::RateLimited { retry_after: None }, "")]
#[case(400, "KMS.DependencyTimeoutException", "", ErrorKind::Unavailable, "")]
#[case(400, "KMS.DisabledException", "", ErrorKind::InvalidConfig, "encryption key")]
#[case(
    403,
    "AccessDenied",
    "no rule allows arn:aws:s3:::quota-reports/x",
    ErrorKind::PermissionDenied,
    "s3:PutObject"
)]
#[case(404, "NoSuchUpload", "", ErrorKind::Unavailable, "no longer has the unfinished upload")]
#[case(403, "RequestTimeTooSkewed", "", ErrorKind::InvalidConfig, "NTP")]
#[case(503, "SlowDown", "", ErrorKind::RateLimited { retry_after: None }, "less often")]
#[case(429, "", "", ErrorKind::RateLimited { retry_after: None }, "less often")]
#[case(503, "ServiceUnavailable", "", ErrorKind::Unavailable, "just now")]
#[case(200, "InternalError", "We encountered an internal error", ErrorKind::Unavailable, "internal error")]
#[case(500, "InternalError", "", ErrorKind::Unavailable, "just now")]
#[case(502, "", "", ErrorKind::Unavailable, "just now (502)")]
#[case(400, "RequestTimeout", "", ErrorKind::Unavailable, "just now")]
#[case(307, "TemporaryRedirect", "", ErrorKind::Unavailable, "just now")]
#[case(409, "OperationAborted", "", ErrorKind::Unavailable, "just now")]
#[case(400, "BadDigest", "", ErrorKind::Unavailable, "arrived damaged")]
#[case(400, "XAmzContentSHA256Mismatch", "", ErrorKind::Unavailable, "arrived damaged")]
#[case(400, "InvalidPart", "", ErrorKind::Integrity, "parts")]
#[case(400, "EntityTooSmall", "", ErrorKind::Integrity, "parts")]
#[case(507, "", "", ErrorKind::QuotaExceeded, "no room left")]
#[case(403, "QuotaExceeded", "", ErrorKind::QuotaExceeded, "no room left")]
#[case(403, "AccessDenied", "Bucket size quota is reached", ErrorKind::QuotaExceeded, "quota")]
#[case(403, "InvalidObjectState", "", ErrorKind::Unreadable, "archive class")]
#[case(400, "InvalidStorageClass", "", ErrorKind::InvalidConfig, "storage class")]
#[case(400, "KMS.DisabledException", "the key is disabled", ErrorKind::InvalidConfig, "the key is disabled")]
#[case(
    400,
    "InvalidRequest",
    "Object is WORM protected and cannot be overwritten",
    ErrorKind::PermissionDenied,
    "object lock"
)]
#[case(501, "NotImplemented", "", ErrorKind::InvalidConfig, "does not offer s3:PutObject")]
#[case(405, "", "", ErrorKind::InvalidConfig, "does not offer")]
#[case(418, "Teapot", "short and stout", ErrorKind::Other, "418 Teapot: short and stout")]
fn answers_become_kinds_and_advice(
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
    #[case] kind: ErrorKind,
    #[case] told: &str,
) {
    let (found, text) = explain(&client(), AT, &answer(status, code, message));
    assert_eq!(found, kind, "{text}");
    assert!(text.contains(told), "{text}");
    assert!(text.contains("Amazon S3") && text.ends_with('.') && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_wrong_region_names_the_right_one() {
    for (status, code) in [(301, "PermanentRedirect"), (301, ""), (400, "AuthorizationHeaderMalformed")] {
        let told = Answer { region: Some("eu-central-1".into()), ..answer(status, code, "") };
        let (kind, text) = explain(&client(), AT, &told);
        assert_eq!(kind, ErrorKind::InvalidConfig);
        assert_eq!(
            text,
            "The region of the bucket `shop-backups` at Amazon S3 is `eu-central-1`, but the storage says `us-east-1`. \
             Set the storage's region to `eu-central-1`."
        );
        let (_, text) = explain(&client(), AT, &answer(status, code, "expecting 'eu-west-1'"));
        assert!(text.contains("expecting 'eu-west-1'"), "{text}");
    }
}

#[test]
fn how_long_to_wait_is_the_providers_word() {
    let wait = |status, code, header: &str| {
        let answer = Answer { retry_after: Some(header.into()), ..answer(status, code, "") };
        explain(&client(), AT, &answer).0
    };
    let seven = ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(wait(503, "SlowDown", "7"), seven);
    assert_eq!(wait(429, "", "7"), seven);
    let longest = ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(300)) };
    assert_eq!(wait(503, "SlowDown", "3600"), longest, "a pass gives up at once where more is asked for");
    assert_eq!(wait(503, "", "7"), seven, "who names a time is not down, but busy");
    assert_eq!(wait(500, "InternalError", "7"), ErrorKind::Unavailable);
}

#[test]
fn deleting_what_is_locked_is_told_apart_from_missing_rights() {
    let delete = Doing { right: "s3:DeleteObject", ..AT };
    let (kind, text) = explain(&client(), delete, &answer(403, "AccessDenied", "Access Denied"));
    assert_eq!(kind, ErrorKind::PermissionDenied);
    assert!(text.contains("s3:DeleteObject") && text.contains("Object lock"), "{text}");
}

#[test]
fn only_credentials_that_work_can_be_denied_something() {
    let failure = |code: &str, message: &str| Failure {
        error: Error::new(ErrorKind::Other, ""),
        status: 403,
        code: code.into(),
        message: message.into(),
    };
    assert!(failure("AccessDenied", "Access Denied").is_denied());
    assert!(!failure("AccessDenied", "Forbidden: Invalid signature").is_denied());
    assert!(!failure("AccessDenied", "Forbidden: No such key: GK1").is_denied());
    assert!(!failure("SignatureDoesNotMatch", "").is_denied());
}

#[test]
fn what_servers_say_stays_on_one_line() {
    assert_eq!(one_line("  a\r\nb\tc. "), "a  b c");
    assert_eq!(one_line(&"x".repeat(1000)).len(), 300);
    assert_eq!(
        element(b"<Error><Code>X</Code><Region>eu-1</Region></Error>", "Region").as_deref(),
        Some("eu-1")
    );
    assert_eq!(element(b"<Error/>", "Region"), None);
}

#[rstest]
#[case(30, "30 seconds")]
#[case(-1260, "21 minutes")]
#[case(7200, "2 hours")]
#[case(200_000, "2 days")]
fn clocks_are_off_by_human_measures(#[case] seconds: i64, #[case] text: &str) {
    assert_eq!(human(TimeDelta::seconds(seconds)), text);
}
