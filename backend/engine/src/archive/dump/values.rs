//! Column values as SQL literals that every server reads back to the same value.
//!
//! Text comes in `utf8mb4` and is quoted, bytes are hexadecimal unless they are text (sessions, serialised objects), numbers are written as
//! the server itself would. Rows come by the binary
//! protocol, where numbers and dates are what they are; tables with a column of which it tells less than the text protocol (widths,
//! the types of one vendor) come by that. `FLOAT` is its exception: servers print six digits, so that it is asked for as `col + 0e0`.

mod numbers;
mod times;

use mysql_async::Value;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it comes.
    Number,
    /// A negative zero keeps its sign.
    Real,
    /// At least four digits.
    Year,
    Quoted,
    /// As bytes that may be text.
    Bytes,
    Hex,
    Date,
    /// With so many digits of fractions.
    DateTime(u8),
    Time(u8),
}

/// A column that has values of its own; generated ones are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub format: Format,
    /// The binary protocol tells all of it.
    pub binary: bool,
    inexact: Inexact,
}

/// What is selected through arithmetic, for its text would lose something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inexact {
    No,
    /// Servers print six digits of a `FLOAT`. The binary protocol tells all of it.
    Float,
    /// An `ENUM` that has the empty text among its values: a value that is none of them looks the same, and has another number.
    Enum,
}

impl Column {
    /// From a row of `SHOW COLUMNS`; none for a generated column.
    pub fn new(name: String, declared: &str, extra: &str) -> Option<Column> {
        let extra = extra.to_ascii_uppercase();
        // `DEFAULT_GENERATED` is MySQL's word for a default that is an expression.
        let generated = extra.contains("VIRTUAL") || extra.contains("STORED") || extra.contains("PERSISTENT");
        let declared = declared.to_ascii_lowercase();
        let word: String = declared.chars().take_while(char::is_ascii_alphabetic).collect();
        let rest = &declared[word.len()..];
        // Zeros in front, or digits behind the point, that the value itself does not have.
        let padded = rest.contains("zerofill");
        let mut inexact = Inexact::No;
        let (format, binary) = match word.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric" => {
                (Format::Number, !padded)
            }
            "year" => (Format::Year, rest != "(2)"),
            "float" => {
                inexact = Inexact::Float;
                (Format::Real, !padded && !rest.starts_with('('))
            }
            "double" | "real" => (Format::Real, !padded && !rest.starts_with('(')),
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => (Format::Bytes, true),
            "bit" | "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" => (Format::Hex, true),
            "enum" if ["('',", "('')", ",'',", ",'')"].iter().any(|empty| rest.contains(empty)) => {
                inexact = Inexact::Enum;
                (Format::Number, true)
            }
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
            | "json" => (Format::Quoted, true),
            "date" => (Format::Date, true),
            "datetime" | "timestamp" => (Format::DateTime(fraction(rest)), true),
            "time" => (Format::Time(fraction(rest)), true),
            "vector" => (Format::Hex, false),
            _ => (Format::Quoted, false),
        };
        (!generated).then_some(Column { name, format, binary, inexact })
    }

    /// What to select.
    pub fn selected(&self, binary: bool) -> String {
        let name = crate::source::database::quote_name(&self.name);
        match self.inexact {
            Inexact::Float if !binary => format!("{name}+0e0"),
            Inexact::Enum => format!("{name}+0"),
            _ => name,
        }
    }
}

/// `(3)`
fn fraction(rest: &str) -> u8 {
    let digits = rest.strip_prefix('(').and_then(|rest| rest.split(')').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0).min(6)
}

/// Appends the literal.
pub fn write(out: &mut Vec<u8>, value: &Value, format: Format) {
    match value {
        Value::NULL => out.extend_from_slice(b"NULL"),
        Value::Bytes(bytes) => text(out, bytes, format),
        Value::Int(number) if format == Format::Year => numbers::year(out, *number),
        Value::Int(number) => numbers::whole(out, *number),
        Value::UInt(number) => numbers::whole(out, *number),
        // Every one is a double, which servers read without rounding twice.
        Value::Float(number) => numbers::real(out, f64::from(*number)),
        Value::Double(number) => numbers::real(out, *number),
        Value::Date(year, month, day, hour, minute, second, micros) => match format {
            Format::Date => times::date(out, *year, *month, *day),
            Format::DateTime(digits) => {
                times::date_time(out, (*year, *month, *day), (*hour, *minute, *second), *micros, digits);
            }
            _ => times::date_time(out, (*year, *month, *day), (*hour, *minute, *second), *micros, 6),
        },
        Value::Time(negative, days, hour, minute, second, micros) => {
            let digits = if let Format::Time(digits) = format { digits } else { 6 };
            let hours = days * 24 + u32::from(*hour);
            times::time(out, *negative, (hours, *minute, *second), *micros, digits);
        }
    }
}

/// What came as text, or is text.
fn text(out: &mut Vec<u8>, bytes: &[u8], format: Format) {
    match format {
        // As a whole number it would lose the sign.
        Format::Real if bytes == b"-0" => out.extend_from_slice(numbers::NEGATIVE_ZERO),
        Format::Number | Format::Real | Format::Year => out.extend_from_slice(bytes),
        // An empty `0x` is an error everywhere.
        Format::Hex | Format::Bytes if bytes.is_empty() => out.extend_from_slice(b"''"),
        _ => {
            let literal = Literal::of(bytes, format);
            out.extend_from_slice(literal.open());
            literal.append(out, bytes);
            out.extend_from_slice(literal.close());
        }
    }
}

/// How bytes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    Text,
    /// Text that no server converts, whatever the connection's character set.
    Binary,
    Hex,
}

impl Literal {
    /// Of a value that is written as a string. `bytes` is the whole of it.
    pub fn of(bytes: &[u8], format: Format) -> Literal {
        match format {
            Format::Hex => Literal::Hex,
            Format::Bytes if is_text(bytes) => Literal::Binary,
            Format::Bytes => Literal::Hex,
            _ => Literal::Text,
        }
    }

    pub fn open(self) -> &'static [u8] {
        match self {
            Literal::Text => b"'",
            Literal::Binary => BINARY,
            Literal::Hex => b"0x",
        }
    }

    /// Appends the inside. May be called piece by piece.
    pub fn append(self, out: &mut Vec<u8>, bytes: &[u8]) {
        match self {
            Literal::Text | Literal::Binary => escape(out, bytes),
            Literal::Hex => hex(out, bytes),
        }
    }

    pub fn close(self) -> &'static [u8] {
        match self {
            Literal::Text | Literal::Binary => b"'",
            Literal::Hex => b"",
        }
    }
}

const BINARY: &[u8] = b"_binary '";

/// Whether bytes are shorter as text, which half the size of hexadecimal digits makes them, and come through any client as it: UTF-8, for
/// clients tell characters apart before they look for the end of a string, and no control characters but those that are escaped.
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: u8| byte < 0x20 && ESCAPES[usize::from(byte)] == 0 && byte != b'\t';
    bytes.len() > BINARY.len()
        && !bytes.iter().fold(false, |found, byte| found | control(*byte) | (*byte == 0x7f))
        && std::str::from_utf8(bytes).is_ok()
}

/// Appends two digits for each byte.
fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'A' - 10 };
    let at = out.len();
    out.resize(at + 2 * bytes.len(), 0);
    for (digits, byte) in out[at..].as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *digits = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// What stands after the backslash for bytes that need one; 0 for those that stand for themselves.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    table[0] = b'0';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    // Ends a file for some clients on Windows.
    table[0x1a] = b'Z';
    table[b'\\' as usize] = b'\\';
    table[b'\'' as usize] = b'\'';
    table
};

/// Bytes that are looked through at once.
const STRIDE: usize = 32;

/// Appends the text, escaped for the inside of single quotes. May be called piece by piece.
pub fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len());
    let mut done = 0;
    let mut slowly = |out: &mut Vec<u8>, from: usize, to: usize| {
        for (at, byte) in bytes[from..to].iter().enumerate() {
            let escape = ESCAPES[usize::from(*byte)];
            if escape != 0 {
                out.extend_from_slice(&bytes[done..from + at]);
                out.extend_from_slice(&[b'\\', escape]);
                done = from + at + 1;
            }
        }
    };
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    for (index, stride) in strides.iter().enumerate() {
        // Without a branch for each, the compiler compares many at a time.
        let suspect = |byte: u8| byte <= 0x1a || byte == b'\'' || byte == b'\\';
        if stride.iter().fold(false, |found, byte| found | suspect(*byte)) {
            slowly(out, index * STRIDE, (index + 1) * STRIDE);
        }
    }
    slowly(out, bytes.len() - rest.len(), bytes.len());
    out.extend_from_slice(&bytes[done..]);
}
