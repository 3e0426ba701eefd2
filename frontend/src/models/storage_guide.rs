//! How an administrator makes the app or the key that a Storage Set needs, step by step.
//!
//! What is asked for there has to be what the drivers ask for: the permissions are those of the engine's own.

use contract::{StorageType, is_insecure_endpoint};

/// A piece of a step's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Text(&'static str),
    /// A name to look for at the provider, as it is written there.
    Name(&'static str),
    /// To be entered there as it is.
    Code(&'static str),
    /// Address and words; opens in another tab.
    Link(&'static str, &'static str),
    /// The server's own, with a button that copies it.
    RedirectUri,
    /// What the key of Amazon S3 must be allowed to do, with a button that copies it.
    Policy,
}

/// The least that the key of Amazon S3 has to be allowed to do.
pub const S3_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:GetBucketVersioning"
      ],
      "Resource": "arn:aws:s3:::BUCKET-NAME"
    },
    {
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts"
      ],
      "Resource": "arn:aws:s3:::BUCKET-NAME/*"
    }
  ]
}"#;

pub fn title(kind: StorageType) -> &'static str {
    match kind {
        StorageType::GoogleDrive => "How to make the app at Google",
        StorageType::OneDrive => "How to make the app at Microsoft",
        StorageType::Dropbox => "How to make the app at Dropbox",
        _ => "How to make the bucket and its key",
    }
}

pub fn steps(kind: StorageType) -> Vec<Vec<Piece>> {
    use Piece::*;
    match kind {
        StorageType::Local => vec![],
        StorageType::GoogleDrive => vec![
            vec![
                Text("Open the "),
                Link(
                    "https://console.cloud.google.com/apis/library/drive.googleapis.com",
                    "Google Cloud console",
                ),
                Text(", choose a project or make one, and enable the "),
                Name("Google Drive API"),
                Text("."),
            ],
            vec![
                Text("Under "),
                Name("Google Auth Platform"),
                Text(", give the app a name. Its audience is "),
                Name("External"),
                Text(", or "),
                Name("Internal"),
                Text(" for accounts of your own Workspace alone. Under "),
                Name("Data access"),
                Text(" add the scope "),
                Code("https://www.googleapis.com/auth/drive.file"),
                Text(": with it Storekeep sees only what it stored itself."),
            ],
            vec![
                Text("Under "),
                Name("Audience"),
                Text(" choose "),
                Name("Publish app"),
                Text(
                    ". While an external app is in testing, every link ends after 7 days. This scope needs no verification by Google.",
                ),
            ],
            vec![
                Text("Under "),
                Name("Clients"),
                Text(" create a client of the type "),
                Name("Web application"),
                Text(" and add this address to its "),
                Name("Authorised redirect URIs"),
                Text(":"),
                RedirectUri,
            ],
            vec![
                Text("Copy the "),
                Name("Client ID"),
                Text(" and the "),
                Name("Client secret"),
                Text(" into the form and save. When you link the account, tick every box that Google shows."),
            ],
        ],
        StorageType::OneDrive => vec![
            vec![
                Text("Open "),
                Link("https://entra.microsoft.com/", "Microsoft Entra"),
                Text(", go to "),
                Name("App registrations"),
                Text(" and choose "),
                Name("New registration"),
                Text("."),
            ],
            vec![
                Text("For its account types choose organisational directories "),
                Name("and personal Microsoft accounts"),
                Text(". If you allow your own directory alone, enter its ID as the tenant in the form."),
            ],
            vec![
                Text("Add a redirect URI of the platform "),
                Name("Web"),
                Text(" (not of a single-page application, whose links end after a day):"),
                RedirectUri,
            ],
            vec![
                Text("Under "),
                Name("API permissions"),
                Text(" add the delegated permissions "),
                Code("Files.ReadWrite"),
                Text(" and "),
                Code("offline_access"),
                Text(" of "),
                Name("Microsoft Graph"),
                Text("."),
            ],
            vec![
                Text("Under "),
                Name("Certificates & secrets"),
                Text(" make a client secret and copy its "),
                Name("Value"),
                Text(
                    ", not its ID. It ends after 24 months at most: note the date, and enter a new one here before.",
                ),
            ],
            vec![
                Text("Copy the "),
                Name("Application (client) ID"),
                Text(" of the overview and the secret's value into the form and save."),
            ],
        ],
        StorageType::Dropbox => vec![
            vec![
                Text("Open the "),
                Link("https://www.dropbox.com/developers/apps", "Dropbox App Console"),
                Text(" and create an app with "),
                Name("Scoped access"),
                Text(" to an "),
                Name("App folder"),
                Text(": it sees its own folder and nothing else."),
            ],
            vec![
                Text("Under "),
                Name("Permissions"),
                Text(" tick "),
                Code("account_info.read"),
                Text(", "),
                Code("files.metadata.read"),
                Text(", "),
                Code("files.content.read"),
                Text(" and "),
                Code("files.content.write"),
                Text(", then submit. What is ticked later counts only after the account was linked again."),
            ],
            vec![
                Text("Under "),
                Name("Settings"),
                Text(" add this address to the "),
                Name("Redirect URIs"),
                Text(":"),
                RedirectUri,
            ],
            vec![
                Text("Copy the "),
                Name("App key"),
                Text(" and the "),
                Name("App secret"),
                Text(" from there into the form and save."),
            ],
        ],
        StorageType::AmazonS3 => vec![
            vec![Text(
                "Make a bucket, closed to the public: Storekeep never makes one. If it keeps older versions, give it a lifecycle rule that removes them, or what is deleted goes on taking room.",
            )],
            vec![
                Text("Make a user for Storekeep alone and allow it this, with the name of your bucket:"),
                Policy,
            ],
            vec![
                Text("Make an access key for that user, and copy the "),
                Name("Access key ID"),
                Text(" and the "),
                Name("Secret access key"),
                Text(" into the form. The bucket itself is named in each Backup Set."),
            ],
        ],
    }
}

/// What has to be known before the app is changed later.
pub fn caution(kind: StorageType) -> Option<&'static str> {
    match kind {
        StorageType::GoogleDrive => Some(
            "Keep this app. Google shows an app only what the same app has stored: with another Client ID the copies so far stay in the \
             account, but Storekeep no longer sees them, and does not remove old ones.",
        ),
        _ => None,
    }
}

/// Providers do not send browsers to such an address.
pub fn redirect_trouble(uri: &str) -> Option<&'static str> {
    (uri.starts_with("http://") && is_insecure_endpoint(uri)).then_some(
        "Providers accept only https addresses, and http for localhost. Set STOREKEEP_PUBLIC_URL to the https address of this server.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: StorageType) -> String {
        let piece = |p: &Piece| match p {
            Piece::Text(t) | Piece::Name(t) | Piece::Code(t) | Piece::Link(_, t) => *t,
            Piece::RedirectUri => "<uri>",
            Piece::Policy => "<policy>",
        };
        steps(kind).iter().flatten().map(piece).collect()
    }

    #[test]
    fn every_guide_names_what_has_to_be_copied_and_where_browsers_are_sent() {
        for kind in StorageType::CLOUDS {
            let text = text(kind);
            assert_eq!(text.contains("<uri>"), kind.is_linked_by_consent(), "{kind:?}");
            if kind != StorageType::OneDrive {
                assert!(text.contains(kind.client_id_label()), "{kind:?}");
                assert!(text.contains(kind.client_secret_label()), "{kind:?}");
            }
        }
        assert!(text(StorageType::GoogleDrive).contains("7 days"));
        assert!(text(StorageType::OneDrive).contains("Value"));
        assert!(text(StorageType::AmazonS3).contains("<policy>"));
    }

    #[test]
    fn the_policy_is_json() {
        let policy: serde_json::Value = serde_json::from_str(S3_POLICY).unwrap();
        assert_eq!(policy["Statement"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn addresses_that_no_provider_takes_are_told() {
        for (uri, bad) in [
            ("https://backup.example.org/oauth/callback", false),
            ("http://127.0.0.1:8080/oauth/callback", false),
            ("http://localhost:8080/oauth/callback", false),
            ("http://10.0.0.5:8080/oauth/callback", true),
        ] {
            assert_eq!(redirect_trouble(uri).is_some(), bad, "{uri}");
        }
    }
}
