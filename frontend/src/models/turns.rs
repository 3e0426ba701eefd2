//! Questions that overtake one another: which answer counts.

/// Numbers questions, so that an answer which comes late does not replace a newer one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turns {
    asked: u32,
    answered: u32,
}

impl Turns {
    /// The number of a new question.
    pub fn ask(&mut self) -> u32 {
        self.asked += 1;
        self.asked
    }

    /// Whether the answer to that question is newer than what is known; then it is what is known.
    pub fn take(&mut self, number: u32) -> bool {
        let newer = number > self.answered;
        if newer {
            self.answered = number;
        }
        newer
    }

    /// What is known has just been changed here: answers to questions that were asked before do not know of it.
    pub fn outdate(&mut self) {
        self.answered = self.asked;
    }

    /// The newest question has no answer yet.
    pub fn waits(&self) -> bool {
        self.asked > self.answered
    }

    /// For those to whom only the answer to the newest question is of use.
    pub fn is_newest(&self, number: u32) -> bool {
        number == self.asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_late_does_not_replace_a_newer_one() {
        let mut turns = Turns::default();
        let (first, second) = (turns.ask(), turns.ask());
        assert!(!turns.is_newest(first) && turns.is_newest(second));
        assert!(turns.take(second) && !turns.waits());
        assert!(!turns.take(first));
        let third = turns.ask();
        assert!(turns.waits());
        assert!(turns.take(third) && !turns.take(third));
    }

    #[test]
    fn what_was_asked_before_a_change_knows_nothing_of_it() {
        let mut turns = Turns::default();
        let before = turns.ask();
        turns.outdate();
        assert!(!turns.waits() && !turns.take(before));
        let after = turns.ask();
        assert!(turns.take(after));
    }
}
