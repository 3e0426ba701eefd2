//! From the engine's report to the wire.

use crate::redact::Redactor;
use contract::{
    SourceDatabase, SourceDirectory, SourceGrant, SourceProblem, SourceReport, SourceTable, TableGroup,
};
use engine::source::database::grants::Checked;
use engine::source::files::Measured;
use engine::source::report::{Problem, Report, ReportedDatabase, ReportedGroup, ReportedTable, Severity};
use std::path::Path;

pub fn report(report: Report, redactor: &Redactor) -> SourceReport {
    SourceReport {
        root: Some(text(&report.root)),
        resolved_root: report.resolved_root.as_deref().map(text),
        version: report.version,
        table_prefix: report.table_prefix,
        directories: report.directories.into_iter().map(directory).collect(),
        suggested_excludes: report.suggested_excludes.into_iter().map(directory).collect(),
        databases: report.databases.into_iter().map(database).collect(),
        table_groups: report.table_groups.into_iter().map(group).collect(),
        problems: report.problems.into_iter().map(|p| problem(p, redactor)).collect(),
    }
}

/// What is told when the operator has configured no store.
pub fn no_source() -> SourceReport {
    SourceReport {
        root: None,
        resolved_root: None,
        version: None,
        table_prefix: String::new(),
        directories: Vec::new(),
        suggested_excludes: Vec::new(),
        databases: Vec::new(),
        table_groups: Vec::new(),
        problems: vec![SourceProblem {
            severity: "error".into(),
            code: "no_source".into(),
            message: "No Magento root is configured.".into(),
            remedy: "Set STOREKEEP_MAGENTO_ROOT to the directory of the store and start the server again."
                .into(),
        }],
    }
}

/// What is told while the master switch is off: whoever may read this may not read the settings.
pub fn switched_off() -> SourceProblem {
    SourceProblem {
        severity: "error".into(),
        code: "switched_off".into(),
        message: "Backups are switched off: no pass starts, neither by schedule nor by hand.".into(),
        remedy: "Switch *Enabled* on in the settings.".into(),
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn directory(d: Measured) -> SourceDirectory {
    SourceDirectory {
        path: d.path,
        size_bytes: signed(d.size_bytes),
        files: signed(d.files),
        complete: d.complete,
        hint: d.hint.map(Into::into),
    }
}

fn database(d: ReportedDatabase) -> SourceDatabase {
    SourceDatabase {
        connections: d.connections,
        name: d.name,
        address: d.address,
        server: d.server,
        tables: d.tables.into_iter().map(table).collect(),
        grants: d.grants.into_iter().map(grant).collect(),
    }
}

fn table(t: ReportedTable) -> SourceTable {
    SourceTable {
        name: t.name,
        rows: signed(t.rows),
        size_bytes: signed(t.size_bytes),
        kind: if t.is_view { "view" } else { "table" }.into(),
        groups: t.groups.into_iter().map(Into::into).collect(),
    }
}

fn grant(g: Checked) -> SourceGrant {
    let consequence = if g.held { g.cost.to_owned() } else { format!("{} {}", g.cost, g.remedy) };
    SourceGrant { privilege: g.privilege.into(), held: g.held, consequence }
}

fn group(g: ReportedGroup) -> TableGroup {
    TableGroup {
        name: g.name.into(),
        description: g.description.into(),
        suggested: g.suggested,
        tables: g.tables,
        size_bytes: signed(g.size_bytes),
    }
}

fn problem(p: Problem, redactor: &Redactor) -> SourceProblem {
    let severity = match p.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    SourceProblem {
        severity: severity.into(),
        code: p.code,
        message: redactor.redact(&p.message),
        remedy: redactor.redact(&p.remedy),
    }
}
