use super::support::*;
use crate::event::{Event, Phase};
use crate::pipeline::{Job, Outcome, Status, local_copies, run_tuned};
use crate::policy::layout::{MANIFEST, TOMBSTONE};
use crate::storage::{ErrorKind, LocalStorage, MemoryStorage, Storage, StorageKind};
use crate::testing::fault::{Effect, Fault, FaultStorage, Op};
use proptest::prelude::*;
use std::fs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

async fn pass(bench: &Bench, n: u32, keep: u32) -> Outcome {
    let outcome = run(Job { rows: vec![local_row(keep)], ..bench.job(&day(n)) }).await;
    assert_eq!(outcome.status, Status::Success, "{outcome:?}");
    outcome
}

#[tokio::test]
async fn the_newest_copies_stay_and_foreign_files_are_never_touched() {
    let bench = Bench::new();
    for n in 1..=3 {
        pass(&bench, n, 10).await;
    }
    // A folder with a timestamp but without our manifest, one with another's, files beside, a file inside of a copy that goes.
    let folder = bench.folder();
    fs::create_dir_all(folder.join("2026-10-01T00-00-00Z/files")).unwrap();
    fs::write(folder.join("2026-10-01T00-00-00Z/files/files.tgz"), "somebody's").unwrap();
    fs::create_dir_all(folder.join("2026-10-02T00-00-00Z")).unwrap();
    fs::write(folder.join("2026-10-02T00-00-00Z/manifest.json"), r#"{"program":"another"}"#).unwrap();
    fs::write(folder.join("README"), "mine").unwrap();
    fs::create_dir_all(folder.join("old")).unwrap();
    fs::write(folder.join("old/x"), "mine").unwrap();
    fs::write(folder.join(copy_of(1)).join("files/why-i-kept-this.txt"), "mine").unwrap();

    let outcome = pass(&bench, 4, 2).await;
    assert_eq!(outcome.rows[0].swept, [1, 2].map(|n| format!("nightly/{}", copy_of(n))));
    assert!(outcome.rows[0].message.contains("2 older copies were removed"), "{}", outcome.rows[0].message);
    let left = tree(&folder);
    let copy = |n: u32| [format!("{}/files/files.tgz", copy_of(n)), format!("{}/{MANIFEST}", copy_of(n))];
    let mut expected = vec![
        "2026-10-01T00-00-00Z/files/files.tgz".to_string(),
        "2026-10-02T00-00-00Z/manifest.json".into(),
        "README".into(),
        "old/x".into(),
        format!("{}/files/why-i-kept-this.txt", copy_of(1)),
    ];
    expected.extend(copy(3));
    expected.extend(copy(4));
    expected.sort();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn a_copy_that_was_renamed_or_moved_from_another_set_is_foreign() {
    let bench = Bench::new();
    for n in 1..=2 {
        pass(&bench, n, 5).await;
    }
    fs::rename(bench.folder().join(copy_of(1)), bench.folder().join("2026-01-01T00-00-00Z")).unwrap();
    let other = Job { folder: "hourly".into(), ..bench.job(&day(3)) };
    run(other).await;
    let moved = bench.archive_dir().join("hourly").join(copy_of(3));
    fs::rename(moved, bench.folder().join(copy_of(3))).unwrap();
    assert_eq!(pass(&bench, 4, 1).await.rows[0].swept, [format!("nightly/{}", copy_of(2))]);
    assert_eq!(bench.copies(), ["2026-01-01T00-00-00Z".to_string(), copy_of(3), copy_of(4)]);
}

#[tokio::test]
async fn a_copy_that_lost_an_archive_does_not_stand_in_for_a_good_one() {
    let bench = Bench::new();
    for n in 1..=3 {
        pass(&bench, n, 5).await;
    }
    for n in [2, 3] {
        fs::remove_file(bench.folder().join(copy_of(n)).join("files/files.tgz")).unwrap();
    }
    pass(&bench, 4, 2).await;
    // 1 and 4 are good; 2 and 3 count as partial ones.
    assert_eq!(bench.copies(), [1, 2, 3, 4].map(copy_of));
}

#[tokio::test]
async fn a_partial_copy_takes_no_place_of_a_complete_one() {
    let bench = Bench::new();
    pass(&bench, 1, 1).await;
    // A directory that cannot be read makes a pass partial.
    let closed = bench.root().join("var/closed");
    fs::create_dir_all(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    for n in 2..=4 {
        let outcome = run_unprivileged(Job { rows: vec![local_row(1)], ..bench.job(&day(n)) });
        assert_eq!(outcome.status, Status::Partial, "{outcome:?}");
        assert!(!outcome.complete && outcome.error.is_none());
        assert!(outcome.warnings.iter().any(|w| w.incomplete), "{:?}", outcome.warnings);
    }
    assert_eq!(bench.copies(), [1, 4].map(copy_of));
    fs::remove_dir(&closed).unwrap();
    pass(&bench, 5, 1).await;
    assert_eq!(bench.copies(), [4, 5].map(copy_of), "the partial one stays beside, until there are more");
}

#[tokio::test]
async fn a_deletion_deletes_the_manifest_first_and_is_taken_up_again_when_it_was_cut_short() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    let job = |n| Job { rows: vec![remote_row("7", 1, faulty.clone())], ..bench.job(&day(n)) };
    run(job(1)).await;
    faulty.plan(Fault::once(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)).on("files.tgz"));
    let outcome = run(job(2)).await;
    assert_eq!(outcome.status, Status::Success, "the row took the copy: {:?}", outcome.rows);
    assert!(outcome.rows[0].message.contains("Older copies stay"), "{}", outcome.rows[0].message);
    assert_eq!(outcome.warnings[0].code, "retention_failed");
    let key = |n: u32, name: &str| format!("nightly/{}/{name}", copy_of(n));
    assert_eq!(faulty.keys(Op::Delete), [key(1, MANIFEST), key(1, "files/files.tgz")]);
    let files = |n| [key(n, "files/files.tgz"), key(n, MANIFEST)];
    let mut expected = vec![key(1, TOMBSTONE), key(1, "files/files.tgz")];
    expected.extend(files(2));
    assert_eq!(memory.keys(), expected);

    assert_eq!(run(job(3)).await.status, Status::Success);
    assert_eq!(memory.keys(), files(3));
}

/// In the order in which a deletion that is cut short does no harm: nothing else goes with the manifest, nor before it.
#[tokio::test]
async fn the_archives_of_a_copy_go_in_one_call_after_its_manifest() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    bench.file("pub/media/noise.jpg", noise(25_000));
    let job =
        |n| Job { rows: vec![remote_row("7", 1, faulty.clone())], part_size: 10_000, ..bench.job(&day(n)) };
    run(job(1)).await;
    let key = |n: u32, name: &str| format!("nightly/{}/{name}", copy_of(n));
    let archives = |n: u32| [1, 2, 3].map(|part| key(n, &format!("files/files.tgz.00{part}")));
    assert_eq!(memory.keys(), [&archives(1)[..], &[key(1, MANIFEST)]].concat());
    run(job(2)).await;
    let deletions = |calls: Vec<(Op, String)>| -> Vec<(Op, String)> {
        let ours =
            |(op, key): &(Op, String)| matches!(op, Op::Delete | Op::DeleteAll) || key.contains(TOMBSTONE);
        calls.into_iter().filter(ours).collect()
    };
    let each = archives(1).map(|key| (Op::Delete, key));
    let mut expected = vec![
        (Op::Put, key(1, TOMBSTONE)),
        (Op::Delete, key(1, MANIFEST)),
        (Op::DeleteAll, archives(1).join("\n")),
    ];
    expected.extend(each);
    expected.push((Op::Delete, key(1, TOMBSTONE)));
    assert_eq!(deletions(faulty.calls()), expected);

    // Some of a batch may stay: the tombstone does then, and the next sweep finishes.
    faulty.plan(Fault::once(Op::Delete, Effect::Fail(ErrorKind::PermissionDenied)).on("files.tgz.002"));
    let outcome = run(job(3)).await;
    assert!(outcome.rows[0].message.contains("Older copies stay"), "{}", outcome.rows[0].message);
    let left: Vec<_> = memory.keys().into_iter().filter(|key| key.contains(&copy_of(2))).collect();
    assert_eq!(left, [key(2, TOMBSTONE), key(2, "files/files.tgz.002")]);
    assert_eq!(run(job(4)).await.rows[0].swept, [2, 3].map(|n| format!("nightly/{}", copy_of(n))));
    assert_eq!(memory.keys().len(), 4);
}

/// A lifecycle rule may move old manifests into an archive class, and other clients may delete: that is no reason to keep everything for
/// ever, nor to delete what is not known.
#[rstest::rstest]
#[case::in_an_archive_class(Effect::Fail(ErrorKind::Unreadable))]
#[case::gone_since_the_list(Effect::Fail(ErrorKind::NotFound))]
#[case::damaged(Effect::Fail(ErrorKind::Integrity))]
#[tokio::test]
async fn a_manifest_that_cannot_be_read_keeps_its_copy_and_no_other(#[case] effect: Effect) {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    let job = |n, keep| Job { rows: vec![remote_row("7", keep, faulty.clone())], ..bench.job(&day(n)) };
    for n in 1..=5 {
        run(job(n, 9)).await;
    }
    let files = |n: u32| ["files/files.tgz", MANIFEST].map(|name| format!("nightly/{}/{name}", copy_of(n)));
    for n in [2, 5] {
        faulty.plan(Fault::always(Op::Open, effect.clone()).on(&copy_of(n)));
    }
    let outcome = run(job(6, 2)).await;
    assert_eq!(outcome.status, Status::Success);
    // 5 is the newest but for this pass's; it takes no place of one that is known to be whole.
    assert_eq!(outcome.rows[0].swept, [1, 3].map(|n| format!("nightly/{}", copy_of(n))));
    assert_eq!(memory.keys(), [files(2), files(4), files(5), files(6)].concat());
    let message = &outcome.rows[0].message;
    let told = format!("The copies {} and {} were left as they are", copy_of(2), copy_of(5));
    assert!(message.contains(&told) && message.contains("a planned fault"), "{message}");
    assert_eq!(outcome.warnings[0].code, "retention_failed");

    // A destination that refuses is another matter.
    faulty.plan(Fault::always(Op::Open, Effect::Fail(ErrorKind::PermissionDenied)).on(&copy_of(4)));
    run(job(7, 1)).await;
    assert_eq!(memory.keys(), [files(2), files(4), files(5), files(6), files(7)].concat());
    faulty.heal();
    run(job(8, 1)).await;
    assert_eq!(memory.keys(), files(8));
}

/// The list shows it, but nothing is known of it: as good as not shown.
#[tokio::test]
async fn a_new_copy_whose_manifest_cannot_be_read_deletes_nothing() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    let job = |n| Job { rows: vec![remote_row("7", 1, faulty.clone())], ..bench.job(&day(n)) };
    run(job(1)).await;
    faulty.plan(Fault::always(Op::Open, Effect::Fail(ErrorKind::Unreadable)).on(&copy_of(2)));
    let outcome = run(job(2)).await;
    assert_eq!((outcome.status, memory.keys().len()), (Status::Success, 4));
    let message = &outcome.rows[0].message;
    assert!(message.contains("none was deleted") && message.contains("a planned fault"), "{message}");
}

#[tokio::test]
async fn a_copy_that_may_not_be_deleted_does_not_keep_the_others() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    let job = |n, keep| Job { rows: vec![remote_row("7", keep, faulty.clone())], ..bench.job(&day(n)) };
    for n in 1..=3 {
        run(job(n, 3)).await;
    }
    // Held by a lock, as an object store may hold it.
    faulty.plan(Fault::always(Op::Put, Effect::Fail(ErrorKind::PermissionDenied)).on(&copy_of(1)));
    let outcome = run(job(4, 1)).await;
    assert_eq!(outcome.status, Status::Success);
    let message = &outcome.rows[0].message;
    assert!(message.contains("2 older copies were removed."), "{message}");
    assert_eq!(outcome.rows[0].swept, [2, 3].map(|n| format!("nightly/{}", copy_of(n))));
    assert!(message.contains(&format!("The older copy {} could not be removed", copy_of(1))), "{message}");
    let files = |n: u32| ["files/files.tgz", MANIFEST].map(|name| format!("nightly/{}/{name}", copy_of(n)));
    assert_eq!(memory.keys(), [files(1), files(4)].concat());
}

#[tokio::test]
async fn an_incomplete_listing_deletes_nothing() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::Dropbox));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    let job = |n| Job { rows: vec![remote_row("7", 1, faulty.clone())], ..bench.job(&day(n)) };
    run(job(1)).await;
    for effect in [
        Effect::CutListing(usize::MAX),
        Effect::CutListing(1),
        Effect::Fail(ErrorKind::Unavailable),
        Effect::Hang,
    ] {
        faulty.plan(Fault::always(Op::List, effect.clone()));
        let outcome = run(job(2)).await;
        assert_eq!(outcome.status, Status::Success, "{effect:?}: {:?}", outcome.rows);
        assert!(memory.get(&format!("nightly/{}/{MANIFEST}", copy_of(1))).is_some(), "{effect:?}");
        faulty.heal();
    }
    faulty.plan(Fault::always(Op::Open, Effect::Fail(ErrorKind::Unavailable)).on(&copy_of(1)));
    run(job(3)).await;
    assert!(memory.get(&format!("nightly/{}/{MANIFEST}", copy_of(1))).is_some(), "an unreadable manifest");
    faulty.heal();
    run(job(4)).await;
    let left: Vec<_> = memory.keys().into_iter().filter(|k| k.ends_with(MANIFEST)).collect();
    assert_eq!(left, [format!("nightly/{}/{MANIFEST}", copy_of(4))]);
}

#[tokio::test]
async fn a_list_without_the_new_copy_deletes_nothing() {
    let memory = Arc::new(MemoryStorage::new(StorageKind::GoogleDrive));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let bench = Bench::new();
    let job = |n| Job { rows: vec![remote_row("7", 1, faulty.clone())], ..bench.job(&day(n)) };
    run(job(1)).await;
    faulty.plan(Fault::always(Op::List, Effect::HideFromList(copy_of(2))));
    let outcome = run(job(2)).await;
    assert!(outcome.rows[0].message.contains("does not show"), "{}", outcome.rows[0].message);
    assert_eq!(memory.keys().len(), 4);
}

#[tokio::test]
async fn a_copy_that_cannot_be_listed_deletes_nothing_and_foreign_folders_do_not_matter() {
    let bench = Bench::new();
    for n in 1..=2 {
        pass(&bench, n, 5).await;
    }
    let closed = |name: &str, mode: u32| {
        let path = bench.folder().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    closed("lost+found", 0o000);
    closed("2026-10-01T02-30-00Z", 0o000);
    let outcome = run_unprivileged(Job { rows: vec![local_row(1)], ..bench.job(&day(3)) });
    assert_eq!(outcome.status, Status::Success);
    assert!(outcome.rows[0].message.contains("Older copies stay"), "{}", outcome.rows[0].message);
    assert_eq!(bench.copies().len(), 5);

    closed("2026-10-01T02-30-00Z", 0o700);
    let outcome = run_unprivileged(Job { rows: vec![local_row(1)], ..bench.job(&day(4)) });
    assert_eq!(outcome.rows[0].swept.len(), 3, "{:?}", outcome.rows);
    assert_eq!(bench.copies(), ["2026-10-01T02-30-00Z", &copy_of(4), "lost+found"]);
}

/// What may go wrong with one pass.
#[derive(Debug, Clone)]
enum Trouble {
    None,
    Fault(Op, &'static str, usize, Effect),
    CancelAt(Phase),
    PanicAt(Phase),
    Unreadable,
    NoStore,
}

fn any_trouble() -> impl Strategy<Value = Trouble> {
    let fails = || {
        proptest::sample::select(vec![
            Effect::Fail(ErrorKind::Unavailable),
            Effect::Fail(ErrorKind::QuotaExceeded),
            Effect::Fail(ErrorKind::NotFound),
            Effect::Fail(ErrorKind::Unreadable),
            Effect::Panic,
        ])
    };
    let puts = proptest::sample::select(vec![
        Effect::FailAfter(10, ErrorKind::NeedsRelink),
        Effect::LieAboutSize(-1),
        Effect::FlipBit,
        Effect::Lose,
    ]);
    let lists = proptest::sample::select(vec![
        Effect::CutListing(2),
        Effect::HideFromList(MANIFEST.into()),
        Effect::HideFromList("files.tgz".into()),
    ]);
    let call = prop_oneof![
        3 => (Just(Op::Put), prop_oneof![fails(), puts]),
        2 => (Just(Op::List), prop_oneof![fails(), lists]),
        2 => (Just(Op::Delete), fails()),
        1 => (Just(Op::DeleteAll), fails()),
        1 => (Just(Op::Stat), prop_oneof![fails(), Just(Effect::LieAboutSize(1))]),
        1 => (Just(Op::Open), fails()),
        1 => (Just(Op::RemoveDir), fails()),
    ];
    let key = proptest::sample::select(vec!["", "files.tgz", MANIFEST, TOMBSTONE]);
    let phase = proptest::sample::select(vec![
        Phase::Preflight,
        Phase::Files,
        Phase::Seal,
        Phase::Retention,
        Phase::Upload,
    ]);
    prop_oneof![
        2 => Just(Trouble::None),
        6 => (call, key, 0usize..3).prop_map(|((op, effect), key, skip)| Trouble::Fault(op, key, skip, effect)),
        2 => phase.clone().prop_map(Trouble::CancelAt),
        1 => phase.prop_map(Trouble::PanicAt),
        1 => Just(Trouble::Unreadable),
        1 => Just(Trouble::NoStore),
    ]
}

/// Names of the copies that are good by what is really there: our manifest says complete, and every archive has its content.
async fn good(storage: &dyn Storage) -> Vec<String> {
    use crate::archive::manifest::Manifest;
    use crate::storage::read_small;
    use sha2::{Digest, Sha256};
    let mut names = Vec::new();
    for entry in storage.list("nightly").await.unwrap().entries {
        let Some(dir) = entry.key.strip_suffix(&format!("/{MANIFEST}")) else { continue };
        let name = dir.strip_prefix("nightly/").unwrap();
        let json = read_small(storage, &entry.key, usize::MAX).await.unwrap();
        let manifest = Manifest::read(&json, "nightly", name).unwrap();
        let mut fine = manifest.complete;
        for archive in &manifest.archives {
            let content = read_small(storage, &format!("{dir}/{}", archive.name), usize::MAX).await;
            fine &= content.is_ok_and(|c| hex::encode(Sha256::digest(&c)) == archive.sha256);
        }
        if fine {
            names.push(name.to_string());
        }
    }
    names.sort();
    names
}

async fn survives(troubles: Vec<Trouble>, keep: u32, with_local: bool) {
    let bench = Bench::new();
    let memory = Arc::new(MemoryStorage::new(StorageKind::AmazonS3));
    let faulty = Arc::new(FaultStorage::new(memory.clone(), vec![]));
    let local = LocalStorage::new(bench.archive_dir());
    fs::create_dir_all(bench.folder()).unwrap();
    fs::write(bench.folder().join("2026-01-01T00-00-00Z"), "a file of somebody").unwrap();
    for (n, trouble) in (1..).zip(&troubles) {
        let before = [good(&local).await, good(&*memory).await];
        let mut job = bench.job(&day(n));
        job.rows = vec![remote_row("7", keep, faulty.clone())];
        if with_local {
            job.rows.insert(0, local_row(keep));
        }
        faulty.heal();
        let cancel = CancellationToken::new();
        let (end, trouble_now) = (cancel.clone(), trouble.clone());
        let (events, _) = record(move |event| {
            let Event::Started { phase, .. } = event else { return };
            match &trouble_now {
                Trouble::CancelAt(at) if at == phase => end.cancel(),
                Trouble::PanicAt(at) if at == phase => panic!("planned"),
                _ => {}
            }
        });
        let store = bench.root();
        match trouble {
            Trouble::Fault(op, key, skip, effect) => {
                faulty.plan(Fault::always(*op, effect.clone()).on(key).skip(*skip));
            }
            Trouble::Unreadable => std::os::unix::fs::symlink("/proc/self/mem", store.join("x")).unwrap(),
            Trouble::NoStore => fs::rename(&store, store.with_extension("gone")).unwrap(),
            _ => {}
        }
        let outcome = run_tuned(job, events, cancel, QUICK).await;
        match trouble {
            Trouble::Unreadable => fs::remove_file(store.join("x")).unwrap(),
            Trouble::NoStore => fs::rename(store.with_extension("gone"), &store).unwrap(),
            _ => {}
        }
        bench.assert_nothing_half_made();
        let after = [good(&local).await, good(&*memory).await];
        for (place, (before, after)) in ["local", "remote"].into_iter().zip(before.iter().zip(&after)) {
            let newest = before.last();
            let newer = after.last();
            // Without a local row the local copy may go once it arrived at every destination.
            let arrived = place == "local" && !with_local && outcome.rows.iter().all(|r| r.ok);
            assert!(
                newer >= newest || arrived,
                "{place}: {before:?} became {after:?} by {trouble:?}: {outcome:?}"
            );
        }
        if outcome.status == Status::Success {
            let name = copy_of(n);
            assert!(after[1].contains(&name), "{trouble:?}: success, and not there");
            assert_eq!(after[0].contains(&name), with_local, "{trouble:?}");
        }
        if !matches!(trouble, Trouble::PanicAt(_)) {
            assert_eq!(outcome.rows.len(), 1 + usize::from(with_local));
        }
        let foreign = fs::read_to_string(bench.folder().join("2026-01-01T00-00-00Z")).unwrap();
        assert_eq!(foreign, "a file of somebody");
    }
    // Once all is well again there are exactly as many as asked for.
    for n in 25..=28 {
        faulty.heal();
        let mut job = bench.job(&day(n));
        job.rows = vec![local_row(keep), remote_row("7", keep, faulty.clone())];
        assert_eq!(run(job).await.status, Status::Success);
    }
    assert_eq!(local_copies(&bench.archive_dir(), "nightly").unwrap().len(), keep as usize);
    assert_eq!(good(&*memory).await.len(), keep as usize);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_good_copy_is_never_deleted_whatever_fails(
        troubles in proptest::collection::vec(any_trouble(), 1..8), keep in 1u32..3, with_local: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(survives(troubles, keep, with_local));
    }
}
