//! Where the SQL goes: blocks, compressed and written on threads of their own. Where they end is decided in [`super::blocks`].

use crate::archive::ArchiveFile;
use crate::archive::gzip::{BLOCK_BYTES, Block, Counters, GzipOptions, GzipWriter, Written, cancelled};
use crate::archive::parts::PartWriter;
use crate::archive::reuse::{self, Head, Reuse};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// libdeflate's 5: smaller than `pigz -6` on SQL, at a third of its time.
const LEVEL: i32 = 5;
/// Changes whenever the same rows would be cut or compressed in another way.
pub const POLICY: &str = "dump 2: deflate 5";
/// More would cost memory and not be faster: one connection delivers about as much as four threads compress.
const MAX_WORKERS: usize = 4;

enum Message {
    Block(Vec<u8>),
    Finish,
}

/// An archive in the making. Append to `buffer`, then let [`Output::ship`] hand it on as one member of the archive.
///
/// Dropping an unfinished output waits for its threads, so that its folder can be removed at once.
pub struct Output {
    pub buffer: Vec<u8>,
    blocks: Option<mpsc::Sender<Message>>,
    emptied: crossbeam_channel::Receiver<Vec<u8>>,
    thread: Option<JoinHandle<io::Result<Written>>>,
    counters: Arc<Counters>,
    shipped: u64,
    place: (PathBuf, String),
    reuse: Option<Reuse>,
}

impl Output {
    /// With `reuse`, blocks are copied from the archive of that name where it has them, and an index is written in the end.
    pub fn create(
        dir: &Path,
        name: &str,
        reuse: Option<&Reuse>,
        cancel: CancellationToken,
    ) -> io::Result<Output> {
        let parts = PartWriter::create(dir, name, u64::MAX)?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let base = reuse.and_then(|reuse| reuse.bases.get(name).cloned());
        let mut gzip = GzipWriter::new(parts, GzipOptions { level: LEVEL, workers, queue: 1, cancel, base })?;
        let counters = gzip.counters();
        let (blocks, mut queue) = mpsc::channel::<Message>(1);
        let (recycle, emptied) = crossbeam_channel::bounded::<Vec<u8>>(2);
        let thread = std::thread::Builder::new().name("dump-writer".into()).spawn(move || {
            while let Some(message) = queue.blocking_recv() {
                let Message::Block(mut block) = message else { return gzip.finish() };
                let recycle = recycle.clone();
                gzip.submit(move |member: &mut Block| {
                    std::mem::swap(&mut member.bytes, &mut block);
                    block.clear();
                    // A full stock lets the buffer go.
                    let _ = recycle.try_send(block);
                    Ok(())
                })?;
            }
            // The dump was given up.
            Err(cancelled())
        })?;
        Ok(Output {
            buffer: Vec::new(),
            blocks: Some(blocks),
            emptied,
            thread: Some(thread),
            counters,
            shipped: 0,
            place: (dir.to_owned(), name.to_owned()),
            reuse: reuse.cloned(),
        })
    }

    /// Bytes of SQL so far.
    pub fn len(&self) -> u64 {
        self.shipped + self.buffer.len() as u64
    }

    /// Compressed bytes on the disk so far.
    pub fn bytes_written(&self) -> u64 {
        self.counters.bytes_out()
    }

    /// Bytes of the block that is being filled.
    pub fn pending(&self) -> u64 {
        self.buffer.len() as u64
    }

    pub fn is_full(&self) -> bool {
        self.buffer.len() >= BLOCK_BYTES
    }

    /// Hands on what there is as one block. Waits while compression or disk are behind.
    ///
    /// # Errors
    /// What went wrong on the writing side.
    pub async fn ship(&mut self) -> io::Result<()> {
        self.ship_until(self.len()).await
    }

    /// Ends the block where the dump had this length; what came behind begins the next one.
    ///
    /// # Errors
    /// As [`Output::ship`].
    pub async fn ship_until(&mut self, length: u64) -> io::Result<()> {
        let at = usize::try_from(length.saturating_sub(self.shipped)).unwrap_or(usize::MAX);
        let at = at.min(self.buffer.len());
        if at == 0 {
            return Ok(());
        }
        let mut next = self.emptied.try_recv().unwrap_or_default();
        next.reserve(BLOCK_BYTES + BLOCK_BYTES / 8);
        next.extend_from_slice(&self.buffer[at..]);
        let mut block = std::mem::replace(&mut self.buffer, next);
        block.truncate(at);
        self.shipped += block.len() as u64;
        self.send(Message::Block(block)).await
    }

    async fn send(&mut self, message: Message) -> io::Result<()> {
        let sent = match &self.blocks {
            Some(blocks) => blocks.send(message).await.is_ok(),
            None => false,
        };
        if sent { Ok(()) } else { Err(self.join().await.err().unwrap_or_else(cancelled)) }
    }

    /// Waits until everything is compressed and on the disk. The archives, and how many of their bytes came from earlier ones.
    pub async fn finish(mut self) -> io::Result<(Vec<ArchiveFile>, u64)> {
        self.ship().await?;
        self.send(Message::Finish).await?;
        let Written { archives, members, reused_bytes } = self.join().await?;
        let (dir, name) = self.place.clone();
        if let Some(Reuse { started_at, bases }) = &self.reuse {
            let head = Head::after(bases.get(&name).map(AsRef::as_ref), POLICY, *started_at, &archives);
            let write = move || reuse::write_index(&dir, &name, &head, &members);
            if let Err(error) = tokio::task::spawn_blocking(write).await.map_err(io::Error::other).flatten() {
                tracing::warn!(%error, "the index of the dump cannot be written; the next pass compresses it anew");
            }
        }
        Ok((archives, reused_bytes))
    }

    async fn join(&mut self) -> io::Result<Written> {
        self.blocks = None;
        let Some(thread) = self.thread.take() else { return Err(cancelled()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        joined
            .map_err(io::Error::other)?
            .map_err(|_| io::Error::other("the dump's writer ended unexpectedly"))?
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // Whoever drops it has an error of its own.
            let _ = thread.join();
        }
    }
}
