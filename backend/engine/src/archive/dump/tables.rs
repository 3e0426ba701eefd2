//! The dump of one snapshot, table by table.

use super::ddl::without_database;
use super::objects::Routines;
use super::output::Output;
use super::rows::{Columns, ReadError, Rows};
use super::snapshot::{RELEASE, Snapshot, Unreadable, begin, first_row, stop};
use super::views::View;
use super::{ATTEMPTS, DumpedDatabase, DumpedTable, Finished, Stop, blocks, header};
use crate::event::{Event, Events, Phase, Warning};
use crate::source::database::catalog::{self, Kind, Table};
use crate::source::database::{plain, quote_name};
use mysql_async::prelude::Queryable;
use mysql_async::{Error, Row};
use std::io;
use std::time::{Duration, Instant};

/// What every server takes without being told to (`max_allowed_packet`).
const SAFE_STATEMENT: u64 = 16 << 20;
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// Tells how far the dump is, a few times a second.
pub struct Progress {
    events: Events,
    last: Instant,
    /// Of the databases that are done.
    bytes: u64,
    written: u64,
    items: u64,
    /// Tables of the current one.
    tables: u64,
}

impl Progress {
    pub fn new(events: Events) -> Progress {
        Progress { events, last: Instant::now(), bytes: 0, written: 0, items: 0, tables: 0 }
    }

    pub fn restart(&mut self) {
        self.tables = 0;
    }

    pub fn warn(&self, warning: &Warning) {
        self.events.emit(Event::Warned(warning.clone()));
    }

    pub fn tell(&mut self, output: &Output, now: bool) {
        if now || self.last.elapsed() >= PROGRESS_EVERY {
            self.last = Instant::now();
            self.events.emit(Event::Advanced {
                phase: Phase::Database,
                bytes: self.bytes + output.len(),
                bytes_written: self.written + output.bytes_written(),
                items: self.items + self.tables,
            });
        }
    }

    fn close(&mut self, bytes: u64, written: u64) {
        self.bytes += bytes;
        self.written += written;
        self.items += std::mem::take(&mut self.tables);
    }
}

/// Writes the whole database and waits until it is on the disk.
pub async fn dump(
    snapshot: &mut Snapshot,
    name: &str,
    output: Output,
    progress: &mut Progress,
) -> Result<Finished, Stop> {
    let record = DumpedDatabase {
        name: snapshot.connection.database.clone(),
        archive: name.to_string(),
        connections: snapshot.connection.names.clone(),
        character_set: snapshot.character_set.0.clone(),
        collation: snapshot.character_set.1.clone(),
        server: snapshot.session.server.name.clone(),
        tables: Vec::new(),
        views: Vec::new(),
        triggers: Vec::new(),
        routines: Vec::new(),
        events: Vec::new(),
        max_statement_bytes: 0,
    };
    let dumper = Dumper { snapshot, output, progress, record, warnings: Vec::new() };
    dumper.run().await
}

struct Dumper<'a> {
    snapshot: &'a mut Snapshot,
    output: Output,
    progress: &'a mut Progress,
    record: DumpedDatabase,
    warnings: Vec<Warning>,
}

impl Dumper<'_> {
    async fn run(mut self) -> Result<Finished, Stop> {
        header::begin(&mut self.output.buffer, &self.record);
        let routines = self.snapshot.routines(&mut self.warnings).await?;
        let views = self.snapshot.views(&routines, &mut self.warnings).await?;
        for view in &views {
            view.write_placeholder(&mut self.output.buffer);
        }
        let tables = self.snapshot.tables.clone();
        // Defaults of columns may take numbers from sequences.
        for sequence in tables.iter().filter(|table| table.kind == Kind::Sequence) {
            self.sequence(sequence).await?;
        }
        let mut late = Vec::new();
        for table in tables.iter().filter(|table| table.kind.holds_rows()) {
            match self.table(table, false).await {
                Err(Stop::Changed(_)) if is_derived(&table.name, &self.snapshot.table_prefix) => {
                    late.push(table)
                }
                result => result?,
            }
        }
        self.late(late).await?;
        self.objects(routines, views).await?;

        header::end(&mut self.output.buffer);
        self.progress.tell(&self.output, true);
        self.remark_on_statements();
        for warning in &self.warnings {
            self.progress.events.emit(Event::Warned(warning.clone()));
        }
        self.record.tables.sort_by(|a, b| a.name.cmp(&b.name));
        let bytes = self.output.len();
        let (archives, reused_bytes) = self.output.finish().await?;
        self.progress.close(bytes, archives.iter().map(|archive| archive.size_bytes).sum());
        Ok(Finished { archives, reused_bytes, database: self.record, warnings: self.warnings })
    }

    /// Tables that indexers swapped or emptied since the snapshot. Nothing else refers to their rows, and reindexing makes them again:
    /// those of a later moment are as good.
    async fn late(&mut self, tables: Vec<&Table>) -> Result<(), Stop> {
        for table in tables {
            self.record.tables.retain(|done| done.name != table.name);
            let mut tries = 0;
            loop {
                tries += 1;
                let conn = &mut self.snapshot.session.conn;
                begin(conn).await.map_err(|error| stop(&error, &self.snapshot.connection, &table.name))?;
                match self.table(table, true).await {
                    Ok(()) => {
                        self.warnings.push(Warning::note(
                            "read_later",
                            Some(table.name.clone()),
                            format!("'{}' changed during the dump: its rows are of a later moment. Reindex after a restore.", table.name),
                        ));
                        break;
                    }
                    Err(Stop::Changed(_)) if tries < ATTEMPTS => {}
                    Err(Stop::Changed(_)) => {
                        self.warnings.push(Warning::missing(
                            "table_missing",
                            Some(table.name.clone()),
                            format!("'{}' was dropped or kept changing during the dump: it may be missing or empty. Reindex after a restore.", table.name),
                        ));
                        break;
                    }
                    Err(fail) => return Err(fail),
                }
            }
        }
        Ok(())
    }

    async fn sequence(&mut self, sequence: &Table) -> Result<(), Stop> {
        let name = quote_name(&sequence.name);
        let conn = &mut self.snapshot.session.conn;
        let failed = |error: Error| stop(&error, &self.snapshot.connection, &sequence.name);
        let create: Option<(String, String)> =
            conn.query_first(format!("SHOW CREATE SEQUENCE {name}")).await.map_err(failed)?;
        let next: Option<i64> =
            conn.query_first(format!("SELECT next_not_cached_value FROM {name}")).await.map_err(failed)?;
        conn.query_drop(RELEASE).await.map_err(failed)?;
        let (_, create) = create.unwrap_or_default();
        let next = next.unwrap_or_default();
        self.output.buffer.extend_from_slice(
            format!(
                "\n--\n-- Sequence {}\n--\n\nDROP SEQUENCE IF EXISTS {name};\n{create};\nDO SETVAL({name}, {next}, 0);\n",
                plain(&name)
            )
            .as_bytes(),
        );
        Ok(())
    }

    /// One table: structure and rows, as they are in the current transaction. `late` accepts a table made since.
    async fn table(&mut self, table: &Table, late: bool) -> Result<(), Stop> {
        let result = self.table_in_place(table, late).await;
        let conn = &mut self.snapshot.session.conn;
        let released = conn.query_drop(RELEASE).await;
        result?;
        released.map_err(|error| stop(&error, &self.snapshot.connection, &table.name))?;
        self.progress.tables += 1;
        self.progress.tell(&self.output, false);
        Ok(())
    }

    async fn table_in_place(&mut self, table: &Table, late: bool) -> Result<(), Stop> {
        let name = &table.name;
        let changed = || Stop::Changed(format!("The table '{name}'"));
        let left_out = self.left_out(table);
        let reads = left_out.is_none();
        if reads {
            // From here on until the release nobody can change, empty or rename it.
            let conn = &mut self.snapshot.session.conn;
            let first = first_row(conn, name).await;
            let filled = first.map_err(|error| stop(&error, &self.snapshot.connection, name))?;
            let database = &self.snapshot.connection.database;
            let now = catalog::table_named(conn, database, name).await;
            let now =
                now.map_err(|error| stop(&error, &self.snapshot.connection, name))?.ok_or_else(changed)?;
            let same = now.created == table.created && (filled || !self.snapshot.filled.contains(name));
            if !same && !late {
                return Err(changed());
            }
        }
        self.border(name).await?;
        let begun = self.output.len();
        let Some(create) = self.definition(table).await? else { return Ok(()) };
        let quoted = quote_name(name);
        let head = format!(
            "\n--\n-- Table {}\n--\n\nDROP TABLE IF EXISTS {quoted};\nDROP VIEW IF EXISTS {quoted};\n",
            plain(&quoted)
        );
        self.output.buffer.extend_from_slice(&[head.as_bytes(), &create, b";\n"].concat());
        let mut rows = 0;
        match &left_out {
            Some(why) => {
                let line = format!("-- Data excluded: {} ({})\n", plain(name), plain(why));
                self.output.buffer.extend_from_slice(line.as_bytes());
            }
            None => rows = self.rows(name, begun).await?,
        }
        if rows == 0 && reads && !late && self.snapshot.filled.contains(name) {
            return Err(changed());
        }
        self.record.tables.push(DumpedTable { name: name.clone(), rows, left_out });
        Ok(())
    }

    /// Why only the structure is written.
    fn left_out(&self, table: &Table) -> Option<String> {
        if let Some(pattern) = self.snapshot.excluded.excluded.get(&table.name) {
            return Some(format!("pattern {pattern}"));
        }
        match self.snapshot.unreadable.get(&table.name) {
            Some(Unreadable::Denied) => Some("the database user may not read it".into()),
            Some(Unreadable::Broken(_)) => Some("the table cannot be read".into()),
            None if table.is_window() => Some("its rows belong to other tables".into()),
            None => None,
        }
    }

    /// What the server says that makes the table. None for a table that cannot even be described, of which a warning tells.
    async fn definition(&mut self, table: &Table) -> Result<Option<Vec<u8>>, Stop> {
        let sql = format!("SHOW CREATE TABLE {}", quote_name(&table.name));
        let row: Result<Option<Row>, Error> = self.snapshot.session.conn.query_first(sql).await;
        match row {
            Ok(row) => {
                let create: Option<Vec<u8>> = row.and_then(|mut row| row.take(1));
                Ok(create.map(|create| without_database(&create, &self.snapshot.connection.database)))
            }
            Err(_) if self.snapshot.unreadable.contains_key(&table.name) => {
                let line = format!("\n-- Missing: {} (it cannot be described)\n", plain(&table.name));
                self.output.buffer.extend_from_slice(line.as_bytes());
                Ok(None)
            }
            Err(error) => Err(stop(&error, &self.snapshot.connection, &table.name)),
        }
    }

    /// Writes the rows of the table that begins at `begun`; returns how many.
    async fn rows(&mut self, name: &str, begun: u64) -> Result<u64, Stop> {
        let session = &mut self.snapshot.session;
        let columns = Columns::read(&mut session.conn, name).await;
        let columns = columns.map_err(|error| stop(&error, &self.snapshot.connection, name))?;
        let mut rows = Rows::new(&mut self.output, self.progress, &columns, begun);
        let read = rows.read(session, &columns).await;
        self.record.max_statement_bytes = self.record.max_statement_bytes.max(rows.longest);
        read.map_err(|error| match error {
            ReadError::Database(error) => stop(&error, &self.snapshot.connection, name),
            ReadError::Write(error) => error.into(),
        })
    }

    async fn objects(&mut self, routines: Routines, views: Vec<View>) -> Result<(), Stop> {
        let triggers = self.snapshot.triggers(&self.record.tables, &mut self.warnings).await?;
        let events = self.snapshot.events(&mut self.warnings).await?;
        // A view may call a function, so that routines come first.
        for object in routines.dumped.iter().chain(&triggers) {
            self.border(&object.name).await?;
            object.write(&mut self.output.buffer);
        }
        for view in &views {
            self.border(&view.object.name).await?;
            view.write(&mut self.output.buffer);
        }
        for event in &events {
            self.border(&event.name).await?;
            event.write(&mut self.output.buffer);
        }
        let callers = routines.dumped.iter().chain(&triggers).chain(&events);
        self.snapshot.unseen_routines(&routines, callers, &mut self.warnings).await?;
        let names =
            |objects: Vec<super::ddl::Object>| objects.into_iter().map(|object| object.name).collect();
        self.record.routines = names(routines.dumped);
        self.record.triggers = names(triggers);
        self.record.events = names(events);
        self.record.views =
            views.into_iter().filter(|view| view.left_out.is_none()).map(|view| view.object.name).collect();
        self.record.views.sort();
        Ok(())
    }

    /// Ends the block before a table or object of this name, if one ends there.
    async fn border(&mut self, name: &str) -> io::Result<()> {
        if blocks::ends_before(self.output.pending(), name) { self.output.ship().await } else { Ok(()) }
    }

    fn remark_on_statements(&mut self) {
        let longest = self.record.max_statement_bytes;
        if longest > SAFE_STATEMENT {
            self.warnings.push(Warning::note(
                "large_statement",
                None,
                format!(
                    "The dump has a statement of {longest} bytes: restoring it needs max_allowed_packet of at least {} MiB on server and client.",
                    (longest >> 20) + 1
                ),
            ));
        }
    }
}

/// Tables that indexers fill, swap and empty as they please. Reindexing makes their rows again.
pub fn is_derived(name: &str, prefix: &str) -> bool {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    let begins = |with: &[&str]| with.iter().any(|begin| name.starts_with(begin));
    // Called an index, and not made by one: what visitors looked at.
    if begins(&["report_"]) {
        return false;
    }
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    ["_idx", "_tmp", "_replica", "_cl", "_index"].iter().any(|end| name.ends_with(end))
        || name.contains("_index_")
        || name.contains("__temp")
        || begins(&[
            "catalogrule_product",
            "catalogrule_group_website",
            "cataloginventory_stock_status",
            "catalog_product_flat_",
            "catalog_category_flat_",
            "catalogsearch_fulltext",
        ])
        || name.strip_prefix("inventory_stock_").is_some_and(numbered)
}
