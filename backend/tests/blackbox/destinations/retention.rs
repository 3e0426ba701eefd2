use super::super::archives::{assert_intact, copies};
use super::World;
use crate::Api;
use bytes::Bytes;
use engine::storage::{BytesBody, StorageKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

const PASSES: usize = 10;
const KEPT: u32 = 3;

#[test]
fn three_of_ten_copies_stay_at_every_destination_and_what_is_not_ours_is_left_alone() {
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let server = world.setup(dir.path()).start();
    let api = Api::set_up(&server);
    let storages = world.storages(&api);

    // Lies about in the Set's folder: files of somebody else, with a name like a copy's too, and a copy of ours that has no manifest.
    let foreign = ["kept/notes.txt", "kept/2021-01-01T00-00-00Z/theirs.txt"];
    let half_made = "kept/2022-02-02T00-00-00Z/files/files.tgz";
    for (kind, _) in &storages {
        for path in foreign {
            let full = format!("{}/{path}", super::FOLDER);
            match kind {
                StorageKind::GoogleDrive => world.clouds.google_drive.human_puts(&full, b"theirs"),
                StorageKind::OneDrive => world.clouds.one_drive.put_foreign(&full, b"theirs"),
                StorageKind::Dropbox => world.clouds.dropbox.put_foreign(&format!("/{full}"), b"theirs"),
                // It does not tell who put what.
                _ => put(&world, *kind, path),
            }
        }
        put(&world, *kind, half_made);
    }
    for path in foreign.iter().chain([&half_made]) {
        let path = server.archives().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "theirs").unwrap();
    }

    let small = ["vendor", "generated", "pub", "var", "lib", "setup", "dev"];
    let change = json!({
        "folder_name": "kept", "backup_types": ["files"], "exclude_directories": small,
        "storages": world.rows(&storages, KEPT),
    });
    let set = api.create_set("kept", change);
    let logs: Vec<Value> = (0..PASSES).map(|_| api.run_well(set)).collect();
    let newest: BTreeSet<&str> =
        logs[PASSES - KEPT as usize..].iter().map(|log| log["copy_path"].as_str().unwrap()).collect();
    assert_eq!(newest.len(), KEPT as usize, "every pass has a copy of its own");

    for (kind, _) in &storages {
        let storage = world.storage(*kind);
        let listed = world.listed(*kind);
        let expected: BTreeSet<String> = newest
            .iter()
            .flat_map(|copy| ["files/files.tgz", "manifest.json"].map(|name| format!("{copy}/{name}")))
            .collect();
        let ours: BTreeSet<String> = listed
            .keys()
            .filter(|key| !foreign.contains(&key.as_str()) && key.as_str() != half_made)
            .cloned()
            .collect();
        assert_eq!(ours, expected, "{kind:?}");
        assert!(listed.contains_key(half_made), "{kind:?}: {listed:?}");
        for log in &logs[PASSES - KEPT as usize..] {
            let file = &log["files"][0];
            let key = format!("{}/{}", log["copy_path"].as_str().unwrap(), file["name"].as_str().unwrap());
            let (size, sha256) = world.download(&storage, &key);
            assert_eq!(Some(size), file["size_bytes"].as_u64());
            assert_eq!(file["sha256"], sha256, "{kind:?} {key}");
        }
    }
    let listed = world.listed(StorageKind::AmazonS3);
    assert!(foreign.iter().all(|path| listed.contains_key(*path)), "{listed:?}");
    let full = |path: &str| format!("{}/{path}", super::FOLDER);
    assert_eq!(world.clouds.google_drive.foreign_lost(), Vec::<String>::new());
    for path in foreign {
        assert_eq!(world.clouds.one_drive.read(&full(path)).as_deref(), Some(&b"theirs"[..]), "{path}");
        let files = world.clouds.dropbox.files();
        let kept = files.get(&format!("/{}", full(path))).and_then(|blob| blob.bytes());
        assert_eq!(kept, Some(&b"theirs"[..]), "{path}");
    }

    // The local row by the same rules.
    let (local, partial) = copies(&server.archives(), "kept");
    assert_eq!(partial, Vec::<std::path::PathBuf>::new());
    let kept: Vec<_> = local.iter().filter(|path| path.join("manifest.json").exists()).collect();
    let expected: Vec<_> = newest.iter().map(|copy| server.archives().join(copy)).collect();
    assert_eq!(kept, expected.iter().collect::<Vec<_>>());
    kept.iter().for_each(|copy| assert_intact(copy));
    for path in foreign.iter().chain([&half_made]) {
        assert!(server.archives().join(path).exists(), "{path}");
    }
    world.assert_no_sessions();
    assert!(server.terminate().success());
    world.assert_clean();
}

fn put(world: &World, kind: StorageKind, key: &str) {
    let body = BytesBody(Bytes::from_static(b"theirs"));
    world.wait(world.storage(kind).put(key, &body)).unwrap();
}
