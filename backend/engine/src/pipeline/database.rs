//! The database part of a copy.

use super::make::{PartError, sentence};
use super::space;
use crate::archive::dump::{DumpError, Dumped, Snapshots, open_snapshots};
use crate::event::Events;
use crate::source::magento::Source;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Opens the snapshots of all databases.
pub(super) async fn open(
    source: &Source,
    exclude_tables: &[String],
    cancel: &CancellationToken,
) -> Result<Snapshots, PartError> {
    tokio::select! {
        opened = open_snapshots(source, exclude_tables) => opened.map_err(|e| part_error(e, &source.root)),
        () = cancel.cancelled() => Err(PartError::Cancelled),
    }
}

/// Writes the dumps of all databases below `dir`. Their events, warnings included, are the dump's own.
pub(super) async fn dump(
    snapshots: Snapshots,
    dir: &Path,
    events: Events,
    cancel: CancellationToken,
) -> Result<Dumped, PartError> {
    snapshots.dump(dir, events, cancel).await.map_err(|e| part_error(e, dir))
}

fn part_error(error: DumpError, dir: &Path) -> PartError {
    match error {
        DumpError::Cancelled => PartError::Cancelled,
        DumpError::Write(error) if space::is_full(&error) => PartError::Failed(space::full(dir)),
        error => PartError::Failed(sentence(&error)),
    }
}
