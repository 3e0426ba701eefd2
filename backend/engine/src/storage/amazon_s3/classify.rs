//! From the provider's answers to kinds of errors, and to what an administrator is told.

use super::client::{Client, Doing};
use crate::storage::{Error, ErrorKind, RetryPolicy, http};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A call that failed, with what drivers decide by.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: Error,
    /// 0: there was no answer, or half of one; whether the call took effect is not known.
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn silent(error: Error) -> Failure {
        Failure { error, status: 0, code: String::new(), message: String::new() }
    }

    /// The credentials are right, but do not reach so far.
    pub fn is_denied(&self) -> bool {
        (self.code == "AccessDenied" || self.code == "AllAccessDisabled" || self.code == "Forbidden")
            && refused_credentials(&self.message).is_none()
    }

    /// The server does not know such a call.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.status, 405 | 501) || self.code == "NotImplemented" || self.code == "MethodNotAllowed"
    }

    /// The server does not know the call that deletes many objects, or wants another checksum with it.
    pub fn is_refused_batch(&self) -> bool {
        let checksum = matches!(
            self.code.as_str(),
            "MissingContentMD5" | "InvalidDigest" | "BadDigest" | "XAmzContentChecksumMismatch"
        );
        self.is_unsupported() || checksum || (self.is_final() && self.error.kind == ErrorKind::Other)
    }

    pub fn is_gone_upload(&self) -> bool {
        self.code == "NoSuchUpload"
    }

    /// Refused for good: the call did nothing, and would do nothing if it came again.
    pub fn is_final(&self) -> bool {
        (300..500).contains(&self.status) && !self.error.kind.is_retryable()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        failure.error
    }
}

/// What the provider answered instead of what was asked for.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub status: u16,
    /// Empty when the answer has none, as those to `HEAD` and of proxies.
    pub code: String,
    /// One line.
    pub message: String,
    /// Where the bucket is, if the answer says so.
    pub region: Option<String>,
    retry_after: Option<String>,
    /// The provider's clock less ours.
    pub skew: Option<TimeDelta>,
}

impl Answer {
    /// `None` when there was no whole answer.
    pub fn of<E: ProvideErrorMetadata>(error: &SdkError<E>, now: DateTime<Utc>) -> Option<Answer> {
        let SdkError::ServiceError(service) = error else { return None };
        let (raw, meta) = (service.raw(), service.err().meta());
        let header = |name: &str| raw.headers().get(name).map(str::to_owned);
        let body = raw.body().bytes().unwrap_or_default();
        let date = header("date").and_then(|date| httpdate::parse_http_date(&date).ok());
        Some(Answer {
            status: raw.status().as_u16(),
            code: meta.code().unwrap_or_default().to_owned(),
            message: one_line(meta.message().unwrap_or_default()),
            region: header("x-amz-bucket-region")
                .or_else(|| element(body, "Region"))
                .filter(|r| !r.is_empty()),
            retry_after: header("retry-after"),
            skew: date.map(|date| DateTime::<Utc>::from(date) - now),
        })
    }

    /// What an answer that is a success says of one of many objects, as if it had been asked for alone.
    pub fn inside(code: &str, message: &str) -> Answer {
        let status = match code {
            "" => 200,
            "NoSuchKey" | "NoSuchVersion" | "NotFound" => 404,
            "AccessDenied" | "AllAccessDisabled" | "Forbidden" => 403,
            "InternalError" => 500,
            "SlowDown" | "ServiceUnavailable" => 503,
            _ => 400,
        };
        Answer { status, code: one_line(code), message: one_line(message), ..Answer::default() }
    }

    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        http::wait_until(self.retry_after.as_deref()?, now)
    }
}

/// The text of an XML element that the SDK does not give out.
fn element(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once('<')?;
    Some(one_line(value))
}

/// A provider's words, fit for a message.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).take(300).collect::<String>().trim().trim_end_matches('.').to_owned()
}

/// `21 minutes`
pub(super) fn human(skew: TimeDelta) -> String {
    let seconds = skew.abs().num_seconds();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Which of the credentials a refusal is about, where a server has only `AccessDenied` for all of them.
fn refused_credentials(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    if message.contains("signature") {
        return Some("SignatureDoesNotMatch");
    }
    let unknown = ["no such key", "access key id", "no such access key"].iter().any(|m| message.contains(m));
    unknown.then_some("InvalidAccessKeyId")
}

/// No answer, or half of one.
pub(super) fn unreachable<E: std::error::Error + 'static>(server: &str, error: &SdkError<E>) -> Error {
    let cause = match error {
        SdkError::DispatchFailure(failure) => {
            // Its own words are only a class: `io`, `other`.
            let cause = failure.as_connector_error().and_then(std::error::Error::source);
            cause.map_or_else(|| "no connection".into(), http::chain)
        }
        SdkError::ConstructionFailure(_) => {
            let text = format!("No request to {server} could be made: {}.", http::chain(error));
            return Error::new(ErrorKind::InvalidConfig, text);
        }
        error => http::chain(error),
    };
    if let Some(error) = http::untrusted(server, &cause) {
        return error;
    }
    let text = format!(
        "{server} cannot be reached, or broke off: {cause}. Check this server's network, DNS and proxy."
    );
    Error::new(ErrorKind::Unavailable, text)
}

/// The kind of error that an answer is, by its code and then by its status.
fn kind(answer: &Answer, now: DateTime<Utc>) -> ErrorKind {
    let message = answer.message.to_lowercase();
    match answer.code.as_str() {
        "NoSuchKey" | "NoSuchVersion" | "NotFound" => ErrorKind::NotFound,
        "InvalidObjectState" => ErrorKind::Unreadable,
        "SlowDown"
        | "TooManyRequests"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "KMS.ThrottlingException"
        | "BandwidthLimitExceeded" => rate_limited(answer, now),
        "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "OperationAborted"
        | "ConditionalRequestConflict"
        | "TemporaryRedirect"
        | "KMS.InternalException"
        | "KMS.KMSInternalException"
        | "KMS.DependencyTimeoutException"
        | "KMS.KeyUnavailableException"
        | "NoSuchUpload" => ErrorKind::Unavailable,
        // What was sent was damaged on its way: it was not taken, and may come again.
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody" => ErrorKind::Unavailable,
        "EntityTooSmall" | "EntityTooLarge" | "InvalidPart" | "InvalidPartOrder" => ErrorKind::Integrity,
        "QuotaExceeded"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded"
        | "StorageFull"
        | "AccountStorageLimitExceeded" => ErrorKind::QuotaExceeded,
        "NoSuchBucket"
        | "InvalidBucketName"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "InvalidStorageClass"
        | "KeyTooLongError"
        | "XMinioInvalidObjectName"
        | "InvalidObjectName"
        | "NotImplemented"
        | "MethodNotAllowed" => ErrorKind::InvalidConfig,
        code if code.starts_with("KMS.") => ErrorKind::InvalidConfig,
        _ if answer.status == 429 => by_status(answer, now),
        // A refusal may quote the name of what it is about.
        _ if (400..500).contains(&answer.status)
            && message.contains("quota")
            && !message.contains("arn:") =>
        {
            ErrorKind::QuotaExceeded
        }
        _ if (400..500).contains(&answer.status) && is_locked(&message) => ErrorKind::PermissionDenied,
        "AccessDenied" if refused_credentials(&message).is_some() => ErrorKind::InvalidConfig,
        _ => by_status(answer, now),
    }
}

/// No more is asked for than a pass waits, which would give up otherwise: the client keeps the rest, and a server that is busy for longer
/// uses up all tries.
fn rate_limited(answer: &Answer, now: DateTime<Utc>) -> ErrorKind {
    let retry_after = answer.retry_after(now).map(|wait| wait.min(RetryPolicy::LONGEST_WAIT));
    ErrorKind::RateLimited { retry_after }
}

fn by_status(answer: &Answer, now: DateTime<Utc>) -> ErrorKind {
    match answer.status {
        301 | 401 | 405 | 501 => ErrorKind::InvalidConfig,
        402 | 507 => ErrorKind::QuotaExceeded,
        403 => ErrorKind::PermissionDenied,
        429 => rate_limited(answer, now),
        503 if answer.retry_after.is_some() => rate_limited(answer, now),
        // An error inside of an answer that began well: the provider changed its mind on the way. A 404 without a code is not the provider's
        // word, but that of a proxy whose server is away: nothing may be taken for gone because of it.
        200..=299 | 307 | 404 | 408 | 409 | 425 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// WORM: object lock, retention, legal hold.
fn is_locked(message: &str) -> bool {
    ["worm protected", "object lock", "object is locked", "retention", "legal hold"]
        .iter()
        .any(|sign| message.contains(sign))
}

pub(super) fn explain(client: &Client, doing: Doing<'_>, answer: &Answer) -> (ErrorKind, String) {
    let kind = kind(answer, client.time.now());
    (kind.clone(), message(client, doing, answer, &kind))
}

fn message(client: &Client, doing: Doing<'_>, answer: &Answer, kind: &ErrorKind) -> String {
    let Doing { right, bucket, key } = doing;
    let (server, said) = (&client.server, said(answer));
    let place = match (bucket, key) {
        ("", _) => "the account".to_owned(),
        (bucket, "") => format!("the bucket `{bucket}`"),
        (bucket, key) => format!("`{bucket}/{key}`"),
    };
    let denied = refused_credentials(&answer.message).filter(|_| answer.code == "AccessDenied");
    match denied.unwrap_or(&answer.code) {
        "NoSuchBucket" => format!(
            "There is no bucket `{bucket}` at {server}. Make it there, or correct the path: buckets are never made from here."
        ),
        "InvalidAccessKeyId" => format!(
            "{server} does not know the access key ID {}, or has disabled it{said}. Enter a valid key in the storage.",
            client.access_key_id
        ),
        "SignatureDoesNotMatch" => format!(
            "{server} refuses the signature{said}: the secret access key is wrong, or something on the way changes requests. \
             Enter the secret again; check the endpoint, the region and path style."
        ),
        "ExpiredToken" | "InvalidToken" => {
            format!(
                "{server} says that the credentials are temporary and have expired{said}. Enter a lasting access key."
            )
        }
        "RequestTimeTooSkewed" | "RequestExpired" => {
            let off = answer.skew.map(|skew| format!(" by {}", human(skew))).unwrap_or_default();
            format!(
                "The clocks of this server and of {server} differ{off}{said}. Set this server's clock, best by NTP."
            )
        }
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            region(client, bucket, answer)
        }
        "" if answer.status == 301 => region(client, bucket, answer),
        "NoSuchUpload" => format!("{server} no longer has the unfinished upload of {place}."),
        "InvalidObjectState" => {
            format!("{place} lies in an archive class of {server}. Restore it there first, then try again.")
        }
        "InvalidStorageClass" => {
            format!("{server} has no such storage class{said}. Choose another, or none, in the storage.")
        }
        "EntityTooSmall" | "EntityTooLarge" | "InvalidPart" | "InvalidPartOrder" => {
            format!("{server} could not put the parts of {place} together{said}.")
        }
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody" => {
            format!("A block of {place} arrived damaged at {server}, and was not taken{said}.")
        }
        code if code.starts_with("KMS.") => {
            format!("{server} cannot use the encryption key of the storage{said}.")
        }
        _ => match kind {
            ErrorKind::NotFound => format!("{place} does not exist at {server}."),
            ErrorKind::RateLimited { .. } => format!("{server} asks to be called less often{said}."),
            ErrorKind::QuotaExceeded => {
                format!(
                    "There is no room left at {server}{said}. Free some, raise the quota, or keep fewer copies."
                )
            }
            ErrorKind::PermissionDenied if is_locked(&answer.message.to_lowercase()) => {
                format!(
                    "{place} is held by object lock or a retention rule of {server}{said}; it was left as it is."
                )
            }
            ErrorKind::PermissionDenied => {
                let hint = match right {
                    "s3:DeleteObject" => " Object lock or a bucket policy may forbid it, too.",
                    _ => "",
                };
                format!(
                    "{server} does not let this access key use {right} on {place}{said}. Give it that right.{hint}"
                )
            }
            ErrorKind::InvalidConfig if matches!(answer.status, 405 | 501) => {
                format!("{server} does not offer {right}{said}.")
            }
            ErrorKind::InvalidConfig => format!("{server} refuses {right} on {place}{said}."),
            ErrorKind::Unavailable => format!("{server} could not do {right} on {place} just now{said}."),
            _ => format!("Unexpected answer of {server} to {right} on {place}{said}."),
        },
    }
}

/// ` (403 AccessDenied: Access Denied)`
fn said(answer: &Answer) -> String {
    let code = if answer.code.is_empty() { String::new() } else { format!(" {}", answer.code) };
    let message = if answer.message.is_empty() { String::new() } else { format!(": {}", answer.message) };
    format!(" ({}{code}{message})", answer.status)
}

/// A storage has one region. Following the provider's hint instead would hide a wrong setting, and a bucket does not move.
fn region(client: &Client, bucket: &str, answer: &Answer) -> String {
    let (server, ours) = (&client.server, &client.region);
    let of = if bucket.is_empty() { String::new() } else { format!(" of the bucket `{bucket}`") };
    match &answer.region {
        Some(region) if region != ours => format!(
            "The region{of} at {server} is `{region}`, but the storage says `{ours}`. Set the storage's region to `{region}`."
        ),
        _ => format!(
            "The region `{ours}` of the storage is not that{of} at {server}{}. Set the storage's region to the right one.",
            said(answer)
        ),
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
