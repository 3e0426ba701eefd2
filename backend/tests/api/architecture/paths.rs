//! The paths that a source file mentions, unit tests left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::iter::Peekable;

/// `crate::http::ApiError` as its segments. A single word is no path.
pub type Path = Vec<String>;

pub fn paths_of(source: &str) -> Vec<Path> {
    let tokens: TokenStream =
        source.parse().unwrap_or_else(|e| panic!("{e}: {}", &source[..source.len().min(200)]));
    let mut found = Vec::new();
    scan(tokens, &mut found);
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<Path>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '#' => {
                if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                    let text = attribute.stream().to_string().replace(' ', "");
                    if text == "cfg(test)" {
                        tokens.next();
                        skip_item(&mut tokens);
                    }
                }
            }
            TokenTree::Ident(first) => follow(vec![first.to_string()], &mut tokens, found),
            TokenTree::Group(group) => scan(group.stream(), found),
            _ => {}
        }
    }
}

/// Skips what an attribute stands before: up to its braces or its semicolon.
fn skip_item(tokens: &mut Peekable<impl Iterator<Item = TokenTree>>) {
    for token in tokens {
        match token {
            TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(p) if p.as_char() == ';' => return,
            _ => {}
        }
    }
}

/// Reads on behind a first segment: further segments, or the group of a `use`.
fn follow(mut path: Path, tokens: &mut Peekable<impl Iterator<Item = TokenTree>>, found: &mut Vec<Path>) {
    while let Some(TokenTree::Punct(p)) = tokens.peek()
        && p.as_char() == ':'
        && p.spacing() == proc_macro2::Spacing::Joint
    {
        tokens.next();
        tokens.next();
        match tokens.peek() {
            Some(TokenTree::Ident(next)) => {
                path.push(next.to_string());
                tokens.next();
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let mut inner = Vec::new();
                tree(group.stream(), &mut inner);
                found.extend(inner.into_iter().map(|rest| [&path[..], &rest[..]].concat()));
                tokens.next();
                return;
            }
            _ => break,
        }
    }
    if path.len() > 1 {
        found.push(path);
    }
}

/// The branches of `{a, b::c, d::{e, f}}`.
fn tree(tokens: TokenStream, found: &mut Vec<Path>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Ident(first) = token {
            let before = found.len();
            follow(vec![first.to_string()], &mut tokens, found);
            if found.len() == before {
                found.push(vec![first.to_string()]);
            }
        }
    }
}

#[test]
fn every_way_of_naming_a_path_is_found() {
    let source = r#"
        //! crate::in_a_comment
        use crate::a::{self, b::c, d::{e, f as g}};
        use super::super::h;
        fn x() { let _ = "crate::in_text"; crate::i::j(); select! { y = crate::k::l() => {} } }
        #[cfg(test)]
        mod tests { use crate::only_in_tests::x; }
        #[cfg(test)]
        use crate::also_only::x;
        fn y() -> crate::m::N<crate::o::P> { a::<B>() }
    "#;
    let paths: Vec<String> = paths_of(source).into_iter().map(|p| p.join("::")).collect();
    let expected = [
        "crate::a::self",
        "crate::a::b::c",
        "crate::a::d::e",
        "crate::a::d::f",
        "super::super::h",
        "crate::i::j",
        "crate::k::l",
        "crate::m::N",
        "crate::o::P",
    ];
    for path in expected {
        assert!(paths.contains(&(*path).to_owned()), "{path} is missing from {paths:?}");
    }
    assert!(!paths.iter().any(|p| p.contains("only") || p.contains("in_")), "{paths:?}");
}
