//! Splits a PHP file into tokens, on bytes. Nothing is run and nothing is looked up.

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name or keyword, with its namespace: `array`, `PDO`, `\Foo\Bar`.
    Name(Vec<u8>),
    /// `$name`, without the dollar sign.
    Variable(Vec<u8>),
    Int(i64),
    Float(f64),
    /// A string without interpolation, escapes resolved.
    Text(Vec<u8>),
    /// A string that only PHP can put together: interpolation, heredoc, backticks.
    Dynamic(&'static str),
    /// An operator or bracket.
    Op(&'static str),
    /// Anything else.
    Unknown,
}

/// The longest first.
const OPERATORS: [&str; 55] = [
    "<<<", "===", "!==", "<=>", "**=", "...", "<<=", ">>=", "??=", "?->", "=>", "->", "::", "??", "==", "!=",
    "<>", "<=", ">=", "&&", "||", "<<", ">>", "++", "--", "+=", "-=", "*=", "/=", ".=", "%=", "**", "[", "]",
    "(", ")", "{", "}", ",", ";", ":", "?", ".", "=", "<", ">", "!", "+", "-", "*", "/", "%", "&", "|", "@",
];

/// The tokens of the first block of PHP in `source`. A closing tag ends it, and counts as a semicolon.
pub fn tokens(source: &[u8]) -> Vec<Token> {
    let mut lexer = Lexer { source, at: open_tag(source) };
    let mut out = Vec::new();
    while let Some(token) = lexer.next() {
        out.push(token);
    }
    out
}

/// Where PHP begins: after `<?php` in any case, or `<?`. What stands before it is text.
fn open_tag(source: &[u8]) -> usize {
    let Some(at) = find(source, b"<?") else { return source.len() };
    let after = &source[at + 2..];
    let long = after.len() >= 3 && after[..3].eq_ignore_ascii_case(b"php");
    at + if long { 5 } else { 2 }
}

fn find(source: &[u8], what: &[u8]) -> Option<usize> {
    source.windows(what.len()).position(|window| window == what)
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'\\') || byte >= 0x80
}

fn continues_name(byte: u8) -> bool {
    starts_name(byte) || byte.is_ascii_digit()
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.source.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
        let from = self.at;
        while self.at < self.source.len() && wanted(self.source[self.at]) {
            self.at += 1;
        }
        self.source[from..self.at].to_vec()
    }

    fn next(&mut self) -> Option<Token> {
        self.skip_space_and_comments();
        let first = *self.source.get(self.at)?;
        if self.rest().starts_with(b"?>") {
            self.at = self.source.len();
            return Some(Token::Op(";"));
        }
        if self.rest().starts_with(b"<<<")
            && let Some(end) = self.heredoc_end()
        {
            self.at = end;
            return Some(Token::Dynamic("a heredoc"));
        }
        Some(match first {
            b'\'' => self.single_quoted(),
            b'"' => self.double_quoted(),
            b'`' => {
                self.at += 1;
                self.take_while(|b| b != b'`');
                self.at += usize::from(self.peek(0) == b'`');
                Token::Dynamic("a shell command")
            }
            b'$' if starts_name(self.peek(1)) => {
                self.at += 1;
                Token::Variable(self.take_while(continues_name))
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            byte if starts_name(byte) => Token::Name(self.take_while(continues_name)),
            _ => match OPERATORS.iter().find(|op| self.rest().starts_with(op.as_bytes())) {
                Some(op) => {
                    self.at += op.len();
                    Token::Op(op)
                }
                None => {
                    self.at += 1;
                    Token::Unknown
                }
            },
        })
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            self.take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c));
            let rest = self.rest();
            if rest.starts_with(b"/*") {
                self.at += find(&rest[2..], b"*/").map_or(rest.len(), |n| n + 4);
            } else if rest.starts_with(b"//") || rest.starts_with(b"#") {
                let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
                // A closing tag ends a comment of one line too.
                self.at += find(&rest[..end], b"?>").unwrap_or(end);
            } else {
                return;
            }
        }
    }

    fn single_quoted(&mut self) -> Token {
        let mut text = Vec::new();
        self.at += 1;
        while let Some(&byte) = self.source.get(self.at) {
            self.at += 1;
            match byte {
                b'\'' => return Token::Text(text),
                b'\\' if matches!(self.peek(0), b'\'' | b'\\') => {
                    text.push(self.peek(0));
                    self.at += 1;
                }
                other => text.push(other),
            }
        }
        Token::Dynamic("a string without an end")
    }

    fn double_quoted(&mut self) -> Token {
        let (mut text, mut interpolated) = (Vec::new(), false);
        self.at += 1;
        while let Some(&byte) = self.source.get(self.at) {
            self.at += 1;
            match byte {
                b'"' if interpolated => return Token::Dynamic("a string with a variable in it"),
                b'"' => return Token::Text(text),
                b'\\' => self.escape(&mut text),
                b'$' if starts_name(self.peek(0)) || self.peek(0) == b'{' => interpolated = true,
                b'{' if self.peek(0) == b'$' => interpolated = true,
                other => text.push(other),
            }
        }
        Token::Dynamic("a string without an end")
    }

    /// After a backslash in a double-quoted string.
    fn escape(&mut self, text: &mut Vec<u8>) {
        let byte = self.peek(0);
        let plain = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'e' => 0x1b,
            b'f' => 0x0c,
            b'\\' | b'$' | b'"' => byte,
            b'0'..=b'7' => {
                let mut value = 0u32;
                for _ in 0..3 {
                    let digit = self.peek(0);
                    if !(b'0'..=b'7').contains(&digit) {
                        break;
                    }
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                #[expect(clippy::cast_possible_truncation, reason = "PHP lets \\400 overflow to \\000")]
                text.push(value as u8);
                return;
            }
            b'x' if self.peek(1).is_ascii_hexdigit() => {
                self.at += 1;
                let mut value = 0u8;
                for _ in 0..2 {
                    let Some(digit) = char::from(self.peek(0)).to_digit(16) else { break };
                    value = value << 4 | u8::try_from(digit).unwrap_or(0);
                    self.at += 1;
                }
                text.push(value);
                return;
            }
            b'u' if self.peek(1) == b'{' => {
                let hex: Vec<u8> = self
                    .source
                    .iter()
                    .skip(self.at + 2)
                    .copied()
                    .take_while(|b| *b != b'}')
                    .take(9)
                    .collect();
                let code = std::str::from_utf8(&hex).ok().and_then(|h| u32::from_str_radix(h, 16).ok());
                if let Some(character) = code.and_then(char::from_u32) {
                    text.extend(character.to_string().bytes());
                    self.at += 3 + hex.len();
                } else {
                    text.push(b'\\');
                }
                return;
            }
            _ => {
                text.push(b'\\');
                return;
            }
        };
        text.push(plain);
        self.at += 1;
    }

    fn number(&mut self) -> Token {
        let radix = match (self.peek(0), self.peek(1).to_ascii_lowercase()) {
            (b'0', b'x') => Some((16, 2)),
            (b'0', b'b') => Some((2, 2)),
            (b'0', b'o') => Some((8, 2)),
            _ => None,
        };
        if let Some((radix, skip)) = radix {
            self.at += skip;
            let digits = self.take_while(|b| b.is_ascii_alphanumeric() || b == b'_');
            return integer(&digits, radix);
        }
        let mut text = self.take_while(|b| b.is_ascii_digit() || b == b'_');
        let mut float = false;
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            float = true;
            self.at += 1;
            text.push(b'.');
            text.extend(self.take_while(|b| b.is_ascii_digit() || b == b'_'));
        }
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if matches!(self.peek(0), b'e' | b'E') && self.peek(1 + sign).is_ascii_digit() {
            float = true;
            text.extend(&self.source[self.at..self.at + 1 + sign]);
            self.at += 1 + sign;
            text.extend(self.take_while(|b| b.is_ascii_digit() || b == b'_'));
        }
        if float {
            return parse_float(&text);
        }
        if text.len() > 1 && text[0] == b'0' { integer(&text[1..], 8) } else { integer(&text, 10) }
    }

    /// Where a heredoc or nowdoc that begins here ends, when it is one.
    fn heredoc_end(&self) -> Option<usize> {
        let rest = self.rest();
        let mut at = 3 + rest[3..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let quote = rest.get(at).copied().filter(|b| matches!(b, b'\'' | b'"'));
        at += usize::from(quote.is_some());
        let name: Vec<u8> = rest[at..].iter().copied().take_while(|b| continues_name(*b)).collect();
        if name.is_empty() || !starts_name(name[0]) {
            return None;
        }
        at += name.len() + usize::from(quote.is_some());
        // The closing name stands first on a line, perhaps indented.
        while let Some(line) = rest.get(at..).and_then(|r| r.iter().position(|b| *b == b'\n')) {
            at += line + 1;
            let indent = rest[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let candidate = &rest[at + indent..];
            if candidate.starts_with(&name) && !candidate.get(name.len()).is_some_and(|b| continues_name(*b))
            {
                return Some(self.at + at + indent + name.len());
            }
        }
        Some(self.source.len())
    }
}

/// Whole numbers that do not fit become floating-point numbers, as in PHP.
fn integer(digits: &[u8], radix: u32) -> Token {
    let clean: String = digits.iter().filter(|b| **b != b'_').map(|b| char::from(*b)).collect();
    if clean.is_empty() || !clean.chars().all(|c| c.is_digit(radix)) {
        return Token::Unknown;
    }
    match i64::from_str_radix(&clean, radix) {
        Ok(n) => Token::Int(n),
        Err(_) if radix == 10 => parse_float(digits),
        Err(_) => {
            let radix_f = f64::from(radix);
            Token::Float(
                clean.chars().filter_map(|c| c.to_digit(radix)).fold(0.0, |n, d| n * radix_f + f64::from(d)),
            )
        }
    }
}

fn parse_float(text: &[u8]) -> Token {
    let clean: String = text.iter().filter(|b| **b != b'_').map(|b| char::from(*b)).collect();
    clean.parse().map_or(Token::Unknown, Token::Float)
}
