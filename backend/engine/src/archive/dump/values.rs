//! Column values as SQL literals that every server reads back to the same value.
//!
//! Text comes in `utf8mb4` and is quoted, as are dates; bytes are hexadecimal unless they are text (sessions, serialised objects); numbers
//! stand as the server prints them. Rows come by the text protocol. What it does not tell whole is asked for by number or through arithmetic
//! ([`Column::selected`]): the digits of a `FLOAT`, of which servers print six, those of a `DOUBLE(m,d)`, of which they print more than they
//! read, and an `ENUM` or `SET` that is none of its elements, which looks like the empty text where that is one of them.

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it comes.
    Number,
    /// A negative zero keeps its sign, and a small number its digits.
    Real,
    Quoted,
    /// As bytes that may be text.
    Bytes,
    Hex,
}

/// A column that has values of its own; generated ones are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub format: Format,
    /// What stands around it where it is selected as a number, for its text would lose something.
    numeric: (&'static str, &'static str),
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
        // An element that is the empty text looks like none of them.
        let empty = || ["('',", "('')", ",'',", ",'')"].iter().any(|empty| rest.contains(empty));
        let text = ("", "");
        let (format, numeric) = match word.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric"
            | "year" => (Format::Number, text),
            // A sum would lose the sign of a zero, which MySQL keeps.
            "float" => (Format::Real, ("", "*1e0")),
            // With a fixed number of decimals it has no exponent, and may have more digits than servers read.
            "double" | "real" if rest.starts_with('(') => (Format::Real, ("", "*1e0")),
            "double" | "real" => (Format::Real, text),
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => (Format::Bytes, text),
            "bit" | "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" | "vector" => (Format::Hex, text),
            "enum" if empty() => (Format::Number, ("", "+0")),
            "set" if empty() => (Format::Number, ("CAST(", " AS UNSIGNED)")),
            _ => (Format::Quoted, text),
        };
        (!generated).then_some(Column { name, format, numeric })
    }

    /// What to select.
    pub fn selected(&self) -> String {
        let (before, behind) = self.numeric;
        format!("{before}{}{behind}", crate::source::database::quote_name(&self.name))
    }
}

/// Appends the literal; `None` is NULL.
#[inline]
pub fn write(out: &mut Vec<u8>, value: Option<&[u8]>, format: Format) {
    let Some(bytes) = value else { return out.extend_from_slice(b"NULL") };
    match format {
        Format::Number => out.extend_from_slice(bytes),
        Format::Real => real(out, bytes),
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

/// Digits behind the point that every server keeps of a number without an exponent.
const DECIMALS: usize = 30;

fn real(out: &mut Vec<u8>, bytes: &[u8]) {
    // As a whole number it would lose the sign.
    if bytes == b"-0" {
        return out.extend_from_slice(b"-0e0");
    }
    let decimals = bytes.iter().position(|byte| *byte == b'.').map_or(0, |point| bytes.len() - point - 1);
    let number: Option<f64> = (decimals > DECIMALS)
        .then(|| std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()))
        .flatten();
    match number {
        Some(number) => out.extend_from_slice(format!("{number:e}").as_bytes()),
        None => out.extend_from_slice(bytes),
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

/// Bytes that are looked through at once, and of what is left of them.
const STRIDE: usize = 32;
const STEP: usize = 8;

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
    // Without a branch for each, the compiler compares many at a time.
    let suspect = |byte: u8| byte <= 0x1a || byte == b'\'' || byte == b'\\';
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    for (index, stride) in strides.iter().enumerate() {
        if stride.iter().fold(false, |found, byte| found | suspect(*byte)) {
            slowly(out, index * STRIDE, (index + 1) * STRIDE);
        }
    }
    let begun = bytes.len() - rest.len();
    let (steps, rest) = rest.as_chunks::<STEP>();
    for (index, step) in steps.iter().enumerate() {
        if step.iter().fold(false, |found, byte| found | suspect(*byte)) {
            slowly(out, begun + index * STEP, begun + (index + 1) * STEP);
        }
    }
    slowly(out, bytes.len() - rest.len(), bytes.len());
    out.extend_from_slice(&bytes[done..]);
}
