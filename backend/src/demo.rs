//! The demo store, as `serve --demo` and `demo` offer it.

use crate::app;
use crate::config::Config;
use anyhow::{Context, bail};
use engine::demo::DemoStore;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Where the demo store of a data directory is.
const FOLDER: &str = "demo";

/// With `--demo`: makes the store below the data directory, starts its database, and points the settings at it. The database ends
/// when the result is dropped.
pub async fn open(config: &mut Config) -> anyhow::Result<Option<DemoStore>> {
    if !config.store.demo {
        return Ok(None);
    }
    if config.store.magento_root.is_some() {
        bail!("a store and the demo store exclude each other: leave out STOREKEEP_MAGENTO_ROOT or --demo");
    }
    app::make_private_dir(&config.data.data_dir)?;
    let store = make(&config.data.data_dir.join(FOLDER)).await?;
    config.store.magento_root = Some(store.root().to_path_buf());
    Ok(Some(store))
}

/// `storekeep demo`: makes the store, starts its database, and keeps it until SIGTERM or SIGINT.
pub async fn keep(dir: &Path) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let store = tokio::select! {
        store = make(dir) => store?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    println!("The demo store is ready until you press Ctrl-C. In another shell:\n");
    println!("    STOREKEEP_MAGENTO_ROOT={} storekeep serve\n", store.root().display());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    close(store).await
}

/// Ends the store's database in order.
pub async fn close(store: DemoStore) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(|| store.stop()).await.context("the demo store could not be closed")
}

async fn make(dir: &Path) -> anyhow::Result<DemoStore> {
    tracing::info!(dir = %dir.display(), "opening the demo store; the first time takes some seconds");
    DemoStore::create_or_open(dir).await.context("the demo store cannot be opened")
}
