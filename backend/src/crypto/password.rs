//! Passwords: argon2id with its recommended cost (19 MiB, two passes), a few at a time.

use anyhow::{Context, anyhow};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// How many hashes run at once: each takes 19 MiB and a core for some tens of milliseconds.
const AT_ONCE: usize = 2;

/// Hashes and verifies passwords, off the threads that serve requests.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// What the password of a user who does not exist is compared with.
    nobody: Arc<str>,
    compared: Arc<AtomicU64>,
}

impl Passwords {
    pub fn new() -> anyhow::Result<Self> {
        let nobody = hash_now("nobody has this password")?.into();
        Ok(Passwords { turns: Arc::new(Semaphore::new(AT_ONCE)), nobody, compared: Arc::default() })
    }

    /// The hash in PHC form; holds its own salt and cost.
    pub async fn hash(&self, password: &str) -> anyhow::Result<String> {
        let password = password.to_owned();
        self.in_turn(move || hash_now(&password)).await
    }

    /// Whether `password` is the one behind `hash`. Without a hash it takes the same time and says no, so that the
    /// answer's delay does not tell which users exist.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> anyhow::Result<bool> {
        let (known, hash) = (hash.is_some(), hash.unwrap_or(&self.nobody).to_owned());
        let password = password.to_owned();
        let same = self.in_turn(move || verify_now(&password, &hash)).await?;
        self.compared.fetch_add(1, Ordering::Relaxed);
        Ok(same && known)
    }

    /// How many passwords were compared with a hash so far, that of nobody included.
    pub fn compared(&self) -> u64 {
        self.compared.load(Ordering::Relaxed)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let turn = self.turns.clone().acquire_owned().await.context("password hashing has ended")?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.context("password hashing broke off")?
    }
}

fn hash_now(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|h| h.to_string()).map_err(|e| anyhow!("the password could not be hashed: {e}"))
}

fn verify_now(password: &str, hash: &str) -> anyhow::Result<bool> {
    let hash = PasswordHash::new(hash).map_err(|e| anyhow!("a stored password hash is damaged: {e}"))?;
    match Argon2::default().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(e) => Err(anyhow!("a stored password hash cannot be used: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_an_existing_user_fits() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("battery staple", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("nobody has this password", None).await.unwrap());
        assert!(passwords.verify("x", Some("$argon2id$nonsense")).await.is_err());
        // Time is spent by cost: the same for everybody, also for nobody.
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(&passwords.nobody), cost(&hash));
        assert_eq!(passwords.compared(), 3);
    }
}
