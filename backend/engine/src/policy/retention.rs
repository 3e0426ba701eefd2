//! Retention: which copies of one destination stay, and why.

use super::layout;

/// What a folder below a Set's folder is, as its manifest tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nature {
    /// Ours, and everything that was asked for is in it.
    Complete,
    /// Ours, from a pass that could not get everything.
    Partial,
    /// Not known to be ours: it has no manifest, or none of this Set's.
    Foreign,
}

/// One folder of a Set at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub name: String,
    pub nature: Nature,
    /// The copy that the running pass made.
    pub just_made: bool,
}

/// Why a copy stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The copy of this pass always stays.
    JustMade,
    /// Among the newest complete copies that are to be kept; 1 is the newest.
    Complete { rank: u32 },
    /// Among the newest partial copies; 1 is the newest. They take no place of a complete one.
    Partial { rank: u32 },
    /// Not ours, or its name is no timestamp: never touched.
    Foreign,
    /// As many newer complete copies as are to be kept exist.
    Superseded,
    /// As many newer partial copies as are to be kept exist.
    PartialSuperseded,
}

impl Reason {
    pub fn keeps(self) -> bool {
        !matches!(self, Reason::Superseded | Reason::PartialSuperseded)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub name: String,
    pub keep: bool,
    pub reason: Reason,
}

/// Judges every copy of a destination; the verdicts come in the order of `copies`.
///
/// The newest `keep` complete copies stay, and besides them at most `keep` partial ones; the copy just made stays even where its name is
/// not the newest (a clock that was set back). What is not ours stays. `keep` below 1 counts as 1: a sweep never leaves nothing.
pub fn sweep(copies: &[Copy], keep: u32) -> Vec<Verdict> {
    let keep = keep.max(1);
    let nature = |copy: &Copy| match layout::parse_copy_name(&copy.name) {
        Some(_) => copy.nature,
        None => Nature::Foreign,
    };
    let rank = |copy: &Copy| {
        let newer = |other: &&Copy| nature(other) == nature(copy) && other.name > copy.name;
        u32::try_from(copies.iter().filter(newer).count()).map_or(u32::MAX, |n| n.saturating_add(1))
    };
    let judge = |copy: &Copy| match (nature(copy), rank(copy)) {
        (Nature::Foreign, _) => Reason::Foreign,
        _ if copy.just_made => Reason::JustMade,
        (Nature::Complete, rank) if rank <= keep => Reason::Complete { rank },
        (Nature::Complete, _) => Reason::Superseded,
        (Nature::Partial, rank) if rank <= keep => Reason::Partial { rank },
        (Nature::Partial, _) => Reason::PartialSuperseded,
    };
    copies
        .iter()
        .map(|copy| {
            let reason = judge(copy);
            Verdict { name: copy.name.clone(), keep: reason.keeps(), reason }
        })
        .collect()
}

/// The names to delete, oldest first, so that a sweep that is cut short has removed the least valuable.
pub fn to_delete(verdicts: &[Verdict]) -> Vec<&str> {
    let mut names: Vec<_> = verdicts.iter().filter(|v| !v.keep).map(|v| v.name.as_str()).collect();
    names.sort_unstable();
    names
}
