mod blocks;
mod ddl;
mod mysql;
mod races;
mod restore;
mod restricted;
mod types;
mod values;

use super::*;
use crate::source::database::fixture::{Store, server};
use std::sync::{Arc, Mutex};

/// Dumps the store; the rows of `exclude` are left out.
async fn dump(store: &Store, exclude: &[&str]) -> Result<Dumped, DumpError> {
    let exclude: Vec<String> = exclude.iter().map(|pattern| (*pattern).to_string()).collect();
    let snapshots = open_snapshots(&store.source(), &exclude).await?;
    let _ = std::fs::remove_dir_all(store.copy());
    snapshots.dump(&store.copy(), Events::none(), CancellationToken::new()).await
}

/// The SQL of the (first) archive.
fn sql(store: &Store) -> String {
    let output = std::process::Command::new("gunzip")
        .arg("-c")
        .arg(store.copy().join("db/db.sql.gz"))
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn codes(warnings: &[Warning]) -> Vec<(&str, &str, bool)> {
    warnings
        .iter()
        .map(|w| (w.code.as_str(), w.subject.as_deref().unwrap_or_default(), w.incomplete))
        .collect()
}

/// A listener that keeps what it hears.
fn recorder() -> (Events, Arc<Mutex<Vec<Event>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&heard);
    (Events::new(move |event| keep.lock().unwrap().push(event)), heard)
}
