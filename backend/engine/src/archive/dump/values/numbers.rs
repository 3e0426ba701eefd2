//! Numbers as servers print them.

use std::io::Write;

/// As a whole number it would lose the sign.
pub const NEGATIVE_ZERO: &[u8] = b"-0e0";
/// Up to this power of ten servers print all digits of whole numbers, and as many zeros behind the point but one.
const PLAIN: i32 = 15;
/// Digits behind the point that every server keeps of a number without an exponent.
const DECIMALS: i32 = 30;

pub fn whole(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The year of zero has four digits, too.
pub fn year(out: &mut Vec<u8>, number: i64) {
    if number < 1000 {
        let _ = write!(out, "{number:04}");
    } else {
        whole(out, number);
    }
}

/// The fewest digits that read back as this very number. Servers know neither infinities nor what is no number.
pub fn real(out: &mut Vec<u8>, number: f64) {
    if number == 0.0 {
        out.extend_from_slice(if number.is_sign_negative() { NEGATIVE_ZERO } else { b"0" });
        return;
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    // `1.234e-5`: one digit, the others, the exponent.
    let text = shortest(number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (first, others) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Where the point is, counted from the first digit.
    let point = exponent.parse().unwrap_or(0) + 1;
    let digits = i32::try_from(1 + others.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or(0));
    if point <= -PLAIN || point > PLAIN && digits <= point || digits - point > DECIMALS {
        out.extend_from_slice(text.as_bytes());
    } else if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(zeros(-point));
        out.extend_from_slice(first.as_bytes());
        out.extend_from_slice(others.as_bytes());
    } else {
        out.extend_from_slice(first.as_bytes());
        let whole = usize::try_from(point - 1).unwrap_or(0).min(others.len());
        out.extend_from_slice(&others.as_bytes()[..whole]);
        out.extend(zeros(point - digits));
        if whole < others.len() {
            out.push(b'.');
            out.extend_from_slice(&others.as_bytes()[whole..]);
        }
    }
}

/// Half way between two, servers take the even digit.
fn shortest(number: f64) -> String {
    let text = format!("{number:e}");
    let decimals = text.find('e').unwrap_or(text.len()).saturating_sub(2);
    let even = format!("{number:.decimals$e}");
    if even.parse() == Ok(number) { even } else { text }
}
