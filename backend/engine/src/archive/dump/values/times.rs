//! Dates and times as servers print them: no calendar is asked, for stores have dates that none has.

/// Writes the number into all of the digits.
fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Appends what is left of the text with so many digits of fractions (and no point without any), and the quote behind it.
fn close(out: &mut Vec<u8>, text: &[u8], whole: usize, fraction: u8) {
    let length = if fraction == 0 { whole } else { whole + 1 + usize::from(fraction) };
    out.extend_from_slice(&text[..length.min(text.len())]);
    out.push(b'\'');
}

pub fn date(out: &mut Vec<u8>, year: u16, month: u8, day: u8) {
    let mut text = *b"'0000-00-00";
    put(&mut text[1..5], year.into());
    put(&mut text[6..8], month.into());
    put(&mut text[9..11], day.into());
    out.extend_from_slice(&text);
    out.push(b'\'');
}

pub fn date_time(
    out: &mut Vec<u8>,
    (year, month, day): (u16, u8, u8),
    (hour, minute, second): (u8, u8, u8),
    micros: u32,
    fraction: u8,
) {
    let mut text = *b"'0000-00-00 00:00:00.000000";
    put(&mut text[1..5], year.into());
    put(&mut text[6..8], month.into());
    put(&mut text[9..11], day.into());
    put(&mut text[12..14], hour.into());
    put(&mut text[15..17], minute.into());
    put(&mut text[18..20], second.into());
    put(&mut text[21..27], micros);
    close(out, &text, 20, fraction);
}

/// A span of up to 838 hours.
pub fn time(
    out: &mut Vec<u8>,
    negative: bool,
    (hours, minute, second): (u32, u8, u8),
    micros: u32,
    fraction: u8,
) {
    out.extend_from_slice(if negative { b"'-" } else { b"'" });
    if hours >= 100 {
        out.push(b'0' + (hours / 100 % 10) as u8);
    }
    let mut text = *b"00:00:00.000000";
    put(&mut text[0..2], hours % 100);
    put(&mut text[3..5], minute.into());
    put(&mut text[6..8], second.into());
    put(&mut text[9..15], micros);
    close(out, &text, 8, fraction);
}
