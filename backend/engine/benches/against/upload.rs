//! An upload to a private S3 server, against rclone with the same part size and as many parts at once.

use crate::measure::{self, Contender, Work};
use crate::{data, ourselves, out, report};
use engine::storage::amazon_s3::{AmazonS3, Settings};
use engine::storage::time::SystemTime;
use engine::storage::{Cloud, FileBody, MemorySessions, Secret};
use engine::testing::garage::Garage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What rclone reads by itself, and our child too: keys are on no command line.
const ENDPOINT: &str = "RCLONE_S3_ENDPOINT";
const ACCESS_KEY: &str = "RCLONE_S3_ACCESS_KEY_ID";
const SECRET_KEY: &str = "RCLONE_S3_SECRET_ACCESS_KEY";
const REGION: &str = "RCLONE_S3_REGION";
const BUCKET: &str = "shop-backups";

pub fn compare(dir: &Path, rounds: usize) {
    let (file, sha256) = data::upload(dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let garage = runtime.block_on(Garage::start_in(dir)).expect("a private S3 server");
    assert_eq!(garage.bucket(), BUCKET);
    let settings = garage.settings();
    let environment = format!(
        "export {ENDPOINT}='{}' {ACCESS_KEY}='{}' {SECRET_KEY}='{}' {REGION}='{}'",
        garage.url(),
        settings.access_key_id,
        settings.secret_access_key.expose(),
        settings.region
    );
    let file = file.display().to_string();
    let own = format!("{environment}; {}", ourselves("upload", &[&file, &sha256]));
    let mut contenders = vec![Contender::new("storekeep", own)];
    match rclone() {
        Some(rclone) => {
            let target = format!(":s3:{BUCKET}/rclone/files.tgz");
            let copy = ["copyto", &file, &target, "--config=/dev/null", "--s3-provider=Other", "--retries=1"];
            let alike = ["--s3-chunk-size=16M", "--s3-upload-concurrency=4", "--s3-upload-cutoff=16M"];
            let plain = ["--s3-force-path-style", "--s3-no-check-bucket", "--ignore-times"];
            let arguments = [&[rclone.as_str()][..], &copy, &alike, &plain].concat();
            let arguments: Vec<String> = arguments.iter().map(|a| format!("'{a}'")).collect();
            contenders
                .push(Contender::new("rclone copyto", format!("{environment}; {}", arguments.join(" "))));
        }
        None => println!("rclone is not here to compare with: scripts/rclone installs it"),
    }
    let title = format!("upload: {} MiB to Garage on this machine", measure::size(Path::new(&file)) >> 20);
    let mut work = Work::new("upload", title, contenders);
    work.reference = (work.contenders.len() > 1).then_some(1);
    let mut works = [work];
    measure::run(&mut works, &out(dir), rounds);
    report::print(&works);
}

/// Where `scripts/rclone` puts it.
fn rclone() -> Option<String> {
    let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let found = std::fs::read_dir(tools).ok()?.flatten().map(|entry| entry.path().join("bin/rclone"));
    found.filter(|path| path.is_file()).map(|path| path.display().to_string()).next()
}

/// Our side, as a process of its own.
pub async fn send(file: &str, sha256: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "how this program tells its child what no command line may show"
    )]
    let variable = |name: &str| std::env::var(name).expect("the parent has set it");
    let settings = Settings {
        access_key_id: variable(ACCESS_KEY),
        secret_access_key: Secret::new(variable(SECRET_KEY)),
        region: variable(REGION),
        endpoint: Some(variable(ENDPOINT).parse().expect("a URL")),
        path_style: true,
        storage_class: None,
        encryption: None,
        incremental: true,
    };
    let size = std::fs::metadata(file).expect("the file is there").len();
    let body = FileBody::new(Path::new(file), "files.tgz", size, sha256);
    let cloud = AmazonS3::new(settings, Arc::new(SystemTime)).expect("good settings");
    let storage = cloud.storage(&format!("{BUCKET}/storekeep"), Arc::new(MemorySessions::default()));
    let stored = storage.expect("a destination").put("files.tgz", &body).await.expect("an upload");
    assert_eq!((stored.size_bytes, stored.sha256.as_deref()), (size, Some(sha256)));
}
