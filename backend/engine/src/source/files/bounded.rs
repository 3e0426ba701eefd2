//! Lists that a tree of any size may fill.

/// A manifest names so many entries at most; a glob may leave out millions.
const MOST: usize = 10_000;
/// Bytes of all their texts: paths may have four thousand each.
const MOST_BYTES: usize = 4 << 20;

/// The first entries, and the number of the rest.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    kept: Vec<T>,
    bytes: usize,
    more: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Bounded { kept: Vec::new(), bytes: 0, more: 0 }
    }
}

impl<T: Ord> Bounded<T> {
    /// `bytes`: how long the entry's texts are.
    pub(super) fn push(&mut self, entry: T, bytes: usize) {
        if self.more > 0 || self.kept.len() == MOST || self.bytes + bytes > MOST_BYTES {
            self.more += 1;
        } else {
            self.bytes += bytes;
            self.kept.push(entry);
        }
    }

    pub(super) fn sorted(mut self) -> (Vec<T>, u64) {
        self.kept.sort();
        (self.kept, self.more)
    }
}
