//! Between the wire and the database.

use super::repo::{Content, Row, Set};
use crate::db;
use crate::wire;
use contract::{BackupSet, BackupSetInput, StorageRow};

pub fn content(input: &BackupSetInput) -> Content {
    Content {
        enabled: input.enabled,
        title: input.title.trim().to_owned(),
        folder_name: input.folder_name.clone(),
        backup_types: input.backup_types.iter().map(wire::name).collect(),
        frequency: input.frequency,
        cron: input.cron.clone(),
        time_of_day: input.time_of_day.clone(),
        exclude_directories: trimmed(&input.exclude_directories),
        exclude_tables: trimmed(&input.exclude_tables),
        symlinks: wire::name(input.symlinks),
        verify: wire::name(input.verify),
        retry_attempts: input.retry_attempts,
        retry_delay_min: input.retry_delay_min,
        jitter_min: input.jitter_min,
        ping_url: input.ping_url.clone(),
        rows: input.storages.iter().map(row).collect(),
    }
}

fn trimmed(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.trim().to_owned()).collect()
}

fn row(row: &StorageRow) -> Row {
    Row {
        storage_id: row.storage_id,
        enabled: row.enabled,
        keep_copies: row.keep_copies,
        path: row.path.clone(),
    }
}

pub fn backup_set(set: Set) -> Result<BackupSet, db::Error> {
    let content = set.content;
    Ok(BackupSet {
        id: set.id,
        enabled: content.enabled,
        title: content.title,
        folder_name: content.folder_name,
        backup_types: content.backup_types.iter().map(|t| wire::parse(t)).collect::<Result<_, _>>()?,
        frequency: content.frequency,
        cron: content.cron,
        time_of_day: content.time_of_day,
        exclude_directories: content.exclude_directories,
        exclude_tables: content.exclude_tables,
        symlinks: wire::parse(&content.symlinks)?,
        verify: wire::parse(&content.verify)?,
        retry_attempts: content.retry_attempts,
        retry_delay_min: content.retry_delay_min,
        jitter_min: content.jitter_min,
        ping_url: content.ping_url,
        storages: content.rows.into_iter().map(storage_row).collect(),
        last_time: set.last_time,
        next_run_at: set.next_run_at,
        last_status: set.last_status.as_deref().map(wire::parse).transpose()?,
        last_log_id: set.last_log_id,
        running_log_id: set.running_log_id,
        revision: set.revision,
        created_at: set.created_at,
        updated_at: set.updated_at,
    })
}

fn storage_row(row: Row) -> StorageRow {
    StorageRow {
        storage_id: row.storage_id,
        enabled: row.enabled,
        keep_copies: row.keep_copies,
        path: row.path,
    }
}
