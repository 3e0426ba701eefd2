//! Every driver against its provider: a strict fake of it, or a real server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "not every driver needs all of the support")]

mod amazon_s3;
mod dropbox;
mod google_drive;
mod large;
mod one_drive;
mod support;

/// The promise is that a destination ends in its documented state whatever goes wrong; it is worth what is tried.
#[test]
fn at_least_120_things_that_go_wrong_are_tried() {
    let all = [
        ("amazon_s3", amazon_s3::SCENARIOS.len()),
        ("google_drive", google_drive::SCENARIOS.len()),
        ("one_drive", one_drive::SCENARIOS.len()),
        ("dropbox", dropbox::SCENARIOS.len()),
    ];
    let total: usize = all.iter().map(|(_, n)| n).sum();
    println!("{total} scenarios of destinations: {all:?}");
    assert!(total >= 120, "{total}");
}
