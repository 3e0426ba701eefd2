//! Column values as SQL literals that every server reads back to the same value.
//!
//! Rows come by the text protocol in `utf8mb4`. Numbers go out as they come, text is quoted, bytes are hexadecimal. `FLOAT` is the
//! exception: servers print six digits of it, so it is asked for as `col + 0e0`, which is exact.

use mysql_async::Value;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it comes.
    Number,
    /// As it comes, but a negative zero keeps its sign.
    Real,
    Quoted,
    Hex,
}

/// A column that has values of its own; generated ones are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub format: Format,
    /// `FLOAT`: selected through arithmetic, to be exact.
    pub inexact: bool,
}

impl Column {
    /// From a row of `SHOW COLUMNS`; none for a generated column.
    pub fn new(name: String, declared: &str, extra: &str) -> Option<Column> {
        let extra = extra.to_ascii_uppercase();
        // `DEFAULT_GENERATED` is MySQL's word for a default that is an expression.
        let generated = extra.contains("VIRTUAL") || extra.contains("STORED") || extra.contains("PERSISTENT");
        let word: String =
            declared.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        let format = match word.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric"
            | "year" => Format::Number,
            "float" | "double" | "real" => Format::Real,
            "bit" | "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" => {
                Format::Hex
            }
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" => Format::Hex,
            _ => Format::Quoted,
        };
        (!generated).then(|| Column { name, format, inexact: word == "float" })
    }

    /// What to select.
    pub fn selected(&self) -> String {
        let name = crate::source::database::quote_name(&self.name);
        if self.inexact { format!("{name}+0e0") } else { name }
    }
}

/// Bytes that a literal of the value may take, roughly.
pub fn estimate(value: Option<&Value>, format: Format) -> usize {
    match value {
        Some(Value::Bytes(bytes)) if format == Format::Hex => 2 * bytes.len() + 3,
        Some(Value::Bytes(bytes)) => bytes.len() + 3,
        _ => 5,
    }
}

/// Appends the literal.
pub fn write(out: &mut Vec<u8>, value: Option<&Value>, format: Format) {
    let Some(Value::Bytes(bytes)) = value else {
        // The text protocol knows bytes and NULL.
        out.extend_from_slice(b"NULL");
        return;
    };
    match format {
        Format::Number => out.extend_from_slice(bytes),
        // As a whole number it would lose the sign.
        Format::Real if bytes == b"-0" => out.extend_from_slice(b"-0e0"),
        Format::Real => out.extend_from_slice(bytes),
        // An empty `0x` is an error everywhere.
        Format::Hex if bytes.is_empty() => out.extend_from_slice(b"''"),
        Format::Hex => {
            out.extend_from_slice(b"0x");
            hex(out, bytes);
        }
        Format::Quoted => {
            out.push(b'\'');
            escape(out, bytes);
            out.push(b'\'');
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Appends two digits for each byte.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    out.extend(
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
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

/// Appends the text, escaped for the inside of single quotes. May be called piece by piece.
pub fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len());
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape != 0 {
            out.extend_from_slice(&bytes[done..at]);
            out.extend_from_slice(&[b'\\', escape]);
            done = at + 1;
        }
    }
    out.extend_from_slice(&bytes[done..]);
}
