use crate::event::{Event, Events, Phase};
use crate::pipeline::{Job, Outcome, Row, Target, Tuning, run_tuned};
use crate::policy::layout;
use crate::source::files::Symlinks;
use crate::source::magento::Source;
use crate::storage::{RetryPolicy, Storage, StorageKind};
use chrono::{DateTime, Utc};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Quick retries, so that tests of dead destinations end in milliseconds.
pub const QUICK: Tuning = Tuning {
    retry: RetryPolicy {
        attempts: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(50),
    },
    stall: Duration::from_millis(400),
    grace: Duration::from_millis(200),
    clear_up: Duration::from_millis(200),
    clear_up_cancelled: Duration::from_millis(200),
};

/// A small store and an archive directory, in a folder of their own.
pub struct Bench {
    pub dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        bench.file("index.php", "<?php echo 'store';");
        bench.file("app/code/Module.php", "<?php");
        bench.file("var/cache/x", "cached");
        bench
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn archive_dir(&self) -> PathBuf {
        self.dir.path().join("archives")
    }

    /// The folder of the Set.
    pub fn folder(&self) -> PathBuf {
        self.archive_dir().join("nightly")
    }

    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A pass of the files, with the local row alone.
    pub fn job(&self, at: &str) -> Job {
        Job {
            title: "Nightly".into(),
            folder: "nightly".into(),
            started_at: instant(at),
            archive_dir: self.archive_dir(),
            source: Source { root: self.root(), database_url: None, environment: BTreeMap::new() },
            files: true,
            database: false,
            exclude_directories: Vec::new(),
            leave_out: Vec::new(),
            exclude_tables: Vec::new(),
            symlinks: Symlinks::FollowShared,
            part_size: 4 << 30,
            rows: vec![local_row(3)],
            suspend: CancellationToken::new(),
            reuse_limit: 3,
            last_copy_bytes: None,
        }
    }

    /// Names in the Set's folder, sorted.
    pub fn copies(&self) -> Vec<String> {
        names(&self.folder())
    }

    /// Whether nothing half-made is left anywhere.
    pub fn assert_nothing_half_made(&self) {
        for name in self.copies() {
            assert_eq!(layout::parse_partial_name(&name), None, "{name} was left");
        }
    }
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Day `n` of November 2026 at 02:30, and the name of its copy.
pub fn day(n: u32) -> String {
    format!("2026-11-{n:02}T02:30:00Z")
}

pub fn copy_of(n: u32) -> String {
    layout::copy_name(instant(&day(n)))
}

pub fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below `dir`, relative, sorted; without the indexes, which have tests of their own.
pub fn tree(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut todo = vec![dir.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_none_or(|extension| extension != "index") {
                all.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    all.sort();
    all
}

pub fn local_row(keep_copies: u32) -> Row {
    Row {
        storage_id: "local".into(),
        title: "Local".into(),
        kind: StorageKind::Local,
        keep_copies,
        path: String::new(),
        target: Target::Local,
    }
}

pub fn remote_row(id: &str, keep_copies: u32, storage: Arc<dyn Storage>) -> Row {
    Row {
        storage_id: id.into(),
        title: format!("Cloud {id}"),
        kind: storage.kind(),
        keep_copies,
        path: "bucket/shop".into(),
        target: Target::Remote(storage),
    }
}

pub async fn run(job: Job) -> Outcome {
    run_tuned(job, Events::none(), CancellationToken::new(), QUICK).await
}

/// Runs on a thread that has to obey permissions, also when the tests run as root.
pub fn unprivileged<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective -=
                CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER;
            set_capabilities(None, sets).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

/// A pass that has to obey permissions.
pub fn run_unprivileged(job: Job) -> Outcome {
    unprivileged(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(job))
    })
}

/// Keeps what a pass tells; `at` is called with each event first.
pub fn record(at: impl Fn(&Event) + Send + Sync + 'static) -> (Events, Arc<Mutex<Vec<Event>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let events = Events::new(move |event| {
        at(&event);
        keep.lock().unwrap().push(event);
    });
    (events, seen)
}

/// The phases that began, in order, each once.
pub fn phases(events: &[Event]) -> Vec<Phase> {
    let mut phases = Vec::new();
    for event in events {
        if let Event::Started { phase, .. } = event
            && !phases.contains(phase)
        {
            phases.push(*phase);
        }
    }
    phases
}

/// Bytes that do not compress.
pub fn noise(bytes: u32) -> Vec<u8> {
    let mut x = 0x9e37_79b9_u32;
    let next = |_| {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        x as u8
    };
    (0..bytes).map(next).collect()
}
