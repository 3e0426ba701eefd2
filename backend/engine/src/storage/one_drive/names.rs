//! What OneDrive lets files and folders be called, and how paths are written in URLs.

use crate::policy::layout;
use crate::storage::{Error, ErrorKind, Result, check_key};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest path, with the name, in characters.
const LONGEST_PATH: usize = 400;
const FORBIDDEN: [char; 9] = ['"', '*', ':', '<', '>', '?', '/', '\\', '|'];
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", ".lock", "desktop.ini"];

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text as one part of a URL's path.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A path below the root of the account, `/` between its segments, as part of a URL's path.
pub(super) fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Whether two names are one to OneDrive, and yet not the same.
pub(super) fn differ_in_case(a: &str, b: &str) -> bool {
    a != b && a.to_lowercase() == b.to_lowercase()
}

pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The folder of a storage row. Slashes at its ends mean nothing.
///
/// # Errors
/// `InvalidConfig`, with what OneDrive forbids.
pub(super) fn check_root(root: &str) -> Result<String> {
    let root = root.trim_matches('/');
    if !root.is_empty() {
        if !layout::is_safe_key(root) {
            let text = format!(
                "`{}` is no folder of OneDrive: write it as names with / between them, without \\ and without empty, . or .. parts.",
                root.escape_debug()
            );
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        check_path(root)?;
    }
    Ok(root.to_owned())
}

/// A key below a folder: the whole path.
///
/// # Errors
/// `InvalidConfig` for keys that are not safe, and for names that OneDrive forbids.
pub(super) fn check(root: &str, key: &str) -> Result<String> {
    check_key(key)?;
    let path = join(root, key);
    check_path(&path)?;
    Ok(path)
}

fn check_path(path: &str) -> Result<()> {
    for segment in path.split('/') {
        if let Some(why) = forbidden(segment) {
            let text = format!(
                "OneDrive does not take the name `{}`: {why}. Choose another name.",
                segment.escape_debug()
            );
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
    }
    let length = path.chars().count();
    if length > LONGEST_PATH {
        let text = format!(
            "The path `{path}` has {length} characters; OneDrive takes {LONGEST_PATH}. Choose a shorter folder."
        );
        return Err(Error::new(ErrorKind::InvalidConfig, text));
    }
    Ok(())
}

/// Why OneDrive refuses a name.
fn forbidden(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some(c) = name.chars().find(|c| FORBIDDEN.contains(c)) {
        return Some(format!("it contains {c}"));
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return Some("it begins or ends with a space".into());
    }
    if name.ends_with('.') {
        return Some("it ends with a dot".into());
    }
    if name.starts_with("~$") {
        return Some("it begins with ~$".into());
    }
    if lower.contains("_vti_") {
        return Some("it contains _vti_".into());
    }
    let numbered = |device: &str| {
        lower.strip_prefix(device).is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    if RESERVED.contains(&lower.as_str()) || numbered("com") || numbered("lpt") {
        return Some("it is reserved".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a:b", "contains :")]
    #[case("a*", "contains *")]
    #[case("what?", "contains ?")]
    #[case("<x>", "contains <")]
    #[case("a|b", "contains |")]
    #[case("\"x\"", "contains \"")]
    #[case(" x", "begins or ends with a space")]
    #[case("x ", "begins or ends with a space")]
    #[case("x.", "ends with a dot")]
    #[case("...", "ends with a dot")]
    #[case("~$draft", "begins with ~$")]
    #[case("my_VTI_x", "contains _vti_")]
    #[case("Con", "is reserved")]
    #[case("nul", "is reserved")]
    #[case("LPT9", "is reserved")]
    #[case("com0", "is reserved")]
    #[case(".lock", "is reserved")]
    #[case("Desktop.ini", "is reserved")]
    fn forbidden_names_are_told_with_the_reason(#[case] name: &str, #[case] why: &str) {
        for error in [
            check_root(&format!("Backups/{name}")).unwrap_err(),
            check("Backups", &format!("{name}/x")).unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::InvalidConfig);
            assert!(error.message.contains(why), "{error}");
        }
    }

    #[rstest]
    #[case("Backups")]
    #[case("Für den Laden/日本 ☃")]
    #[case("a+b&c=d%20#e'f.txt")]
    #[case("console/com10/lpt/.locks/con.txt/~x$")]
    fn other_names_are_fine(#[case] path: &str) {
        assert_eq!(check_root(path).unwrap(), path);
        assert_eq!(check("", path).unwrap(), path);
        assert_eq!(check("r", path).unwrap(), format!("r/{path}"));
    }

    #[test]
    fn slashes_around_a_root_mean_nothing() {
        assert_eq!(check_root("/Backups/Shop/").unwrap(), "Backups/Shop");
        assert_eq!(check_root("").unwrap(), "");
        assert_eq!(check_root("/").unwrap(), "");
    }

    #[rstest]
    #[case("a//b")]
    #[case("../x")]
    #[case("a\\b")]
    #[case("a\nb")]
    fn what_is_no_path_is_refused(#[case] root: &str) {
        assert_eq!(check_root(root).unwrap_err().kind, ErrorKind::InvalidConfig);
        assert_eq!(check("r", root).unwrap_err().kind, ErrorKind::InvalidConfig);
    }

    #[test]
    fn a_path_may_have_400_characters() {
        let root = ["ä".repeat(99), "b".repeat(100), "c".repeat(100)].join("/");
        assert!(check(&root, &"d".repeat(98)).is_ok());
        let error = check(&root, &"d".repeat(99)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        assert!(error.message.contains("has 401 characters"), "{error}");
    }

    #[rstest]
    #[case("a b/c#d", "a%20b/c%23d")]
    #[case("50%20", "50%2520")]
    #[case("it's?", "it%27s%3F")]
    #[case("Für", "F%C3%BCr")]
    #[case("A-Z_0.9~", "A-Z_0.9~")]
    fn paths_are_written_so_that_nothing_in_them_means_anything(#[case] path: &str, #[case] url: &str) {
        assert_eq!(encode_path(path), url);
    }

    #[test]
    fn names_that_differ_in_case_only_are_told() {
        assert!(differ_in_case("Shop", "shop"));
        assert!(differ_in_case("FÜR", "für"));
        assert!(!differ_in_case("shop", "shop"));
        assert!(!differ_in_case("shop", "shop2"));
    }
}
