//! The language of searches, as far as clients here speak it.

/// A condition on an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Query {
    And(Vec<Query>),
    Or(Vec<Query>),
    /// `name = 'x'`: compared loosely, as the real one does.
    Name(String),
    Kind(String, bool),
    In(String),
    Trashed(bool),
}

/// What a query looks at.
pub(super) struct Subject<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    /// The id of its folder, and the other name that the root has.
    pub parents: [&'a str; 2],
    pub trashed: bool,
}

impl Query {
    /// `None` for what is no query: an unquoted or badly quoted text, an unknown field.
    pub fn parse(text: &str) -> Option<Query> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens };
        let query = parser.either()?;
        parser.tokens.is_empty().then_some(query)
    }

    pub fn fits(&self, subject: &Subject<'_>) -> bool {
        match self {
            Query::And(all) => all.iter().all(|q| q.fits(subject)),
            Query::Or(any) => any.iter().any(|q| q.fits(subject)),
            Query::Name(name) => subject.name.to_lowercase() == name.to_lowercase(),
            Query::Kind(kind, wanted) => (subject.kind == kind) == *wanted,
            Query::In(folder) => subject.parents.contains(&folder.as_str()),
            Query::Trashed(trashed) => subject.trashed == *trashed,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '(' | ')' | '=' => tokens.push(Token::Word(c.into())),
            '!' if chars.next() == Some('=') => tokens.push(Token::Word("!=".into())),
            '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        '\\' => text.push(chars.next().filter(|c| matches!(c, '\'' | '\\'))?),
                        c => text.push(c),
                    }
                }
                tokens.push(Token::Text(text));
            }
            c if c.is_ascii_alphabetic() => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            _ => return None,
        }
    }
    Some(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn word(&mut self, wanted: &str) -> bool {
        let fits = matches!(self.tokens.first(), Some(Token::Word(word)) if word == wanted);
        if fits {
            self.tokens = &self.tokens[1..];
        }
        fits
    }

    fn text(&mut self) -> Option<String> {
        match self.next()? {
            Token::Text(text) => Some(text.clone()),
            Token::Word(_) => None,
        }
    }

    fn either(&mut self) -> Option<Query> {
        let mut any = vec![self.all()?];
        while self.word("or") {
            any.push(self.all()?);
        }
        Some(Query::Or(any))
    }

    fn all(&mut self) -> Option<Query> {
        let mut all = vec![self.one()?];
        while self.word("and") {
            all.push(self.one()?);
        }
        Some(Query::And(all))
    }

    fn one(&mut self) -> Option<Query> {
        if self.word("(") {
            let inner = self.either()?;
            return self.word(")").then_some(inner);
        }
        if matches!(self.tokens.first(), Some(Token::Text(_))) {
            let folder = self.text()?;
            return (self.word("in") && self.word("parents")).then_some(Query::In(folder));
        }
        if self.word("name") && self.word("=") {
            return Some(Query::Name(self.text()?));
        }
        if self.word("trashed") && self.word("=") {
            let trashed = self.word("true");
            return (trashed || self.word("false")).then_some(Query::Trashed(trashed));
        }
        if self.word("mimeType") {
            let wanted = self.word("=");
            return if wanted || self.word("!=") { Some(Query::Kind(self.text()?, wanted)) } else { None };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_understood_or_refused() {
        let subject = |name, trashed| Subject { name, kind: "folder", parents: ["p1", "root"], trashed };
        let query = Query::parse(
            "name = 'it\\'s' and mimeType = 'folder' and ('x' in parents or 'p1' in parents) and trashed = false",
        )
        .unwrap();
        assert!(query.fits(&subject("it's", false)) && query.fits(&subject("It's", false)));
        assert!(!query.fits(&subject("it's", true)) && !query.fits(&subject("its", false)));
        assert!(Query::parse("'root' in parents").unwrap().fits(&subject("x", true)));
        assert!(!Query::parse("mimeType != 'folder'").unwrap().fits(&subject("x", true)));
        for bad in [
            "name = 'it's'",
            "name = 'x",
            "name = 'x\\n'",
            "title = 'x'",
            "name 'x'",
            "",
            "(trashed = true",
            "a b",
        ] {
            assert_eq!(Query::parse(bad), None, "{bad}");
        }
    }
}
