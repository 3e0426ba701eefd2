use super::super::archives::{assert_intact, copy_of};
use super::{World, link, results};
use crate::Api;
use crate::secrets::assert_nowhere;
use engine::storage::StorageKind;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_set_with_five_destinations_is_there_five_times_byte_for_byte_and_tells_no_secret() {
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let setup = world
        .setup(dir.path())
        .set("STOREKEEP_PART_SIZE", &(1024 * 1024).to_string())
        .set("STOREKEEP_LOG", "debug");
    let server = setup.start();
    let api = Api::set_up(&server);
    let storages = world.storages(&api);
    let tested: Vec<String> = storages
        .iter()
        .map(|(kind, id)| {
            let path = json!({ "path": world.path(*kind) });
            let report = api.post(&format!("/storages/{id}/test"), path).expect(200);
            assert_eq!(report["ok"], true, "{kind:?}: {report:#}");
            report.to_string()
        })
        .collect();
    let set = api.create_set("five", json!({ "storages": world.rows(&storages, 3) }));
    let log = api.run_well(set);
    assert_eq!(results(&log).len(), 5, "{log:#}");

    let files = log["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"files/files.tgz.005") && names.contains(&"db/db.sql.gz"), "{names:?}");
    let copy = copy_of(&server.archives(), &log);
    assert_intact(&copy);
    let copy_path = log["copy_path"].as_str().unwrap();
    for (kind, _) in &storages {
        let storage = world.storage(*kind);
        let listed = world.listed(*kind);
        assert_eq!(listed.len(), files.len() + 1, "{kind:?}: {listed:?}");
        for file in files {
            let key = format!("{copy_path}/{}", file["name"].as_str().unwrap());
            let (size, sha256) = world.download(&storage, &key);
            assert_eq!(Some(size), file["size_bytes"].as_u64(), "{kind:?} {key}");
            assert_eq!(Some(sha256.as_str()), file["sha256"].as_str(), "{kind:?} {key}");
            assert_eq!(size, fs::metadata(copy.join(file["name"].as_str().unwrap())).unwrap().len());
        }
        assert!(listed.contains_key(&format!("{copy_path}/manifest.json")), "{kind:?}: {listed:?}");
    }
    world.assert_no_sessions();

    // What goes wrong is where secrets slip out: grants that are gone, at each provider and in the middle of everything.
    world.clouds.one_drive.revoke_refresh();
    world.clouds.one_drive.expire_access();
    let log = api.run(set);
    let found = results(&log);
    assert_eq!(found["one_drive"].0, "failed", "{log:#}");
    for fine in ["local", "amazon_s3", "google_drive", "dropbox"] {
        assert_eq!(found[fine].0, "success", "{log:#}");
    }
    assert_eq!(log["overall_status"], "failed");
    let one_drive = storages.iter().find(|(kind, _)| *kind == StorageKind::OneDrive).unwrap().1;
    let storage = api.get(&format!("/storages/{one_drive}")).expect(200);
    assert_eq!(storage["state"], "needs_relink", "{storage:#}");
    assert!(storage["oauth_error_notify_mess"].as_str().is_some_and(|text| !text.is_empty()), "{storage:#}");
    let open = |api: &Api| {
        let inbox = api.get("/notifications").expect(200);
        // That the passes failed is a matter of its own.
        let of_storage = |n: &&Value| !n["title"].as_str().unwrap().starts_with("Backup failed");
        let open = inbox["items"].as_array().unwrap().iter().filter(|n| n["dismissed_at"].is_null());
        open.filter(of_storage).count()
    };
    assert_eq!(open(&api), 1);
    api.run(set);
    assert_eq!(open(&api), 1, "told once");
    // Linking again mends it, and the next pass clears the message.
    link(&api, one_drive);
    api.run_well(set);
    let storage = api.get(&format!("/storages/{one_drive}")).expect(200);
    assert_eq!((&storage["state"], &storage["oauth_error_notify_mess"]), (&json!("ready"), &json!(null)));
    assert_eq!(open(&api), 0);

    let answers = format!(
        "{:#}{:#}{:#}{:#}{tested:?}",
        api.get("/storages").expect(200),
        api.get("/logs").expect(200),
        api.get("/notifications").expect(200),
        log
    );
    assert!(server.terminate().success());
    world.assert_clean();
    assert_nowhere(&world.clouds.secrets(), dir.path(), vec![("answers".into(), answers.into_bytes())]);
}
