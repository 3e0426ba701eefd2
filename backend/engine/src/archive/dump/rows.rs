//! The rows of one table, from the driver into `INSERT` statements.

use super::blocks;
use super::output::Output;
use super::tables::Progress;
use super::values::{self, Column, Format, Literal};
use crate::source::database::quote_name;
use mysql_async::prelude::{Protocol, Queryable};
use mysql_async::{Conn, Error, QueryResult, Row, Value};
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
        let column = |row: &Row| {
            let text = |index: usize| row.get_opt::<Option<String>, _>(index)?.ok()?;
            Column::new(text(0)?, &text(1)?, &text(5).unwrap_or_default())
        };
        Ok(Columns { columns: described.iter().filter_map(column).collect(), table })
    }

    fn are_binary(&self) -> bool {
        self.columns.iter().all(|column| column.binary)
    }

    fn select(&self, binary: bool) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| column.selected(binary)).collect();
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
    pub async fn read(&mut self, conn: &mut Conn, columns: &Columns) -> Result<u64, ReadError> {
        let prepared = match columns.are_binary() {
            true => conn.prep(columns.select(true)).await,
            false => return self.read_text(conn, columns).await,
        };
        let statement = match prepared {
            Ok(statement) => statement,
            // There are proxies that prepare nothing, and servers that have prepared too much. What else is wrong the query tells.
            Err(Error::Server(_)) => return self.read_text(conn, columns).await,
            Err(error) => return Err(error.into()),
        };
        let read = self.write_all(conn.exec_iter(&statement, ()).await).await;
        match &read {
            Ok(_) => conn.close(statement).await?,
            // The connection goes on to be used. Behind another error there may be rows that nobody has read.
            Err(ReadError::Database(Error::Server(_))) => drop(conn.close(statement).await),
            Err(_) => {}
        }
        read
    }

    async fn read_text(&mut self, conn: &mut Conn, columns: &Columns) -> Result<u64, ReadError> {
        self.write_all(conn.query_iter(columns.select(false)).await).await
    }

    async fn write_all<P: Protocol>(
        &mut self,
        result: Result<QueryResult<'_, '_, P>, Error>,
    ) -> Result<u64, ReadError> {
        let mut result = result?;
        let mut count = 0;
        let read = loop {
            let row = match result.next().await {
                Ok(Some(row)) => row,
                Ok(None) => break Ok(count),
                Err(error) => break Err(error.into()),
            };
            count += 1;
            match self.add(&row) {
                Then::Next => {}
                Then::Border { ends } => self.border(ends).await?,
                Then::Piecewise => self.large_row(&row).await?,
            }
        };
        self.end_statement();
        if count > 0 {
            self.output.buffer.extend_from_slice(b"COMMIT;\n");
        }
        // Behind a table with blocks of its own another one begins.
        if self.begun.is_none() {
            self.output.ship().await?;
        }
        read
    }

    /// Adds a row to the open statement, or to a new one, unless it is too large for that.
    fn add(&mut self, row: &Row) -> Then {
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
    async fn large_row(&mut self, row: &Row) -> io::Result<()> {
        let rows_before = self.statement.is_some();
        self.border(rows_before).await?;
        self.begin_row();
        self.output.buffer.push(b'(');
        for (index, format) in self.formats.iter().enumerate() {
            if index > 0 {
                self.output.buffer.push(b',');
            }
            match row.as_ref(index) {
                Some(Value::Bytes(bytes)) if bytes.len() > PIECE => {
                    large_value(self.output, bytes, *format).await?
                }
                value => values::write(&mut self.output.buffer, value.unwrap_or(&Value::NULL), *format),
            }
            if self.output.is_full() {
                self.output.ship().await?;
            }
        }
        self.output.buffer.push(b')');
        self.border(true).await
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

/// Whether the row is a small one; what was appended of a large one is of no use.
fn small_row(out: &mut Vec<u8>, row: &Row, formats: &[Format]) -> bool {
    let begun = out.len();
    out.push(b'(');
    for (index, format) in formats.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match row.as_ref(index) {
            Some(Value::Bytes(bytes)) if bytes.len() > PIECE => return false,
            value => values::write(out, value.unwrap_or(&Value::NULL), *format),
        }
    }
    out.push(b')');
    out.len() - begun <= LARGE_ROW
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
