use super::{World, results};
use crate::Api;
use serde_json::json;
use std::net::TcpListener;

/// Six tries, with the longest waits between them, and a machine that has other things to do.
const BOUND_SEC: f64 = 62.0 + 30.0;

#[test]
fn a_destination_that_nobody_answers_at_fails_with_its_reason_and_delays_no_other() {
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let server = world.setup(dir.path()).start();
    let api = Api::set_up(&server);
    let mut rows = world.rows(&world.storages(&api), 2);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = json!({
        "title": "Gone", "type": "amazon_s3", "client_id": "AKIAGONE", "client_secret": "secret-of-the-dead",
        "endpoint": format!("http://{nobody}"), "path_style": true,
    });
    let dead = api.post("/storages", dead).expect(201)["id"].as_i64().unwrap();
    let row = json!({ "storage_id": dead, "enabled": true, "keep_copies": 1, "path": "some-bucket" });
    // Second after the local row: nobody may wait for it.
    rows.as_array_mut().unwrap().insert(1, row);
    let small = ["vendor", "generated", "pub", "var", "lib", "setup", "dev"];
    let change = json!({ "backup_types": ["files"], "exclude_directories": small, "storages": rows });
    let set = api.create_set("dead", change);
    let log = api.run(set);
    assert_eq!(log["overall_status"], "failed");
    let rows = log["storages"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "{log:#}");
    for row in rows {
        let dead = row["title"] == "Gone";
        assert_eq!(row["status"], if dead { "failed" } else { "success" }, "{row:#}");
        let seconds = row["seconds"].as_f64().unwrap();
        assert!(seconds < if dead { BOUND_SEC } else { 15.0 }, "{row:#}");
    }
    let message = &results(&log)["amazon_s3"].1;
    assert!(log["error_message"].is_null(), "{log:#}");
    let message = rows
        .iter()
        .find(|row| row["title"] == "Gone")
        .map_or(message.as_str(), |r| r["message"].as_str().unwrap());
    assert!(message.contains(&nobody.to_string()) && message.contains("refused"), "{message}");
    assert!(server.terminate().success());
    world.assert_clean();
}
