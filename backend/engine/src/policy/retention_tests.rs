use super::retention::*;
use proptest::prelude::*;
use rstest::rstest;
use std::collections::HashSet;

/// `C3` is a complete copy of day 3, `P` a partial one, `F` a foreign folder; `!` marks the one just made.
fn copies(spec: &str) -> Vec<Copy> {
    spec.split_whitespace()
        .map(|word| {
            let just_made = word.ends_with('!');
            let word = word.trim_end_matches('!');
            let nature = match &word[..1] {
                "C" => Nature::Complete,
                "P" => Nature::Partial,
                _ => Nature::Foreign,
            };
            let day: u32 = word[1..].parse().unwrap();
            Copy { name: format!("2026-11-{day:02}T02-30-00Z"), nature, just_made }
        })
        .collect()
}

fn deleted_days(spec: &str, keep: u32) -> Vec<u32> {
    to_delete(&sweep(&copies(spec), keep)).iter().map(|name| name[8..10].parse().unwrap()).collect()
}

#[rstest]
#[case("C1!", 1, &[])]
#[case("C1 C2!", 1, &[1])]
#[case("C1 C2 C3 C4!", 2, &[1, 2])]
#[case("C4! C2 C1 C3", 2, &[1, 2])]
#[case("C1 C2 C3!", 5, &[])]
#[case("C1 C2!", 0, &[1])]
// A partial copy takes no place of a complete one, and complete ones none of the partial ones.
#[case("C1 P2!", 1, &[])]
#[case("C1 P2 P3 P4!", 1, &[2, 3])]
#[case("C1 P2 C3!", 1, &[1])]
#[case("P1 P2 P3!", 2, &[1])]
#[case("C1 C2 P3 P4 P5!", 2, &[3])]
// Foreign folders stay and count for nothing.
#[case("F1 C2 F3 C4!", 1, &[2])]
#[case("F1 F2 F3", 1, &[])]
// The clock was set back: the copy just made has the oldest name, and stays beside the newest.
#[case("C5! C8 C9", 1, &[8])]
#[case("C5! C8 C9", 2, &[])]
#[case("P5! P8 C9", 1, &[])]
#[case("", 3, &[])]
fn a_sweep_keeps_the_newest(#[case] spec: &str, #[case] keep: u32, #[case] deleted: &[u32]) {
    assert_eq!(deleted_days(spec, keep), deleted);
}

#[test]
fn every_copy_gets_a_verdict_with_its_reason() {
    let reasons: Vec<_> =
        sweep(&copies("C1 F2 P3 P4 C5 C6!"), 1).into_iter().map(|v| (v.keep, v.reason)).collect();
    assert_eq!(
        reasons,
        [
            (false, Reason::Superseded),
            (true, Reason::Foreign),
            (false, Reason::PartialSuperseded),
            (true, Reason::Partial { rank: 1 }),
            (false, Reason::Superseded),
            (true, Reason::JustMade),
        ]
    );
}

#[rstest]
#[case("latest")]
#[case("2026-11-22T02-30-00Z.partial")]
#[case("2026-11-22")]
fn a_folder_whose_name_is_no_timestamp_is_never_deleted(#[case] name: &str) {
    let mut all = copies("C1 C2 C3!");
    all.push(Copy { name: name.into(), nature: Nature::Complete, just_made: false });
    let verdict = sweep(&all, 1).pop().unwrap();
    assert_eq!((verdict.keep, verdict.reason), (true, Reason::Foreign));
}

prop_compose! {
    fn any_copies()(
        days in proptest::collection::btree_map(1u32..29, 0u8..3, 0..20),
        made in proptest::option::of(any::<proptest::sample::Index>()),
    ) -> Vec<Copy> {
        let mut all: Vec<_> = days
            .into_iter()
            .map(|(day, nature)| Copy {
                name: format!("2026-11-{day:02}T02-30-00Z"),
                nature: [Nature::Complete, Nature::Partial, Nature::Foreign][nature as usize],
                just_made: false,
            })
            .collect();
        if let (Some(index), false) = (made, all.is_empty()) {
            let copy = index.get(&all).name.clone();
            for c in &mut all {
                c.just_made = c.name == copy;
            }
        }
        all
    }
}

fn after(all: &[Copy], keep: u32) -> Vec<Copy> {
    let gone: HashSet<String> = to_delete(&sweep(all, keep)).into_iter().map(Into::into).collect();
    all.iter().filter(|c| !gone.contains(&c.name)).cloned().collect()
}

fn of(all: &[Copy], nature: Nature) -> Vec<String> {
    let mut names: Vec<_> = all.iter().filter(|c| c.nature == nature).map(|c| c.name.clone()).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    names
}

proptest! {
    #[test]
    fn the_newest_complete_copies_the_one_just_made_and_everything_foreign_survive(
        all in any_copies(), keep in 0u32..6,
    ) {
        let left = after(&all, keep);
        let wanted = keep.max(1) as usize;
        let complete = of(&all, Nature::Complete);
        let newest: Vec<_> = complete.iter().take(wanted).cloned().collect();
        prop_assert_eq!(&of(&left, Nature::Complete)[..newest.len()], &newest[..]);
        prop_assert_eq!(of(&left, Nature::Foreign), of(&all, Nature::Foreign));
        for copy in all.iter().filter(|c| c.just_made) {
            prop_assert!(left.contains(copy));
        }
    }

    #[test]
    fn no_more_than_asked_for_stay_of_each_kind_but_for_the_one_just_made(
        all in any_copies(), keep in 0u32..6,
    ) {
        let left = after(&all, keep);
        for nature in [Nature::Complete, Nature::Partial] {
            let others = left.iter().filter(|c| c.nature == nature && !c.just_made).count();
            prop_assert!(others <= keep.max(1) as usize);
        }
    }

    #[test]
    fn a_second_sweep_finds_nothing_and_the_order_does_not_matter(
        all in any_copies().prop_shuffle(), keep in 0u32..6,
    ) {
        let left = after(&all, keep);
        prop_assert_eq!(after(&left, keep), left.clone());
        let mut sorted = all;
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let mut left = left;
        left.sort_by(|a, b| a.name.cmp(&b.name));
        prop_assert_eq!(after(&sorted, keep), left);
    }
}
