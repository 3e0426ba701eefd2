//! The rows of one table, from the driver into `INSERT` statements.

use super::blocks;
use super::output::Output;
use super::tables::Progress;
use super::values::{self, Column, Format, Literal};
use crate::source::database::connect::Session;
use crate::source::database::packets::{self, Cells};
use crate::source::database::quote_name;
use crate::source::database::wire::Wire;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Row};
use std::io;

/// Values above this are written piece by piece, so that memory stays small.
const PIECE: usize = 256 << 10;
/// And so are rows whose literals are above this.
const LARGE_ROW: usize = 1 << 20;

/// The columns of a table that have values of their own.
pub struct Columns {
    /// Quoted.
    table: String,
    columns: Vec<Column>,
}

impl Columns {
    pub async fn read(conn: &mut Conn, table: &str) -> Result<Columns, Error> {
        let table = quote_name(table);
        let described: Vec<Row> = conn.query(format!("SHOW COLUMNS FROM {table}")).await?;
        let mut columns = Vec::new();
        for row in described {
            let text = |index: usize| row.get_opt::<Option<String>, _>(index)?.ok()?;
            // A column that is not understood must not pass for a generated one.
            let (Some(name), Some(declared)) = (text(0), text(1)) else { return Err(packets::damaged()) };
            columns.extend(Column::new(name, &declared, &text(5).unwrap_or_default()));
        }
        Ok(Columns { columns, table })
    }

    fn select(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(Column::selected).collect();
        // Where every column is generated, the number of rows is all there is to keep.
        let columns = if columns.is_empty() { "1".into() } else { columns.join(",") };
        format!("SELECT {columns} FROM {}", self.table)
    }

    fn insert(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| quote_name(&column.name)).collect();
        format!("INSERT INTO {} ({}) VALUES\n", self.table, names.join(","))
    }
}

pub enum ReadError {
    Database(Error),
    Write(io::Error),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> ReadError {
        ReadError::Database(error)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Write(error)
    }
}

/// Writes rows into statements, and ends blocks between them.
pub struct Rows<'a> {
    output: &'a mut Output,
    progress: &'a mut Progress,
    formats: Vec<Format>,
    insert: String,
    /// The dump's length where the table began, until it turns out to need blocks of its own.
    begun: Option<u64>,
    /// The dump's length where the open statement began.
    statement: Option<u64>,
    /// Of all statements, in bytes.
    pub longest: u64,
}

impl<'a> Rows<'a> {
    pub fn new(
        output: &'a mut Output,
        progress: &'a mut Progress,
        columns: &Columns,
        begun: u64,
    ) -> Rows<'a> {
        let formats = columns.columns.iter().map(|column| column.format).collect();
        let insert = columns.insert();
        Rows { output, progress, formats, insert, begun: Some(begun), statement: None, longest: 0 }
    }

    /// Writes all rows; returns how many. After an error the statements are whole.
    pub async fn read(&mut self, session: &mut Session, columns: &Columns) -> Result<u64, ReadError> {
        let (sql, mut count) = (columns.select(), 0);
        let read = match &mut session.wire {
            Some(wire) => self.packets(wire, &sql, &mut count).await,
            None => self.values(&mut session.conn, &sql, &mut count).await,
        };
        self.end_statement();
        if count > 0 {
            self.output.buffer.extend_from_slice(b"COMMIT;\n");
        }
        // Behind a table with blocks of its own another one begins.
        if self.begun.is_none() {
            self.output.ship().await?;
        }
        read.map(|()| count)
    }

    async fn packets(&mut self, wire: &mut Wire, sql: &str, count: &mut u64) -> Result<(), ReadError> {
        let mut rows = packets::Rows::of(wire, sql).await?;
        while let Some(row) = rows.next().await? {
            *count += 1;
            match self.add(row) {
                Then::Next => {}
                then => self.then(then, row).await?,
            }
        }
        Ok(())
    }

    async fn values(&mut self, conn: &mut Conn, sql: &str, count: &mut u64) -> Result<(), ReadError> {
        let mut result = conn.query_iter(sql).await?;
        while let Some(row) = result.next().await? {
            *count += 1;
            let then = self.add(&row);
            self.then(then, &row).await?;
        }
        Ok(())
    }

    async fn then(&mut self, then: Then, row: impl Cells) -> Result<(), ReadError> {
        match then {
            Then::Next => {}
            Then::Border { ends } => self.border(ends).await?,
            Then::Piecewise => self.large_row(row).await?,
        }
        Ok(())
    }

    /// Adds a row to the open statement, or to a new one, unless it is too large for that.
    fn add(&mut self, row: impl Cells) -> Then {
        let (before, open) = (self.output.buffer.len(), self.statement);
        self.begin_row();
        let at = self.output.buffer.len();
        if !small_row(&mut self.output.buffer, row, &self.formats) {
            self.output.buffer.truncate(before);
            self.statement = open;
            return Then::Piecewise;
        }
        let bytes = self.statement_bytes();
        if bytes < blocks::LEAST {
            return Then::Next;
        }
        let ends = blocks::ends_after(bytes, &self.output.buffer[at..]);
        if ends || self.begun.is_some() { Then::Border { ends } } else { Then::Next }
    }

    fn begin_row(&mut self) {
        if self.statement.is_some() {
            self.output.buffer.extend_from_slice(b",\n");
        } else {
            self.statement = Some(self.output.len());
            self.output.buffer.extend_from_slice(self.insert.as_bytes());
        }
    }

    fn statement_bytes(&self) -> u64 {
        self.statement.map_or(0, |begun| self.output.len() - begun)
    }

    fn end_statement(&mut self) {
        if self.statement.is_some() {
            self.output.buffer.extend_from_slice(b";\n");
            self.longest = self.longest.max(self.statement_bytes());
            self.statement = None;
        }
    }

    /// Ends the statement and its block where they end; gives the table blocks of its own.
    async fn border(&mut self, ends: bool) -> io::Result<()> {
        if let Some(begun) = self.begun.take() {
            self.output.ship_until(begun).await?;
        }
        if ends {
            self.end_statement();
            self.output.ship().await?;
            self.progress.tell(self.output, false);
        }
        Ok(())
    }

    /// A statement of its own, handed on as it grows.
    async fn large_row(&mut self, row: impl Cells) -> Result<(), ReadError> {
        let rows_before = self.statement.is_some();
        self.border(rows_before).await?;
        self.begin_row();
        self.output.buffer.push(b'(');
        let mut cells = row.cells();
        for (index, format) in self.formats.iter().enumerate() {
            if index > 0 {
                self.output.buffer.push(b',');
            }
            match cells.next().ok_or_else(packets::damaged)? {
                Some(bytes) if bytes.len() > PIECE => large_value(self.output, bytes, *format).await?,
                value => values::write(&mut self.output.buffer, value, *format),
            }
            if self.output.is_full() {
                self.output.ship().await?;
            }
        }
        self.output.buffer.push(b')');
        Ok(self.border(true).await?)
    }
}

/// What follows once a row was added.
enum Then {
    Next,
    /// The table needs blocks of its own, and the statement may end.
    Border {
        ends: bool,
    },
    /// It was not added: it is too large to be held in memory as a whole.
    Piecewise,
}

/// Whether the row is a small one; what was appended of a large one, or of one that lacks values, is of no use.
#[inline]
fn small_row(out: &mut Vec<u8>, row: impl Cells, formats: &[Format]) -> bool {
    let begun = out.len();
    let mut cells = row.cells();
    out.push(b'(');
    for (index, format) in formats.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match cells.next() {
            Some(value) if value.is_none_or(|bytes| bytes.len() <= PIECE) => {
                values::write(out, value, *format)
            }
            _ => return false,
        }
        if out.len() - begun > LARGE_ROW {
            return false;
        }
    }
    out.push(b')');
    true
}

async fn large_value(output: &mut Output, bytes: &[u8], format: Format) -> io::Result<()> {
    let literal = Literal::of(bytes, format);
    output.buffer.extend_from_slice(literal.open());
    for piece in bytes.chunks(PIECE) {
        literal.append(&mut output.buffer, piece);
        if output.is_full() {
            output.ship().await?;
        }
    }
    output.buffer.extend_from_slice(literal.close());
    Ok(())
}
