//! The store as the server sees it: what the pickers of a Backup Set are fed with, and what would go wrong in a pass.

use super::database::catalog::{self, Kind, Table};
use super::database::grants::{self, Checked, Grants};
use super::database::groups::{self, GROUPS};
use super::database::{Session, connect, patterns, quote_name};
use super::files::{Measured, Symlinks, measure};
use super::magento::connection::Connection;
use super::magento::{MAINTENANCE_FLAG, Source, SourceError};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Counting stops here: a page waits for it.
const MEASURE_LIMIT: Duration = Duration::from_secs(5);
/// More names would only make a message unreadable.
const NAMED: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// As the operator gave it.
    pub root: PathBuf,
    /// With links resolved.
    pub resolved_root: Option<PathBuf>,
    /// `Magento Open Source 2.4.7-p3`, when Composer says so.
    pub version: Option<String>,
    pub table_prefix: String,
    /// First-level directories.
    pub directories: Vec<Measured>,
    /// Deeper ones that are usually left out.
    pub suggested_excludes: Vec<Measured>,
    pub databases: Vec<ReportedDatabase>,
    /// The groups that have tables here.
    pub table_groups: Vec<ReportedGroup>,
    /// Errors first.
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedDatabase {
    /// The connections of `env.php` that mean it.
    pub connections: Vec<String>,
    pub name: String,
    /// `host:port`, the socket's path, or `localhost`.
    pub address: String,
    /// `MariaDB 10.11.19`; none when it cannot be reached.
    pub server: Option<String>,
    pub tables: Vec<ReportedTable>,
    pub grants: Vec<Checked>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedTable {
    /// Without the table prefix.
    pub name: String,
    /// The server's estimate.
    pub rows: u64,
    pub size_bytes: u64,
    pub is_view: bool,
    /// With their `@`.
    pub groups: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedGroup {
    /// With its `@`.
    pub name: &'static str,
    pub description: &'static str,
    /// Noise that a restored store does without.
    pub suggested: bool,
    /// Without the table prefix.
    pub tables: Vec<String>,
    pub size_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A pass would fail or be incomplete.
    Error,
    /// Worth knowing.
    Warning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Stable.
    pub code: String,
    pub message: String,
    pub remedy: String,
}

impl Problem {
    fn new(severity: Severity, code: &str, message: String, remedy: impl Into<String>) -> Problem {
        Problem { severity, code: code.into(), message, remedy: remedy.into() }
    }

    fn from_error(severity: Severity, error: SourceError) -> Problem {
        Problem::new(severity, error.code, error.message, error.remedy)
    }
}

/// Looks at the store: files and databases side by side, some seconds at most. Never fails: what cannot be read is a problem in the
/// report. `archive_dir` is looked at for where it lies.
pub async fn inspect(source: &Source, archive_dir: &Path) -> Report {
    let (of_files, at) = (source.clone(), archive_dir.to_path_buf());
    let files = tokio::task::spawn_blocking(move || inspect_files(&of_files, &at));
    let of_settings = source.clone();
    let databases = tokio::task::spawn_blocking(move || of_settings.databases()).await;
    let mut problems = Vec::new();
    let (mut reported, mut table_prefix) = (Vec::new(), String::new());
    match databases {
        Ok(Ok(databases)) => {
            table_prefix = databases.table_prefix;
            for (_, error) in databases.unresolved {
                problems.push(Problem::from_error(Severity::Error, error));
            }
            for connection in &databases.connections {
                reported.push(inspect_database(connection, &table_prefix, &mut problems).await);
            }
        }
        Ok(Err(error)) => problems.push(Problem::from_error(Severity::Error, error)),
        Err(error) => problems.push(unexpected(&error)),
    }
    let mut report = files.await.unwrap_or_else(|error| Report {
        root: source.root.clone(),
        problems: vec![unexpected(&error)],
        ..Report::default()
    });
    report.table_groups = table_groups(&reported);
    report.databases = reported;
    report.table_prefix = table_prefix;
    for problem in problems {
        // A missing root is noticed by both sides.
        if !report.problems.contains(&problem) {
            report.problems.push(problem);
        }
    }
    report.problems.sort_by_key(|problem| problem.severity);
    report
}

fn unexpected(error: &tokio::task::JoinError) -> Problem {
    Problem::new(
        Severity::Error,
        "internal",
        format!("Looking at the store ended unexpectedly: {error}."),
        "Look into the server's log.",
    )
}

fn inspect_files(source: &Source, archive_dir: &Path) -> Report {
    let mut report = Report { root: source.root.clone(), ..Report::default() };
    let root = match source.resolve_root() {
        Ok(root) => root,
        Err(error) => {
            report.problems.push(Problem::from_error(Severity::Error, error));
            return report;
        }
    };
    report.version = source.version();
    match measure(&root, Symlinks::default(), MEASURE_LIMIT) {
        Ok(measures) => {
            report.directories = measures.directories;
            report.suggested_excludes = measures.suggested;
        }
        Err(error) => report.problems.push(Problem::new(
            Severity::Error,
            "root",
            format!("The Magento root {} cannot be listed: {error}.", root.display()),
            "Let the user that runs this server read the store's files.",
        )),
    }
    settings_problems(source, &mut report.problems);
    place_problems(&root, archive_dir, &mut report.problems);
    report.resolved_root = Some(root);
    report
}

fn settings_problems(source: &Source, problems: &mut Vec<Problem>) {
    let configuration = match source.configuration() {
        Ok(configuration) => configuration,
        // With a URL for the database a pass does without; otherwise it is an error that the databases report.
        Err(error) if source.database_url.is_some() => {
            return problems.push(Problem::from_error(Severity::Warning, error));
        }
        Err(error) => return problems.push(Problem::from_error(Severity::Error, error)),
    };
    if let Some(driver) = configuration.remote_storage() {
        problems.push(Problem::new(
            Severity::Warning,
            "remote_storage",
            format!("The store keeps its media in remote storage ({driver}): they are not on this disk and in no backup."),
            "Back the bucket up by itself, with versioning or a copy.",
        ));
    }
    if !configuration.has_crypt_key() {
        problems.push(Problem::new(
            Severity::Warning,
            "crypt_key",
            "app/etc/env.php shows no `crypt/key`: without it a restored database's encrypted values cannot be read.".into(),
            "Keep the key where a restore finds it.",
        ));
    }
    if let Some(error) = configuration.remark {
        problems.push(Problem::from_error(Severity::Warning, error));
    }
}

/// Where the archives lie, and whether a deployment is under way.
fn place_problems(root: &Path, archive_dir: &Path, problems: &mut Vec<Problem>) {
    let archives = std::fs::canonicalize(archive_dir).unwrap_or_else(|_| archive_dir.to_path_buf());
    if archives.starts_with(root.join("pub")) {
        problems.push(Problem::new(
            Severity::Warning,
            "archives_public",
            format!(
                "The archive directory {} lies in the store's web root: archives with customers' data may be downloaded from there.",
                archives.display()
            ),
            "Choose a directory outside of it (STOREKEEP_ARCHIVE_DIR).",
        ));
    }
    if root.join(MAINTENANCE_FLAG).exists() {
        problems.push(Problem::new(
            Severity::Warning,
            "maintenance",
            format!(
                "The store is in maintenance mode ({MAINTENANCE_FLAG}): a deployment may be changing it."
            ),
            "Back up when it is done, or run bin/magento maintenance:disable.",
        ));
    }
}

async fn inspect_database(
    connection: &Connection,
    prefix: &str,
    problems: &mut Vec<Problem>,
) -> ReportedDatabase {
    let mut reported = ReportedDatabase {
        connections: connection.names.clone(),
        name: connection.database.clone(),
        address: connection.address.to_string(),
        server: None,
        tables: Vec::new(),
        grants: Vec::new(),
    };
    let mut session = match Session::open(connection).await {
        Ok(session) => session,
        Err(error) => {
            problems.push(Problem::from_error(Severity::Error, error));
            return reported;
        }
    };
    reported.server = Some(session.server.name.clone());
    match look(&mut session.conn, &connection.database).await {
        Ok((tables, grants, user)) => {
            reported.grants = grants.check(&connection.database, &user);
            let unseen = !grants.sees_routines(&connection.database, &session.server);
            let remedy = grants::routines_remedy(&session.server, &connection.database, &user);
            let has_views = tables.iter().any(|table| table.kind == Kind::View);
            for checked in reported.grants.iter().filter(|checked| checked.is_missed()) {
                if checked.privilege != "SHOW VIEW" || has_views {
                    problems.push(grant_problem(checked, connection));
                }
            }
            if unseen {
                let views = views_with_routines(&mut session.conn, &tables).await;
                if !views.is_empty() {
                    let checked = grants::execute(&connection.database, &user);
                    let mut problem = grant_problem(&checked, connection);
                    problem.message += &format!(" They are {}.", views.join(", "));
                    problem.remedy += &format!(" {remedy}");
                    problems.push(problem);
                    reported.grants.push(checked);
                }
                problems.push(Problem::new(
                    Severity::Warning,
                    "routines_unseen",
                    format!("The database user of '{}' may not see stored routines. Magento has none; those of an extension would be missing.", connection.database),
                    remedy,
                ));
            }
            engine_problems(&tables, connection, problems);
            reported.tables = tables.iter().map(|table| reported_table(table, prefix)).collect();
        }
        Err(error) => {
            problems.push(Problem::from_error(Severity::Error, connect::explain(&error, connection)));
        }
    }
    session.close().await;
    reported
}

async fn look(conn: &mut Conn, database: &str) -> Result<(Vec<Table>, Grants, String), Error> {
    let grants = Grants::read(conn).await?;
    let user = grants::current_user(conn).await?;
    Ok((catalog::tables(conn, database).await?, grants, user))
}

/// The views (in quotes) that call a routine which the user may not run.
async fn views_with_routines(conn: &mut Conn, tables: &[Table]) -> Vec<String> {
    let mut found = Vec::new();
    for view in tables.iter().filter(|table| table.kind == Kind::View) {
        let shown = conn.query_drop(format!("SHOW COLUMNS FROM {}", quote_name(&view.name))).await;
        if matches!(shown, Err(Error::Server(error)) if error.code == 1370) {
            found.push(format!("'{}'", view.name));
        }
    }
    found
}

fn grant_problem(checked: &Checked, connection: &Connection) -> Problem {
    Problem::new(
        Severity::Error,
        "grant_missing",
        format!(
            "The database user lacks {} on '{}'. {}",
            checked.privilege, connection.database, checked.cost
        ),
        checked.remedy.clone(),
    )
}

fn engine_problems(tables: &[Table], connection: &Connection, problems: &mut Vec<Problem>) {
    let loose: Vec<&Table> = tables
        .iter()
        .filter(|table| table.kind.holds_rows() && !table.is_transactional() && !table.is_window())
        .collect();
    if let Some(first) = loose.first() {
        problems.push(Problem::new(
            Severity::Warning,
            "not_transactional",
            format!(
                "Tables of '{}' are not covered by a consistent snapshot: {}.",
                connection.database,
                named(&loose)
            ),
            format!("ALTER TABLE {} ENGINE=InnoDB, and so on.", quote_name(&first.name)),
        ));
    }
    let versioned: Vec<&Table> = tables.iter().filter(|table| table.kind == Kind::Versioned).collect();
    if !versioned.is_empty() {
        problems.push(Problem::new(
            Severity::Error,
            "history_left_out",
            format!(
                "Tables of '{}' keep their history (WITH SYSTEM VERSIONING), of which a dump has the current rows alone: {}.",
                connection.database,
                named(&versioned)
            ),
            "Exclude these tables, or back their history up by mariadb-dump --dump-history.",
        ));
    }
}

fn named(tables: &[&Table]) -> String {
    let names: Vec<String> = tables
        .iter()
        .take(NAMED)
        .map(|table| match &table.engine {
            Some(engine) => format!("{} ({engine})", table.name),
            None => table.name.clone(),
        })
        .collect();
    let more = tables.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", names.join(", "))
}

fn reported_table(table: &Table, prefix: &str) -> ReportedTable {
    let belongs = |group: &&groups::Group| {
        table.kind.holds_rows()
            && groups::expand(group.name).iter().any(|pattern| patterns::names(pattern, prefix, &table.name))
    };
    ReportedTable {
        name: table.name.strip_prefix(prefix).unwrap_or(&table.name).to_string(),
        rows: table.rows,
        size_bytes: table.size_bytes(),
        is_view: table.kind == Kind::View,
        groups: GROUPS.iter().filter(belongs).map(|group| group.name).collect(),
    }
}

fn table_groups(databases: &[ReportedDatabase]) -> Vec<ReportedGroup> {
    let group = |group: &groups::Group| {
        let tables: Vec<&ReportedTable> = databases
            .iter()
            .flat_map(|database| &database.tables)
            .filter(|table| table.groups.contains(&group.name))
            .collect();
        (!tables.is_empty()).then(|| ReportedGroup {
            name: group.name,
            description: group.description,
            suggested: group.suggested,
            size_bytes: tables.iter().map(|table| table.size_bytes).sum(),
            tables: tables.into_iter().map(|table| table.name.clone()).collect(),
        })
    };
    GROUPS.iter().filter_map(group).collect()
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
