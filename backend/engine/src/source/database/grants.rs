//! What the user may do, read from `SHOW GRANTS`, and what it costs where something is missing.
//!
//! Without `TRIGGER` a server does not refuse, it shows no triggers: only the grants themselves tell that something would be left out.

use super::connect::Server;
use super::quote_name;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Row};
use std::collections::BTreeSet;

/// The privileges a dump wants on the store's database.
pub const WANTED: [&str; 5] = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "LOCK TABLES"];

/// The statement that grants a privilege on a whole database. `user` is one of [`current_user`].
pub fn remedy(privilege: &str, database: &str, user: &str) -> String {
    format!("GRANT {privilege} ON {}.* TO {user};", quote_name(&escape_like(database)))
}

/// The statement that lets a user see all stored routines with their text, whoever made them: none of [`WANTED`] does.
pub fn routines_remedy(server: &Server, database: &str, user: &str) -> String {
    match (server.mariadb, server.version) {
        (true, version) if version >= (11, 3, 0) => remedy("SHOW CREATE ROUTINE", database, user),
        (true, _) => format!("GRANT SELECT ON `mysql`.`proc` TO {user};"),
        (false, version) if version >= (8, 0, 20) => format!("GRANT SHOW_ROUTINE ON *.* TO {user};"),
        (false, version) if version >= (8, 0, 0) => format!("GRANT SELECT ON *.* TO {user};"),
        (false, _) => format!("GRANT SELECT ON `mysql`.`proc` TO {user};"),
    }
}

/// What it costs when views call routines that the user may neither run nor see.
pub fn execute(database: &str, user: &str) -> Checked {
    Checked {
        privilege: "EXECUTE",
        held: false,
        cost: "Views that call stored functions cannot be read: they would be missing.",
        remedy: remedy("EXECUTE", database, user),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Global,
    /// A pattern of `LIKE`, as databases are granted.
    Database(String),
    /// Of one table or routine.
    Object(String, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    scope: Scope,
    /// In capitals, without column lists.
    privileges: BTreeSet<String>,
    /// MySQL's partial revokes take away from a global grant.
    revoked: bool,
}

/// The grants of the user who is signed in, active roles included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    grants: Vec<Grant>,
}

impl Grants {
    pub async fn read(conn: &mut Conn) -> Result<Grants, Error> {
        let rows: Vec<Row> = conn.query("SHOW GRANTS").await?;
        Ok(Self::parse(rows.iter().filter_map(|row| row.get_opt::<String, _>(0)?.ok())))
    }

    /// From the lines of `SHOW GRANTS`.
    pub fn parse(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Grants {
        Grants { grants: lines.into_iter().filter_map(|line| parse_line(line.as_ref())).collect() }
    }

    /// Whether the privilege is held on the whole database.
    pub fn holds(&self, privilege: &str, database: &str) -> bool {
        let covers = |grant: &Grant| {
            grant.privileges.contains(privilege)
                || (grant.privileges.contains("ALL PRIVILEGES")
                    && !matches!(privilege, "PROXY" | "GRANT OPTION"))
        };
        let here =
            |grant: &Grant| matches!(&grant.scope, Scope::Database(pattern) if like(pattern, database));
        if self.grants.iter().any(|grant| !grant.revoked && here(grant) && covers(grant)) {
            return true;
        }
        let globally =
            self.grants.iter().any(|grant| !grant.revoked && grant.scope == Scope::Global && covers(grant));
        globally && !self.grants.iter().any(|grant| grant.revoked && here(grant) && covers(grant))
    }

    /// Whether every routine can be seen: with less, servers hide them without a word. Its text may take more, but then one can tell.
    pub fn sees_routines(&self, database: &str, server: &Server) -> bool {
        let on_proc = self.grants.iter().any(|grant| {
            matches!(&grant.scope, Scope::Object(db, table) if db == "mysql" && table == "proc")
                && grant.privileges.contains("SELECT")
        });
        self.holds("EXECUTE", database)
            || self.holds("ALTER ROUTINE", database)
            || if server.mariadb {
                on_proc || self.holds("SELECT", "mysql") || self.holds("SHOW CREATE ROUTINE", database)
            } else {
                self.global("SHOW_ROUTINE") || self.global("SELECT")
            }
    }

    fn global(&self, privilege: &str) -> bool {
        self.grants.iter().any(|grant| {
            grant.scope == Scope::Global
                && !grant.revoked
                && (grant.privileges.contains(privilege) || grant.privileges.contains("ALL PRIVILEGES"))
        })
    }

    /// Each wanted privilege with what its absence costs.
    pub fn check(&self, database: &str, user: &str) -> Vec<Checked> {
        WANTED
            .into_iter()
            .map(|privilege| Checked {
                privilege,
                held: self.holds(privilege, database),
                cost: match privilege {
                    "SELECT" => "Tables without this privilege cannot be seen or read: they would be missing.",
                    "SHOW VIEW" => "Views cannot be read: they would be missing.",
                    "TRIGGER" => "Triggers cannot be seen: they would be missing, and indexers \"by schedule\" would miss changes after a restore.",
                    "EVENT" => "Events cannot be seen: they would be missing.",
                    _ => "Nothing is missing without it; tables are read from a snapshot, without locks.",
                },
                remedy: remedy(privilege, database, user),
            })
            .collect()
    }
}

/// One wanted privilege.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub privilege: &'static str,
    pub held: bool,
    /// What would be missing without it.
    pub cost: &'static str,
    /// The statement that grants it.
    pub remedy: String,
}

impl Checked {
    /// Without it the archive would lack something.
    pub fn is_missed(&self) -> bool {
        !self.held && self.privilege != "LOCK TABLES"
    }
}

/// The user who is signed in, as `GRANT … TO` wants it.
pub async fn current_user(conn: &mut Conn) -> Result<String, Error> {
    let user: Option<String> = conn.query_first("SELECT CURRENT_USER()").await?;
    let user = user.unwrap_or_default();
    let (name, host) = user.rsplit_once('@').unwrap_or((&user, "%"));
    let quote = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    Ok(format!("{}@{}", quote(name), quote(host)))
}

/// `GRANT a, b (columns) ON scope TO user`; other lines (roles, proxies, default roles) say nothing about tables.
fn parse_line(line: &str) -> Option<Grant> {
    let (rest, revoked) = match line.strip_prefix("GRANT ") {
        Some(rest) => (rest, false),
        None => (line.strip_prefix("REVOKE ")?, true),
    };
    let (privileges, rest) = split_on(rest)?;
    let kind = ["TABLE ", "FUNCTION ", "PROCEDURE ", "PACKAGE BODY ", "PACKAGE "];
    let rest = kind.iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    let scope = if let Some(rest) = rest.strip_prefix("*.*") {
        rest.starts_with(' ').then_some(Scope::Global)?
    } else {
        let (database, rest) = identifier(rest)?;
        let rest = rest.strip_prefix('.')?;
        match rest.strip_prefix('*') {
            Some(_) => Scope::Database(database),
            None => Scope::Object(unescape_like(&database), identifier(rest)?.0),
        }
    };
    Some(Grant { scope, privileges, revoked })
}

/// The list of privileges before ` ON `, column lists dropped with their privilege: part of a table is not the table.
fn split_on(text: &str) -> Option<(BTreeSet<String>, &str)> {
    let mut privileges = BTreeSet::new();
    let (mut depth, mut quoted, mut start, mut columns) = (0u32, false, 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '`' => quoted = !quoted,
            _ if quoted => {}
            '(' => {
                depth += 1;
                columns = true;
            }
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                if !columns {
                    privileges.insert(text[start..at].trim().to_uppercase());
                }
                (start, columns) = (at + 1, false);
            }
            ' ' if depth == 0 && text[at..].starts_with(" ON ") => {
                if !columns {
                    privileges.insert(text[start..at].trim().to_uppercase());
                }
                if privileges.remove("ALL") {
                    privileges.insert("ALL PRIVILEGES".into());
                }
                return Some((privileges, &text[at + 4..]));
            }
            _ => {}
        }
    }
    None
}

/// A name at the beginning, in backticks or plain, and what follows it.
fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(rest) = text.strip_prefix('`') else {
        let end = text.find(['.', ' ']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_string(), &text[end..]));
    };
    let mut name = String::new();
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '`' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '`').is_some() {
            name.push('`');
        } else {
            return Some((name, &rest[at + 1..]));
        }
    }
    None
}

/// SQL's `LIKE` with backslash as escape, as servers match databases in grants.
fn like(pattern: &str, text: &str) -> bool {
    fn matches(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|taken| matches(rest, &text[taken..])),
            ['_', rest @ ..] => !text.is_empty() && matches(rest, &text[1..]),
            ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && matches(rest, &text[1..]),
        }
    }
    // Names have 64 characters at most, so that the search stays small.
    let chars = |text: &str| text.chars().take(256).collect::<Vec<_>>();
    matches(&chars(pattern), &chars(text))
}

/// A database's name as a pattern that means it alone.
pub fn escape_like(database: &str) -> String {
    database.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")
}

fn unescape_like(pattern: &str) -> String {
    pattern.replace("\\_", "_").replace("\\%", "%")
}
