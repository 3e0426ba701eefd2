//! From a Set to what the engine needs.

use crate::logs::Plan;
use crate::storages::Destination;
use chrono::{DateTime, Utc};
use contract::{
    BackupSet, BackupType, DestinationProgress, Phase, PhaseState, StorageRow, StorageType, Symlinks, Verify,
    place_of,
};
use engine::pipeline::{Job, Row, Target};
use engine::source::files;
use engine::source::magento::Source;
use engine::storage::StorageKind;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// What is the same for every pass of this server; set by the operator.
#[derive(Debug, Clone)]
pub struct Place {
    /// The store; `None` when no Magento root is configured.
    pub source: Option<Source>,
    pub archive_dir: PathBuf,
    /// The server's own files: its database and its key are in no archive.
    pub data_dir: PathBuf,
    pub part_size: u64,
}

/// `destinations` holds every Storage Set and path that the rows name.
pub fn job(
    set: &BackupSet,
    place: &Place,
    source: Source,
    started_at: DateTime<Utc>,
    destinations: &HashMap<(i64, String), Destination>,
    last_copy_bytes: Option<i64>,
    suspend: CancellationToken,
) -> Job {
    Job {
        title: set.title.clone(),
        folder: set.folder_name.clone(),
        started_at,
        archive_dir: place.archive_dir.clone(),
        source,
        files: set.backup_types.contains(&BackupType::Files),
        database: set.backup_types.contains(&BackupType::Database),
        exclude_directories: set.exclude_directories.clone(),
        exclude_tables: set.exclude_tables.clone(),
        symlinks: match set.symlinks {
            Symlinks::FollowShared => files::Symlinks::FollowShared,
            Symlinks::Keep => files::Symlinks::Keep,
        },
        leave_out: vec![place.data_dir.clone()],
        part_size: place.part_size,
        rows: rows(set, destinations),
        suspend,
        reuse_limit: 0,
        last_copy_bytes: last_copy_bytes.and_then(|n| u64::try_from(n).ok()),
    }
}

/// How many passes of this Set in a row may copy what is unchanged, where every so many passes one makes everything anew.
pub fn reuse_limit(set: &BackupSet, full_pass_every: u32) -> u32 {
    match set.verify {
        Verify::Copied => full_pass_every.saturating_sub(1),
        Verify::Full => 0,
    }
}

/// The enabled rows of a Set, in order. Of several that lead to the same folder (Sets that were saved by an earlier version may have them)
/// the first alone is used: what the sweep or the clearing up of one removes, the other would have reported.
pub fn rows(set: &BackupSet, destinations: &HashMap<(i64, String), Destination>) -> Vec<Row> {
    let mut rows: Vec<Row> =
        set.storages.iter().filter(|r| r.enabled).map(|r| row(r, destinations)).collect();
    let mut places = HashSet::new();
    for row in rows.iter_mut().filter(|row| matches!(row.target, Target::Remote(_))) {
        if !places.insert((row.storage_id.clone(), place_of(storage_type(row.kind), &row.path))) {
            row.target = Target::Unusable(format!(
                "Storage '{}': another row of this Backup Set sends copies to the same folder. Remove one of the two rows.",
                row.title
            ));
        }
    }
    rows
}

/// The Storage Sets that the enabled rows of a Set name, each with the row's folder there.
pub fn places(set: &BackupSet) -> Vec<(i64, String)> {
    let enabled = set.storages.iter().filter(|row| row.enabled);
    enabled.filter_map(|row| Some((row.storage_id?, row.path.clone()))).collect()
}

fn row(row: &StorageRow, destinations: &HashMap<(i64, String), Destination>) -> Row {
    let keep_copies = u32::try_from(row.keep_copies).unwrap_or(1).max(1);
    let Some(id) = row.storage_id else {
        return Row {
            storage_id: LOCAL.into(),
            title: "Local".into(),
            kind: StorageKind::Local,
            keep_copies,
            path: String::new(),
            target: Target::Local,
        };
    };
    // A Set may send to two folders of one Storage Set.
    let (title, kind, target) = match destinations.get(&(id, row.path.clone())) {
        Some(d) => (d.title.clone(), d.kind, clone(&d.target)),
        None => (
            format!("Storage {id}"),
            StorageKind::AmazonS3,
            Target::Unusable(format!("Storage with id '{id}' does not exist.")),
        ),
    };
    Row { storage_id: id.to_string(), title, kind, keep_copies, path: row.path.clone(), target }
}

fn clone(target: &Target) -> Target {
    match target {
        Target::Local => Target::Local,
        Target::Remote(storage) => Target::Remote(storage.clone()),
        Target::Unusable(message) => Target::Unusable(message.clone()),
    }
}

/// How the local row is named in results and in the catalogue.
pub const LOCAL: &str = "local";

/// What a pass of the Set will have, for the progress that is shown before it begins.
pub fn plan(set: &BackupSet, job: &Job) -> Plan {
    Plan { phases: phases(set), destinations: destinations(&job.rows) }
}

/// The same of a pass whose copy is there.
pub fn plan_again(rows: &[Row]) -> Plan {
    let phase = |row: &Row| match row.target {
        Target::Local => Phase::Retention,
        _ => Phase::Upload,
    };
    let mut phases: Vec<Phase> = rows.iter().map(phase).collect();
    phases.sort_by_key(|phase| *phase == Phase::Upload);
    phases.dedup();
    Plan { phases, destinations: destinations(rows) }
}

fn destinations(rows: &[Row]) -> Vec<(usize, DestinationProgress)> {
    let remote = rows.iter().enumerate().filter(|(_, row)| !matches!(row.target, Target::Local));
    let progress = |row: &Row| DestinationProgress {
        storage_id: row.storage_id.clone(),
        title: row.title.clone(),
        kind: storage_type(row.kind),
        state: PhaseState::Waiting,
        bytes_done: 0,
        bytes_total: None,
        rate_bytes_per_sec: None,
    };
    remote.map(|(at, row)| (at, progress(row))).collect()
}

/// As the wire names it.
pub fn storage_type(kind: StorageKind) -> StorageType {
    match kind {
        StorageKind::Local => StorageType::Local,
        StorageKind::GoogleDrive => StorageType::GoogleDrive,
        StorageKind::OneDrive => StorageType::OneDrive,
        StorageKind::Dropbox => StorageType::Dropbox,
        StorageKind::AmazonS3 => StorageType::AmazonS3,
    }
}

fn phases(set: &BackupSet) -> Vec<Phase> {
    let enabled = |row: &&StorageRow| row.enabled;
    let local = set.storages.iter().filter(enabled).any(|r| r.storage_id.is_none());
    let remote = set.storages.iter().filter(enabled).any(|r| r.storage_id.is_some());
    [
        (Phase::Preflight, true),
        (Phase::Files, set.backup_types.contains(&BackupType::Files)),
        (Phase::Database, set.backup_types.contains(&BackupType::Database)),
        (Phase::Seal, true),
        (Phase::Retention, local),
        (Phase::Upload, remote),
    ]
    .into_iter()
    .filter_map(|(phase, has)| has.then_some(phase))
    .collect()
}
