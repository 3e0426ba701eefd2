//! Keeps secrets out of what administrators read: error texts, warnings, row results.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MASK: &str = "***";
/// Shorter secrets would mask half of every text.
const MIN_SECRET: usize = 4;
/// As many secrets that came along later and last are known: two for each of more Storage Sets than anybody has.
const MAX_LASTING: usize = 4096;
/// As many that are soon worth nothing are known: codes, states, access tokens. They never push out one that lasts.
const MAX_PASSING: usize = 1024;
/// Nothing of that kind is shorter. What is may be a word.
const MIN_PASSING: usize = 16;
/// What a secret follows in the messages of drivers and providers.
const LABELS: [&str; 9] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "authorization: bearer",
    "bearer",
    "api_key",
    "signature",
];

/// Masks the secrets that it was given, the credentials in URLs, and what follows a label such as `password=`.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<Vec<String>>,
    /// Shared by all clones.
    learnt: Arc<Mutex<Learnt>>,
}

#[derive(Default)]
struct Learnt {
    lasting: VecDeque<String>,
    passing: VecDeque<String>,
}

/// What is used last is forgotten last.
fn put(list: &mut VecDeque<String>, secret: &str, limit: usize) {
    match list.iter().position(|s| s == secret) {
        Some(0) => {}
        Some(at) => {
            if let Some(known) = list.remove(at) {
                list.push_front(known);
            }
        }
        None => {
            list.push_front(secret.to_owned());
            list.truncate(limit);
        }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(..)")
    }
}

impl Redactor {
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = secrets.into_iter().filter(|s| s.len() >= MIN_SECRET).collect();
        // The longest first: one may be part of another.
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        Redactor { secrets: Arc::new(secrets), learnt: Arc::default() }
    }

    /// Masks this secret from now on, in this redactor and all its clones.
    pub fn learn(&self, secret: &str) {
        if secret.len() < MIN_SECRET || self.secrets.iter().any(|s| s == secret) {
            return;
        }
        put(&mut self.learnt().lasting, secret, MAX_LASTING);
    }

    /// The same for a secret that is soon worth nothing, and forgotten when many newer ones came along.
    pub fn learn_passing(&self, secret: &str) {
        if secret.len() < MIN_PASSING || self.secrets.iter().any(|s| s == secret) {
            return;
        }
        put(&mut self.learnt().passing, secret, MAX_PASSING);
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn redact(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        let mut found: Vec<String> = {
            let learnt = self.learnt();
            let all = learnt.lasting.iter().chain(&learnt.passing);
            all.filter(|secret| text.contains(secret.as_str())).cloned().collect()
        };
        found.sort_by_key(|s| std::cmp::Reverse(s.len()));
        for secret in self.secrets.iter().chain(&found) {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MASK));
            }
        }
        labelled(&urls(&text))
    }
}

/// `scheme://user:password@host` → `scheme://user:***@host`
fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`'));
        let authority = &after[..end.unwrap_or(after.len())];
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => {
                out.push_str(user);
                out.push(':');
                out.push_str(MASK);
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = &after[authority.len()..];
    }
    out.push_str(rest);
    out
}

/// `password=hunter2`, `"client_secret": "x"`, `Bearer abc` → the label and a mask.
fn labelled(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let found = LABELS
            .iter()
            .filter_map(|label| lower[at..].find(label).map(|i| (at + i, at + i + label.len())))
            .min_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
        let Some((_, end)) = found else { break };
        let value = value_after(text, end, lower[at..end].ends_with("bearer"));
        match value {
            Some((start, stop)) => {
                out.push_str(&text[at..start]);
                out.push_str(MASK);
                at = stop;
            }
            None => {
                out.push_str(&text[at..end]);
                at = end;
            }
        }
    }
    out.push_str(&text[at..]);
    out
}

/// The value behind a label: after `=` or `:` (after a space, too, for `bearer`), quoted or up to the next delimiter.
fn value_after(text: &str, end: usize, spaced: bool) -> Option<(usize, usize)> {
    let tail = &text[end..];
    let unquoted = tail.strip_prefix(['"', '\'']).unwrap_or(tail);
    let trimmed = unquoted.trim_start();
    let value = match trimmed.strip_prefix(['=', ':']) {
        Some(value) => value.trim_start(),
        None if spaced && trimmed.len() < unquoted.len() => trimmed,
        None => return None,
    };
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = quote.map_or(value, |_| &value[1..]);
    let stop = value.find(|c: char| match quote {
        Some(quote) => c == quote,
        None => c.is_whitespace() || matches!(c, '&' | ',' | ';' | ')' | '"' | '\''),
    });
    let length = stop.unwrap_or(value.len());
    let start = text.len() - value.len();
    // MySQL says whether a password was sent at all: `using password: YES`.
    let told = matches!(&value[..length], "YES" | "NO");
    (length > 0 && !told).then_some((start, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("mysql://shop:hunter2@db:3306/shop failed", "mysql://shop:***@db:3306/shop failed")]
    #[case("mysql://shop:p@ss@db/shop", "mysql://shop:***@db/shop")]
    #[case("see https://example.org/help: it says", "see https://example.org/help: it says")]
    #[case("refused (password=hunter2, host=x)", "refused (password=***, host=x)")]
    #[case("PASSWORD: hunter2 was wrong", "PASSWORD: *** was wrong")]
    #[case(r#"{"client_secret":"a b c","id":1}"#, r#"{"client_secret":"***","id":1}"#)]
    #[case("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***")]
    #[case("?access_token=abc&x=1", "?access_token=***&x=1")]
    #[case(
        "Access denied for user 'shop'@'localhost' (using password: YES)",
        "Access denied for user 'shop'@'localhost' (using password: YES)"
    )]
    #[case("Change the password of the account.", "Change the password of the account.")]
    #[case("", "")]
    fn what_looks_like_a_secret_is_masked(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(Redactor::default().redact(text), expected);
    }

    #[test]
    fn known_secrets_are_masked_wherever_they_stand() {
        let redactor = Redactor::new(["hunter2".into(), "hunter2-and-more".into(), "ab".into()]);
        assert_eq!(redactor.redact("xhunter2-and-more hunter2 ab"), "x*** *** ab");
        assert_eq!(format!("{redactor:?}"), "Redactor(..)");
    }

    #[test]
    fn secrets_that_come_along_later_are_masked_by_every_clone() {
        let redactor = Redactor::new(["hunter2".into()]);
        let clone = redactor.clone();
        redactor.learn("ya29.first");
        redactor.learn("ya29.first-and-more");
        redactor.learn("ab");
        assert_eq!(clone.redact("ya29.first-and-more ya29.first hunter2 ab"), "*** *** *** ab");
        (0..MAX_LASTING).for_each(|n| redactor.learn(&format!("refresh token number {n};")));
        assert_eq!(clone.redact("ya29.first; refresh token number 7;"), "ya29.first; ***");
    }

    #[test]
    fn what_passes_never_pushes_out_what_lasts() {
        let redactor = Redactor::default();
        // Several hundred Storage Sets, each with the secret of its app and a refresh token.
        (0..2000).for_each(|n| redactor.learn(&format!("lasting number {n};")));
        (0..3 * MAX_PASSING).for_each(|n| redactor.learn_passing(&format!("passing number {n};")));
        assert_eq!(redactor.redact("lasting number 0; lasting number 1999;"), "*** ***");
        let newest = format!("passing number {};", 3 * MAX_PASSING - 1);
        assert_eq!(redactor.redact(&format!("passing number 0; {newest}")), "passing number 0; ***");
        // One that is used again is kept.
        redactor.learn_passing("the one in use by a pass");
        for n in 0..3 * MAX_PASSING {
            redactor.learn_passing(&format!("more of them: {n};"));
            redactor.learn_passing("the one in use by a pass");
        }
        assert_eq!(redactor.redact("the one in use by a pass"), "***");
    }

    #[test]
    fn words_are_no_codes() {
        let redactor = Redactor::default();
        for word in ["", "failed", "the destination"] {
            redactor.learn_passing(word);
        }
        assert_eq!(
            redactor.redact("Storage failed: the destination is gone"),
            "Storage failed: the destination is gone"
        );
        redactor.learn_passing("4/0AbCdEf-GhIjKl");
        assert_eq!(redactor.redact("x4/0AbCdEf-GhIjKl"), "x***");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC*", label in "(password|Bearer |token)[=:\"' ]{0,3}") {
            Redactor::default().redact(&format!("{text}{label}{text}"));
        }

        #[test]
        fn a_known_secret_never_comes_through(before in "\\PC{0,20}", secret in "[A-Za-z0-9]{8,20}", after in "\\PC{0,20}") {
            let redactor = Redactor::new([secret.clone()]);
            let redacted = redactor.redact(&format!("{before}{secret}{after}"));
            prop_assert!(!redacted.contains(&secret));
        }
    }
}
