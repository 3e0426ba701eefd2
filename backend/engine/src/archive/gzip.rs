//! A parallel gzip writer: independent members, compressed side by side, written in order.
//!
//! ```text
//! caller ── bounded queue of jobs ──▶ workers (fill, compress) ──▶ one-shot results, in order ──▶ writer (SHA-256, parts)
//! ```
//!
//! `gunzip`, `zcat`, `tar -z` and every complete reader take a file of several members as their concatenation (RFC 1952, 2.2).
//! Both queues are bounded: a slow disk holds up the workers, and busy workers hold up the caller. Buffers are recycled, so
//! memory depends on the number of workers and the size of a block, never on how much is written.

use super::ArchiveFile;
use super::parts::PartWriter;
use crossbeam_channel::{Receiver, Sender, bounded};
use libdeflater::{CompressionLvl, Compressor};
use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Bytes that [`Write`] gathers into one member. Smaller members compress worse (512 KiB: +0.4 %), larger ones cost memory.
pub const BLOCK_BYTES: usize = 1 << 20;

/// How an archive is compressed.
#[derive(Debug, Clone)]
pub struct GzipOptions {
    /// libdeflate's 1 (fast) to 12 (small); 0 stores.
    pub level: i32,
    /// Threads that compress; at least one is used.
    pub workers: usize,
    pub cancel: CancellationToken,
}

/// Bytes so far, for progress. Readable from any thread.
#[derive(Debug, Default)]
pub struct Counters {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Counters {
    /// Bytes compressed so far, before compression.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// Compressed bytes handed to the disk so far.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Ordering::Relaxed)
    }
}

/// The pass was cancelled; travels inside an [`io::Error`], see [`is_cancelled`].
#[derive(Debug, thiserror::Error)]
#[error("the pass was cancelled")]
struct Cancelled;

pub(crate) fn cancelled() -> io::Error {
    io::Error::other(Cancelled)
}

/// Whether this error of a [`GzipWriter`] only says that its token was cancelled.
pub fn is_cancelled(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Cancelled>())
}

/// The first error, told at every later call.
enum Failure {
    Cancelled,
    Error(io::ErrorKind, String),
}

/// Fills the (empty) buffer with the bytes of one member. Runs on a worker.
type Job = Box<dyn FnOnce(&mut Vec<u8>) -> io::Result<()> + Send>;
/// A compressed member: the first so many bytes of a buffer that is never cleared, for filling it with zeros again would cost
/// as much as copying it.
type Member = io::Result<(Vec<u8>, usize)>;

struct Shared {
    options: GzipOptions,
    counters: Arc<Counters>,
    failure: Mutex<Option<Failure>>,
    /// Nothing more is worth doing: an error, a cancellation or an abandoned writer.
    stopped: AtomicBool,
    /// Used buffers: of blocks that were compressed, and of members that were written.
    blocks: Recycler,
    members: Recycler,
}

impl Shared {
    fn fail(&self, error: &io::Error) {
        let failure = match is_cancelled(error) {
            true => Failure::Cancelled,
            false => Failure::Error(error.kind(), error.to_string()),
        };
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        self.stopped.store(true, Ordering::SeqCst);
    }

    fn failure(&self) -> io::Error {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Failure::Error(kind, message)) => io::Error::new(*kind, message.clone()),
            Some(Failure::Cancelled) | None => cancelled(),
        }
    }

    /// The first error, if there was one; a cancellation becomes one here.
    fn check(&self) -> io::Result<()> {
        if self.options.cancel.is_cancelled() {
            self.fail(&cancelled());
        }
        if self.stopped.load(Ordering::SeqCst) { Err(self.failure()) } else { Ok(()) }
    }
}

/// A bounded stock of buffers.
struct Recycler(Sender<Vec<u8>>, Receiver<Vec<u8>>);

impl Recycler {
    fn new(size: usize) -> Recycler {
        let (put, take) = bounded(size);
        Recycler(put, take)
    }

    fn take(&self) -> Vec<u8> {
        self.1.try_recv().unwrap_or_default()
    }

    fn put(&self, buffer: Vec<u8>) {
        // A full stock lets the buffer go.
        let _ = self.0.try_send(buffer);
    }
}

/// Compresses into a [`PartWriter`]. Feed it through [`Write`], which cuts blocks of [`BLOCK_BYTES`], or with whole members
/// through [`GzipWriter::submit`]; the two keep their order.
///
/// Errors (a job's, the disk's, a worker's panic, a cancellation) surface at the next call; after one, every call fails. Dropping
/// an unfinished writer stops its threads and waits for them, so that its folder can be removed at once.
pub struct GzipWriter {
    shared: Arc<Shared>,
    block: Vec<u8>,
    jobs: Option<Sender<(Job, Sender<Member>)>>,
    order: Option<Sender<Receiver<Member>>>,
    workers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<Option<Vec<ArchiveFile>>>>,
    empty: bool,
}

impl GzipWriter {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the level is not one of libdeflate's, or a thread cannot be started.
    pub fn new(parts: PartWriter, options: GzipOptions) -> io::Result<GzipWriter> {
        let level = CompressionLvl::new(options.level).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no compression level", options.level))
        })?;
        let workers = options.workers.max(1);
        let (jobs, job_queue) = bounded::<(Job, Sender<Member>)>(1);
        let (order, results) = bounded::<Receiver<Member>>(workers + 2);
        let shared = Arc::new(Shared {
            options,
            counters: Arc::default(),
            failure: Mutex::default(),
            stopped: AtomicBool::new(false),
            blocks: Recycler::new(workers + 2),
            members: Recycler::new(workers + 2),
        });
        let mut this = GzipWriter {
            shared: Arc::clone(&shared),
            block: Vec::new(),
            jobs: Some(jobs),
            order: Some(order),
            workers: Vec::with_capacity(workers),
            writer: None,
            empty: true,
        };
        for index in 0..workers {
            let (shared, job_queue) = (Arc::clone(&shared), job_queue.clone());
            let thread = std::thread::Builder::new().name(format!("gzip-{index}"));
            this.workers.push(thread.spawn(move || work(&shared, level, &job_queue))?);
        }
        let thread = std::thread::Builder::new().name("gzip-writer".into());
        this.writer = Some(thread.spawn(move || write(&shared, parts, &results))?);
        Ok(this)
    }

    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    /// Adds one member whose bytes `fill` puts into an empty buffer, on a worker. Members come out in the order of submission.
    /// Blocks while the workers are busy or the disk is behind.
    pub fn submit(
        &mut self,
        fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        self.send_block()?;
        self.send(Box::new(fill))
    }

    fn send(&mut self, job: Job) -> io::Result<()> {
        self.shared.check()?;
        self.empty = false;
        let (result, receiver) = bounded(1);
        let order = self.order.as_ref().is_some_and(|order| order.send(receiver).is_ok());
        let sent = order && self.jobs.as_ref().is_some_and(|jobs| jobs.send((job, result)).is_ok());
        if sent { Ok(()) } else { Err(self.shared.failure()) }
    }

    fn send_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::replace(&mut self.block, self.shared.blocks.take());
        self.block.clear();
        let shared = Arc::clone(&self.shared);
        self.send(Box::new(move |buffer| {
            shared.blocks.put(std::mem::replace(buffer, block));
            Ok(())
        }))
    }

    /// Compresses what is left, waits until everything is on the disk, and returns the parts in order. An archive of no bytes
    /// is one empty member.
    pub fn finish(mut self) -> io::Result<Vec<ArchiveFile>> {
        self.send_block()?;
        if self.empty {
            self.send(Box::new(|_| Ok(())))?;
        }
        self.join().ok_or_else(|| self.shared.failure())
    }

    /// Closes the queues and waits for the threads. The parts, unless something failed.
    fn join(&mut self) -> Option<Vec<ArchiveFile>> {
        self.jobs = None;
        self.order = None;
        for worker in self.workers.drain(..) {
            if let Err(panic) = worker.join() {
                self.shared.fail(&panicked(panic.as_ref()));
            }
        }
        match self.writer.take()?.join() {
            Ok(files) => files,
            Err(panic) => {
                self.shared.fail(&panicked(panic.as_ref()));
                None
            }
        }
    }
}

impl Write for GzipWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() >= BLOCK_BYTES {
            self.send_block()?;
        }
        let bytes = &bytes[..bytes.len().min(BLOCK_BYTES - self.block.len())];
        self.block.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Does nothing: a block cut early would compress badly, and nothing is durable before [`GzipWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for GzipWriter {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.join();
    }
}

/// A worker: fills, compresses, hands on; goes on after a failed job, which the writer turns into the archive's error.
fn work(shared: &Shared, level: CompressionLvl, jobs: &Receiver<(Job, Sender<Member>)>) {
    let mut compressor = Compressor::new(level);
    let mut raw = Vec::new();
    for (job, result) in jobs {
        if shared.stopped.load(Ordering::SeqCst) || shared.options.cancel.is_cancelled() {
            let _ = result.send(Err(cancelled()));
            continue;
        }
        raw.clear();
        let filled = catch_unwind(AssertUnwindSafe(|| job(&mut raw)));
        let member = filled
            .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
            .and_then(|()| compress(&mut compressor, &raw, shared.members.take()));
        shared.counters.bytes_in.fetch_add(raw.len() as u64, Ordering::Relaxed);
        // Nobody waits any more when the writer has failed.
        let _ = result.send(member);
    }
}

fn compress(compressor: &mut Compressor, raw: &[u8], mut member: Vec<u8>) -> Member {
    let bound = compressor.gzip_compress_bound(raw.len());
    if member.len() < bound {
        member.resize(bound, 0);
    }
    let length = compressor
        .gzip_compress(raw, &mut member)
        .map_err(|error| io::Error::other(format!("compression failed: {error}")))?;
    Ok((member, length))
}

/// The writer: takes results in the order of submission. None when something failed.
fn write(
    shared: &Shared,
    mut parts: PartWriter,
    results: &Receiver<Receiver<Member>>,
) -> Option<Vec<ArchiveFile>> {
    let mut all = || {
        for result in results {
            // Without a result its job never ran: the caller gave up in between.
            let (member, length) = result.recv().unwrap_or_else(|_| Err(cancelled()))?;
            shared.check()?;
            parts.write_all(&member[..length])?;
            shared.counters.bytes_out.fetch_add(length as u64, Ordering::Relaxed);
            shared.members.put(member);
        }
        shared.check()
    };
    all().and_then(|()| parts.finish()).inspect_err(|error| shared.fail(error)).ok()
}

fn panicked(panic: &(dyn Any + Send)) -> io::Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    io::Error::other(format!("a thread of the archive writer ended unexpectedly: {text}"))
}

#[cfg(test)]
mod tests;
