use super::kill::{half_made, throttle, until_sealed};
use super::{Slow, World, small_set};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::time::{Duration, Instant};

/// Slow enough to be cancelled in the middle.
const BYTES_PER_SEC: u64 = 110_000;

#[test]
fn uploads_to_every_destination_end_within_seconds_and_leave_nothing() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::start();
    let dir = tempfile::tempdir().unwrap();
    let Slow { server, api, storages, .. } = world.slow(dir.path(), BYTES_PER_SEC);
    let set = api.create_set("cancelled", small_set(&world, &storages, 9, &json!({})));
    let mut slowest = Duration::ZERO;
    for round in 0..5 {
        let before = super::super::archives::copies(&server.archives(), "cancelled").0;
        let log = api.start(set);
        until_sealed(&server, "cancelled", &before);
        std::thread::sleep(Duration::from_millis(random.random_range(100..2500)));
        let began = Instant::now();
        let ended = api.post(&format!("/logs/{log}/cancel?wait=30"), json!({})).expect(200);
        slowest = slowest.max(began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(5), "round {round}: {:?}", began.elapsed());
        let message = ended["error_message"].as_str().unwrap_or_default();
        assert!(message.starts_with("The pass was cancelled by"), "round {round}: {ended:#}");
        assert_eq!(ended["overall_status"], "failed");
        // At once: nobody has to tidy up later.
        let left: Vec<String> = storages.iter().filter_map(|(kind, _)| half_made(&world, *kind)).collect();
        assert_eq!(left, Vec::<String>::new(), "round {round}");
        world.assert_no_sessions();
    }
    println!("the slowest of 5 took {slowest:?}");
    for (_, id) in &storages {
        throttle(&api, *id, 100 << 20);
    }
    // What was cancelled can still be had: its archives are kept.
    let last = api.get("/logs?sort=-id&per_page=1").expect(200)["items"][0].clone();
    assert_eq!(last["retryable"], true, "{last:#}");
    let id = last["id"].as_i64().unwrap();
    let again = api.post(&format!("/logs/{id}/retry?wait=120"), json!({})).expect(200);
    assert_eq!(again["overall_status"], "success", "{again:#}");
    assert!(server.terminate().success());
    world.assert_clean();
}
