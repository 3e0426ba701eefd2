//! One destination: a folder of the account, and the objects below it.

use super::file::{File, ROOT, files_named, within};
use super::folders::Trust;
use super::{GoogleDrive, join, split, upload};
use crate::policy::layout::is_safe_key;
use crate::storage::{
    Body, ByteStream, Entry, Error, ErrorKind, Listing, Result, Sessions, Storage, StorageKind, Stored,
    check_key,
};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Folders that are listed with one search: more would make the URL too long.
const AT_ONCE: usize = 40;
/// Files that are looked at by their ids at the same time.
const LOOKS: usize = 4;
/// Deeper than any key can be.
const DEEPEST: usize = 520;

pub(super) struct Root {
    pub drive: Arc<GoogleDrive>,
    /// Without slashes at its ends; empty for the account's own root.
    pub root: String,
    pub sessions: Arc<dyn Sessions>,
}

/// What is found on the way through the folders.
struct Walk {
    /// By key, the newest of each.
    files: HashMap<String, File>,
    /// Ids of every file that came up.
    seen: HashSet<String>,
    complete: bool,
}

impl Walk {
    fn add(&mut self, key: String, file: File) {
        self.seen.insert(file.id.clone());
        let newer = self.files.get(&key).is_none_or(|known| known.age() < file.age());
        if newer {
            self.files.insert(key, file);
        }
    }
}

impl Root {
    pub fn path(&self, key: &str) -> String {
        join(&self.root, key)
    }

    fn absent(&self, key: &str) -> Error {
        Error::new(ErrorKind::NotFound, format!("There is no `{}` at Google Drive.", self.path(key)))
    }

    fn size_of(&self, key: &str, file: &File) -> Result<u64> {
        file.size_bytes().ok_or_else(|| {
            let text = format!("Google Drive does not tell the size of `{}` yet.", self.path(key));
            Error::new(ErrorKind::Unavailable, text)
        })
    }

    /// The content of a key, as Google has it now: the newest where there are two.
    async fn find(&self, key: &str) -> Result<File> {
        check_key(key)?;
        let path = self.path(key);
        let folders =
            self.drive.folders.locate(&self.drive.api, split(&path).0, Trust::Lately).await?.whole();
        if folders.is_empty() {
            return Err(self.absent(key));
        }
        for id in self.drive.recent.of(&path) {
            if let Some(file) = self.look(key, &id, &folders).await? {
                return Ok(file);
            }
        }
        for file in self.search(key, &folders).await? {
            if let Some(file) = self.look(key, &file.id, &folders).await? {
                return Ok(file);
            }
        }
        Err(self.absent(key))
    }

    /// The file of an id, if it is the content of the key.
    async fn look(&self, key: &str, id: &str, folders: &[String]) -> Result<Option<File>> {
        let file = self.drive.api.get(id).await?;
        Ok(file.filter(|f| f.is_object(key) && f.lies_in(folders)))
    }

    fn is_gone(&self, id: &str) -> bool {
        self.drive.recent.is_gone(id, self.drive.api.now())
    }

    /// What a search finds as content of a key, the newest first. Some of it may be gone already, and what is new may be missing.
    async fn search(&self, key: &str, folders: &[String]) -> Result<Vec<File>> {
        let found = self.drive.api.search(&files_named(split(key).1, folders)).await?;
        let mut files = found.files;
        let ours = |f: &File| f.is_object(key) && f.lies_in(folders) && !self.is_gone(&f.id);
        files.retain(ours);
        if files.is_empty() && !found.complete {
            let text = "Google Drive did not search everywhere, so it is not known what is there.";
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        files.sort_by(|a, b| b.age().cmp(&a.age()));
        Ok(files)
    }

    /// Deletes every content of a key but one. Each is looked at before: only what is the key's content by its mark, its name and its place
    /// goes.
    pub async fn delete_all_but(&self, key: &str, kept: Option<&str>) -> Result<()> {
        let path = self.path(key);
        let folders =
            self.drive.folders.locate(&self.drive.api, split(&path).0, Trust::Lately).await?.whole();
        if folders.is_empty() {
            return Ok(());
        }
        let mut ids = self.drive.recent.of(&path);
        for file in self.search(key, &folders).await? {
            if !ids.contains(&file.id) {
                ids.push(file.id);
            }
        }
        for id in ids.iter().filter(|id| kept != Some(id.as_str())) {
            if self.look(key, id, &folders).await?.is_some() {
                self.drive.api.delete(id).await?;
                self.drive.recent.deleted(&path, id, self.drive.api.now());
            }
        }
        Ok(())
    }

    /// Everything below some folders of one depth, and the folders of the next.
    async fn level(&self, dirs: &[(String, String)], walk: &mut Walk) -> Result<Vec<(String, String)>> {
        let mut next: Vec<(String, File)> = Vec::new();
        for some in dirs.chunks(AT_ONCE) {
            let found = self.drive.api.search(&within(some.iter().map(|(id, _)| id.as_str()))).await?;
            walk.complete &= found.complete;
            let keys: HashMap<&str, &str> =
                some.iter().map(|(id, key)| (id.as_str(), key.as_str())).collect();
            for file in found.files {
                // The real id of the account's root is not known; it is asked for alone.
                let above = file.parents.iter().find_map(|parent| keys.get(parent.as_str()).copied());
                let above = match (above, some) {
                    (Some(above), _) => above,
                    (None, [(id, root)]) if id == ROOT => root,
                    (None, _) => continue,
                };
                let key = join(above, &file.name);
                if file.trashed || self.is_gone(&file.id) || !is_safe_key(&key) {
                    continue;
                }
                if file.is_our_folder() {
                    next.push((key, file));
                } else if file.is_object(&key) {
                    walk.add(key, file);
                }
            }
        }
        next.sort_by(|(_, a), (_, b)| a.age().cmp(&b.age()));
        let mut ids: HashMap<&str, Vec<String>> = HashMap::new();
        for (key, folder) in &next {
            ids.entry(key).or_default().push(folder.id.clone());
        }
        for (key, ids) in ids {
            let path = self.path(key);
            if walk.complete && !self.drive.folders.knows(&path) {
                self.drive.folders.learn(&path, ids, self.drive.api.now());
            }
        }
        Ok(next.into_iter().map(|(key, folder)| (folder.id, key)).collect())
    }

    /// Adds what this process wrote lately and the searches do not show yet.
    async fn add_recent(&self, prefix: &str, walk: &mut Walk) -> Result<()> {
        let folder = self.path(prefix);
        let unseen = self.drive.recent.unseen(&folder, &walk.seen);
        let looks = unseen.into_iter().filter_map(|(path, id)| {
            let below_root = if self.root.is_empty() {
                Some(path.as_str())
            } else {
                path.strip_prefix(&self.root).and_then(|rest| rest.strip_prefix('/'))
            };
            let key = below_root?.to_owned();
            Some(async move {
                let place = self.drive.folders.locate(&self.drive.api, split(&path).0, Trust::Lately).await?;
                let file = self.look(&key, &id, &place.whole()).await?;
                Ok::<_, Error>(file.map(|file| (key, file)))
            })
        });
        let looks: Vec<_> = looks.collect();
        let found: Vec<_> = futures_util::stream::iter(looks).buffered(LOOKS).try_collect().await?;
        for (key, file) in found.into_iter().flatten() {
            walk.add(key, file);
        }
        Ok(())
    }

    /// Whether a folder is empty, as far as this program sees. What is in doubt is not.
    async fn is_empty(&self, path: &str, id: &str) -> Result<bool> {
        let api = &self.drive.api;
        let found = api.search(&within(std::iter::once(id))).await?;
        if !found.complete {
            return Ok(false);
        }
        let here = [id.to_owned()];
        for child in found.files.iter().filter(|child| !self.is_gone(&child.id)) {
            // The search may show what is gone already.
            if api.get(&child.id).await?.is_some_and(|f| !f.trashed && f.lies_in(&here)) {
                return Ok(false);
            }
        }
        let written = self.drive.recent.unseen(path, &HashSet::new()).into_iter().map(|(_, id)| id);
        for known in written.chain(self.drive.folders.below(path)) {
            if api.get(&known).await?.is_some_and(|f| !f.trashed) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[async_trait::async_trait]
impl Storage for Root {
    fn kind(&self) -> StorageKind {
        StorageKind::GoogleDrive
    }

    async fn put(&self, key: &str, body: &dyn Body) -> Result<Stored> {
        check_key(key)?;
        upload::put(self, key, body).await
    }

    async fn abandon(&self, key: &str) -> Result<()> {
        check_key(key)?;
        upload::abandon(self, key).await
    }

    async fn stat(&self, key: &str) -> Result<Entry> {
        let file = self.find(key).await?;
        Ok(Entry { key: key.into(), size_bytes: self.size_of(key, &file)? })
    }

    async fn list(&self, prefix: &str) -> Result<Listing> {
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() {
            check_key(prefix)?;
        }
        let place = self.drive.folders.locate(&self.drive.api, &self.path(prefix), Trust::Lately).await?;
        let mut walk = Walk { files: HashMap::new(), seen: HashSet::new(), complete: true };
        let mut dirs: Vec<_> = place.whole().into_iter().map(|id| (id, prefix.to_owned())).collect();
        for _ in 0..DEEPEST {
            if dirs.is_empty() {
                break;
            }
            dirs = self.level(&dirs, &mut walk).await?;
        }
        walk.complete &= dirs.is_empty();
        self.add_recent(prefix, &mut walk).await?;
        let mut entries = Vec::with_capacity(walk.files.len());
        for (key, file) in walk.files {
            match file.size_bytes() {
                Some(size_bytes) => entries.push(Entry { key, size_bytes }),
                // Without its size nothing can be said of it, so nothing may be concluded from the list.
                None => walk.complete = false,
            }
        }
        Ok(Listing { entries, complete: walk.complete })
    }

    async fn open(&self, key: &str, offset: u64) -> Result<ByteStream> {
        let file = self.find(key).await?;
        self.drive.api.read(key, &file.id, self.size_of(key, &file)?, offset).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.delete_all_but(key, None).await
    }

    /// A folder goes to the trash, not for good: Google removes a folder with all that is in it, and with `drive.file` we do not see what
    /// people have put there. From the trash they get it back; an empty folder takes up no room there. The search that tells whether the
    /// folder is empty lags: what this process wrote is known besides, and every child that comes up is looked at by its id.
    async fn remove_empty_dir(&self, prefix: &str) -> Result<()> {
        let prefix = prefix.trim_end_matches('/');
        check_key(prefix)?;
        let path = self.path(prefix);
        let drive = &self.drive;
        let _alone = drive.folders.alone().await;
        for id in drive.folders.locate(&drive.api, &path, Trust::Nothing).await?.whole() {
            let is_there = |f: &File| f.is_our_folder() && f.name == split(&path).1;
            if !drive.api.get(&id).await?.is_some_and(|f| is_there(&f)) || !self.is_empty(&path, &id).await? {
                continue;
            }
            drive.api.trash(&id).await?;
            drive.recent.deleted(&path, &id, drive.api.now());
            drive.folders.forget(&path);
        }
        Ok(())
    }
}
