//! Views, triggers, routines, events: read from the server with the session they were made in.

use super::ddl::{Object, strip_definer, without_database};
use super::snapshot::{Snapshot, stop};
use super::{DumpedTable, Stop};
use crate::event::Warning;
use crate::source::database::catalog::Kind;
use crate::source::database::quote_name;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Row, Value};

/// A view: a table of the same columns stands in for it until everything it may refer to is there.
pub struct View {
    pub object: Object,
    /// None where the server cannot tell: nothing stands in for it then.
    pub columns: Option<Vec<String>>,
    /// It refers to what is not there: making it again would end a restore.
    pub broken: bool,
}

impl View {
    /// The stand-in. Views may be made from views, in any order of names.
    pub fn write_placeholder(&self, out: &mut Vec<u8>) {
        let Some(columns) = &self.columns else { return };
        let name = quote_name(&self.object.name);
        let columns: Vec<String> =
            columns.iter().map(|column| format!("1 AS {}", quote_name(column))).collect();
        out.extend_from_slice(
            format!(
                "DROP TABLE IF EXISTS {name};\nDROP VIEW IF EXISTS {name};\nCREATE VIEW {name} AS SELECT {};\n",
                columns.join(", ")
            )
            .as_bytes(),
        );
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        if !self.broken {
            return self.object.write(out);
        }
        out.extend_from_slice(b"\n-- This view refers to what does not exist (any more):\n");
        for line in self.object.sql.split(|byte| matches!(byte, b'\n' | b'\r')) {
            out.extend_from_slice(&[b"-- ", line, b"\n"].concat());
        }
    }
}

/// Reads definitions in the character set they were written in: converted, text in them could change its meaning.
async fn definition(conn: &mut Conn, what: &str, name: &str) -> Result<Option<Row>, Error> {
    conn.query_drop("SET SESSION character_set_results = 'binary'").await?;
    let row = conn.query_first(format!("SHOW CREATE {what} {}", quote_name(name))).await;
    conn.query_drop("SET SESSION character_set_results = 'utf8mb4'").await?;
    row
}

fn bytes(row: &Row, index: usize) -> Option<&[u8]> {
    match row.as_ref(index)? {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn text(row: &Row, index: usize) -> String {
    bytes(row, index).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// Where the columns of `SHOW CREATE …` are.
struct Layout {
    sql: usize,
    sql_mode: Option<usize>,
    time_zone: Option<usize>,
}

fn object(row: &Row, kind: &'static str, name: &str, layout: &Layout) -> Option<Object> {
    Some(Object {
        kind,
        name: name.to_string(),
        sql: strip_definer(bytes(row, layout.sql)?),
        client: text(row, layout.sql + 1),
        collation: text(row, layout.sql + 2),
        sql_mode: layout.sql_mode.map(|index| text(row, index)),
        time_zone: layout.time_zone.map(|index| text(row, index)),
    })
}

impl Snapshot {
    /// The views, with a warning for each that is missing from the dump.
    pub async fn views(&mut self, warnings: &mut Vec<Warning>) -> Result<Vec<View>, Stop> {
        let names: Vec<String> = self
            .tables
            .iter()
            .filter(|table| table.kind == Kind::View)
            .map(|table| table.name.clone())
            .collect();
        let mut views = Vec::new();
        if !self.may("SHOW VIEW") {
            // One warning about the privilege was given already.
            return Ok(views);
        }
        for name in names {
            let conn = &mut self.session.conn;
            let layout = Layout { sql: 1, sql_mode: None, time_zone: None };
            let row = definition(conn, "VIEW", &name).await;
            let object = match row {
                Ok(row) => row.as_ref().and_then(|row| object(row, "VIEW", &name, &layout)),
                Err(Error::Server(error)) if matches!(error.code, 1142 | 1143 | 1345) => None,
                Err(error) => return Err(stop(&error, &self.connection, &name)),
            };
            let Some(mut object) = object else {
                warnings.push(missing("VIEW", &name, "the database user may not read its definition"));
                continue;
            };
            object.sql = without_database(&object.sql, &self.connection.database);
            let columns: Result<Vec<Row>, Error> =
                conn.query(format!("SHOW COLUMNS FROM {}", quote_name(&name))).await;
            let (columns, broken) = match columns {
                Ok(rows) => (Some(rows.iter().map(|row| text(row, 0)).collect()), false),
                // The definer is gone; without it the view works again.
                Err(Error::Server(error)) if error.code == 1449 => (None, false),
                Err(Error::Server(error)) => {
                    let cause = format!("it cannot be used ({}); repair or drop it", error.message);
                    warnings.push(missing("VIEW", &name, &cause));
                    (None, true)
                }
                Err(error) => return Err(stop(&error, &self.connection, &name)),
            };
            views.push(View { object, columns, broken });
        }
        // What nothing stands in for comes first: others may refer to it.
        views.sort_by_key(|view| view.columns.is_some());
        Ok(views)
    }

    /// Those of the tables in `dumped`: on another a trigger could not be made.
    pub async fn triggers(
        &mut self,
        dumped: &[DumpedTable],
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Object>, Stop> {
        // In the order in which they fire, so that making them in turn keeps it.
        let list = "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? \
                    ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER";
        let mut names: Vec<(&'static str, String)> = Vec::new();
        for (name, table) in self.list::<(String, String)>(list).await? {
            if dumped.iter().any(|dumped| dumped.name == table) {
                names.push(("TRIGGER", name));
            } else if self.tables.iter().any(|known| known.name == table) {
                warnings.push(missing("TRIGGER", &name, &format!("its table '{table}' is missing")));
            }
        }
        let layout = Layout { sql: 2, sql_mode: Some(1), time_zone: None };
        self.objects(names, &layout, warnings).await
    }

    pub async fn routines(&mut self, warnings: &mut Vec<Warning>) -> Result<Vec<Object>, Stop> {
        let list = "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? \
                    ORDER BY ROUTINE_TYPE, ROUTINE_NAME";
        let rows: Vec<(String, String)> = self.list(list).await?;
        let known = ["FUNCTION", "PROCEDURE", "PACKAGE", "PACKAGE BODY"];
        let mut routines = Vec::new();
        for (kind, name) in rows {
            match known.into_iter().find(|known| *known == kind) {
                Some(kind) => routines.push((kind, name)),
                None => warnings.push(missing(&kind, &name, "this kind of routine is not known here")),
            }
        }
        self.objects(routines, &Layout { sql: 2, sql_mode: Some(1), time_zone: None }, warnings).await
    }

    pub async fn events(&mut self, warnings: &mut Vec<Warning>) -> Result<Vec<Object>, Stop> {
        if !self.may("EVENT") {
            return Ok(Vec::new());
        }
        let list =
            "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY EVENT_NAME";
        let names: Vec<String> = self.list(list).await?;
        let layout = Layout { sql: 3, sql_mode: Some(1), time_zone: Some(2) };
        self.objects(names.into_iter().map(|name| ("EVENT", name)).collect(), &layout, warnings).await
    }

    async fn list<T>(&mut self, sql: &str) -> Result<Vec<T>, Stop>
    where
        T: mysql_async::prelude::FromRow + Send + 'static,
    {
        let database = self.connection.database.clone();
        let rows = self.session.conn.exec(sql, (&database,)).await;
        rows.map_err(|error| stop(&error, &self.connection, &database))
    }

    async fn objects(
        &mut self,
        names: Vec<(&'static str, String)>,
        layout: &Layout,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Object>, Stop> {
        let mut objects = Vec::with_capacity(names.len());
        for (kind, name) in names {
            let row = match definition(&mut self.session.conn, kind, &name).await {
                Ok(row) => row,
                // Dropped since it was listed: it is not part of the store any more.
                Err(Error::Server(error)) if matches!(error.code, 1360 | 1305 | 1539) => continue,
                Err(Error::Server(error)) if matches!(error.code, 1044 | 1142 | 1227 | 1370) => None,
                Err(error) => return Err(stop(&error, &self.connection, &name)),
            };
            // Without the privilege the server shows the routine with an empty definition.
            match row.as_ref().and_then(|row| object(row, kind, &name, layout)) {
                Some(object) => objects.push(object),
                None => warnings.push(missing(kind, &name, "the database user may not read its definition")),
            }
        }
        Ok(objects)
    }
}

fn missing(kind: &str, name: &str, cause: &str) -> Warning {
    let kind = kind.to_lowercase();
    Warning::missing("object_missing", Some(name.into()), format!("The {kind} '{name}' is missing: {cause}."))
}
