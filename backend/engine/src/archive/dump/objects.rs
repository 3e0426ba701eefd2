//! Triggers, routines, events: read from the server with the session they were made in.

use super::calls::calls;
use super::ddl::{Object, strip_definer};
use super::snapshot::{Snapshot, stop};
use super::{DumpedTable, Stop};
use crate::event::Warning;
use crate::source::database::quote_name;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Row, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Reads definitions in the character set they were written in: converted, text in them could change its meaning.
pub(super) async fn definition(conn: &mut Conn, what: &str, name: &str) -> Result<Option<Row>, Error> {
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

pub(super) fn text(row: &Row, index: usize) -> String {
    bytes(row, index).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// Where the columns of `SHOW CREATE …` are.
pub(super) struct Layout {
    pub sql: usize,
    pub sql_mode: Option<usize>,
    pub time_zone: Option<usize>,
}

pub(super) fn object(row: &Row, kind: &'static str, name: &str, layout: &Layout) -> Option<Object> {
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

/// The routines that the user can see.
pub struct Routines {
    pub dumped: Vec<Object>,
    /// Those whose text cannot be read, in small letters.
    pub missing: BTreeSet<String>,
}

impl Routines {
    /// Whether the dump makes it. Names of routines are the same whatever their case.
    pub fn has(&self, name: &str) -> bool {
        self.dumped.iter().any(|object| object.name.to_lowercase() == name.to_lowercase())
    }
}

impl Snapshot {
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

    /// Kind and name of those that the user may see.
    pub async fn routine_names(&mut self) -> Result<Vec<(String, String)>, Stop> {
        self.list(
            "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
        )
        .await
    }

    pub async fn routines(&mut self, warnings: &mut Vec<Warning>) -> Result<Routines, Stop> {
        let rows = self.routine_names().await?;
        let known = ["FUNCTION", "PROCEDURE", "PACKAGE", "PACKAGE BODY"];
        let mut routines = Vec::new();
        for (kind, name) in rows {
            match known.into_iter().find(|known| *known == kind) {
                Some(kind) => routines.push((kind, name)),
                None => warnings.push(missing(&kind, &name, "this kind of routine is not known here")),
            }
        }
        let mut missing: BTreeSet<String> = routines.iter().map(|(_, name)| name.to_lowercase()).collect();
        let layout = Layout { sql: 2, sql_mode: Some(1), time_zone: None };
        let dumped = self.objects(routines, &layout, warnings).await?;
        for object in &dumped {
            missing.remove(&object.name.to_lowercase());
        }
        Ok(Routines { dumped, missing })
    }

    /// What the dump's objects call and the user may not see: without the privilege servers list no routine, and say of none whether
    /// it is there. What calls one tells that there is one.
    pub async fn unseen_routines(
        &mut self,
        routines: &Routines,
        callers: impl Iterator<Item = &Object>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Stop> {
        if !self.routines_unseen {
            return Ok(());
        }
        let mut called: BTreeMap<String, String> = BTreeMap::new();
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        for object in callers {
            for call in calls(&object.sql) {
                let elsewhere = call.database.as_ref().is_some_and(|name| *name != self.connection.database);
                let is_table = |table: &crate::source::database::Table| table.name == call.name;
                if elsewhere
                    || routines.has(&call.name)
                    || !call.procedure && self.tables.iter().any(is_table)
                {
                    continue;
                }
                let stored = match call.procedure || call.database.is_some() {
                    true => true,
                    false => {
                        let sql = if call.quoted { quote_name(&call.name) } else { call.name.clone() };
                        match known.get(&sql) {
                            Some(stored) => *stored,
                            None => {
                                let stored = self.is_stored(&sql).await?;
                                known.insert(sql, stored);
                                stored
                            }
                        }
                    }
                };
                if stored {
                    called.entry(call.name).or_insert_with(|| object.name.clone());
                }
            }
        }
        for (name, caller) in called {
            let text = format!(
                "The routine '{name}' is missing, which '{caller}' calls: the database user may not see stored routines. {}",
                self.routines_remedy
            );
            warnings.push(Warning::missing("routine_missing", Some(name), text));
        }
        Ok(())
    }

    /// Whether a name in front of a bracket is a stored function: the server refuses it then, whether it is there or not. Its own
    /// functions it accepts, and on words of its language it stumbles. Nothing is run.
    async fn is_stored(&mut self, name: &str) -> Result<bool, Stop> {
        let conn = &mut self.session.conn;
        let call = format!("SELECT {name}()").replace('\\', "\\\\").replace('\'', "''");
        match conn.query_drop(format!("PREPARE storekeep_call FROM '{call}'")).await {
            Ok(()) => conn.query_drop("DEALLOCATE PREPARE storekeep_call").await.map(|()| false),
            Err(Error::Server(error)) => Ok(error.code == 1370),
            Err(error) => Err(error),
        }
        .map_err(|error| stop(&error, &self.connection, name))
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
                Some(object) => {
                    if let Some((vendor, modes)) = object.modes_of_one_vendor() {
                        let text = format!(
                            "The {} '{name}' was made with sql_mode {modes}, which {vendor} alone knows: restored elsewhere it may not work.",
                            kind.to_lowercase()
                        );
                        warnings.push(Warning::note("sql_mode_of_one_vendor", Some(name), text));
                    }
                    objects.push(object);
                }
                None => {
                    let mut cause = "the database user may not read its definition".to_string();
                    if !matches!(kind, "TRIGGER" | "EVENT") {
                        cause += &format!(": {}", self.routines_remedy.trim_end_matches(';'));
                    }
                    warnings.push(missing(kind, &name, &cause));
                }
            }
        }
        Ok(objects)
    }
}

pub(super) fn missing(kind: &str, name: &str, cause: &str) -> Warning {
    let kind = kind.to_lowercase();
    Warning::missing("object_missing", Some(name.into()), format!("The {kind} '{name}' is missing: {cause}."))
}
