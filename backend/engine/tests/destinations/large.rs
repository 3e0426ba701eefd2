//! An archive beyond the reach of 32 bits through every driver, each in a process of its own whose memory is looked at.

use engine::storage::{FileBody, MemorySessions, StorageKind};
use engine::testing::clouds::{Clouds, Place};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const SIZE: u64 = 6 << 30;
const MEMORY: u64 = 150 << 20;
const KEY: &str = "nightly/2026-11-26T02-30-00Z/files/files.tgz";
const ROOT: &str = "shop-backups/large";

#[tokio::test]
async fn six_gibibytes_go_through_every_driver_in_little_memory() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("files.tgz");
    let sha256 = sparse(&path);
    let clouds = Clouds::start_in(dir.path()).await.unwrap();
    for place in clouds.places() {
        let kind = place.kind;
        let task = json!({ "place": place.to_json().unwrap(), "path": path, "sha256": sha256 });
        let began = Instant::now();
        let report = tokio::task::spawn_blocking(move || in_another_process(&task)).await.unwrap();
        println!(
            "{kind:?}: {} MiB of memory, {:.0} MB/s",
            report["memory"].as_u64().unwrap() >> 20,
            SIZE as f64 / 1e6 / began.elapsed().as_secs_f64()
        );
        assert_eq!(report["size_bytes"], SIZE, "{kind:?}: {report:#}");
        assert_eq!(report["listed"], 1, "{kind:?}: {report:#}");
        assert!(report["memory"].as_u64().unwrap() < MEMORY, "{kind:?}: {report:#}");
        if kind == StorageKind::AmazonS3 {
            // The fakes keep hashes of what is so large; the server keeps it all.
            let storage = place.cloud().unwrap().storage(ROOT, Arc::new(MemorySessions::default())).unwrap();
            for (offset, byte) in MARKS {
                let mut stream = storage.open(KEY, offset).await.unwrap();
                let first = futures_util::StreamExt::next(&mut stream).await.unwrap().unwrap();
                assert_eq!(first[0], byte, "at {offset}");
            }
        }
    }
    assert_eq!(clouds.violations(), Vec::<String>::new());
}

/// Bytes that are not zero.
const MARKS: [(u64, u8); 4] = [(0, 1), (u32::MAX as u64, 2), (u32::MAX as u64 + 1, 3), (SIZE - 1, 4)];

/// Makes the file; its SHA-256.
fn sparse(path: &Path) -> String {
    let file = File::create(path).unwrap();
    file.set_len(SIZE).unwrap();
    for (offset, byte) in MARKS {
        file.write_all_at(&[byte], offset).unwrap();
    }
    let (mut file, mut hash, mut buffer) = (File::open(path).unwrap(), Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hex::encode(hash.finalize()),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// Runs [`another_process`] in one; what it prints.
fn in_another_process(task: &Value) -> Value {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "large::another_process", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let report = said.lines().find_map(|line| line.strip_prefix(REPORT));
    serde_json::from_str(report.unwrap_or_else(|| panic!("no report: {said}"))).unwrap()
}

const REPORT: &str = "report ";

#[tokio::test]
#[ignore = "the other process of the test above, which tells it what to do"]
async fn another_process() {
    let mut task = String::new();
    std::io::stdin().read_to_string(&mut task).unwrap();
    let Ok(task) = serde_json::from_str::<Value>(&task) else { return println!("nothing to do") };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cloud = Place::from_json(&task["place"]).unwrap().cloud().unwrap();
    let storage = cloud.storage(ROOT, Arc::new(MemorySessions::default())).unwrap();
    let (path, sha256) = (task["path"].as_str().unwrap(), task["sha256"].as_str().unwrap());
    let body = FileBody::new(Path::new(path), "files/files.tgz", SIZE, sha256);
    let stored = storage.put(KEY, &body).await.unwrap();
    assert!(stored.sha256.is_none_or(|found| found == sha256));
    let listed = storage.list("nightly").await.unwrap().entries.len();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let memory = memory.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024;
    // A line of its own, whatever the test harness has printed before.
    println!("\n{REPORT}{}", json!({ "size_bytes": stored.size_bytes, "listed": listed, "memory": memory }));
}
