//! Which bytes of an object need not be sent.

use std::ops::Range;
use std::sync::Arc;

/// Bytes of a body that an object of the same destination is expected to hold as well: it may be made of them there instead of being sent.
///
/// It is advice. Whoever follows it compares what it came to with the body, and sends what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Where they begin in the body.
    pub at: u64,
    pub length: u64,
    /// The object that holds them, as [`super::Storage`] calls it.
    pub key: Arc<str>,
    /// Where they begin in it.
    pub from: u64,
}

/// Bytes of a body that are not sent, since the destination has them: ranges in order, apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct There(Vec<Range<u64>>);

impl There {
    /// The first so many bytes.
    pub fn first(bytes: u64) -> There {
        There::ranges(std::iter::once(0..bytes))
    }

    /// Any ranges, in any order.
    pub fn ranges(ranges: impl IntoIterator<Item = Range<u64>>) -> There {
        let mut all: Vec<Range<u64>> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        all.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::with_capacity(all.len());
        for range in all {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        There(joined)
    }

    /// These and others.
    #[must_use]
    pub fn and(&self, others: impl IntoIterator<Item = Range<u64>>) -> There {
        There::ranges(self.0.iter().cloned().chain(others))
    }

    /// How many there are.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// Whether the destination has the byte at `offset`, and how many bytes from there on the same holds for.
    pub fn run(&self, offset: u64) -> (bool, u64) {
        let next = self.0.partition_point(|range| range.end <= offset);
        match self.0.get(next) {
            Some(range) if range.start <= offset => (true, range.end - offset),
            Some(range) => (false, range.start - offset),
            None => (false, u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, (false, 5))]
    #[case(4, (false, 1))]
    #[case(5, (true, 10))]
    #[case(14, (true, 1))]
    #[case(15, (false, 5))]
    #[case(20, (true, 1))]
    #[case(21, (false, u64::MAX))]
    fn a_run_ends_where_something_else_begins(#[case] offset: u64, #[case] expected: (bool, u64)) {
        assert_eq!(There::ranges([20..21, 5..10, 10..15, 7..9]).run(offset), expected);
        assert_eq!(There::first(0), There::default());
    }

    proptest! {
        #[test]
        fn runs_say_of_every_byte_what_the_ranges_say(
            ranges in prop::collection::vec((0u64..60, 0u64..20).prop_map(|(from, length)| from..from + length), 0..8)
        ) {
            let there = There::ranges(ranges.clone());
            let has = |at: u64| ranges.iter().any(|range| range.contains(&at));
            prop_assert_eq!(There::default().and(ranges.clone()), there.clone());
            prop_assert_eq!(there.bytes(), (0..100).filter(|at| has(*at)).count() as u64);
            let mut at = 0;
            while at < 100 {
                let (held, length) = there.run(at);
                prop_assert!(length > 0);
                for byte in at..at.saturating_add(length).min(100) {
                    prop_assert_eq!(has(byte), held);
                }
                at = at.saturating_add(length);
            }
        }
    }
}
