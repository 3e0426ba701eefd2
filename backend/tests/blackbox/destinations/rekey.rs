use super::{World, link, results};
use crate::Api;
use base64::Engine;
use engine::storage::StorageKind;
use serde_json::json;

#[test]
fn with_another_key_every_storage_asks_to_be_linked_again_and_then_works() {
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let setup = world.setup(dir.path());
    let server = setup.start();
    let api = Api::set_up(&server);
    let storages = world.storages(&api);
    let small = ["vendor", "generated", "pub", "var", "lib", "setup", "dev"];
    let change = json!({
        "backup_types": ["files"], "exclude_directories": small, "storages": world.rows(&storages, 2),
    });
    let set = api.create_set("rekey", change);
    api.run_well(set);
    assert!(server.terminate().success());

    let other = base64::engine::general_purpose::STANDARD.encode([7u8; 32]);
    let setup = setup.set("STOREKEEP_ENCRYPTION_KEY", &other);
    let server = setup.start();
    let api = Api::sign_in(&server);
    for (kind, id) in &storages {
        let storage = api.get(&format!("/storages/{id}")).expect(200);
        assert_eq!(storage["state"], "credentials_unreadable", "{kind:?}: {storage:#}");
        let report = api.post(&format!("/storages/{id}/test"), json!({})).expect(200);
        assert_eq!(report["ok"], false, "{report:#}");
    }
    let log = api.run(set);
    assert_eq!(log["overall_status"], "failed");
    for (kind, (status, message)) in results(&log) {
        if kind == "local" {
            assert_eq!(status, "success");
        } else {
            assert_eq!(status, "failed", "{kind}");
            let remedy = if kind == "amazon_s3" { "again" } else { "link" };
            assert!(message.contains(&format!("'At {kind}'")) && message.contains(remedy), "{message}");
        }
    }

    // New secrets can be saved, accounts linked again, and all is well.
    for place in world.clouds.places() {
        let id = storages.iter().find(|(kind, _)| *kind == place.kind).unwrap().1;
        let mut input = api.get(&format!("/storages/{id}")).expect(200);
        let fields = ["enabled", "title", "type", "client_id", "region", "endpoint", "path_style"];
        input.as_object_mut().unwrap().retain(|name, _| fields.contains(&name.as_str()));
        input["client_secret"] = place.app.client_secret.expose().into();
        api.call("PUT", &format!("/api/v1/storages/{id}"), Some(input)).expect(200);
        if place.kind != StorageKind::AmazonS3 {
            link(&api, id);
        }
    }
    api.run_well(set);
    assert!(server.terminate().success());
    world.assert_clean();
}
