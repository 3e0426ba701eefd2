use super::support::*;
use crate::archive::manifest::{ArchiveType, Manifest};
use crate::event::{Event, Events, Phase};
use crate::pipeline::{Job, MAX_WARNINGS, Status, local_copies, remove_partials, run_tuned};
use crate::policy::layout::{MANIFEST, partial_name};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio_util::sync::CancellationToken;

fn listing(archive: &Path) -> Vec<String> {
    let out = Command::new("tar").arg("-tzf").arg(archive).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_pass_leaves_a_sealed_copy_that_tar_reads_and_only_the_server_can_open() {
    let bench = Bench::new();
    let job = Job { exclude_directories: vec!["var/cache".into()], ..bench.job(&day(22)) };
    let outcome = run(job).await;
    assert_eq!((outcome.status, outcome.error, outcome.complete), (Status::Success, None, true));
    assert_eq!(outcome.copy_path.as_deref(), Some("nightly/2026-11-22T02-30-00Z"));
    assert!(outcome.local_copy_kept);
    assert_eq!(bench.copies(), [copy_of(22)]);

    let dir = bench.folder().join(copy_of(22));
    assert_eq!(tree(&dir), ["files/files.tgz", MANIFEST]);
    let archive = fs::read(dir.join("files/files.tgz")).unwrap();
    assert_eq!(outcome.archives.len(), 1);
    assert_eq!(outcome.archives[0].name, "files/files.tgz");
    assert_eq!(outcome.archives[0].size_bytes, archive.len() as u64);
    assert_eq!(outcome.archives[0].sha256, hex::encode(Sha256::digest(&archive)));
    let entries = listing(&dir.join("files/files.tgz"));
    assert!(entries.contains(&"index.php".to_string()), "{entries:?}");
    assert!(entries.contains(&"var/cache/".to_string()), "{entries:?}");
    assert!(!entries.contains(&"var/cache/x".to_string()), "{entries:?}");

    for path in [bench.archive_dir(), bench.folder(), dir.clone(), dir.join("files")] {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
    assert_eq!(mode(&dir.join("files/files.tgz")), 0o600);
    assert_eq!(mode(&dir.join(MANIFEST)), 0o600);

    let row = &outcome.rows[0];
    assert!(row.ok);
    assert_eq!((row.storage_id.as_str(), row.bytes), ("local", archive.len() as u64));
    assert!(row.message.contains(dir.to_str().unwrap()), "{}", row.message);

    let json = fs::read(dir.join(MANIFEST)).unwrap();
    let manifest = Manifest::read(&json, "nightly", &copy_of(22)).unwrap();
    assert_eq!(manifest.title, "Nightly");
    assert_eq!(manifest.started_at, instant(&day(22)));
    assert!(manifest.finished_at >= manifest.started_at);
    assert_eq!(manifest.requested, [ArchiveType::Files]);
    assert_eq!(manifest.done, [ArchiveType::Files]);
    assert!(manifest.complete && !manifest.staging);
    assert_eq!(manifest.archives, outcome.archives);
    assert_eq!(manifest.source.root, bench.root().to_str().unwrap());
    let files = manifest.files.unwrap();
    assert_eq!(files.excluded, ["var/cache"]);
    assert!(files.entries > 5, "{}", files.entries);
}

#[tokio::test]
async fn a_pass_tells_its_phases_in_order() {
    let bench = Bench::new();
    let (events, seen) = record(|_| {});
    run_tuned(bench.job(&day(22)), events, CancellationToken::new(), QUICK).await;
    let seen = seen.lock().unwrap();
    assert_eq!(phases(&seen), [Phase::Preflight, Phase::Files, Phase::Seal, Phase::Retention]);
    let ended: Vec<_> = seen
        .iter()
        .filter_map(|e| match e {
            Event::Ended { phase, ok } => Some((*phase, *ok)),
            _ => None,
        })
        .collect();
    let fine = [Phase::Preflight, Phase::Files, Phase::Seal, Phase::Retention].map(|phase| (phase, true));
    assert_eq!(ended, fine);
}

#[tokio::test]
async fn a_split_archive_is_sealed_part_by_part() {
    let bench = Bench::new();

    bench.file("pub/media/noise.jpg", noise(300_000));
    let outcome = run(Job { part_size: 100_000, ..bench.job(&day(22)) }).await;
    assert_eq!(outcome.status, Status::Success);
    let names: Vec<_> = outcome.archives.iter().map(|a| a.name.as_str()).collect();
    assert!(names.len() > 2, "{names:?}");
    assert_eq!(names[..2], ["files/files.tgz.001", "files/files.tgz.002"]);
    let dir = bench.folder().join(copy_of(22)).join("files");
    let script = "cat files.tgz.* | tar -tz | grep -c noise.jpg";
    let out = Command::new("sh").args(["-c", script]).current_dir(dir).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "1");
}

#[tokio::test]
async fn the_archive_and_data_directories_inside_of_the_store_are_left_out() {
    let bench = Bench::new();
    bench.file("var/storekeep/encryption.key", "secret");
    let inside = bench.root().join("var/backups");
    for n in [21, 22] {
        let leave_out = vec![bench.root().join("var/storekeep")];
        let job = Job { archive_dir: inside.clone(), leave_out, ..bench.job(&day(n)) };
        assert_eq!(run(job).await.status, Status::Success);
    }
    let entries = listing(&inside.join("nightly").join(copy_of(22)).join("files/files.tgz"));
    assert!(!entries.iter().any(|e| e.contains("backups") || e.contains("storekeep")), "{entries:?}");
}

#[tokio::test]
async fn two_passes_of_one_second_have_two_copies() {
    let bench = Bench::new();
    run(bench.job(&day(22))).await;
    let outcome = run(bench.job(&day(22))).await;
    assert_eq!(outcome.copy_path.as_deref(), Some("nightly/2026-11-22T02-30-01Z"));
    assert_eq!(bench.copies(), ["2026-11-22T02-30-00Z", "2026-11-22T02-30-01Z"]);
}

#[tokio::test]
async fn copies_can_be_listed_from_the_disk() {
    let bench = Bench::new();
    for n in [20, 21] {
        run(bench.job(&day(n))).await;
    }
    fs::create_dir_all(bench.folder().join("2026-11-01T00-00-00Z")).unwrap();
    fs::write(bench.folder().join("2026-11-01T00-00-00Z/manifest.json"), r#"{"name":"a theme"}"#).unwrap();
    fs::create_dir_all(bench.folder().join("2026-11-02T00-00-00Z")).unwrap();
    fs::create_dir_all(bench.folder().join(partial_name("2026-11-03T00-00-00Z"))).unwrap();
    fs::write(bench.folder().join("notes.txt"), "mine").unwrap();
    let copies = local_copies(&bench.archive_dir(), "nightly").unwrap();
    let paths: Vec<_> = copies.iter().map(|c| (c.copy_path.clone(), c.intact)).collect();
    assert_eq!(paths, [20, 21].map(|n| (format!("nightly/{}", copy_of(n)), true)));
    assert_eq!(copies[0].manifest.started_at, instant(&day(20)));
    assert!(copies[0].manifest.size_bytes() > 0);
    fs::remove_file(copies[1].dir.join("files/files.tgz")).unwrap();
    assert!(!local_copies(&bench.archive_dir(), "nightly").unwrap()[1].intact);
    assert_eq!(local_copies(&bench.archive_dir(), "never").unwrap(), []);
}

#[tokio::test]
async fn after_a_crash_only_what_was_half_made_is_removed() {
    let bench = Bench::new();
    run(bench.job(&day(20))).await;
    let crashed = bench.folder().join(partial_name(&copy_of(21)));
    fs::create_dir_all(crashed.join("files")).unwrap();
    fs::write(crashed.join("files/files.tgz"), "half").unwrap();
    // The folder of this Set is a link to another disk.
    let disk = bench.dir.path().join("disk");
    fs::create_dir_all(disk.join(partial_name(&copy_of(21)))).unwrap();
    std::os::unix::fs::symlink(&disk, bench.archive_dir().join("hourly")).unwrap();
    let other = bench.archive_dir().join("hourly").join(partial_name(&copy_of(21)));
    fs::create_dir_all(bench.folder().join("notes.partial")).unwrap();
    fs::write(bench.archive_dir().join(partial_name(&copy_of(21))), "a file of somebody").unwrap();
    let outside = bench.dir.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, bench.folder().join(partial_name(&copy_of(19)))).unwrap();

    assert_eq!(remove_partials(&bench.archive_dir()).unwrap(), [other, crashed]);
    assert_eq!(remove_partials(&bench.archive_dir()).unwrap(), [] as [&Path; 0]);
    assert_eq!(bench.copies(), [partial_name(&copy_of(19)), copy_of(20), "notes.partial".into()]);
    assert!(outside.exists());
    assert_eq!(remove_partials(&bench.dir.path().join("never")).unwrap(), [] as [&Path; 0]);
}

#[test]
fn what_cannot_be_read_does_not_keep_the_rest_of_a_crash_from_being_removed() {
    let bench = Bench::new();
    let closed = |path: PathBuf| {
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        path
    };
    let crashed = |folder: &str| {
        let path = bench.archive_dir().join(folder).join(partial_name(&copy_of(21)));
        fs::create_dir_all(&path).unwrap();
        path
    };
    let (first, last) = (crashed("a"), crashed("z"));
    // A disk's own folder, a folder of somebody else, and a half-made copy that cannot be removed.
    let foreign = closed(bench.archive_dir().join("lost+found"));
    let stuck = bench.archive_dir().join("m").join(partial_name(&copy_of(20)));
    let inner = closed(stuck.join("files"));
    fs::set_permissions(&stuck, fs::Permissions::from_mode(0o500)).unwrap();
    let after = crashed("m");

    let removed = unprivileged(|| remove_partials(&bench.archive_dir())).unwrap();
    assert_eq!(removed, [first, after, last]);
    assert!(foreign.exists() && inner.exists());
    let unlisted = closed(bench.dir.path().join("unlisted"));
    assert!(unprivileged(|| remove_partials(&unlisted)).is_err());
    for path in [stuck, foreign, unlisted] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[tokio::test]
async fn a_pass_that_is_running_keeps_its_folder() {
    let bench = Bench::new();
    let dir = bench.archive_dir();
    let (events, seen) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Files | Phase::Seal, .. }) {
            assert_eq!(remove_partials(&dir).unwrap(), [] as [&Path; 0]);
        }
    });
    let outcome = run_tuned(bench.job(&day(22)), events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success);
    assert!(phases(&seen.lock().unwrap()).contains(&Phase::Seal));
}

#[tokio::test]
async fn a_pass_whose_future_is_dropped_leaves_nothing() {
    let bench = Bench::new();
    let (events, _) = record(|event| {
        if matches!(event, Event::Started { phase: Phase::Files, .. }) {
            std::thread::sleep(std::time::Duration::from_millis(150));
        }
    });
    let pass = run_tuned(bench.job(&day(22)), events, CancellationToken::new(), QUICK);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(60), pass).await.is_err());
    // The packing thread ends at its next look at the token.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(bench.copies(), Vec::<String>::new());
}

#[tokio::test]
async fn a_flood_of_warnings_is_cut_in_the_outcome_and_in_the_manifest() {
    let bench = Bench::new();
    for n in 0..1300 {
        let path = bench.root().join(format!("var/pipes/{n:04}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from(0o600),
            0,
        )
        .unwrap();
    }
    let outcome = run_tuned(bench.job(&day(22)), Events::none(), CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success, "skipped pipes do not lower the status");
    assert!(outcome.warnings.len() > 1 && outcome.warnings.len() <= MAX_WARNINGS);
    assert!(outcome.warnings.last().unwrap().message.contains("more"), "{:?}", outcome.warnings.last());
    let copies = local_copies(&bench.archive_dir(), "nightly").unwrap();
    assert_eq!(copies[0].manifest.warnings, outcome.warnings);
}

#[tokio::test]
async fn media_in_remote_storage_are_said_to_be_in_no_archive() {
    let bench = Bench::new();
    bench.file("app/etc/env.php", "<?php return ['remote_storage' => ['driver' => 'aws-s3']];");
    let (events, seen) = record(|_| {});
    let outcome = run_tuned(bench.job(&day(22)), events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success, "nothing of this disk is missing");
    let [warning] = outcome.warnings.as_slice() else { panic!("{:?}", outcome.warnings) };
    assert_eq!((warning.code.as_str(), warning.subject.as_deref()), ("remote_storage", Some("aws-s3")));
    assert!(warning.message.contains("not in this archive"), "{}", warning.message);
    let told = |event: &Event| matches!(event, Event::Warned(told) if told == warning);
    assert!(seen.lock().unwrap().iter().any(told));
    let copies = local_copies(&bench.archive_dir(), "nightly").unwrap();
    assert_eq!(copies[0].manifest.warnings, outcome.warnings);

    bench.file("app/etc/env.php", "<?php return ['remote_storage' => ['driver' => 'file']];");
    assert_eq!(run(bench.job(&day(23))).await.warnings, []);
}

#[tokio::test]
async fn a_deployment_meanwhile_is_told() {
    let bench = Bench::new();
    bench.file("pub/static/deployed_version.txt", "1700000000");
    let root = bench.job(&day(22)).source.root;
    let (events, seen) = record(move |event| {
        if matches!(event, Event::Started { phase: Phase::Files, .. }) {
            fs::write(root.join("pub/static/deployed_version.txt"), "1700000001").unwrap();
        }
    });
    let outcome = run_tuned(bench.job(&day(22)), events, CancellationToken::new(), QUICK).await;
    assert_eq!(outcome.status, Status::Success, "all of it is there");
    let deployed = outcome.warnings.iter().find(|warning| warning.code == "deployed").unwrap();
    assert!(deployed.message.contains("Make another copy"), "{}", deployed.message);
    assert!(
        seen.lock().unwrap().iter().any(|event| matches!(event, Event::Warned(told) if told == deployed))
    );
    let copies = local_copies(&bench.archive_dir(), "nightly").unwrap();
    assert!(copies[0].manifest.warnings.contains(deployed));
}

#[tokio::test]
async fn maintenance_mode_is_told() {
    let bench = Bench::new();
    bench.file("var/.maintenance.flag", "");
    let outcome = run(bench.job(&day(22))).await;
    assert_eq!(outcome.status, Status::Success);
    let codes: Vec<&str> = outcome.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["maintenance"]);
}
