//! Where objects are: paths, and the folders on the way to them.

use super::api::{At, Item};
use super::classify::{self, Fault};
use super::{Folder, NAME, names};
use crate::storage::http::Answer;
use crate::storage::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;

/// The place of an object that is to be stored.
pub(super) struct Place {
    /// The id of its folder.
    pub parent: String,
    pub name: String,
    /// What is there now.
    pub old: Option<Item>,
}

impl Folder {
    /// The whole path of a key.
    pub(super) fn path(&self, key: &str) -> Result<String> {
        names::check(&self.root, key)
    }

    /// What is at a path; `None` also where there is only something that OneDrive takes for the same name.
    pub(super) async fn look(&self, path: &str) -> Result<Option<Item>> {
        let item = self.drive.find(At::Path(path), path).await?;
        Ok(item.filter(|item| self.other_case(path, item).is_none()))
    }

    /// The file of a key.
    pub(super) async fn file(&self, key: &str) -> Result<Item> {
        let item = self.look(&self.path(key)?).await?;
        item.filter(|item| item.file.is_some())
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("There is no file `{key}` in {NAME}.")))
    }

    /// Finds the place of an object, and makes the folders that lead there.
    ///
    /// # Errors
    /// `InvalidConfig` when something else is in the way.
    pub(super) async fn locate(&self, path: &str) -> Result<Place> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let old = self.drive.find(At::Path(path), path).await?;
        if let Some(item) = &old {
            self.check_case(path, item)?;
            if item.file.is_none() {
                let text =
                    format!("A folder is in place of the file `{path}` in {NAME}. Remove or rename it.");
                return Err(Error::new(ErrorKind::InvalidConfig, text));
            }
        }
        let parent = match old.as_ref().and_then(|item| item.parent_reference.id.clone()) {
            Some(parent) => parent,
            None => self.folder(above).await?,
        };
        Ok(Place { parent, name: name.into(), old })
    }

    /// The id of a folder, which is made when it is not there.
    async fn folder(&self, path: &str) -> Result<String> {
        if let Some(id) = self.existing_folder(path).await? {
            return Ok(id);
        }
        let _alone = self.drive.making.lock().await;
        let mut missing = Vec::new();
        let mut above = path;
        let mut id = loop {
            if let Some(id) = self.existing_folder(above).await? {
                break id;
            }
            if above.is_empty() {
                let text = format!("The root folder of {NAME} cannot be found right now.");
                return Err(Error::new(ErrorKind::Unavailable, text));
            }
            let (rest, name) = above.rsplit_once('/').unwrap_or(("", above));
            missing.push(name);
            above = rest;
        };
        for name in missing.into_iter().rev() {
            id = self.make(&id, name, path).await?;
        }
        Ok(id)
    }

    async fn existing_folder(&self, path: &str) -> Result<Option<String>> {
        let Some(item) = self.drive.find(At::Path(path), path).await? else { return Ok(None) };
        self.check_case(path, &item)?;
        is_folder(item, path).map(Some)
    }

    async fn make(&self, parent: &str, name: &str, path: &str) -> Result<String> {
        let answer = self.drive.settled(lags, || self.drive.make_folder(parent, name)).await?;
        if matches!(answer.status, 200 | 201) {
            return Ok(answer.json::<Item>()?.id);
        }
        if classify::is_absent(&answer) {
            let text = format!(
                "A folder above `{path}` in {NAME} was removed meanwhile, or is not known everywhere yet."
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        if answer.status != 409 || !Fault::of(&answer).has("nameAlreadyExists") {
            return Err(self.drive.failed_or_full(&answer, &format!("Making the folder `{path}`")).await);
        }
        // Another server made it meanwhile, or we did and did not hear of it.
        let found =
            self.drive.settled(Option::is_none, || self.drive.find(At::In(parent, name), path)).await?;
        let Some(item) = found else {
            let text = format!("The folder `{path}` cannot be found in {NAME}, and cannot be made either.");
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        if names::differ_in_case(&item.name, name) {
            return Err(clash(name, &item.name));
        }
        is_folder(item, path)
    }

    fn check_case(&self, path: &str, item: &Item) -> Result<()> {
        match self.other_case(path, item) {
            Some((wanted, found)) => Err(clash(&wanted, &found)),
            None => Ok(()),
        }
    }

    /// A name on the way to an item, below the row's folder, that differs in case from what it was found by, and what it is called.
    fn other_case(&self, path: &str, item: &Item) -> Option<(String, String)> {
        let ours = match self.root.as_str() {
            "" => path,
            root => path.strip_prefix(root)?.strip_prefix('/')?,
        };
        let parents = item.parent_reference.path.as_deref().unwrap_or_default();
        let parents = parents.split_once("root:").map_or("", |(_, path)| path);
        let found = std::iter::once(item.name.as_str()).chain(parents.rsplit('/'));
        ours.rsplit('/').zip(found).enumerate().find_map(|(i, (wanted, found))| {
            // The item's own name is as it is; those of its folders may be encoded.
            let decoded = percent_decode_str(found).decode_utf8_lossy();
            let same = wanted == found || (i > 0 && wanted == decoded);
            let differs = names::differ_in_case(wanted, found) || names::differ_in_case(wanted, &decoded);
            (!same && differs).then(|| (wanted.to_owned(), decoded.into_owned()))
        })
    }
}

/// Right after a folder was made, a call for what is in it may not find it yet.
pub(super) fn lags(answer: &Answer) -> bool {
    match answer.status {
        400 => Fault::of(answer).has("invalidRequest"),
        409 => !Fault::of(answer).has("nameAlreadyExists"),
        _ => classify::is_absent(answer),
    }
}

fn is_folder(item: Item, path: &str) -> Result<String> {
    if item.folder.is_some() {
        return Ok(item.id);
    }
    let text = format!(
        "The file `{}` in {NAME} is in place of a folder of `{path}`. Remove or rename it, or choose another folder.",
        item.name
    );
    Err(Error::new(ErrorKind::InvalidConfig, text))
}

fn clash(wanted: &str, found: &str) -> Error {
    let text = format!(
        "`{found}` in {NAME} differs from `{wanted}` in upper and lower case only, and {NAME} takes both for one name. Rename one \
         of them."
    );
    Error::new(ErrorKind::InvalidConfig, text)
}
