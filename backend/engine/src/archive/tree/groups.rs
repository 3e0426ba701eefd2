//! Where the sorted entries are cut into groups: each becomes one gzip member.

use super::header::BLOCK;

/// Files above are no part of a group: they are cut into chunks.
pub(super) const LARGE: u64 = 4 << 20;
/// Bytes of a large file per member.
pub(super) const CHUNK: u64 = 1 << 20;
/// A group is cut at the latest before it grows beyond.
pub(super) const MOST: u64 = 4 << 20;
/// A group is not cut before it has so many bytes, except by [`MOST`] and heavy entries.
const LEAST: u64 = 128 << 10;
/// Bytes that follow on average until the cut.
const SPREAD: u64 = 128 << 10;
/// A heavier entry ends its group, and begins one unless little stands before it. Few files (1 in 100) hold a third of a store's code and
/// more of everything else: they need not be made anew with the small ones around them.
const HEAVY: u64 = 48 << 10;

/// Decides after which entry a group ends.
///
/// Heavy entries have groups of their own. For the others, from [`LEAST`] on, the hash of an entry's path decides, with a chance that grows
/// with the entry's size. Boundaries thus depend on the entries around them alone: after a change they are found again at the next cut, and
/// untouched groups come out byte for byte as in the copy before.
///
/// Half the size would make 1 % of changes 15 % cheaper, and the archive 0.3 % larger.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    bytes: u64,
}

impl Cutter {
    /// Whether the group is to end before an entry of this weight (bytes with headers).
    pub(super) fn before(&mut self, weight: u64) -> bool {
        let too_large = self.bytes > 0 && self.bytes + weight > MOST;
        let ends = too_large || (self.bytes > HEAVY && weight > HEAVY);
        if ends {
            self.bytes = 0;
        }
        ends
    }

    /// Whether the group ends after this entry.
    pub(super) fn after(&mut self, path: &[u8], weight: u64) -> bool {
        self.bytes += weight;
        let chance = || u128::from(hash(path)) < (u128::from(weight) << 64) / u128::from(SPREAD);
        let cut = weight > HEAVY || (self.bytes >= LEAST && chance());
        if cut {
            self.bytes = 0;
        }
        cut
    }

    /// A group ended for another reason.
    pub(super) fn reset(&mut self) {
        self.bytes = 0;
    }
}

/// Bytes an entry takes up.
pub(super) fn weight(path: &[u8], size: u64) -> u64 {
    let long_name = if path.len() > 100 { 2 * BLOCK as u64 } else { 0 };
    BLOCK as u64 + long_name + size.next_multiple_of(BLOCK as u64)
}

/// FNV-1a with a final mix; fixed for ever, for it decides where groups end.
fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths after which a group ends.
    fn cuts(paths: &[String], size: u64) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut cuts = Vec::new();
        let mut last: Option<&String> = None;
        for path in paths {
            let weight = weight(path.as_bytes(), size);
            if cutter.before(weight) {
                cuts.extend(last.cloned());
            }
            if cutter.after(path.as_bytes(), weight) {
                cuts.push(path.clone());
            }
            last = Some(path);
        }
        cuts
    }

    fn paths(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("vendor/package-{}/src/File{i:06}.php", i / 50)).collect()
    }

    #[test]
    fn groups_have_about_a_quarter_of_a_megabyte() {
        for size in [100, 4000, 40_000] {
            let paths = paths(20_000);
            let bytes = weight(paths[0].as_bytes(), size) * paths.len() as u64;
            let mean = bytes / cuts(&paths, size).len() as u64;
            assert!((200 << 10..350 << 10).contains(&mean), "files of {size} bytes make groups of {mean}");
        }
    }

    #[test]
    fn heavy_files_are_not_made_anew_with_those_around_them() {
        let paths = paths(1000);
        assert_eq!(cuts(&paths, HEAVY), paths);
        let mut cutter = Cutter::default();
        assert!(!cutter.before(4000) && !cutter.after(b"little", 4000));
        assert!(!cutter.before(HEAVY + 1), "little stands before it");
        assert!(cutter.after(b"heavy", HEAVY + 1));
        while cutter.bytes <= HEAVY {
            cutter.after(b"more", 4000);
        }
        assert!(cutter.before(HEAVY + 1));
    }

    #[test]
    fn after_a_change_the_same_boundaries_are_found_again() {
        let before = paths(20_000);
        let mut after = before.clone();
        after.insert(5000, "vendor/package-99/src/File004999-new.php".into());
        after.remove(10_000);
        let (before, after) = (cuts(&before, 4000), cuts(&after, 4000));
        let kept = after.iter().filter(|cut| before.contains(cut)).count();
        assert!(kept + 8 >= before.len(), "{kept} of {} boundaries were found again", before.len());
    }

    #[test]
    fn no_group_grows_beyond_the_cap() {
        let mut cutter = Cutter::default();
        let mut group = 0;
        for i in 0..50_000u64 {
            let path = format!("f{i}");
            let weight = weight(path.as_bytes(), i.wrapping_mul(7919) % LARGE);
            if cutter.before(weight) {
                group = 0;
            }
            group += weight;
            assert!(group <= MOST + BLOCK as u64 * 4);
            if cutter.after(path.as_bytes(), weight) {
                group = 0;
            }
        }
    }
}
