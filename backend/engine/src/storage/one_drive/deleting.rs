//! Deleting: files one by one, and folders that are empty.

use super::{Deletion, Folder, NAME, classify};
use crate::storage::http::Answer;
use crate::storage::{Error, ErrorKind, Result};

impl Folder {
    pub(super) async fn delete_file(&self, key: &str) -> Result<()> {
        let Some(item) = self.look(&self.path(key)?).await? else { return Ok(()) };
        if item.file.is_none() {
            let text = format!("A folder is in place of the file `{key}` in {NAME}; it was not deleted.");
            return Err(Error::new(ErrorKind::InvalidConfig, text));
        }
        self.remove_file(&item.id, key).await
    }

    /// Deletes what was found to be a file.
    pub(super) async fn remove_file(&self, id: &str, key: &str) -> Result<()> {
        if self.drive.tuning.deletion == Deletion::Permanent {
            let answer = self.drive.remove_for_good(id).await?;
            // Not every kind of account can do it.
            if !matches!(answer.status, 400 | 403 | 404 | 405 | 501) {
                return self.deleted(&answer, key);
            }
        }
        let answer = self.drive.remove(id, None).await?;
        self.deleted(&answer, key)
    }

    fn deleted(&self, answer: &Answer, key: &str) -> Result<()> {
        match answer.status {
            // Any other success is a proxy's, or the sign-in page of a network.
            204 => Ok(()),
            _ if classify::is_absent(answer) => Ok(()),
            _ => Err(self.drive.failed(answer, &format!("Deleting `{key}` in {NAME}"))),
        }
    }

    /// OneDrive deletes a folder with all that it holds. This is safe because the folder's own list of children, which does not lag, was
    /// empty and its count agrees; because the folder has to be still in the state that was looked at; and because it goes to the recycle
    /// bin whatever becomes of files: what somebody puts there at this very moment can be taken back.
    pub(super) async fn remove_folder(&self, prefix: &str) -> Result<()> {
        let path = self.path(prefix.trim_end_matches('/'))?;
        // No task of ours makes a folder in it meanwhile.
        let _alone = self.drive.making.lock().await;
        let Some(item) = self.look(&path).await? else { return Ok(()) };
        let Some(folder) = &item.folder else { return Ok(()) };
        if folder.child_count.is_some_and(|n| n > 0) {
            return Ok(());
        }
        let Some(children) = self.drive.children(&item.id, prefix).await? else { return Ok(()) };
        if !children.items.is_empty() || !children.complete {
            return Ok(());
        }
        let answer = self.drive.remove(&item.id, item.e_tag.as_deref()).await?;
        match answer.status {
            // It is not what it was: somebody uses it.
            412 => Ok(()),
            _ => self.deleted(&answer, prefix),
        }
    }
}
