//! An account at each kind of cloud for tests that are not written in Rust: prints where they are as one line of JSON, and ends when its
//! input does, with exit code 1 when a provider was spoken to in a way that the real one would not have taken.
//!
//! Everything in it is made up for this one run, the secrets too.

use engine::testing::clouds::Clouds;
use serde_json::{Map, Value};
use std::io::{Read, Write};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // The drivers' own set-up of TLS is the caller's everywhere.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clouds = Clouds::start().await?;
    let mut places = Map::new();
    for place in clouds.places() {
        let mut place = place.to_json()?;
        if let Some(kind) = place["kind"].as_str().map(str::to_owned) {
            place["bucket"] = clouds.amazon_s3.bucket().into();
            places.insert(kind, place);
        }
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}", Value::from(places))?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()))
        .await
        .map_err(std::io::Error::other)??;
    let violations = clouds.violations();
    drop(clouds);
    for violation in &violations {
        eprintln!("{violation}");
    }
    std::process::exit(i32::from(!violations.is_empty()))
}
