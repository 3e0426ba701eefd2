//! A parallel gzip writer: independent members, compressed side by side, written in order.
//!
//! ```text
//! caller ── bounded queue of jobs ──▶ workers (copy, or fill and compress) ──▶ one-shot results, in order ──▶ writer (SHA-256, parts)
//! ```
//!
//! `gunzip`, `zcat`, `tar -z` and every complete reader take a file of several members as their concatenation (RFC 1952, 2.2).
//! Both queues are bounded: a slow disk holds up the workers, and busy workers hold up the caller. Buffers are recycled, so
//! memory depends on the number of workers and the size of a block, never on how much is written.

mod block;
mod huffman;

use super::ArchiveFile;
use super::parts::PartWriter;
use super::reuse::{Base, Fingerprint, Member};
pub use block::Block;
use block::Tools;
use crossbeam_channel::{Receiver, Sender, bounded};
use libdeflater::CompressionLvl;
use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Jobs that wait for a worker, and again as many results that wait for their turn; at least one. With few, everybody waits for a job that takes
    /// longer than others; each may hold a block.
    pub queue: usize,
    pub cancel: CancellationToken,
    /// What members are copied from where it has them.
    pub base: Option<Arc<Base>>,
}

/// Bytes so far, for progress. Readable from any thread.
#[derive(Debug, Default)]
pub struct Counters {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    bytes_reused: AtomicU64,
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

/// What makes one member. Runs on a worker.
pub trait Job: Send {
    /// What it is made from, where that can be told without reading it.
    fn fingerprint(&self) -> Option<Fingerprint> {
        None
    }

    /// Called instead of [`Job::fill`] when the earlier archive has it.
    fn taken(self: Box<Self>) {}

    /// Fills the empty block. It carries the fingerprint; a job that did not find things as that says takes it out.
    fn fill(self: Box<Self>, block: &mut Block) -> io::Result<()>;
}

impl<F: FnOnce(&mut Block) -> io::Result<()> + Send> Job for F {
    fn fill(self: Box<Self>, block: &mut Block) -> io::Result<()> {
        self(block)
    }
}

/// What a job came to.
enum Made {
    /// The first so many bytes of a buffer that is never cleared, for filling it with zeros again would cost as much as copying it.
    Bytes(Vec<u8>, Member),
    /// What stands in the earlier archive, there at [`Member::offset`]; it has been checked.
    Kept(Member),
}

type Outcome = io::Result<Made>;
type Queued = (Box<dyn Job>, Sender<Outcome>);

/// A finished archive.
#[derive(Debug)]
pub struct Written {
    /// The parts in order.
    pub archives: Vec<ArchiveFile>,
    /// For its index.
    pub members: Vec<Member>,
    /// Bytes that came from the earlier archive as they were.
    pub reused_bytes: u64,
}

struct Shared {
    options: GzipOptions,
    counters: Arc<Counters>,
    failure: Mutex<Option<Failure>>,
    /// Nothing more is worth doing: an error, a cancellation or an abandoned writer.
    stopped: AtomicBool,
    /// The archive is not the beginning of the earlier one, or no longer: the writer needs the bytes of what is copied.
    differs: AtomicBool,
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

/// A bounded stock of buffers, the last used first: it is in the processor's cache still.
struct Recycler {
    stock: Mutex<Vec<Vec<u8>>>,
    most: usize,
}

impl Recycler {
    fn new(most: usize) -> Recycler {
        Recycler { stock: Mutex::new(Vec::with_capacity(most)), most }
    }

    fn stock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<u8> {
        self.stock().pop().unwrap_or_default()
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut stock = self.stock();
        if stock.len() < self.most {
            stock.push(buffer);
        }
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
    jobs: Option<Sender<Queued>>,
    order: Option<Sender<Receiver<Outcome>>>,
    workers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<Option<Written>>>,
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
        let (workers, queue) = (options.workers.max(1), options.queue.max(1));
        let (jobs, job_queue) = bounded::<Queued>(queue);
        let (order, results) = bounded::<Receiver<Outcome>>(workers + 1 + queue);
        let shared = Arc::new(Shared {
            options,
            counters: Arc::default(),
            failure: Mutex::default(),
            stopped: AtomicBool::new(false),
            differs: AtomicBool::new(false),
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

    /// Adds what the job makes, on a worker. Members come out in the order of submission. Blocks while the workers are busy or the disk is
    /// behind.
    pub fn submit(&mut self, job: impl Job + 'static) -> io::Result<()> {
        self.send_block()?;
        self.send(Box::new(job))
    }

    fn send(&mut self, job: Box<dyn Job>) -> io::Result<()> {
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
        self.send(Box::new(move |empty: &mut Block| {
            shared.blocks.put(std::mem::replace(&mut empty.bytes, block));
            Ok(())
        }))
    }

    /// Compresses what is left and waits until everything is on the disk. An archive of no bytes is one empty member.
    pub fn finish(mut self) -> io::Result<Written> {
        self.send_block()?;
        if self.empty {
            self.send(Box::new(|_: &mut Block| Ok(())))?;
        }
        self.join().ok_or_else(|| self.shared.failure())
    }

    /// Closes the queues and waits for the threads. The parts, unless something failed.
    fn join(&mut self) -> Option<Written> {
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

/// A worker; goes on after a failed job, which the writer turns into the archive's error.
fn work(shared: &Shared, level: CompressionLvl, jobs: &Receiver<Queued>) {
    let mut tools = Tools::new(level);
    let mut block = Block::default();
    for (job, result) in jobs {
        if shared.stopped.load(Ordering::SeqCst) || shared.options.cancel.is_cancelled() {
            let _ = result.send(Err(cancelled()));
            continue;
        }
        let made = catch_unwind(AssertUnwindSafe(|| make(shared, job, &mut block, &mut tools)));
        // Nobody waits any more when the writer has failed.
        let _ = result.send(made.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))));
    }
}

/// Copies the member if the earlier archive has it; fills and compresses it otherwise.
fn make(shared: &Shared, job: Box<dyn Job>, block: &mut Block, tools: &mut Tools) -> Outcome {
    let mut out = shared.members.take();
    let mut base = shared.options.base.as_ref();
    let fingerprint = job.fingerprint();
    if let Some(member) = base.zip(fingerprint).and_then(|(base, fingerprint)| base.known(fingerprint)) {
        if base.is_some_and(|base| base.read(member, &mut out)) {
            job.taken();
            return Ok(copied(shared, out, *member));
        }
        // Damaged: its content leads to the same place.
        base = None;
    }
    block.clear(fingerprint);
    job.fill(block)?;
    shared.counters.bytes_in.fetch_add(block.bytes.len() as u64, Ordering::Relaxed);
    let (fingerprint, content) = (block.fingerprint, *blake3::hash(&block.bytes).as_bytes());
    if let Some(base) = base
        && let Some(member) = base.same(&content)
        && base.read(member, &mut out)
    {
        return Ok(copied(shared, out, Member { fingerprint, ..*member }));
    }
    let length = tools.compress(block, &mut out)?;
    let check = *blake3::hash(&out[..length]).as_bytes();
    Ok(Made::Bytes(out, Member { fingerprint, content, check, offset: 0, length: length as u64 }))
}

/// A member that was read from the earlier archive.
fn copied(shared: &Shared, bytes: Vec<u8>, member: Member) -> Made {
    shared.counters.bytes_reused.fetch_add(member.length, Ordering::Relaxed);
    if shared.differs.load(Ordering::Relaxed) {
        return Made::Bytes(bytes, member);
    }
    shared.members.put(bytes);
    Made::Kept(member)
}

/// The writer: takes results in the order of submission. None when something failed.
fn write(shared: &Shared, mut parts: PartWriter, results: &Receiver<Receiver<Outcome>>) -> Option<Written> {
    let mut members = Vec::new();
    let mut offset = 0;
    let mut all = || {
        for result in results {
            // Without a result its job never ran: the caller gave up in between.
            let made = result.recv().unwrap_or_else(|_| Err(cancelled()))?;
            shared.check()?;
            let member = put(shared, &mut parts, made, offset)?;
            members.push(Member { offset, ..member });
            offset += member.length;
            shared.counters.bytes_out.fetch_add(member.length, Ordering::Relaxed);
        }
        shared.check()
    };
    let archives = all().and_then(|()| parts.finish()).inspect_err(|error| shared.fail(error)).ok()?;
    Some(Written { archives, members, reused_bytes: shared.counters.bytes_reused.load(Ordering::Relaxed) })
}

/// Appends a member to the archive, which has `offset` bytes.
fn put(shared: &Shared, parts: &mut PartWriter, made: Made, offset: u64) -> io::Result<Member> {
    let (bytes, member) = match made {
        Made::Bytes(bytes, member) => (bytes, member),
        Made::Kept(member) => {
            let base = shared.options.base.as_ref().ok_or(io::ErrorKind::NotFound)?;
            let same = !shared.differs.load(Ordering::Relaxed) && member.offset == offset;
            if same && parts.keep(base, member.length)? {
                return Ok(member);
            }
            let mut bytes = shared.members.take();
            if !base.read(&member, &mut bytes) {
                let text = "a piece of the earlier archive changed while it was copied: run the pass again";
                return Err(io::Error::other(text));
            }
            (bytes, member)
        }
    };
    shared.differs.store(true, Ordering::Relaxed);
    parts.write_all(&bytes[..usize::try_from(member.length).map_err(io::Error::other)?])?;
    shared.members.put(bytes);
    Ok(member)
}

fn panicked(panic: &(dyn Any + Send)) -> io::Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    io::Error::other(format!("a thread of the archive writer ended unexpectedly: {text}"))
}

#[cfg(test)]
mod tests;
