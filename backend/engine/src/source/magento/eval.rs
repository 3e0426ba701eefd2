//! Evaluates what a configuration file of Magento returns: literals, arrays and the few expressions that such files use.
//!
//! Nothing is run. An expression that only PHP could evaluate spoils its own key and nothing else. Size and depth are bounded, so
//! that no file can exhaust memory or stack.

use super::operators::{convert, identical, join};
use super::token::{Token, tokens};
use super::value::{Array, Value};
use std::collections::BTreeMap;
use std::path::Path;

pub const MAX_BYTES: usize = 1 << 20;
pub const MAX_DEPTH: usize = 64;

/// What an expression can see besides the file.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub file: &'a Path,
    pub environment: &'a BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("it is larger than 1 MiB")]
    TooLarge,
    #[error("it has no `return`")]
    NoReturn,
    #[error("a bracket is missing or does not fit")]
    Broken,
    #[error("it returns {0}, not a plain array")]
    NotAnArray(String),
}

/// The array that the PHP file `source` returns.
pub fn evaluate(source: &[u8], scope: Scope<'_>) -> Result<Array, EvalError> {
    if source.len() > MAX_BYTES {
        return Err(EvalError::TooLarge);
    }
    let mut parser = Parser { tokens: tokens(source), at: 0, depth: 0, scope };
    parser.find_return()?;
    match parser.expression() {
        Ok(Value::Array(array)) if parser.peek().is_none() || parser.sees(";") => Ok(array),
        Ok(Value::Array(_)) => Err(EvalError::NotAnArray("an expression".into())),
        Ok(Value::Dynamic(what)) | Err(Stop::Unsupported(what)) => Err(EvalError::NotAnArray(what)),
        Ok(other) => Err(EvalError::NotAnArray(other.kind().into())),
        Err(Stop::Broken) => Err(EvalError::Broken),
    }
}

enum Stop {
    /// Only PHP could tell; the text says what it is.
    Unsupported(String),
    /// The file is not well formed: nothing after this point can be trusted.
    Broken,
}

type Evaluated = Result<Value, Stop>;

fn unsupported<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unsupported(what.into()))
}

const CASTS: [&str; 11] =
    ["string", "int", "integer", "bool", "boolean", "float", "double", "real", "array", "object", "binary"];

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    scope: Scope<'a>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sees(&self, op: &str) -> bool {
        matches!(self.peek(), Some(Token::Op(found)) if *found == op)
    }

    fn eat(&mut self, op: &str) -> bool {
        let seen = self.sees(op);
        self.at += usize::from(seen);
        seen
    }

    fn expect(&mut self, op: &str) -> Result<(), Stop> {
        if self.eat(op) { Ok(()) } else { unsupported("an expression") }
    }

    /// Goes to the first `return` that stands outside all brackets, past `declare`, `use`, assignments and function bodies.
    fn find_return(&mut self) -> Result<(), EvalError> {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Op("(" | "[" | "{") => depth += 1,
                Token::Op(")" | "]" | "}") => depth = depth.checked_sub(1).ok_or(EvalError::Broken)?,
                Token::Name(name) if depth == 0 && name.eq_ignore_ascii_case(b"return") => {
                    self.at += 1;
                    return Ok(());
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(EvalError::NoReturn)
    }

    fn expression(&mut self) -> Evaluated {
        self.deeper(Self::ternary)
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth >= MAX_DEPTH {
            return unsupported(format!("an expression nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn ternary(&mut self) -> Evaluated {
        let mut value = self.coalesce()?;
        while self.eat("?") {
            let truth = value.truth();
            let yes = if self.sees(":") { value.clone() } else { self.expression()? };
            self.expect(":")?;
            let no = self.coalesce()?;
            value = match truth {
                Some(true) => yes,
                Some(false) => no,
                None => value,
            };
        }
        Ok(value)
    }

    fn coalesce(&mut self) -> Evaluated {
        let value = self.either()?;
        if !self.eat("??") {
            return Ok(value);
        }
        let other = self.deeper(Self::coalesce)?;
        Ok(if value.is_null() == Some(true) { other } else { value })
    }

    fn either(&mut self) -> Evaluated {
        let mut value = self.both()?;
        while self.eat("||") {
            let other = self.both()?;
            value = match (value.truth(), other.truth()) {
                (Some(true), _) | (Some(false), Some(true)) => Value::Bool(true),
                (Some(false), Some(false)) => Value::Bool(false),
                _ => Value::Dynamic("a condition".into()),
            };
        }
        Ok(value)
    }

    fn both(&mut self) -> Evaluated {
        let mut value = self.equality()?;
        while self.eat("&&") {
            let other = self.equality()?;
            value = match (value.truth(), other.truth()) {
                (Some(false), _) | (Some(true), Some(false)) => Value::Bool(false),
                (Some(true), Some(true)) => Value::Bool(true),
                _ => Value::Dynamic("a condition".into()),
            };
        }
        Ok(value)
    }

    fn equality(&mut self) -> Evaluated {
        let left = self.joined()?;
        for (op, wanted) in [("===", true), ("!==", false), ("==", true), ("!=", false)] {
            if self.eat(op) {
                let right = self.joined()?;
                return Ok(identical(&left, &right, op.len() == 3).map_or_else(
                    || Value::Dynamic("a comparison".into()),
                    |equal| Value::Bool(equal == wanted),
                ));
            }
        }
        Ok(left)
    }

    fn joined(&mut self) -> Evaluated {
        let mut value = self.unary()?;
        while self.eat(".") {
            let other = self.unary()?;
            value = join(value, other);
        }
        Ok(value)
    }

    fn unary(&mut self) -> Evaluated {
        if self.eat("!") {
            let value = self.deeper(Self::unary)?;
            return Ok(value.truth().map_or(value, |truth| Value::Bool(!truth)));
        }
        if self.eat("@") {
            return self.deeper(Self::unary);
        }
        for (op, sign) in [("-", -1), ("+", 1)] {
            if self.eat(op) {
                return Ok(match self.deeper(Self::unary)? {
                    Value::Int(n) => {
                        n.checked_mul(sign).map_or(Value::Dynamic("a number".into()), Value::Int)
                    }
                    #[expect(clippy::cast_precision_loss, reason = "the sign is 1 or -1")]
                    Value::Float(n) => Value::Float(n * sign as f64),
                    _ => Value::Dynamic("arithmetic".into()),
                });
            }
        }
        match self.cast() {
            Some(kind) => {
                self.at += 3;
                let value = self.deeper(Self::unary)?;
                Ok(convert(value, kind))
            }
            None => self.primary(),
        }
    }

    /// `(int)` and its like, when the next three tokens are one.
    fn cast(&self) -> Option<&'static str> {
        let [Token::Op("("), Token::Name(name), Token::Op(")")] = self.tokens.get(self.at..self.at + 3)?
        else {
            return None;
        };
        CASTS.into_iter().find(|cast| name.eq_ignore_ascii_case(cast.as_bytes()))
    }

    fn primary(&mut self) -> Evaluated {
        let Some(token) = self.peek().cloned() else { return Err(Stop::Broken) };
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Value::Text(text)),
            Token::Int(n) => Ok(Value::Int(n)),
            Token::Float(n) => Ok(Value::Float(n)),
            Token::Dynamic(what) => Ok(Value::Dynamic(what.into())),
            Token::Op("[") => self.array("]"),
            Token::Op("(") => {
                let value = self.expression()?;
                self.expect(")")?;
                Ok(value)
            }
            Token::Variable(name) => self.variable(&name),
            Token::Name(name) => self.name(&name),
            Token::Op(_) | Token::Unknown => {
                self.at -= 1;
                unsupported("an expression")
            }
        }
    }

    fn variable(&mut self, name: &[u8]) -> Evaluated {
        let shown = String::from_utf8_lossy(name);
        if !matches!(name, b"_ENV" | b"_SERVER") {
            return unsupported(format!("the variable ${shown}"));
        }
        self.expect("[")?;
        let key = self.expression()?;
        self.expect("]")?;
        Ok(self.environment(key, true))
    }

    fn environment(&self, name: Value, null: bool) -> Value {
        let Some(name) = name.to_text().and_then(|text| String::from_utf8(text).ok()) else {
            return Value::Dynamic("a computed environment variable".into());
        };
        match self.scope.environment.get(&name) {
            Some(value) => Value::Text(value.clone().into_bytes()),
            None => Value::Unset { name, null },
        }
    }

    fn name(&mut self, name: &[u8]) -> Evaluated {
        let plain = name.strip_prefix(b"\\").unwrap_or(name);
        let shown = String::from_utf8_lossy(plain).into_owned();
        let lower = plain.to_ascii_lowercase();
        if self.eat("::") {
            return self.class_constant(&lower, &shown);
        }
        if self.eat("(") {
            return self.call(&lower, &shown);
        }
        let path = |path: &Path| Value::Text(path.as_os_str().as_encoded_bytes().to_vec());
        Ok(match lower.as_slice() {
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            b"null" => Value::Null,
            b"__dir__" => path(self.scope.file.parent().unwrap_or(Path::new("/"))),
            b"__file__" => path(self.scope.file),
            b"directory_separator" => Value::Text(b"/".to_vec()),
            b"php_eol" => Value::Text(b"\n".to_vec()),
            _ => return unsupported(format!("the constant {shown}")),
        })
    }

    /// After `Name::`.
    fn class_constant(&mut self, class: &[u8], shown: &str) -> Evaluated {
        let Some(Token::Name(constant)) = self.peek().cloned() else {
            return unsupported(format!("a member of {shown}"));
        };
        self.at += 1;
        if constant.eq_ignore_ascii_case(b"class") {
            return Ok(Value::Text(shown.as_bytes().to_vec()));
        }
        let name = match class {
            b"pdo" => constant.strip_prefix(b"MYSQL_"),
            b"pdo\\mysql" => Some(constant.as_slice()),
            _ => None,
        };
        name.and_then(pdo_constant).map(Value::Int).map_or_else(
            || unsupported(format!("the constant {shown}::{}", String::from_utf8_lossy(&constant))),
            Ok,
        )
    }

    /// After `name(`.
    fn call(&mut self, function: &[u8], shown: &str) -> Evaluated {
        match function {
            b"array" => self.array(")"),
            b"getenv" if !self.sees(")") => {
                let name = self.expression()?;
                if self.eat(",") {
                    self.expression()?;
                }
                self.expect(")")?;
                Ok(self.environment(name, false))
            }
            b"isset" | b"empty" => {
                let value = self.expression()?;
                self.expect(")")?;
                let answer = if function == b"isset" {
                    value.is_null().map(|null| !null)
                } else {
                    value.truth().map(|truth| !truth)
                };
                Ok(answer.map_or_else(|| Value::Dynamic("a condition".into()), Value::Bool))
            }
            _ => unsupported(format!("a call of {shown}()")),
        }
    }

    /// After the opening bracket.
    fn array(&mut self, close: &str) -> Evaluated {
        let mut array = Array::default();
        loop {
            if self.eat(close) {
                return Ok(Value::Array(array));
            }
            self.element(&mut array)?;
            if !self.eat(",") && !self.sees(close) {
                return Err(Stop::Broken);
            }
        }
    }

    fn element(&mut self, array: &mut Array) -> Result<(), Stop> {
        let begin = self.at;
        let first = self.expression();
        let unknown = match first {
            Ok(value) if self.at_end_of_element() => {
                array.push(value);
                return Ok(());
            }
            Ok(value) if self.eat("=>") => {
                let key = value.to_key();
                let value = self.element_value()?;
                if let Some(key) = key {
                    array.set(key, value);
                }
                return Ok(());
            }
            Err(Stop::Broken) => return Err(Stop::Broken),
            Err(Stop::Unsupported(what)) => what,
            Ok(_) => "an expression".to_string(),
        };
        self.at = begin;
        self.skip(true)?;
        if self.eat("=>") {
            // The key is not known: its value cannot be placed.
            self.element_value()?;
        } else if !matches!(self.tokens.get(begin), Some(Token::Op("..."))) {
            array.push(Value::Dynamic(unknown));
        }
        Ok(())
    }

    fn element_value(&mut self) -> Evaluated {
        let begin = self.at;
        let what = match self.expression() {
            Ok(value) if self.at_end_of_element() => return Ok(value),
            Ok(_) => "an expression".to_string(),
            Err(Stop::Unsupported(what)) => what,
            Err(Stop::Broken) => return Err(Stop::Broken),
        };
        self.at = begin;
        self.skip(false)?;
        Ok(Value::Dynamic(what))
    }

    fn at_end_of_element(&self) -> bool {
        matches!(self.peek(), Some(Token::Op("," | ")" | "]")))
    }

    /// Goes to the end of this element, without recursion: the next comma, closing bracket or (if wanted) arrow that is not inside
    /// inner brackets.
    fn skip(&mut self, stop_at_arrow: bool) -> Result<(), Stop> {
        let mut open = Vec::new();
        loop {
            match self.peek() {
                None => return Err(Stop::Broken),
                Some(Token::Op("(")) => open.push(")"),
                Some(Token::Op("[")) => open.push("]"),
                Some(Token::Op("{")) => open.push("}"),
                Some(Token::Op(op @ (")" | "]" | "}"))) => match open.pop() {
                    None => return Ok(()),
                    Some(wanted) if wanted == *op => {}
                    Some(_) => return Err(Stop::Broken),
                },
                Some(Token::Op(",")) if open.is_empty() => return Ok(()),
                Some(Token::Op("=>")) if open.is_empty() && stop_at_arrow => return Ok(()),
                Some(_) => {}
            }
            self.at += 1;
        }
    }
}

/// The numbers behind `PDO::MYSQL_ATTR_…`, with PHP's own driver (mysqlnd).
fn pdo_constant(name: &[u8]) -> Option<i64> {
    Some(match name {
        b"ATTR_USE_BUFFERED_QUERY" => 1000,
        b"ATTR_LOCAL_INFILE" => 1001,
        b"ATTR_INIT_COMMAND" => 1002,
        b"ATTR_COMPRESS" => 1003,
        b"ATTR_DIRECT_QUERY" => 1004,
        b"ATTR_FOUND_ROWS" => 1005,
        b"ATTR_IGNORE_SPACE" => 1006,
        b"ATTR_SSL_KEY" => 1007,
        b"ATTR_SSL_CERT" => 1008,
        b"ATTR_SSL_CA" => 1009,
        b"ATTR_SSL_CAPATH" => 1010,
        b"ATTR_SSL_CIPHER" => 1011,
        b"ATTR_SERVER_PUBLIC_KEY" => 1012,
        b"ATTR_MULTI_STATEMENTS" => 1013,
        b"ATTR_SSL_VERIFY_SERVER_CERT" => 1014,
        _ => return None,
    })
}
