//! Views: a table of the same columns stands in for each until everything it may refer to is there.

use super::Stop;
use super::calls::{Call, calls, refers_to};
use super::ddl::{Object, without_database};
use super::objects::{Layout, Routines, definition, missing, object, text};
use super::snapshot::{Snapshot, stop};
use crate::event::Warning;
use crate::source::database::catalog::Kind;
use crate::source::database::quote_name;
use mysql_async::prelude::Queryable;
use mysql_async::{Error, Row};

pub struct View {
    pub object: Object,
    /// None where the server does not tell: nothing stands in for it then.
    columns: Option<Vec<String>>,
    /// Why it is not made again: a restore would end there.
    pub left_out: Option<String>,
}

impl View {
    /// The stand-in. Views may be made from views, in any order of names.
    pub fn write_placeholder(&self, out: &mut Vec<u8>) {
        let (Some(columns), None) = (&self.columns, &self.left_out) else { return };
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
        let Some(why) = &self.left_out else { return self.object.write(out) };
        let why = crate::source::database::plain(why);
        out.extend_from_slice(format!("\n-- This view is missing: {why}.\n").as_bytes());
        for line in self.object.sql.split(|byte| matches!(byte, b'\n' | b'\r')) {
            out.extend_from_slice(&[b"-- ", line, b"\n"].concat());
        }
    }
}

/// The functions of the database itself that a view calls. Servers write functions of their own without backticks.
fn own_calls(object: &Object) -> Vec<Call> {
    calls(&object.sql).into_iter().filter(|call| call.quoted && call.database.is_none()).collect()
}

/// What the server says when it is asked for the columns of a view.
enum Answer {
    Columns(Vec<String>),
    /// They are not told, but the view can be made again.
    Silent,
    /// This routine may not be run.
    Routine(String),
    /// The user may not read what the view refers to.
    Denied,
    Unusable(String),
}

impl Snapshot {
    async fn columns(&mut self, name: &str) -> Result<Answer, Stop> {
        let rows: Result<Vec<Row>, Error> =
            self.session.conn.query(format!("SHOW COLUMNS FROM {}", quote_name(name))).await;
        Ok(match rows {
            Ok(rows) => Answer::Columns(rows.iter().map(|row| text(row, 0)).collect()),
            Err(Error::Server(error)) => match error.code {
                // The definer is gone; without it the view works again.
                1449 => Answer::Silent,
                1370 => Answer::Routine(routine_of(&error.message)),
                1142 | 1143 => Answer::Denied,
                // Nothing is wrong with the view: somebody holds a lock, the query or the server was ended.
                1205 | 1213 | 1053 | 1317 | 1927 | 1969 | 3024 => {
                    return Err(stop(&Error::Server(error), &self.connection, name));
                }
                _ => Answer::Unusable(error.message),
            },
            Err(error) => return Err(stop(&error, &self.connection, name)),
        })
    }

    /// The views that call a routine which the user may not run, or see.
    pub async fn views_with_routines(&mut self) -> Result<Vec<String>, Stop> {
        let visible: Vec<String> = self.routine_names().await?.into_iter().map(|(_, name)| name).collect();
        let mut found = Vec::new();
        for name in self.view_names() {
            let hidden = match self.columns(&name).await? {
                Answer::Routine(_) => true,
                // MySQL tells the columns all the same.
                Answer::Columns(_) => self.view(&name).await?.is_some_and(|object| {
                    let known =
                        |name: &str| visible.iter().any(|other| other.to_lowercase() == name.to_lowercase());
                    !own_calls(&object).iter().all(|call| known(&call.name))
                }),
                _ => false,
            };
            if hidden {
                found.push(name);
            }
        }
        Ok(found)
    }

    fn view_names(&self) -> Vec<String> {
        let views = self.tables.iter().filter(|table| table.kind == Kind::View);
        views.map(|table| table.name.clone()).collect()
    }

    /// The views in an order in which they can be made, with a warning for each that is missing from the dump.
    pub async fn views(
        &mut self,
        routines: &Routines,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<View>, Stop> {
        let mut views = Vec::new();
        if !self.may("SHOW VIEW") {
            // One warning about the privilege was given already.
            return Ok(views);
        }
        for name in self.view_names() {
            let Some(object) = self.view(&name).await? else {
                warnings.push(missing("VIEW", &name, "the database user may not read its definition"));
                continue;
            };
            let answer = self.columns(&name).await?;
            views.push(self.judged(object, answer, routines));
        }
        leave_out_what_is_above(&mut views);
        for view in &views {
            // Those are told before the dump, with the privilege that they want.
            if let Some(why) = &view.left_out
                && !self.views_unseen.contains(&view.object.name)
            {
                warnings.push(missing("VIEW", &view.object.name, why));
            }
        }
        Ok(in_order(views))
    }

    /// The definition; none when the user may not read it.
    async fn view(&mut self, name: &str) -> Result<Option<Object>, Stop> {
        let layout = Layout { sql: 1, sql_mode: None, time_zone: None };
        let row = match definition(&mut self.session.conn, "VIEW", name).await {
            Ok(row) => row,
            Err(Error::Server(error)) if matches!(error.code, 1142 | 1143 | 1345) => None,
            Err(error) => return Err(stop(&error, &self.connection, name)),
        };
        let mut object = row.as_ref().and_then(|row| object(row, "VIEW", name, &layout));
        if let Some(object) = &mut object {
            object.sql = without_database(&object.sql, &self.connection.database);
        }
        Ok(object)
    }

    fn judged(&self, object: Object, answer: Answer, routines: &Routines) -> View {
        let mut view = View { object, columns: None, left_out: None };
        let calls = own_calls(&view.object);
        let called = calls.iter().map(|call| call.name.as_str()).find(|name| !routines.has(name));
        let unseen = |name: &str| match self.routines_unseen {
            true => format!(
                "it calls '{name}', and the database user may not see stored routines: {}",
                self.routines_remedy.trim_end_matches(';')
            ),
            false => format!("it calls '{name}', which does not exist (any more); repair or drop it"),
        };
        match answer {
            Answer::Columns(_) if self.routines_unseen && called.is_some() => {
                view.left_out = called.map(unseen);
            }
            Answer::Columns(columns) => view.columns = Some(columns),
            Answer::Silent => {}
            Answer::Routine(name) if routines.has(&name) => {}
            Answer::Routine(name) => view.left_out = Some(unseen(&name)),
            Answer::Denied => {
                view.left_out = Some(format!(
                    "the database user may not read what it refers to: {}",
                    self.grant("SELECT").trim_end_matches(';')
                ));
            }
            // MySQL does not tell a function that may not be run from one that is gone.
            Answer::Unusable(_) if self.routines_unseen && called.is_some() => {
                view.left_out = called.map(unseen);
            }
            Answer::Unusable(cause) => {
                view.left_out = Some(format!("it cannot be used ({cause}); repair or drop it"));
            }
        }
        if view.left_out.is_none()
            && let Some(call) = calls.iter().find(|call| routines.missing.contains(&call.name.to_lowercase()))
        {
            view.left_out = Some(format!("it calls '{}', which is missing", call.name));
        }
        view
    }
}

/// `execute command denied to user 'u'@'h' for routine 'shop.f'`
fn routine_of(message: &str) -> String {
    let name = message.rsplit_once("routine '").map_or(message, |(_, name)| name.trim_end_matches('\''));
    name.split_once('.').map_or(name, |(_, name)| name).to_string()
}

/// A view made from one that is missing could not be made either.
fn leave_out_what_is_above(views: &mut [View]) {
    loop {
        let missing: Vec<String> =
            views.iter().filter(|v| v.left_out.is_some()).map(|v| v.object.name.clone()).collect();
        let mut more = false;
        for view in views.iter_mut().filter(|view| view.left_out.is_none()) {
            if let Some(below) = missing.iter().find(|below| refers_to(&view.object.sql, below)) {
                view.left_out = Some(format!("it is made from '{below}', which is missing"));
                more = true;
            }
        }
        if !more {
            return;
        }
    }
}

/// What nothing stands in for comes first, each behind those that it is made from: others may refer to it.
fn in_order(views: Vec<View>) -> Vec<View> {
    let (rest, mut bare): (Vec<View>, Vec<View>) = views.into_iter().partition(|view| view.columns.is_some());
    let mut ordered = Vec::with_capacity(bare.len() + rest.len());
    while !bare.is_empty() {
        let free = |view: &View| {
            let below = |other: &View| {
                other.object.name != view.object.name && refers_to(&view.object.sql, &other.object.name)
            };
            !bare.iter().any(below)
        };
        // Two that refer to each other do not exist.
        let next = bare.iter().position(free).unwrap_or(0);
        ordered.push(bare.remove(next));
    }
    ordered.extend(rest);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, sql: &str, columns: bool) -> View {
        let object = Object {
            kind: "VIEW",
            name: name.into(),
            sql: sql.into(),
            client: String::new(),
            collation: String::new(),
            sql_mode: None,
            time_zone: None,
        };
        View { object, columns: columns.then(Vec::new), left_out: None }
    }

    #[test]
    fn views_without_a_stand_in_come_behind_what_they_are_made_from() {
        let views = vec![
            view("a", "CREATE VIEW `a` AS select `b`.`x` AS `c` from `b` join `e`", false),
            view("b", "CREATE VIEW `b` AS select `c`.`x` AS `a` from `c`", false),
            view("c", "CREATE VIEW `c` AS select `t`.`a` AS `x` from `t`", false),
            view("d", "CREATE VIEW `d` AS select 1 AS `x`", true),
            view("e", "CREATE VIEW `e` AS select `a`.`x` AS `x` from `d` `a`", true),
        ];
        let names: Vec<String> = in_order(views).into_iter().map(|view| view.object.name).collect();
        assert_eq!(names, ["c", "b", "a", "d", "e"]);
    }

    #[test]
    fn what_is_made_from_a_missing_view_is_missing() {
        let mut views = vec![
            view("a", "CREATE VIEW `a` AS select `b`.`x` AS `x` from `b`", true),
            view("b", "CREATE VIEW `b` AS select `c`.`x` AS `x` from (`t` join `c`)", true),
            view("c", "CREATE VIEW `c` AS select `f`(1) AS `x`", false),
            view("d", "CREATE VIEW `d` AS select `t`.`c` AS `c` from `t`", true),
        ];
        views[2].left_out = Some("it calls 'f'".into());
        leave_out_what_is_above(&mut views);
        let out: Vec<bool> = views.iter().map(|view| view.left_out.is_some()).collect();
        assert_eq!(out, [true, true, true, false]);
    }

    #[test]
    fn the_routine_is_read_from_the_error() {
        let message = "execute command denied to user 'u'@'%' for routine 'shop.acme_gross'";
        assert_eq!(routine_of(message), "acme_gross");
    }
}
