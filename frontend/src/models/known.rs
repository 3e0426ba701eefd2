//! What is known of the Storage Sets, and how much it is worth.

use super::turns::Turns;
use contract::{Problem, StorageOption, StorageOptions};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choices {
    turns: Turns,
    options: Option<StorageOptions>,
    /// Why the newest question got no answer.
    problem: Option<Problem>,
}

impl Choices {
    pub fn ask(&mut self) -> u32 {
        self.turns.ask()
    }

    /// Whether anything that is shown has changed.
    pub fn take(&mut self, number: u32, answer: Result<StorageOptions, Problem>) -> bool {
        let before = self.clone();
        if self.turns.take(number) {
            match answer {
                Ok(options) => {
                    self.options = Some(options);
                    self.problem = None;
                }
                Err(problem) => self.problem = Some(problem),
            }
        }
        *self != before
    }

    pub fn all(&self) -> &[StorageOption] {
        self.options.as_ref().map_or(&[], |o| &o.items)
    }

    /// `None` while nothing is known of it, or when it is gone.
    pub fn get(&self, id: i64) -> Option<&StorageOption> {
        self.all().iter().find(|o| o.id == id)
    }

    /// The newest question was answered, and this one was not among them. An older answer may not know of it yet.
    pub fn is_gone(&self, id: i64) -> bool {
        self.is_settled() && self.get(id).is_none()
    }

    /// There is none, as far as the newest question tells.
    pub fn is_empty(&self) -> bool {
        self.is_settled() && self.all().is_empty()
    }

    /// Nothing is known yet, and an answer is on its way.
    pub fn is_loading(&self) -> bool {
        self.options.is_none() && self.turns.waits()
    }

    fn is_settled(&self) -> bool {
        self.options.is_some() && self.problem.is_none() && !self.turns.waits()
    }

    pub fn redirect_uri(&self) -> Option<&str> {
        self.options.as_ref().map(|o| o.redirect_uri.as_str())
    }

    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ProblemCode, StorageState, StorageType};

    fn options(ids: &[i64]) -> StorageOptions {
        let option = |id: &i64| StorageOption {
            id: *id,
            title: format!("Set {id}"),
            kind: StorageType::Dropbox,
            enabled: true,
            linked: true,
            state: StorageState::Ready,
        };
        StorageOptions { items: ids.iter().map(option).collect(), redirect_uri: "r".into() }
    }

    #[test]
    fn an_older_answer_neither_hides_a_new_storage_set_nor_calls_it_gone() {
        let mut known = Choices::default();
        let (first, second) = (known.ask(), known.ask());
        assert!(known.is_loading());
        assert!(known.take(second, Ok(options(&[1, 2]))));
        assert!(!known.take(first, Ok(options(&[1]))), "it comes too late");
        assert!(known.get(2).is_some());
        let again = known.ask();
        assert!(!known.is_gone(3), "the list is being asked for anew");
        known.take(again, Ok(options(&[1, 2])));
        assert!(known.is_gone(3));
    }

    #[test]
    fn there_is_none_only_once_that_is_known() {
        let mut known = Choices::default();
        assert!(!known.is_empty() && !known.is_loading());
        let first = known.ask();
        assert!(!known.is_empty());
        known.take(first, Err(Problem::new(ProblemCode::Unavailable, "")));
        assert!(!known.is_empty() && !known.is_loading() && !known.is_gone(1) && known.problem().is_some());
        let second = known.ask();
        known.take(second, Ok(options(&[])));
        assert!(known.is_empty() && known.problem().is_none());
    }
}
