//! How large the directories of a store are, for the pickers of a Backup Set.

use super::Symlinks;
use super::links::{SHARED, Shared, resolve_shared};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a restored store makes again by itself, and why.
const REBUILT: [(&str, &str); 17] = [
    (".git", "history of the source code; belongs into its repository"),
    (".idea", "settings of a development environment"),
    ("node_modules", "tools of the front-end build; installed again by npm"),
    ("generated/code", "made again by bin/magento setup:di:compile"),
    ("generated/metadata", "made again by bin/magento setup:di:compile"),
    ("pub/media/captcha", "pictures of past captchas"),
    ("pub/media/catalog/product/cache", "resized product images, made again on demand"),
    ("pub/media/tmp", "unfinished uploads"),
    ("pub/static", "made again by bin/magento setup:static-content:deploy"),
    ("var/backups", "backups made by Magento itself"),
    ("var/cache", "cache; fills again by itself"),
    ("var/log", "log files"),
    ("var/page_cache", "page cache; fills again by itself"),
    ("var/report", "error reports"),
    ("var/session", "visitors' sessions"),
    ("var/tmp", "temporary files"),
    ("var/view_preprocessed", "made again with the static files"),
];

/// What a directory holds: apparent sizes of its regular files, all levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Relative to the root.
    pub path: String,
    pub size_bytes: u64,
    pub files: u64,
    /// False when counting met its time limit or a directory it could not read: the numbers are then a lower bound.
    pub complete: bool,
    /// Why one may leave it out, where there is a reason.
    pub hint: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measures {
    /// First-level directories, by name; a link that is followed counts as what it leads to.
    pub directories: Vec<Measured>,
    /// Deeper ones that are usually left out, as far as they exist.
    pub suggested: Vec<Measured>,
}

/// Measures the tree with four threads, for at most `limit`. Breadth first, so that a time limit hits all alike.
///
/// # Errors
/// When the root itself cannot be listed. Directories with names that are not UTF-8 are not offered, for they cannot be picked.
pub fn measure(root: &Path, symlinks: Symlinks, limit: Duration) -> io::Result<Measures> {
    let root = std::fs::canonicalize(root)?;
    let deadline = Instant::now().checked_add(limit);
    let mut totals = Vec::new();
    let mut queue = VecDeque::new();
    for entry in std::fs::read_dir(&root)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        if let Ok(name) = entry.file_name().into_string() {
            let hint = hint(&name);
            queue.push_back(Job { path: entry.path(), within: vec![totals.len()] });
            totals.push(Measured { path: name, size_bytes: 0, files: 0, complete: true, hint });
        }
    }
    let directories = totals.len();
    let mut suggested = Vec::new();
    for (path, hint) in REBUILT.iter().filter(|(path, _)| path.contains('/')) {
        if let Ok(at) = std::fs::canonicalize(root.join(path)) {
            suggested.push((at, totals.len()));
            // Incomplete until the walk comes by.
            let path = (*path).to_owned();
            totals.push(Measured { path, size_bytes: 0, files: 0, complete: false, hint: Some(hint) });
        }
    }
    let work = Work {
        root: &root,
        follow: symlinks == Symlinks::FollowShared,
        deadline,
        suggested,
        state: Mutex::new(State { seen: vec![false; totals.len()], totals, queue, busy: 0 }),
        ready: Condvar::new(),
    };
    let fine = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| work.run())).collect();
        threads.into_iter().filter_map(|thread| thread.join().err()).count() == 0
    });
    if !fine {
        return Err(io::Error::other("measuring the Magento root ended unexpectedly"));
    }
    let state = work.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let State { mut totals, seen, queue, .. } = state;
    let in_time = queue.is_empty();
    for index in queue.into_iter().flat_map(|job| job.within) {
        totals[index].complete = false;
    }
    let suggested = totals.split_off(directories).into_iter().zip(&seen[directories..]);
    // What the whole walk did not come by lies behind a link that is not followed, or is no directory.
    let suggested = suggested.filter(|(_, seen)| **seen || !in_time).map(|(measured, _)| measured).collect();
    totals.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Measures { directories: totals, suggested })
}

fn hint(path: &str) -> Option<&'static str> {
    REBUILT.iter().find(|(rebuilt, _)| *rebuilt == path).map(|(_, hint)| *hint)
}

struct Work<'a> {
    /// With links resolved, as all paths here.
    root: &'a Path,
    follow: bool,
    deadline: Option<Instant>,
    suggested: Vec<(PathBuf, usize)>,
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    totals: Vec<Measured>,
    seen: Vec<bool>,
    queue: VecDeque<Job>,
    busy: usize,
}

/// A directory to list, and the totals it counts for.
struct Job {
    path: PathBuf,
    within: Vec<usize>,
}

#[derive(Default)]
struct Counted {
    size_bytes: u64,
    files: u64,
    incomplete: bool,
    directories: Vec<Job>,
    /// Suggested directories that were come by.
    suggested: Vec<usize>,
}

impl Work<'_> {
    fn run(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
            let Some(job) = state.queue.pop_front() else {
                if state.busy == 0 {
                    break;
                }
                state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.busy += 1;
            drop(state);
            let counted = self.count(&job);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.busy -= 1;
            for index in job.within {
                let total = &mut state.totals[index];
                total.size_bytes += counted.size_bytes;
                total.files += counted.files;
                total.complete &= !counted.incomplete;
            }
            for index in counted.suggested {
                state.totals[index].complete = true;
                state.seen[index] = true;
            }
            state.queue.extend(counted.directories);
            self.ready.notify_all();
        }
        drop(state);
        self.ready.notify_all();
    }

    fn count(&self, job: &Job) -> Counted {
        let mut counted = Counted::default();
        if self.list(job, &mut counted).is_err() {
            counted.incomplete = true;
        }
        counted
    }

    fn list(&self, job: &Job, counted: &mut Counted) -> io::Result<()> {
        for entry in std::fs::read_dir(&job.path)? {
            let entry = entry?;
            let Ok(mut meta) = entry.metadata() else {
                counted.incomplete = true;
                continue;
            };
            let mut path = entry.path();
            if meta.is_symlink() && self.follow && SHARED.iter().any(|shared| path == self.root.join(shared))
            {
                match resolve_shared(&path, self.root) {
                    Ok(Shared::Dir(_) | Shared::File(_)) => {
                        path = std::fs::canonicalize(&path)?;
                        meta = path.symlink_metadata()?;
                    }
                    Ok(_) => {}
                    Err(_) => counted.incomplete = true,
                }
            }
            if meta.is_file() {
                counted.size_bytes += meta.len();
                counted.files += 1;
            } else if meta.is_dir() {
                let mut within = job.within.clone();
                for (_, index) in self.suggested.iter().filter(|(at, _)| *at == path) {
                    within.push(*index);
                    counted.suggested.push(*index);
                }
                counted.directories.push(Job { path, within });
            }
        }
        Ok(())
    }
}
