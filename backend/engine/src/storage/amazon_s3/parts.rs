//! How an object is cut.

/// The most parts of one object: the provider takes 10,000.
const MOST: u64 = 9_000;
const MIB: u64 = 1 << 20;
/// What all servers take, as far as is known.
const FEW: u64 = 1_000;
/// Parts are made larger than asked for up to this size, so that there are few of them: two of them fit into memory.
const LARGE: u64 = 40 * MIB;
/// What the parts of one `put` may hold in memory together.
const MEMORY: u64 = 80 * MIB;

/// All parts of an object have the same size, but for the last: some servers insist on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub size: u64,
    pub part_size: u64,
}

impl Plan {
    /// Parts of at least `smallest` bytes, larger where there would be too many; `few`: for a server that may not take as many as Amazon.
    pub fn part_size(size: u64, smallest: u64, few: bool) -> u64 {
        let wanted = if few { size.div_ceil(FEW).min(LARGE) } else { 0 };
        let needed = size.div_ceil(MOST).max(wanted);
        if needed <= smallest { smallest } else { needed.next_multiple_of(MIB) }
    }

    pub fn parts(self) -> u32 {
        u32::try_from(self.size.div_ceil(self.part_size.max(1))).unwrap_or(u32::MAX)
    }

    /// Bytes of the part with this number; the first is 1.
    pub fn len(self, number: u32) -> u64 {
        let before = u64::from(number.saturating_sub(1)) * self.part_size;
        self.part_size.min(self.size.saturating_sub(before))
    }

    /// Parts that may be under way while another is read; parts too large for that go one by one.
    pub fn in_flight(self, most: usize) -> usize {
        let held = usize::try_from(MEMORY / self.part_size.max(1)).unwrap_or(usize::MAX);
        held.saturating_sub(1).clamp(1, most.max(1))
    }

    /// After so many new parts the state is saved again: often enough to lose little, seldom enough not to write it all the time.
    pub fn save_every(self) -> u32 {
        self.parts().div_ceil(256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const GIB: u64 = 1 << 30;

    #[rstest]
    #[case(17 * MIB, 16 * MIB, 16 * MIB)]
    #[case(4 * GIB, 16 * MIB, 16 * MIB)]
    #[case(20 * GIB, 16 * MIB, 21 * MIB)]
    #[case(39 * GIB, 16 * MIB, 40 * MIB)]
    #[case(140 * GIB, 16 * MIB, 40 * MIB)]
    #[case(150 * GIB, 18 * MIB, 40 * MIB)]
    #[case(5 << 40, 583 * MIB, 583 * MIB)]
    fn parts_grow_only_when_there_would_be_too_many(#[case] size: u64, #[case] many: u64, #[case] few: u64) {
        assert_eq!(Plan::part_size(size, 16 * MIB, false), many);
        assert_eq!(Plan::part_size(size, 16 * MIB, true), few);
    }

    #[rstest]
    #[case(16 * MIB, 4, 4)]
    #[case(18 * MIB, 4, 3)]
    #[case(40 * MIB, 4, 1)]
    #[case(600 * MIB, 4, 1)]
    #[case(64 * 1024, 4, 4)]
    fn memory_bounds_what_is_under_way(#[case] part_size: u64, #[case] most: usize, #[case] expected: usize) {
        assert_eq!(Plan { size: 5 << 40, part_size }.in_flight(most), expected);
    }

    proptest! {
        #[test]
        fn parts_add_up(size in 1u64..(6 << 40), smallest in 1u64..(64 << 20), few: bool) {
            let plan = Plan { size, part_size: Plan::part_size(size, smallest, few) };
            let parts = plan.parts();
            prop_assert!(plan.part_size >= smallest);
            prop_assert!(parts >= 1 && u64::from(parts) <= 9_000);
            let whole = u64::from(parts - 1) * plan.part_size;
            prop_assert_eq!(whole + plan.len(parts), size);
            prop_assert!(plan.len(parts) > 0 && plan.len(parts + 1) == 0);
            prop_assert_eq!(plan.len(1), plan.part_size.min(size));
        }

        #[test]
        fn a_state_is_saved_a_bounded_number_of_times(size in 1u64..(6 << 40)) {
            let plan = Plan { size, part_size: Plan::part_size(size, 16 << 20, false) };
            prop_assert!(plan.parts().div_ceil(plan.save_every()) <= 256);
        }
    }
}
