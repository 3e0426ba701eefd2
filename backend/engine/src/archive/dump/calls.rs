//! What a definition calls and refers to, by its text.
//!
//! A server hides routines from who lacks the privilege, as if there were none. What calls one gives it away.

/// A word of SQL. Comments are left out, texts are not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A keyword or a plain name.
    Word(String),
    /// A name in backticks.
    Quoted(String),
    Text,
    Sign(u8),
}

/// A name in front of an opening bracket, or behind `CALL`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub database: Option<String>,
    pub name: String,
    /// Behind `CALL`: nothing but a procedure can stand there. Without it, a plain name may be a function of the server's own.
    pub procedure: bool,
    /// Written in backticks, or behind a database's name.
    pub quoted: bool,
}

/// Behind these a name with a bracket is something else: a table with its columns, an index, the routine that is being made.
const NO_CALL: [&str; 24] = [
    "INTO",
    "TABLE",
    "EXISTS",
    "INSERT",
    "REPLACE",
    "IGNORE",
    "DELAYED",
    "LOW_PRIORITY",
    "HIGH_PRIORITY",
    "WITH",
    "RECURSIVE",
    "INDEX",
    "KEY",
    "UNIQUE",
    "CONSTRAINT",
    "REFERENCES",
    "PARTITION",
    "FUNCTION",
    "PROCEDURE",
    "TRIGGER",
    "VIEW",
    "EVENT",
    "AS",
    "CALL",
];

/// Every call, each once, in order of their names.
pub fn calls(sql: &[u8]) -> Vec<Call> {
    let tokens = tokens(sql);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let before = at.checked_sub(1).map(|before| &tokens[before].0);
        let Some((database, name, quoted, next)) = name_at(&tokens, at) else {
            at += 1;
            continue;
        };
        let called = is_word(before, &["CALL"]);
        // A space in front of the bracket makes a column list of it, or a keyword of the name.
        let bracket = tokens.get(next).is_some_and(|(token, spaced)| *token == Token::Sign(b'(') && !spaced);
        let call =
            || !is_word(before, &NO_CALL) && before != Some(&Token::Sign(b'.')) && !is_table(&tokens, next);
        if called || bracket && call() {
            found.push(Call { database, name, procedure: called, quoted });
        }
        at = next;
    }
    found.sort();
    found.dedup();
    found
}

/// Whether what begins with the bracket at `at` are the columns of a table that a query makes up: `with x (a) as (select …)`.
fn is_table(tokens: &[(Token, bool)], at: usize) -> bool {
    let mut depth = 0;
    let end = tokens[at..].iter().position(|(token, _)| {
        match token {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let Some(rest) = end.and_then(|end| tokens.get(at + end + 1..)) else { return false };
    matches!(rest, [(word, _), (Token::Sign(b'('), _), ..] if is_word(Some(word), &["AS"]))
}

/// Whether the definition of a view, as servers write it, refers to the table or view `name` of its own database.
pub fn refers_to(sql: &[u8], name: &str) -> bool {
    let tokens = tokens(sql);
    tokens.iter().enumerate().any(|(at, (token, _))| {
        let before = at.checked_sub(1).map(|before| &tokens[before].0);
        *token == Token::Quoted(name.to_string())
            && before != Some(&Token::Sign(b'.'))
            && !is_word(before, &["AS", "VIEW"])
    })
}

fn is_word(token: Option<&Token>, words: &[&str]) -> bool {
    matches!(token, Some(Token::Word(word)) if words.iter().any(|other| word.eq_ignore_ascii_case(other)))
}

/// A name, with the database in front of it: `(database, name, quoted, what follows)`.
fn name_at(tokens: &[(Token, bool)], at: usize) -> Option<(Option<String>, String, bool, usize)> {
    let name = |at: usize| match tokens.get(at) {
        Some((Token::Word(name), _)) => Some((name.clone(), false)),
        Some((Token::Quoted(name), _)) => Some((name.clone(), true)),
        _ => None,
    };
    let (first, quoted) = name(at)?;
    if matches!(tokens.get(at + 1), Some((Token::Sign(b'.'), _)))
        && let Some((second, _)) = name(at + 2)
    {
        return Some((Some(first), second, true, at + 3));
    }
    Some((None, first, quoted, at + 1))
}

/// Each with whether there is space or a comment in front of it.
fn tokens(sql: &[u8]) -> Vec<(Token, bool)> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut tokens, mut at, mut spaced) = (Vec::new(), 0, false);
    while let Some(&byte) = sql.get(at) {
        let rest = &sql[at..];
        let line = || rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let (token, length) = match byte {
            _ if byte.is_ascii_whitespace() => (None, 1),
            b'#' => (None, line()),
            b'-' if rest.starts_with(b"--") && rest.get(2).is_none_or(u8::is_ascii_whitespace) => {
                (None, line())
            }
            b'/' if rest.starts_with(b"/*!") || rest.starts_with(b"/*M!") => {
                // What stands in it is run: only its beginning and its number are none of it.
                let opener = if rest[2] == b'M' { 4 } else { 3 };
                (None, opener + rest[opener..].iter().take_while(|b| b.is_ascii_digit()).count())
            }
            b'/' if rest.starts_with(b"/*") => {
                let end = rest[2..].windows(2).position(|two| two == b"*/");
                (None, end.map_or(rest.len(), |end| end + 4))
            }
            b'*' if rest.starts_with(b"*/") => (None, 2),
            b'\'' | b'"' => (Some(Token::Text), quoted(rest, byte, true).1),
            b'`' => {
                let (name, length) = quoted(rest, byte, false);
                (Some(Token::Quoted(lossy(&name))), length)
            }
            _ if is_name(byte) => {
                let length = rest.iter().take_while(|b| is_name(**b)).count();
                (Some(Token::Word(lossy(&rest[..length]))), length)
            }
            _ => (Some(Token::Sign(byte)), 1),
        };
        match token {
            Some(token) => tokens.push((token, std::mem::take(&mut spaced))),
            None => spaced = true,
        }
        at += length;
    }
    tokens
}

/// What stands between two quotes, doubled ones made one, and the length with both quotes.
fn quoted(text: &[u8], quote: u8, escapes: bool) -> (Vec<u8>, usize) {
    let (mut inner, mut at) = (Vec::new(), 1);
    while let Some(&byte) = text.get(at) {
        if byte == b'\\' && escapes {
            at += 2;
            continue;
        }
        if byte == quote {
            if text.get(at + 1) != Some(&quote) {
                return (inner, at + 1);
            }
            at += 1;
        }
        inner.push(byte);
        at += 1;
    }
    (inner, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// `db.name`, with `()` behind what may be a function, `!` in front of what may be the server's own.
    fn found(sql: &str) -> Vec<String> {
        let show = |call: Call| {
            let database = call.database.map(|name| format!("{name}.")).unwrap_or_default();
            let own = if call.quoted || call.procedure { "" } else { "!" };
            format!("{own}{database}{}{}", call.name, if call.procedure { "" } else { "()" })
        };
        calls(sql.as_bytes()).into_iter().map(show).collect()
    }

    #[rstest]
    #[case("CREATE EVENT e DO CALL clean()", &["clean"])]
    #[case("CREATE EVENT e DO call  `odd ``name`", &["odd `name"])]
    #[case("BEGIN CALL a; CALL shop.b(1); CALL `shop` . `c` (2); END", &["a", "shop.b", "shop.c"])]
    #[case("SET NEW.x = f(NEW.y), @z := `g`(1)", &["!f()", "g()"])]
    #[case("select shop.f(1), `shop`.`g`(2), f (3)", &["shop.f()", "shop.g()"])]
    #[case("SELECT a.b.c(1)", &[])]
    #[case("INSERT INTO t(a) VALUES(1)", &["!VALUES()"])]
    #[case("REPLACE t(a) SELECT 1; INSERT IGNORE INTO `shop`.`t`(a) VALUES (1)", &[])]
    #[case("CREATE FUNCTION f(n int) RETURNS decimal(1,2) RETURN g(n)", &["!decimal()", "!g()"])]
    #[case("with `x`(`a`) as (select 1), `y`(`b`) as (select `f`(2)) select 1", &["f()"])]
    #[case("select `f`(`a`) AS `x`, `g`(1) as y", &["f()", "g()"])]
    #[case("-- CALL a\n# CALL b\n/* CALL c */ SELECT 'CALL d', \"f(1)\", 'it''s \\' g(1)'", &[])]
    #[case("/*!50003 CALL a */ /*M!100300 CALL b */", &["a", "b"])]
    #[case("SELECT 1 - -- why\n f(2), 5--g(1)", &["!f()", "!g()"])]
    #[case("call", &[])]
    fn calls_are_told_from_what_looks_like_them(#[case] sql: &str, #[case] expected: &[&str]) {
        assert_eq!(found(sql), expected);
    }

    #[rstest]
    #[case("CREATE VIEW `a` AS select `b`.`x` AS `x` from `b`", true)]
    #[case("CREATE VIEW `a` AS select 1 AS `x` from (`t` join `b` on(1))", true)]
    #[case("CREATE VIEW `a` AS select `t`.`b` AS `b` from `t`", false)]
    #[case("CREATE VIEW `b` AS select '`b`' AS `x`", false)]
    fn a_view_refers_to_what_it_is_made_from(#[case] sql: &str, #[case] refers: bool) {
        assert_eq!(refers_to(sql.as_bytes(), "b"), refers);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(bytes in proptest::collection::vec(any::<u8>(), 0..80), sql in "[a-c`'\"(). *\\\\/#!M-]{0,60}") {
            let _ = calls(&bytes);
            let _ = calls(sql.as_bytes());
            let _ = refers_to(&bytes, "a");
        }
    }
}
