//! What two archives have in common, byte for byte.

use super::Member;

/// Bytes of an archive that an earlier one holds as well. Places count over the parts joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EqualRange {
    /// Where it begins in the new archive.
    pub at: u64,
    /// Where it begins in the earlier one.
    pub from: u64,
    pub length: u64,
}

/// The ranges of an archive that an earlier one holds, as their indexes tell: in the order of `at`, apart from each other, those that lie
/// side by side in both archives in one. The members come as [`super::read_index`] gives them.
pub fn equal_ranges(earlier: &[Member], new: &[Member]) -> Vec<EqualRange> {
    let mut by_check: Vec<u32> = (0u32..).zip(earlier).map(|(place, _)| place).collect();
    by_check.sort_unstable_by(|a, b| earlier[*a as usize].check.cmp(&earlier[*b as usize].check));
    let search = |member: &Member| {
        let found = by_check.binary_search_by(|at| earlier[*at as usize].check.cmp(&member.check)).ok()?;
        Some(by_check[found] as usize)
    };
    let mut ranges: Vec<EqualRange> = Vec::new();
    // What follows the last match comes first: content that occurs many times shall not tear a long range.
    let mut next = 0;
    for member in new.iter().filter(|member| member.length > 0) {
        let is_same = |place: &usize| {
            earlier.get(*place).is_some_and(|m| m.check == member.check && m.length == member.length)
        };
        let Some(place) = Some(next).filter(is_same).or_else(|| search(member).filter(is_same)) else {
            continue;
        };
        next = place + 1;
        let (at, from, length) = (member.offset, earlier[place].offset, member.length);
        match ranges.last_mut() {
            Some(last) if last.at + last.length == at && last.from + last.length == from => {
                last.length += length
            }
            _ => ranges.push(EqualRange { at, from, length }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// A member of so many bytes for each letter: those with the same letter are the same.
    fn members(letters: &str) -> Vec<Member> {
        let mut offset = 0;
        letters
            .bytes()
            .map(|letter| {
                let length = u64::from(letter % 7) * 3;
                let member =
                    Member { fingerprint: None, content: [0; 32], check: [letter; 32], offset, length };
                offset += length;
                member
            })
            .collect()
    }

    fn bytes(letters: &str) -> Vec<u8> {
        members(letters).iter().flat_map(|m| vec![m.check[0]; m.length as usize]).collect()
    }

    /// `a`: 18 bytes, `b`: 0, `c`: 3, `d`: 6, `e`: 9, `f`: 12, `g`: 15.
    #[rstest]
    #[case("", "acd", &[])]
    #[case("acd", "", &[])]
    #[case("acd", "acd", &[(0, 0, 27)])]
    #[case("acd", "aed", &[(0, 0, 18), (27, 21, 6)])]
    #[case("acd", "eacd", &[(9, 0, 27)])]
    #[case("eacd", "acd", &[(0, 9, 27)])]
    #[case("acde", "aced", &[(0, 0, 21), (21, 27, 9), (30, 21, 6)])]
    #[case("acd", "abcbd", &[(0, 0, 27)])]
    #[case("cdcfcg", "cdcfcg", &[(0, 0, 42)])]
    #[case("aaa", "aaaaa", &[(0, 0, 54), (54, 0, 36)])]
    #[case("fg", "acd", &[])]
    fn what_is_the_same_is_found(
        #[case] earlier: &str,
        #[case] new: &str,
        #[case] expected: &[(u64, u64, u64)],
    ) {
        let found = equal_ranges(&members(earlier), &members(new));
        let found: Vec<_> = found.iter().map(|r| (r.at, r.from, r.length)).collect();
        if earlier == "aaa" {
            // Which of several that are the same is taken, does not matter.
            assert_eq!(found.iter().map(|(_, _, length)| length).sum::<u64>(), 90);
            return;
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn a_hash_alone_makes_no_member_the_same() {
        let (earlier, mut new) = (members("ac"), members("ac"));
        new[0].length = 17;
        new[1].offset = 17;
        assert_eq!(equal_ranges(&earlier, &new), [EqualRange { at: 17, from: 18, length: 3 }]);
    }

    proptest! {
        #[test]
        fn ranges_are_apart_in_order_and_the_same_on_both_sides(earlier in "[a-h]{0,40}", new in "[a-h]{0,40}") {
            let (old_bytes, new_bytes) = (bytes(&earlier), bytes(&new));
            let ranges = equal_ranges(&members(&earlier), &members(&new));
            let mut end = 0;
            for EqualRange { at, from, length } in &ranges {
                prop_assert!(*at >= end && *length > 0);
                end = at + length;
                let of = |bytes: &[u8], from: u64| bytes[from as usize..(from + length) as usize].to_vec();
                prop_assert_eq!(of(&new_bytes, *at), of(&old_bytes, *from));
            }
            // Nothing is missed: what a member of the earlier archive holds is found.
            let held: u64 = members(&new).iter().filter(|m| earlier.contains(m.check[0] as char)).map(|m| m.length).sum();
            prop_assert_eq!(ranges.iter().map(|r| r.length).sum::<u64>(), held);
            // And nothing is left to be joined.
            prop_assert!(ranges.windows(2).all(|w| w[0].at + w[0].length != w[1].at || w[0].from + w[0].length != w[1].from));
        }
    }
}
