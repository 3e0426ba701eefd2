//! Definitions as the server gives them, made fit for another user and another server.

use crate::source::database::{plain, quote_name};

/// Removes `DEFINER=user@host` from the head of a definition. Only there: what looks like one in a body stays.
///
/// Definers bind a view, trigger or routine to a user that the restoring server may lack, and naming another user takes a privilege
/// that an ordinary user does not have. Without it the restoring user becomes the definer.
pub fn strip_definer(sql: &[u8]) -> Vec<u8> {
    const WORD: &[u8] = b"DEFINER";
    let head_end = sql.iter().position(|b| matches!(b, b'`' | b'"' | b'\'')).unwrap_or(sql.len());
    let Some(start) = sql[..head_end].windows(WORD.len()).rposition(|w| w.eq_ignore_ascii_case(WORD)) else {
        return sql.to_vec();
    };
    let mut at = start + WORD.len();
    let skip_space =
        |at: &mut usize| *at += sql[*at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    skip_space(&mut at);
    if sql.get(at) != Some(&b'=') {
        return sql.to_vec();
    }
    at += 1;
    skip_space(&mut at);
    at = skip_name(sql, at);
    if sql.get(at) == Some(&b'@') {
        at = skip_name(sql, at + 1);
    }
    skip_space(&mut at);
    [&sql[..start], &sql[at..]].concat()
}

/// Behind a name that begins at `at`: quoted in one of three ways, or plain.
fn skip_name(sql: &[u8], at: usize) -> usize {
    match sql.get(at) {
        Some(&quote @ (b'`' | b'"' | b'\'')) => {
            let mut end = at + 1;
            while end < sql.len() {
                if sql[end] != quote {
                    end += 1;
                } else if sql.get(end + 1) == Some(&quote) {
                    end += 2;
                } else {
                    return end + 1;
                }
            }
            end
        }
        _ => at + sql[at..].iter().take_while(|b| !b.is_ascii_whitespace() && **b != b'@').count(),
    }
}

/// Takes the database's own name out of a definition: servers write it before functions, sequences and sometimes columns, and a
/// restore under another name would not find them. Quoted text stays as it is; so does what could be a column of an alias.
pub fn without_database(sql: &[u8], database: &str) -> Vec<u8> {
    let own = crate::source::database::quote_name(database).into_bytes();
    let takes_sequence = |before: &[u8]| {
        [b"nextval(".as_slice(), b"lastval(", b"setval("].iter().any(|call| before.ends_with(call))
    };
    let mut out = Vec::with_capacity(sql.len());
    let mut at = 0;
    while let Some(&byte) = sql.get(at) {
        let end = match byte {
            b'\'' => text_end(sql, at),
            b'`' => skip_name(sql, at),
            _ => at + 1,
        };
        let is_own = byte == b'`' && sql[at..end] == own && sql.get(end) == Some(&b'.');
        if is_own && sql.get(end + 1) == Some(&b'`') {
            let next = skip_name(sql, end + 1);
            let called = sql.get(next) == Some(&b'(');
            // Database, table, column: a column of a table in it.
            let column = sql.get(next..next + 2) == Some(b".`");
            if called || column || takes_sequence(&out) {
                at = end + 1;
                continue;
            }
        }
        out.extend_from_slice(&sql[at..end]);
        at = end;
    }
    out
}

/// Behind a text in single quotes that begins at `at`.
fn text_end(sql: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(byte) = sql.get(end) {
        match byte {
            b'\\' => end += 2,
            b'\'' => return end + 1,
            _ => end += 1,
        }
    }
    sql.len()
}

/// A delimiter that does not occur in the definition.
pub fn delimiter(sql: &[u8]) -> String {
    let mut delimiter = ";;".to_string();
    while sql.windows(delimiter.len()).any(|window| window == delimiter.as_bytes()) {
        delimiter.push(if delimiter.len().is_multiple_of(2) { '$' } else { ';' });
    }
    delimiter
}

/// A view, trigger, routine or event, with the session that it was made in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `TRIGGER`, `PROCEDURE`, …, as `DROP` wants it.
    pub kind: &'static str,
    pub name: String,
    /// The definition without its definer, in the character set `client`.
    pub sql: Vec<u8>,
    pub client: String,
    pub collation: String,
    pub sql_mode: Option<String>,
    pub time_zone: Option<String>,
}

impl Object {
    /// Appends the statements that make it again, whatever the session of the restore is.
    pub fn write(&self, out: &mut Vec<u8>) {
        let delimiter = delimiter(&self.sql);
        let quote = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        let mut session = vec![
            ("character_set_client", quote(&self.client)),
            ("character_set_results", quote(&self.client)),
            ("collation_connection", quote(&self.collation)),
        ];
        session.extend(self.sql_mode.as_deref().map(|mode| ("sql_mode", quote(&portable_mode(mode)))));
        session.extend(self.time_zone.as_deref().map(|zone| ("time_zone", quote(zone))));
        let list = |item: &dyn Fn(&(&str, String)) -> String| {
            session.iter().map(item).collect::<Vec<_>>().join(", ")
        };
        let own: String = vendor_modes(self.sql_mode.as_deref().unwrap_or_default())
            .map(|(_, comment, modes)| {
                let modes: Vec<String> = modes.into_iter().map(quote).collect();
                format!(
                    "{comment} SET sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), {}) */;\n",
                    modes.join(", ")
                )
            })
            .collect();
        let save = list(&|(name, _)| format!("@saved_{name} = @@{name}"));
        let set = list(&|(name, value)| format!("{name} = {value}"));
        let restore = list(&|(name, _)| format!("{name} = @saved_{name}"));
        out.extend_from_slice(
            format!(
                "\n--\n-- {} {}\n--\n\nDROP {} IF EXISTS {};\nSET {save};\nSET {set};\n{own}DELIMITER {delimiter}\n",
                self.kind,
                plain(&quote_name(&self.name)),
                self.kind,
                quote_name(&self.name),
            )
            .as_bytes(),
        );
        out.extend_from_slice(&self.sql);
        // On a line of its own: a body may end in a remark, which would take the delimiter with it.
        out.extend_from_slice(format!("\n{delimiter}\nDELIMITER ;\nSET {restore};\n").as_bytes());
    }
}

/// What MySQL 8 and MariaDB both know. The rest is about other things than what a body means (`NO_AUTO_CREATE_USER`, about `GRANT`, is
/// a default of MariaDB and an error on MySQL 8), or a vendor's own.
const COMMON_MODES: [&str; 20] = [
    "REAL_AS_FLOAT",
    "PIPES_AS_CONCAT",
    "ANSI_QUOTES",
    "IGNORE_SPACE",
    "ANSI",
    "ONLY_FULL_GROUP_BY",
    "NO_UNSIGNED_SUBTRACTION",
    "NO_DIR_IN_CREATE",
    "NO_AUTO_VALUE_ON_ZERO",
    "NO_BACKSLASH_ESCAPES",
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "NO_ZERO_IN_DATE",
    "NO_ZERO_DATE",
    "ALLOW_INVALID_DATES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "TRADITIONAL",
    "HIGH_NOT_PRECEDENCE",
    "NO_ENGINE_SUBSTITUTION",
    "PAD_CHAR_TO_FULL_LENGTH",
];

/// What changes the meaning of a body and only one vendor knows, with how a comment begins that this vendor alone runs.
const VENDOR_MODES: [(&str, &str, &[&str]); 2] = [
    (
        "MariaDB",
        "/*M!100300",
        &["ORACLE", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL"],
    ),
    ("MySQL", "/*!80000", &["TIME_TRUNCATE_FRACTIONAL"]),
];

/// The modes of `mode` that every server knows.
fn portable_mode(mode: &str) -> String {
    let known = |word: &&str| COMMON_MODES.contains(word);
    mode.split(',').filter(known).collect::<Vec<_>>().join(",")
}

/// The others that matter: the vendor, how its comments begin, the modes.
fn vendor_modes(mode: &str) -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    VENDOR_MODES.into_iter().filter_map(move |(vendor, comment, own)| {
        let found: Vec<&str> =
            own.iter().copied().filter(|own| mode.split(',').any(|word| word == *own)).collect();
        (!found.is_empty()).then_some((vendor, comment, found))
    })
}

impl Object {
    /// Modes that only one vendor knows, with its name: on the other the object is made without them.
    pub fn modes_of_one_vendor(&self) -> Option<(&'static str, String)> {
        let mode = self.sql_mode.as_deref()?;
        vendor_modes(mode).next().map(|(vendor, _, modes)| (vendor, modes.join(",")))
    }
}
