//! How good a password is, said before the server has to refuse it.

use contract::MIN_PASSWORD;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    TooShort,
    Weak,
    Fair,
    Strong,
}

impl Strength {
    pub fn label(self) -> &'static str {
        match self {
            Strength::TooShort => "Too short",
            Strength::Weak => "Weak",
            Strength::Fair => "Fair",
            Strength::Strong => "Strong",
        }
    }

    /// Of four segments, how many are lit.
    pub fn level(self) -> u8 {
        match self {
            Strength::TooShort => 1,
            Strength::Weak => 2,
            Strength::Fair => 3,
            Strength::Strong => 4,
        }
    }
}

/// The strength and the one thing that would improve it most.
pub fn judge(password: &str, username: &str) -> (Strength, &'static str) {
    let length = password.chars().count() as u64;
    if length < MIN_PASSWORD {
        return (Strength::TooShort, "Use at least 10 characters; several words are easy to remember.");
    }
    let lower = password.to_lowercase();
    if username.chars().count() >= 3 && lower.contains(&username.to_lowercase()) {
        return (Strength::Weak, "Leave the user name out of it.");
    }
    const COMMON: [&str; 8] =
        ["password", "passwort", "admin", "magento", "qwert", "12345", "letmein", "welcome"];
    if COMMON.iter().any(|word| lower.contains(word)) && length < 20 {
        return (Strength::Weak, "Leave out words that everybody tries first.");
    }
    let bits = guess_bits(password);
    if bits < 40.0 {
        (Strength::Weak, "Repeat less and mix more kinds of characters.")
    } else if bits < 64.0 {
        (Strength::Fair, "Good enough; a few more characters make it strong.")
    } else {
        (Strength::Strong, "Keep it in a password manager.")
    }
}

/// A rough count: the alphabet used, for every character that neither repeats nor continues its neighbour.
fn guess_bits(password: &str) -> f64 {
    let has = |f: fn(char) -> bool| password.chars().any(f);
    let mut alphabet = 0.0;
    alphabet += if has(|c| c.is_ascii_lowercase()) { 26.0 } else { 0.0 };
    alphabet += if has(|c| c.is_ascii_uppercase()) { 26.0 } else { 0.0 };
    alphabet += if has(|c| c.is_ascii_digit()) { 10.0 } else { 0.0 };
    alphabet += if has(|c| !c.is_ascii_alphanumeric()) { 33.0 } else { 0.0 };
    let chars: Vec<u32> = password.chars().map(u32::from).collect();
    let fresh = 1 + chars.windows(2).filter(|w| w[0].abs_diff(w[1]) > 1).count();
    let distinct = password.chars().collect::<std::collections::BTreeSet<_>>().len();
    fresh.min(distinct * 2) as f64 * f64::log2(alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_judged() {
        for (password, expected) in [
            ("", Strength::TooShort),
            ("Ab3$xyzqw", Strength::TooShort),
            ("aaaaaaaaaaaa", Strength::Weak),
            ("abcdefghijkl", Strength::Weak),
            ("Password2026!", Strength::Weak),
            ("operator-1-xyz", Strength::Weak),
            ("kdmvqhtrwp", Strength::Fair),
            ("T7#kd!mvQ2hx", Strength::Strong),
            ("horse battery staple", Strength::Strong),
        ] {
            assert_eq!(judge(password, "operator").0, expected, "{password}");
        }
    }
}
