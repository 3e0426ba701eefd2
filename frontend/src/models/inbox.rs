//! The inbox of the bell: how its number reads, and what a new look brings.

use super::turns::Turns;
use super::words::Tone;
use contract::{Notification, Severity};

/// How many are asked for; more are counted, not shown.
pub const SHOWN: u32 = 20;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inbox {
    pub items: Vec<Notification>,
    /// Open ones in all.
    pub total: i64,
    /// The last look got no answer: what is shown is of a while ago.
    pub stale: bool,
    /// Something is known at all.
    pub known: bool,
    turns: Turns,
}

impl Inbox {
    /// The number of a new look.
    pub fn look(&mut self) -> u32 {
        self.turns.ask()
    }

    /// A look is under way, and what it brings is not outdated yet.
    pub fn looks(&self) -> bool {
        self.turns.waits()
    }

    /// What came of a look. One that began before something was dismissed still has it, and does not count.
    pub fn take(&mut self, number: u32, answer: Option<(Vec<Notification>, i64)>) {
        if !self.turns.take(number) {
            return;
        }
        match answer {
            Some((items, total)) => {
                *self = Inbox { items, total, stale: false, known: true, turns: self.turns };
            }
            None => self.stale = true,
        }
    }

    /// Gone at once, before the server is asked again.
    pub fn dismiss(&mut self, id: i64) {
        let before = self.items.len();
        self.items.retain(|n| n.id != id);
        self.total -= i64::try_from(before - self.items.len()).unwrap_or(0);
        self.turns.outdate();
    }

    /// On the bell; nothing when there is nothing.
    pub fn badge(&self) -> Option<String> {
        match self.total {
            ..=0 => None,
            n @ 1..=99 => Some(n.to_string()),
            _ => Some("99+".into()),
        }
    }

    /// The bell's name for those who do not see it.
    pub fn label(&self) -> String {
        match self.total {
            ..=0 => "Inbox, nothing open".into(),
            n => format!("Inbox, {n} open"),
        }
    }

    /// The colour of the number: that of the gravest.
    pub fn tone(&self) -> Tone {
        let rank = |s: Severity| match s {
            Severity::Info => 0,
            Severity::Warning => 1,
            Severity::Error => 2,
        };
        self.items.iter().map(|n| n.severity).max_by_key(|s| rank(*s)).map_or(Tone::Neutral, tone)
    }

    /// Open ones that are not shown.
    pub fn more(&self) -> i64 {
        (self.total - i64::try_from(self.items.len()).unwrap_or(0)).max(0)
    }
}

pub fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Info,
        Severity::Warning => Tone::Warn,
        Severity::Error => Tone::Bad,
    }
}

/// The severity in a word, for those who see no colour.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Note",
        Severity::Warning => "Warning",
        Severity::Error => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    fn notification(id: i64, severity: Severity) -> Notification {
        let created_at = Utc.with_ymd_and_hms(2026, 5, 1, 10, 0, 0).unwrap();
        Notification { id, severity, title: "t".into(), message: "m".into(), created_at, dismissed_at: None }
    }

    #[test]
    fn the_bell_counts_what_is_open() {
        let mut inbox = Inbox::default();
        assert_eq!((inbox.badge(), inbox.label().as_str()), (None, "Inbox, nothing open"));
        let items = vec![notification(1, Severity::Warning), notification(2, Severity::Error)];
        let look = inbox.look();
        inbox.take(look, Some((items, 120)));
        assert_eq!((inbox.badge().as_deref(), inbox.more(), inbox.tone()), (Some("99+"), 118, Tone::Bad));
        inbox.dismiss(2);
        inbox.dismiss(2);
        assert_eq!((inbox.total, inbox.items.len(), inbox.tone()), (119, 1, Tone::Warn));
        assert_eq!(inbox.label(), "Inbox, 119 open");
    }

    #[test]
    fn a_look_without_an_answer_keeps_what_was_known_and_says_that_it_is_old() {
        let mut inbox = Inbox::default();
        let looked = |inbox: &mut Inbox, answer| {
            let number = inbox.look();
            inbox.take(number, answer);
        };
        looked(&mut inbox, None);
        assert!(inbox.stale && !inbox.known);
        looked(&mut inbox, Some((vec![notification(1, Severity::Info)], 1)));
        assert!(!inbox.stale && inbox.known);
        looked(&mut inbox, None);
        assert!(inbox.stale && inbox.known && inbox.total == 1);
    }

    #[test]
    fn what_was_dismissed_does_not_come_back_with_a_look_that_began_before() {
        let mut inbox = Inbox::default();
        let both = || Some((vec![notification(1, Severity::Info), notification(2, Severity::Error)], 2));
        let first = inbox.look();
        inbox.take(first, both());
        let before = inbox.look();
        inbox.dismiss(2);
        assert!(!inbox.looks(), "the next look need not wait for it");
        inbox.take(before, both());
        assert_eq!((inbox.total, inbox.items.len()), (1, 1));
        let after = inbox.look();
        inbox.take(after, Some((vec![notification(1, Severity::Info)], 1)));
        assert_eq!(inbox.total, 1);
    }
}
