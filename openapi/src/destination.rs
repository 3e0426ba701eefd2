//! The path of a storage row: where below an account the copies of a Backup Set go.

use crate::logs::StorageType;

/// The longest name of a folder that every provider takes, in bytes.
const MAX_SEGMENT: usize = 255;

/// What is wrong with the path of a row of this type.
///
/// `bucket-name/optional/prefix/` for Amazon S3, where the bucket is required; a folder for the others, empty for the account's own root. A
/// slash at either end means nothing.
pub fn path_error(kind: StorageType, path: &str) -> Option<&'static str> {
    let folder = root_of(path);
    match kind {
        StorageType::Local if path.is_empty() => None,
        StorageType::Local => {
            Some("The local destination is the server's archive directory; leave the path empty.")
        }
        StorageType::AmazonS3 if folder.is_empty() => {
            Some("Name the bucket, and below it a folder if you like: bucket-name/optional/prefix/.")
        }
        StorageType::AmazonS3 => {
            let (bucket, prefix) = folder.split_once('/').unwrap_or((folder, ""));
            bucket_error(bucket).or_else(|| folders_error(prefix))
        }
        StorageType::OneDrive if folder.contains(['"', '*', ':', '<', '>', '?', '|']) => {
            Some("OneDrive takes no folder with one of \" * : < > ? | in its name.")
        }
        StorageType::OneDrive if folder.split('/').any(|s| s.ends_with('.') || s.starts_with("~$")) => {
            Some("OneDrive takes no folder whose name ends with a dot or begins with ~$.")
        }
        _ => folders_error(folder),
    }
}

/// The path without the slashes at its ends, which mean nothing.
pub fn root_of(path: &str) -> &str {
    path.trim_matches('/')
}

/// What two paths of one Storage Set have in common when they lead to the same folder.
pub fn place_of(kind: StorageType, path: &str) -> String {
    match kind {
        // Whatever the case of their letters, names are the same there.
        StorageType::OneDrive | StorageType::Dropbox => root_of(path).to_lowercase(),
        StorageType::Local | StorageType::GoogleDrive | StorageType::AmazonS3 => root_of(path).to_owned(),
    }
}

fn folders_error(folder: &str) -> Option<&'static str> {
    if folder.is_empty() {
        return None;
    }
    for segment in folder.split('/') {
        if segment.is_empty() {
            return Some("Leave out the second slash: every folder has a name.");
        }
        if matches!(segment, "." | "..") || segment.chars().any(char::is_control) || segment.contains('\\') {
            return Some("Use plain folder names, without `.`, `..`, backslashes and control characters.");
        }
        if segment.trim() != segment {
            return Some("Leave out spaces at the ends of a folder's name.");
        }
        if segment.len() > MAX_SEGMENT {
            return Some("Use at most 255 characters for a folder's name.");
        }
    }
    None
}

/// The naming rules of Amazon S3, which the services that speak its protocol share.
fn bucket_error(bucket: &str) -> Option<&'static str> {
    const FORM: &str = "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit at either end.";
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if bucket.contains(':') {
        return Some("Write the bucket's name alone, without s3:// or an address before it.");
    }
    if !(3..=63).contains(&bucket.len())
        || !bucket.chars().all(fine)
        || !end(bucket.chars().next())
        || !end(bucket.chars().last())
        || bucket.contains("..")
    {
        return Some(FORM);
    }
    bucket.parse::<std::net::Ipv4Addr>().is_ok().then_some("A bucket's name is no IP address.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use StorageType::*;

    #[test]
    fn paths_follow_the_type_of_their_storage() {
        let long = "x".repeat(256);
        let cases: &[(StorageType, &str, bool)] = &[
            (AmazonS3, "shop-backups", true),
            (AmazonS3, "shop.backups/eu/nightly/", true),
            (AmazonS3, "/shop-backups/", true),
            (AmazonS3, "", false),
            (AmazonS3, "/", false),
            (AmazonS3, "ab", false),
            (AmazonS3, &"x".repeat(64), false),
            (AmazonS3, "Shop", false),
            (AmazonS3, "shop_backups", false),
            (AmazonS3, "-shop", false),
            (AmazonS3, "shop-", false),
            (AmazonS3, "sh..op", false),
            (AmazonS3, "192.168.0.1", false),
            (AmazonS3, "s3://shop", false),
            (AmazonS3, "shop//x", false),
            (AmazonS3, "shop/../x", false),
            (GoogleDrive, "", true),
            (GoogleDrive, "Backups/Größter Laden", true),
            (GoogleDrive, "a: b?", true),
            (GoogleDrive, "a//b", false),
            (GoogleDrive, "a/./b", false),
            (GoogleDrive, "a\\b", false),
            (GoogleDrive, "a\nb", false),
            (GoogleDrive, " a", false),
            (GoogleDrive, &long, false),
            (Dropbox, "Backups", true),
            (Dropbox, "..", false),
            (OneDrive, "Backups/Shop", true),
            (OneDrive, "a:b", false),
            (OneDrive, "a./b", false),
            (OneDrive, "~$x", false),
            (Local, "", true),
            (Local, "x", false),
        ];
        for (kind, path, fine) in cases {
            assert_eq!(path_error(*kind, path).is_none(), *fine, "{kind:?} {path:?}");
        }
    }
}
