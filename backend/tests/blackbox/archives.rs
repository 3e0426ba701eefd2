//! What lies in an archive directory.

use engine::archive::reuse::index_name;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The copies of one folder: finished ones and half-made ones, sorted.
pub fn copies(archives: &Path, folder: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut all: Vec<PathBuf> = match fs::read_dir(archives.join(folder)) {
        Ok(entries) => entries.map(|e| e.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    all.sort();
    all.into_iter().partition(|path| path.extension().is_none_or(|e| e != "partial"))
}

/// Checks a finished copy against its manifest: every named file is there with its size and SHA-256, and nothing else is.
pub fn assert_intact(copy: &Path) {
    let manifest = fs::read(copy.join("manifest.json")).unwrap_or_else(|e| panic!("{}: {e}", copy.display()));
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let archives = manifest["archives"].as_array().unwrap_or_else(|| panic!("no archives in {manifest:#}"));
    assert!(!archives.is_empty());
    let mut named: Vec<PathBuf> = vec![copy.join("manifest.json")];
    for archive in archives {
        let path = copy.join(archive["name"].as_str().unwrap());
        assert_eq!(
            fs::metadata(&path).unwrap().len(),
            archive["size_bytes"].as_u64().unwrap(),
            "{}",
            path.display()
        );
        assert_eq!(sha256(&path), archive["sha256"].as_str().unwrap(), "{}", path.display());
        named.push(path);
        // For the next pass.
        named.push(copy.join(index_name(archive["name"].as_str().unwrap())));
    }
    let mut found = Vec::new();
    files(copy, &mut found);
    // A write that a kill cut short; it goes with the copy.
    found.retain(|path| !path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b".storekeep-")));
    named.sort();
    // Parts share one.
    named.dedup();
    found.sort();
    assert_eq!(found, named);
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn sha256(path: &Path) -> String {
    let (mut file, mut hash, mut buffer) = (File::open(path).unwrap(), Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hex::encode(hash.finalize()),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// The copy that a log names.
pub fn copy_of(archives: &Path, log: &Value) -> PathBuf {
    archives.join(log["copy_path"].as_str().unwrap_or_else(|| panic!("no copy: {log:#}")))
}

/// Bytes of all files of a copy.
pub fn size(copy: &Path) -> u64 {
    let mut found = Vec::new();
    files(copy, &mut found);
    found.iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}
