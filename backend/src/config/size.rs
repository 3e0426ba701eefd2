//! Sizes as people write them: `4GiB`, `500 MB`, `1048576`.

/// Parses a number of bytes: plain, or with a decimal (`kB`, `MB`, `GB`, `TB`) or binary (`KiB`, `MiB`, `GiB`, `TiB`)
/// suffix. A bare letter (`4G`) is binary. Letter case does not matter.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write bytes or a size such as 500MB or 4GiB");
    let text_end = text.trim();
    let digits = text_end.find(|c: char| !c.is_ascii_digit()).unwrap_or(text_end.len());
    let number: u64 = text_end[..digits].parse().map_err(|_| wrong())?;
    let unit: u64 = match text_end[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|n| i64::try_from(*n).is_ok()).ok_or_else(wrong)
}

/// The smallest part that makes sense: below it, a copy would be a crowd of tiny objects.
pub const MIN_PART_SIZE: u64 = 64 << 10;

pub(super) fn parse_part_size(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        size if size < MIN_PART_SIZE => Err(format!("a part has at least {MIN_PART_SIZE} bytes (64KiB)")),
        size => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", Some(0))]
    #[case("1048576", Some(1_048_576))]
    #[case("4GiB", Some(4 << 30))]
    #[case(" 4 gib ", Some(4 << 30))]
    #[case("4G", Some(4 << 30))]
    #[case("500MB", Some(500_000_000))]
    #[case("2TiB", Some(2 << 40))]
    #[case("", None)]
    #[case("GiB", None)]
    #[case("-1", None)]
    #[case("1.5GiB", None)]
    #[case("4 parsecs", None)]
    #[case("99999999TiB", None)]
    fn sizes_are_read_with_and_without_units(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(parse_size(text).ok(), bytes);
    }

    #[test]
    fn a_part_is_not_absurdly_small() {
        assert!(parse_part_size("1KiB").is_err());
        assert_eq!(parse_part_size("1MiB"), Ok(1 << 20));
    }
}
