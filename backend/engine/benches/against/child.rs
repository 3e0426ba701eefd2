//! Our side, as a process of its own.

use crate::measure::peak_of;
use chrono::{DateTime, Utc};
use engine::archive::reuse::{Base, Reuse};
use engine::archive::{ArchiveFile, dump, tree};
use engine::event::Events;
use engine::pipeline::{self, Job, Row, Status, Target};
use engine::source::files::{Excludes, Symlinks};
use engine::source::magento::Source;
use engine::storage::StorageKind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How our side is set, for the reports.
pub const POLICY: &str =
    "storekeep: files at level 6, packed content Huffman coded behind its head; dump at level 5 (libdeflate)";

pub fn run(arguments: &[String]) {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["files", root, out] => files(root, out, None),
        ["files-again", root, out, base] => files(root, out, Some(Path::new(base))),
        ["dump", url, out] => on_runtime(dump_database(url, out, None)),
        ["dump-again", url, out, base] => on_runtime(dump_database(url, out, Some(Path::new(base)))),
        ["pass", root, url, out] => on_runtime(pass(root, url, out)),
        ["many-cores", root, url, out] => on_runtime(many_cores(root, url, out)),
        ["upload", file, sha256] => on_runtime(crate::upload::send(file, sha256)),
        other => panic!("unknown mode {other:?}"),
    }
    println!("peak_kib {}", peak_of("self").expect("a mounted /proc"));
}

fn on_runtime(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work);
}

fn source(root: &str, url: &str) -> Source {
    Source { root: PathBuf::from(root), database_url: Some(url.into()), environment: BTreeMap::new() }
}

/// `base` is the folder of the copy before.
fn files(root: &str, out: &str, base: Option<&Path>) {
    pack(root, out, base, pipeline::workers(std::thread::available_parallelism().map_or(2, usize::from)));
}

/// What a pass does at most at one time.
async fn many_cores(root: &str, url: &str, out: &str) {
    let (tree, target) = (root.to_owned(), out.to_owned());
    let files =
        tokio::task::spawn_blocking(move || pack(&tree, &target, None, pipeline::workers(usize::MAX)));
    dump_database(url, out, None).await;
    files.await.expect("the files are archived");
}

/// What a base was made of; a copy has a manifest for that.
const ARCHIVES: &str = "archives.json";

fn open_base(base: &Path, policy: &str) -> Arc<Base> {
    let json = std::fs::read(base.join(ARCHIVES)).expect("the base names its archives");
    let archives: Vec<ArchiveFile> = serde_json::from_slice(&json).expect("a list of archives");
    Arc::new(Base::open(base, &archives, policy).expect("a base with its index"))
}

fn name_archives(out: &str, archives: &[ArchiveFile]) {
    let json = serde_json::to_vec(archives).expect("JSON");
    std::fs::write(Path::new(out).join(ARCHIVES), json).expect("the list of archives can be written");
}

#[expect(clippy::disallowed_methods, reason = "the files' times are those of the machine, and so is this")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn pack(root: &str, out: &str, base: Option<&Path>, workers: usize) {
    let packed = tree::pack(tree::PackOptions {
        root: PathBuf::from(root),
        out_dir: PathBuf::from(out),
        excludes: Excludes::new::<&str>(&[]).expect("no patterns"),
        leave_out: Vec::new(),
        symlinks: Symlinks::default(),
        part_size: 4 << 30,
        started_at: now(),
        base: base.map(|base| open_base(base, tree::POLICY)),
        workers,
        events: Events::none(),
        cancel: CancellationToken::new(),
    });
    let packed = packed.expect("the tree can be archived");
    assert!(packed.warnings.is_empty(), "{:?}", packed.warnings);
    name_archives(out, &packed.archives);
}

async fn dump_database(url: &str, out: &str, base: Option<&Path>) {
    let snapshots = dump::open_snapshots(&source(out, url), &[]).await.expect("a snapshot");
    let bases = base.map(|base| ("db/db.sql.gz".to_owned(), open_base(base, dump::POLICY)));
    let snapshots = snapshots.reusing(Reuse { started_at: now(), bases: bases.into_iter().collect() });
    let dumped =
        snapshots.dump(Path::new(out), Events::none(), CancellationToken::new()).await.expect("a dump");
    assert!(dumped.warnings.iter().all(|w| !w.incomplete), "{:?}", dumped.warnings);
    name_archives(out, &dumped.archives);
}

async fn pass(root: &str, url: &str, out: &str) {
    let job = Job {
        title: "Memory".into(),
        folder: "memory".into(),
        started_at: chrono::DateTime::UNIX_EPOCH,
        archive_dir: PathBuf::from(out),
        source: source(root, url),
        files: true,
        database: true,
        exclude_directories: Vec::new(),
        exclude_tables: Vec::new(),
        leave_out: Vec::new(),
        symlinks: Symlinks::default(),
        part_size: 4 << 30,
        rows: vec![Row {
            storage_id: "local".into(),
            title: "Local".into(),
            kind: StorageKind::Local,
            keep_copies: 1,
            path: String::new(),
            target: Target::Local,
        }],
        suspend: CancellationToken::new(),
        reuse_limit: 0,
        last_copy_bytes: None,
    };
    let outcome = pipeline::run(job, Events::none(), CancellationToken::new()).await;
    assert_eq!(outcome.status, Status::Success, "{:?} {:?}", outcome.error, outcome.warnings);
}
