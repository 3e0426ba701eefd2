use super::support::*;
use crate::archive::reuse::{Head, read_index};
use crate::pipeline::{Job, Outcome, Status};
use std::fs;

/// Later than any file here was changed.
fn hour(n: u32) -> String {
    format!("2999-01-01T{n:02}:00:00Z")
}

fn head(bench: &Bench, outcome: &Outcome) -> Head {
    let dir = bench.archive_dir().join(outcome.copy_path.as_ref().unwrap());
    read_index(&dir, &outcome.archives).unwrap().0
}

#[tokio::test]
async fn passes_copy_from_the_one_before_until_it_is_time_to_make_everything_anew() {
    let bench = Bench::new();
    let mut generations = Vec::new();
    let mut archives = Vec::new();
    for n in 0..6 {
        let outcome = run(Job { reuse_limit: 3, ..bench.job(&hour(n)) }).await;
        assert_eq!(outcome.status, Status::Success);
        generations.push(head(&bench, &outcome).generation);
        let copied = outcome.rows[0].message.contains("copied from it");
        assert_eq!(copied, generations[n as usize] > 0, "{}", outcome.rows[0].message);
        archives.push(outcome.archives[0].sha256.clone());
    }
    assert_eq!(generations, [0, 1, 2, 3, 0, 1]);
    archives.dedup();
    assert_eq!(archives.len(), 1, "nothing changed");
}

#[tokio::test]
async fn a_set_that_wants_everything_read_never_copies() {
    let bench = Bench::new();
    for n in 0..3 {
        let outcome = run(Job { reuse_limit: 0, ..bench.job(&hour(n)) }).await;
        assert_eq!(head(&bench, &outcome).generation, 0);
    }
}

/// Whatever is wrong with the newest copy, an older one serves, or none.
#[tokio::test]
async fn without_a_usable_index_everything_is_made_anew() {
    let bench = Bench::new();
    let index = |outcome: &Outcome| {
        bench.archive_dir().join(outcome.copy_path.as_ref().unwrap()).join("files/files.index")
    };
    let first = run(bench.job(&hour(0))).await;
    let second = run(bench.job(&hour(1))).await;
    fs::write(index(&second), "damaged").unwrap();
    let third = run(bench.job(&hour(2))).await;
    assert_eq!(head(&bench, &third).generation, 1, "from the first");
    for outcome in [&first, &third] {
        fs::remove_file(index(outcome)).unwrap();
    }
    let fourth = run(bench.job(&hour(3))).await;
    assert_eq!((fourth.status, head(&bench, &fourth).generation), (Status::Success, 0));
}

#[tokio::test]
async fn the_sweep_takes_the_index_with_its_archive() {
    let bench = Bench::new();
    let job = |n| Job { rows: vec![local_row(1)], ..bench.job(&hour(n)) };
    run(job(0)).await;
    let second = run(job(1)).await;
    assert_eq!(bench.copies().len(), 1, "nothing of the first is left");
    assert_eq!(head(&bench, &second).generation, 1);
}
