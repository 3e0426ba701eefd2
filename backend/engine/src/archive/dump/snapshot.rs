//! A consistent view of one database, and what is known about it before the first row is read.

use super::{DumpError, Plan, Stop};
use crate::event::Warning;
use crate::source::database::catalog::{self, Kind, Table};
use crate::source::database::connect::explain;
use crate::source::database::grants::{self, Checked, Grants};
use crate::source::database::patterns::{self, Resolved};
use crate::source::database::{Session, quote_name};
use crate::source::magento::SourceError;
use crate::source::magento::connection::Connection;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use std::collections::{BTreeMap, BTreeSet};

/// Why the rows of a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    Denied,
    Broken(String),
}

/// An open transaction on one database.
pub struct Snapshot {
    pub connection: Connection,
    pub session: Session,
    /// Tables, views and sequences, by name.
    pub tables: Vec<Table>,
    pub excluded: Resolved,
    /// Tables that had rows when the snapshot was taken. MariaDB may show a table that was emptied later as empty, without an error.
    pub filled: BTreeSet<String>,
    pub unreadable: BTreeMap<String, Unreadable>,
    /// Character set and collation of the database itself.
    pub character_set: (String, String),
    pub table_prefix: String,
    /// Views that call a routine which the user may neither run nor see.
    pub views_unseen: Vec<String>,
    /// There may be routines that the server does not show.
    pub routines_unseen: bool,
    /// The statement that shows them.
    pub routines_remedy: String,
    user: String,
    missing: Vec<Checked>,
    /// Excluded tables with the kept tables that refer to them.
    orphaned: BTreeMap<String, Vec<String>>,
}

impl Snapshot {
    pub async fn open(connection: &Connection, plan: &Plan) -> Result<Snapshot, Stop> {
        let mut session = Session::open(connection).await.map_err(|error| Stop::Fail(error.into()))?;
        let driver_reads = session.wire.is_none();
        let conn = &mut session.conn;
        let failed = |error: Error| stop(&error, connection, &connection.database);
        conn.query_drop("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await.map_err(failed)?;
        if driver_reads {
            // It reads as much at a time as fits into its buffer, which is as large as its longest row was.
            conn.query_drop("SELECT REPEAT('x', 262144)").await.map_err(failed)?;
        }
        let grants = Grants::read(conn).await.map_err(failed)?;
        let user = grants::current_user(conn).await.map_err(failed)?;
        begin(conn).await.map_err(failed)?;
        let tables = catalog::tables(conn, &connection.database).await.map_err(failed)?;
        let missing: Vec<Checked> =
            grants.check(&connection.database, &user).into_iter().filter(Checked::is_missed).collect();
        let excluded = patterns::resolve(&plan.exclude_tables, &plan.table_prefix, &tables);
        let (filled, unreadable) = probe(conn, connection, &tables, &excluded).await?;
        // Other privileges may show tables that cannot be read.
        let denied = unreadable.values().filter(|why| **why == Unreadable::Denied).count();
        let nothing = tables.is_empty() || denied > 0 && denied == kept(&tables, &excluded).count();
        if nothing && let Some(select) = missing.iter().find(|checked| checked.privilege == "SELECT") {
            return Err(Stop::Fail(DumpError::Source(SourceError::new(
                "grant_missing",
                format!("The user {user} may read no table of the database '{}'.", connection.database),
                select.remedy.clone(),
            ))));
        }
        let mut orphaned: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if !excluded.excluded.is_empty() {
            for (child, parent) in catalog::references(conn, &connection.database).await.map_err(failed)? {
                if excluded.excluded.contains_key(&parent)
                    && !excluded.excluded.contains_key(&child)
                    && filled.contains(&child)
                {
                    orphaned.entry(parent).or_default().push(child);
                }
            }
        }
        let character_set: Option<(String, String)> = conn
            .query_first("SELECT @@character_set_database, @@collation_database")
            .await
            .map_err(failed)?;
        let (database, server) = (&connection.database, &session.server);
        let mut snapshot = Snapshot {
            connection: connection.clone(),
            tables,
            excluded,
            filled,
            unreadable,
            character_set: character_set.unwrap_or_default(),
            table_prefix: plan.table_prefix.clone(),
            views_unseen: Vec::new(),
            routines_unseen: !grants.sees_routines(database, server),
            routines_remedy: grants::routines_remedy(server, database, &user),
            user,
            missing,
            orphaned,
            session,
        };
        if snapshot.routines_unseen && snapshot.may("SHOW VIEW") {
            snapshot.views_unseen = snapshot.views_with_routines().await?;
            let released = snapshot.session.conn.query_drop(RELEASE).await;
            released.map_err(|error| stop(&error, connection, &connection.database))?;
        }
        Ok(snapshot)
    }

    pub fn is_same_database(&self, other: &Snapshot) -> bool {
        self.session.server.identity == other.session.server.identity
            && self.connection.database == other.connection.database
    }

    pub fn estimated_bytes(&self) -> u64 {
        let kept = |table: &&Table| !self.excluded.excluded.contains_key(&table.name);
        self.tables.iter().filter(kept).map(|table| table.data_bytes).sum()
    }

    /// The statement that grants a privilege on the database.
    pub fn grant(&self, privilege: &str) -> String {
        grants::remedy(privilege, &self.connection.database, &self.user)
    }

    pub fn may(&self, privilege: &str) -> bool {
        !self.missing.iter().any(|checked| checked.privilege == privilege)
    }
}

/// Begins the transaction that all rows are read in.
pub async fn begin(conn: &mut Conn) -> Result<(), Error> {
    conn.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
    conn.query_drop(SAVE).await
}

/// Going back to it releases the locks on definitions that a table's `SELECT` leaves behind: nobody's `ALTER TABLE` waits for the whole
/// dump.
const SAVE: &str = "SAVEPOINT table_by_table";
pub const RELEASE: &str = "ROLLBACK TO SAVEPOINT table_by_table";

/// The tables whose rows will be read.
fn kept<'a>(tables: &'a [Table], excluded: &'a Resolved) -> impl Iterator<Item = &'a Table> {
    let read = |table: &&Table| {
        table.kind.holds_rows() && !table.is_window() && !excluded.excluded.contains_key(&table.name)
    };
    tables.iter().filter(read)
}

/// Looks into every table that will be read.
async fn probe(
    conn: &mut Conn,
    connection: &Connection,
    tables: &[Table],
    excluded: &Resolved,
) -> Result<(BTreeSet<String>, BTreeMap<String, Unreadable>), Stop> {
    let (mut filled, mut unreadable) = (BTreeSet::new(), BTreeMap::new());
    for table in kept(tables, excluded) {
        match first_row(conn, &table.name).await {
            Ok(true) => {
                filled.insert(table.name.clone());
            }
            Ok(false) => {}
            Err(error) => match why_unreadable(&error) {
                Some(why) => {
                    unreadable.insert(table.name.clone(), why);
                }
                None => return Err(stop(&error, connection, &table.name)),
            },
        }
        conn.query_drop(RELEASE).await.map_err(|error| stop(&error, connection, &table.name))?;
    }
    Ok((filled, unreadable))
}

/// Whether the table has a row in the snapshot. Holds its definition in place until [`RELEASE`].
pub async fn first_row(conn: &mut Conn, table: &str) -> Result<bool, Error> {
    let row: Option<u8> = conn.query_first(format!("SELECT 1 FROM {} LIMIT 1", quote_name(table))).await?;
    Ok(row.is_some())
}

/// Errors that are about this table alone: the rest of the database is worth having.
fn why_unreadable(error: &Error) -> Option<Unreadable> {
    let Error::Server(server) = error else { return None };
    match server.code {
        // No SELECT on the table, or on one of its columns.
        1142 | 1143 => Some(Unreadable::Denied),
        // Not known to the engine, wrong or old file, crashed, to be repaired, engine not loaded.
        1932 | 1033 | 1034 | 1035 | 1194 | 1195 | 1286 | 1459 => {
            Some(Unreadable::Broken(server.message.clone()))
        }
        _ => None,
    }
}

/// What an error while reading `what` means for the dump.
pub fn stop(error: &Error, connection: &Connection, what: &str) -> Stop {
    match error {
        // Definition changed, no such table, waited too long for its definition, deadlock with whoever changes it.
        Error::Server(server) if matches!(server.code, 1412 | 1146 | 1051 | 1205 | 1213) => {
            Stop::Changed(format!("The table '{what}'"))
        }
        Error::Server(server) if matches!(server.code, 1053 | 1317 | 1927 | 1969 | 3024) => {
            lost(connection, what, &server.message)
        }
        Error::Io(error) => lost(connection, what, &error.to_string()),
        Error::Driver(mysql_async::DriverError::ConnectionClosed) => {
            lost(connection, what, "connection closed")
        }
        other => {
            let mut error = explain(other, connection);
            error.message = format!("Reading '{what}': {}", error.message);
            Stop::Fail(error.into())
        }
    }
}

fn lost(connection: &Connection, what: &str, cause: &str) -> Stop {
    Stop::Fail(DumpError::Source(SourceError::new(
        "database_lost",
        format!(
            "The database server at {} ended the connection while '{what}' was read: {cause}.",
            connection.address
        ),
        "Look into its error log, and check time-outs between here and there.",
    )))
}

/// Everything an administrator should know before the first row is read.
pub fn warnings(open: &[Snapshot]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for snapshot in open {
        snapshot.privilege_warnings(&mut warnings);
        snapshot.table_warnings(&mut warnings);
    }
    // With several databases a pattern may be meant for one of them.
    let unmatched = open
        .iter()
        .map(|snapshot| snapshot.excluded.unmatched.clone())
        .reduce(|all, next| all.intersection(&next).cloned().collect());
    for pattern in unmatched.unwrap_or_default() {
        warnings.push(Warning::note(
            "exclude_unmatched",
            Some(pattern.clone()),
            format!("The excluded tables name '{pattern}', which matches no table."),
        ));
    }
    warnings
}

impl Snapshot {
    fn privilege_warnings(&self, warnings: &mut Vec<Warning>) {
        let has_views = self.tables.iter().any(|table| table.kind == Kind::View);
        for checked in &self.missing {
            // Views are seen without the privilege: without any view nothing is missing.
            if checked.privilege == "SHOW VIEW" && !has_views {
                continue;
            }
            warnings.push(Warning::missing(
                "grant_missing",
                Some(checked.privilege.into()),
                format!(
                    "The database user lacks {} on '{}'. {} {}",
                    checked.privilege, self.connection.database, checked.cost, checked.remedy
                ),
            ));
        }
        if !self.views_unseen.is_empty() {
            let names: Vec<String> = self.views_unseen.iter().map(|name| format!("'{name}'")).collect();
            warnings.push(Warning::missing(
                "grant_missing",
                Some("EXECUTE".into()),
                format!(
                    "The database user lacks EXECUTE on '{}', and may not see its stored routines: views that call them are missing ({}). {} {}",
                    self.connection.database,
                    names.join(", "),
                    self.grant("EXECUTE"),
                    self.routines_remedy
                ),
            ));
        }
        if self.routines_unseen {
            warnings.push(Warning::note(
                "routines_unseen",
                Some(self.connection.database.clone()),
                format!(
                    "The database user may not see stored routines. Magento has none; if an extension brought some that no view, trigger or event calls, they are missing without a further word. {}",
                    self.routines_remedy
                ),
            ));
        }
    }

    fn table_warnings(&self, warnings: &mut Vec<Warning>) {
        let kept = |table: &&Table| !self.excluded.excluded.contains_key(&table.name);
        for (table, why) in &self.unreadable {
            let message = match why {
                Unreadable::Denied => format!(
                    "The rows of '{table}' are missing: the database user may not read it. GRANT SELECT ON {}.{} to it.",
                    quote_name(&self.connection.database),
                    quote_name(table)
                ),
                Unreadable::Broken(cause) => {
                    format!("The rows of '{table}' are missing: {cause}. Repair or drop the table.")
                }
            };
            warnings.push(Warning::missing("table_unreadable", Some(table.clone()), message));
        }
        for table in self.tables.iter().filter(kept) {
            if table.kind == Kind::Versioned {
                warnings.push(Warning::missing(
                    "history_left_out",
                    Some(table.name.clone()),
                    format!(
                        "'{}' keeps its history (WITH SYSTEM VERSIONING): only its current rows are dumped.",
                        table.name
                    ),
                ));
            }
            if table.is_window() {
                warnings.push(Warning::note(
                    "rows_elsewhere",
                    Some(table.name.clone()),
                    format!(
                        "'{}' shows rows of other tables or servers: only its structure is dumped.",
                        table.name
                    ),
                ));
            }
            if table.kind.holds_rows() && !table.is_transactional() && !table.is_window() {
                warnings.push(Warning::note(
                    "not_transactional",
                    Some(table.name.clone()),
                    format!(
                        "'{}' ({}) is not covered by the snapshot: its rows are those of the moment it is read. ALTER TABLE {} ENGINE=InnoDB.",
                        table.name,
                        table.engine.as_deref().unwrap_or("no engine"),
                        quote_name(&table.name)
                    ),
                ));
            }
        }
        for (parent, children) in &self.orphaned {
            warnings.push(Warning::note(
                "excluded_parent",
                Some(parent.clone()),
                format!(
                    "The rows of '{parent}' are left out, but {} refer to them: restored, these rows point nowhere.",
                    children.iter().map(|child| format!("'{child}'")).collect::<Vec<_>>().join(", ")
                ),
            ));
        }
    }
}
