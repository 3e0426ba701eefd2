//! The Magento root as the server sees it: what the pickers of a Backup Set are fed with.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceReport {
    /// As the operator gave it; null when none is configured.
    pub root: Option<String>,
    /// With links resolved: the release behind `current`.
    pub resolved_root: Option<String>,
    /// `Magento Open Source 2.4.7-p3`, when composer says so.
    pub version: Option<String>,
    pub table_prefix: String,
    /// First-level directories.
    pub directories: Vec<SourceDirectory>,
    /// Paths below them that are usually left out, where they exist.
    pub suggested_excludes: Vec<SourceDirectory>,
    pub databases: Vec<SourceDatabase>,
    pub table_groups: Vec<TableGroup>,
    pub problems: Vec<SourceProblem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceDirectory {
    /// Relative to the root.
    pub path: String,
    pub size_bytes: i64,
    pub files: i64,
    /// False when counting stopped at its time limit: the numbers are then a lower bound.
    pub complete: bool,
    /// Why one may leave it out, where there is a reason.
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceDatabase {
    /// The connections of `env.php` that mean this database.
    pub connections: Vec<String>,
    pub name: String,
    /// `host:port` or the socket's path.
    pub address: String,
    /// `MariaDB 10.11.19`; null when it cannot be reached.
    pub server: Option<String>,
    pub tables: Vec<SourceTable>,
    pub grants: Vec<SourceGrant>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceTable {
    /// Without the table prefix.
    pub name: String,
    /// The server's estimate.
    pub rows: i64,
    pub size_bytes: i64,
    /// `table`, or `view`.
    pub kind: String,
    /// The groups it belongs to: `@log`, `@sessions`, …
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceGrant {
    /// `SELECT`, `SHOW VIEW`, `TRIGGER`, `EVENT`, `LOCK TABLES`.
    pub privilege: String,
    pub held: bool,
    /// What would be missing without it, and the statement that grants it.
    pub consequence: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TableGroup {
    /// `@log`.
    pub name: String,
    pub description: String,
    /// Usually left out: noise that a restored store does without.
    pub suggested: bool,
    /// The tables of this store that belong to it, without prefix.
    pub tables: Vec<String>,
    pub size_bytes: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceProblem {
    /// `error`: a pass would fail or be incomplete. `warning`: worth knowing.
    pub severity: String,
    /// Stable. `switched_off`: the master switch is off, nothing starts. `no_source`: no store is configured. `timeout`: the
    /// databases do not answer. The others tell of the store itself.
    pub code: String,
    pub message: String,
    pub remedy: String,
}
