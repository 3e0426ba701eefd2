//! How a page keeps in touch with a running pass: the event stream, and plain questions while streams do not get through.

/// Streams that failed in a row before plain questions take over.
const ATTEMPTS: u32 = 3;

/// What the figures on the page are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Live,
    /// The stream broke a moment ago.
    Reconnecting,
    /// Streams do not get through; the page asks now and then whether the pass has ended. The stream is tried again meanwhile.
    Polling,
}

/// After so many streams failed in a row; a stream that brought anything begins the count anew.
pub fn after(failures: u32) -> Link {
    if failures < ATTEMPTS { Link::Reconnecting } else { Link::Polling }
}

/// Milliseconds until the stream is tried again: half a second, then twice as long each time, half a minute at most.
pub fn pause_ms(failures: u32) -> u32 {
    (500 << failures.min(6)).min(30_000)
}

/// Whether a status means that there is nothing more to ask for. A request that came too late or too often, and a session
/// that has to be renewed, are no reason to give up.
pub fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 408 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_tried_again_for_as_long_as_the_page_is_open() {
        let links: Vec<Link> = (0..5).map(after).collect();
        assert_eq!(links[..3], [Link::Reconnecting; 3]);
        assert_eq!(links[3..], [Link::Polling; 2]);
        assert_eq!([0, 1, 2, 3].map(pause_ms), [500, 1000, 2000, 4000]);
        assert_eq!([6, 7, u32::MAX].map(pause_ms), [30_000; 3], "never longer, and never for good");
    }

    #[test]
    fn only_a_lasting_refusal_ends_the_watching() {
        for status in [403, 404, 410] {
            assert!(is_final(status), "{status}");
        }
        for status in [0, 200, 401, 408, 425, 429, 500, 502, 503] {
            assert!(!is_final(status), "{status}");
        }
    }
}
