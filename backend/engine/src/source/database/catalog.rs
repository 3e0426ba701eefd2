//! The tables of a database, as the server counts them.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Row};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Table,
    /// A table of MariaDB that keeps its history.
    Versioned,
    View,
    /// A sequence of MariaDB.
    Sequence,
}

impl Kind {
    pub fn holds_rows(self) -> bool {
        matches!(self, Kind::Table | Kind::Versioned)
    }
}

/// One table or view. Numbers are the server's estimates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub kind: Kind,
    pub engine: Option<String>,
    pub rows: u64,
    pub data_bytes: u64,
    pub index_bytes: u64,
    /// Changes when the table is made anew or altered, and tells a renamed table from the one whose name it took.
    pub created: Option<String>,
}

impl Table {
    pub fn size_bytes(&self) -> u64 {
        self.data_bytes + self.index_bytes
    }

    /// Read from the snapshot; other engines are read as they are at that moment.
    pub fn is_transactional(&self) -> bool {
        self.engine.as_deref().is_some_and(|engine| {
            ["InnoDB", "ROCKSDB", "TokuDB", "PERFORMANCE_SCHEMA"]
                .iter()
                .any(|e| e.eq_ignore_ascii_case(engine))
        })
    }

    /// The rows belong to other tables or servers: only the structure is dumped.
    pub fn is_window(&self) -> bool {
        self.engine.as_deref().is_some_and(|engine| {
            ["MRG_MyISAM", "MRG_ISAM", "FEDERATED"].iter().any(|e| e.eq_ignore_ascii_case(engine))
        })
    }
}

const COLUMNS: &str =
    "TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH, CAST(CREATE_TIME AS CHAR)";

/// The tables and views of `database` that the user may see, by name.
pub async fn tables(conn: &mut Conn, database: &str) -> Result<Vec<Table>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?");
    let rows: Vec<Row> = conn.exec(sql, (database,)).await?;
    let mut tables: Vec<Table> = rows.iter().filter_map(table).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

/// The same for one of them.
pub async fn table_named(conn: &mut Conn, database: &str, name: &str) -> Result<Option<Table>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?");
    let rows: Vec<Row> = conn.exec(sql, (database, name)).await?;
    // The comparison may ignore case; names do not.
    Ok(rows.iter().filter_map(table).find(|table| table.name == name))
}

fn table(row: &Row) -> Option<Table> {
    let text = |index: usize| row.get_opt::<Option<String>, _>(index)?.ok()?;
    let number =
        |index: usize| row.get_opt::<Option<u64>, _>(index).and_then(Result::ok).flatten().unwrap_or(0);
    let kind = match text(1)?.as_str() {
        "VIEW" => Kind::View,
        "SYSTEM VERSIONED" => Kind::Versioned,
        "SEQUENCE" => Kind::Sequence,
        // Not part of this database: views of the server on itself, tables of one session.
        "SYSTEM VIEW" | "TEMPORARY" | "TEMPORARY SEQUENCE" => return None,
        _ => Kind::Table,
    };
    Some(Table {
        name: text(0)?,
        kind,
        engine: text(2),
        rows: number(3),
        data_bytes: number(4),
        index_bytes: number(5),
        created: text(6),
    })
}

/// Foreign keys inside the database: (child, parent).
pub async fn references(conn: &mut Conn, database: &str) -> Result<Vec<(String, String)>, Error> {
    conn.exec(
        "SELECT DISTINCT TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = ? AND UNIQUE_CONSTRAINT_SCHEMA = CONSTRAINT_SCHEMA",
        (database,),
    )
    .await
}
