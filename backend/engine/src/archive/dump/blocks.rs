//! Where statements and blocks end: where their content says so.
//!
//! A block is what becomes one gzip member. It begins with a statement of its own, and holds either small tables whole or one statement
//! of a large one. Its borders depend on the rows (and names) around them alone: a row that is added, removed or changed moves the
//! border beside it at most, and all blocks behind it come out byte for byte as in the dump before.

/// A statement does not end before it has so many bytes. A table whose rows come to as much has blocks of its own.
pub const LEAST: u64 = 768 << 10;
/// Bytes that follow on average until it ends; a power of two.
const SPREAD: u64 = 512 << 10;
/// It ends at the latest with the row that makes it as long: one in five does. Every buffer may grow to it; and it is far below the 16 MiB
/// that servers take by default, while larger statements restore no faster.
const MOST: u64 = 3 << 19;
/// What is hashed of a row: the primary key is in front in practice.
const KEY: usize = 48;

/// Small tables are gathered until a block has so many bytes …
const GATHERED: u64 = 256 << 10;
/// … and then until one out of so many names, …
const NAMES: u64 = 8;
/// … or until it has so many.
const GATHERED_MOST: u64 = 1 << 20;

/// Whether a statement of `bytes` ends with this row, which is among them.
pub fn ends_after(bytes: u64, row: &[u8]) -> bool {
    // The chance grows with the row, so that the mean is the same for rows of all lengths.
    let by_chance =
        || hash(&row[..row.len().min(KEY)]) >> (u64::BITS - SPREAD.trailing_zeros()) < row.len() as u64;
    bytes >= MOST || bytes >= LEAST && by_chance()
}

/// Whether a block of `bytes` ends before the table or object of this name.
pub fn ends_before(bytes: u64, name: &str) -> bool {
    bytes >= GATHERED_MOST || bytes >= GATHERED && hash(name.as_bytes()).is_multiple_of(NAMES)
}

/// Eight bytes at a time, mixed as in MurmurHash; fixed for ever, for it decides where blocks end.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 32)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(mix(hash, rest), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn statements(rows: &[String]) -> Vec<Vec<String>> {
        let (mut all, mut statement, mut bytes) = (Vec::new(), Vec::new(), 0);
        for row in rows {
            bytes += row.len() as u64 + 2;
            statement.push(row.clone());
            if ends_after(bytes, row.as_bytes()) {
                bytes = 0;
                all.push(std::mem::take(&mut statement));
            }
        }
        all.extend((!statement.is_empty()).then_some(statement));
        all
    }

    fn rows(count: u64, length: usize) -> Vec<String> {
        let text = "x".repeat(length);
        (0..count).map(|id| format!("({id},{},'{text}')", id * 7919)).collect()
    }

    #[rstest]
    #[case::short(30, 600_000)]
    #[case::medium(400, 80_000)]
    #[case::long(20_000, 2_000)]
    #[case::huge(250_000, 200)]
    fn statements_have_about_a_megabyte(#[case] length: usize, #[case] count: u64) {
        let rows = rows(count, length);
        let bytes: usize = rows.iter().map(|row| row.len() + 2).sum();
        let statements = statements(&rows);
        let mean = bytes / statements.len();
        assert!((700 << 10..1400 << 10).contains(&mean), "rows of {length} bytes make statements of {mean}");
        let (_, all_but_last) = statements.split_last().unwrap();
        for statement in all_but_last {
            let bytes: usize = statement.iter().map(|row| row.len() + 2).sum();
            let most = MOST as usize + length + 32;
            assert!((LEAST as usize..most).contains(&bytes), "a statement of {bytes} bytes");
        }
    }

    #[test]
    fn nothing_ends_too_early_or_too_late() {
        let rows = rows(10_000, 1000);
        let any = |bytes| rows.iter().any(|row| ends_after(bytes, row.as_bytes()));
        let all = |bytes| rows.iter().all(|row| ends_after(bytes, row.as_bytes()));
        assert!(!any(LEAST - 1) && any(LEAST) && !all(LEAST) && !all(MOST - 1) && all(MOST));
        let any = |bytes| (0..1000).any(|i| ends_before(bytes, &format!("table_{i}")));
        let all = |bytes| (0..1000).all(|i| ends_before(bytes, &format!("table_{i}")));
        assert!(!any(GATHERED - 1) && any(GATHERED) && !all(GATHERED_MOST - 1) && all(GATHERED_MOST));
    }

    /// Where blocks end must not depend on the version of the program: all copies would be read anew.
    #[test]
    fn the_hash_stays_as_it_is() {
        let hashes = ["", "a", "(1,77,0,2046,'a name')"].map(|text| hash(text.as_bytes()));
        assert_eq!(hashes, [0, 0x6924_3717_846f_fb12, 0x506a_3776_0cbb_3f62]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_change_stays_where_it_is(at in 0usize..40_000, removed in 0usize..50, added in 0usize..50) {
            let before = rows(40_000, 150);
            let mut after = before.clone();
            let new = (0..added).map(|i| format!("(1{at:08}{i:03},'{:y<90}')", ""));
            after.splice(at..(at + removed).min(before.len()), new);
            let (before, after) = (statements(&before), statements(&after));
            let kept = after.iter().filter(|statement| before.contains(statement)).count();
            // One is changed; borders are found again behind it, mostly at the next.
            prop_assert!(kept + 4 >= before.len(), "{} of {} statements are the same", kept, before.len());
        }

        #[test]
        fn a_small_table_that_grows_moves_borders_beside_it_alone(changed in 0usize..400, grown in 1u64..200_000) {
            let sizes: Vec<u64> = (0..400u64).map(|i| 2_000 + i * 7919 % 60_000).collect();
            let mut other = sizes.clone();
            other[changed] += grown;
            let blocks = |sizes: &[u64]| {
                let (mut blocks, mut first, mut bytes) = (Vec::new(), 0, 0);
                for (i, size) in sizes.iter().enumerate() {
                    if ends_before(bytes, &format!("catalog_table_{i}")) {
                        blocks.push(first..i);
                        (first, bytes) = (i, 0);
                    }
                    bytes += size;
                }
                blocks.push(first..sizes.len());
                blocks
            };
            let (before, after) = (blocks(&sizes), blocks(&other));
            let kept = after.iter().filter(|block| before.contains(block)).count();
            prop_assert!(kept + 6 >= before.len(), "{} of {} blocks are the same", kept, before.len());
        }
    }
}
