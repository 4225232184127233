//! Whether writes state checksums: what the person wants, and what the server was seen to refuse, each by itself.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the writes of a store state checksums.
#[derive(Debug)]
pub(super) struct Checksums {
    /// `AWS_REQUEST_CHECKSUM_CALCULATION`, or the profile, is not against them.
    wanted: bool,
    /// The server refused one to this process.
    refused: AtomicBool,
}

impl Checksums {
    /// Nothing is known of the server yet.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, refused: AtomicBool::new(false) }
    }

    /// Whether to state them to a server of which the probe `found` this.
    pub fn are_stated(&self, found: Option<bool>) -> bool {
        self.wanted && found != Some(false) && !self.refused.load(Ordering::Relaxed)
    }

    /// Takes note that the server refused one. Returns whether that is news.
    pub fn note_refusal(&self) -> bool {
        !self.refused.swap(true, Ordering::Relaxed)
    }

    /// Whether the server takes them; `None` where none were sent, so that nobody knows.
    pub fn found(&self) -> Option<bool> {
        self.wanted.then(|| !self.refused.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_person_wants_says_nothing_of_the_server_and_the_other_way_round() {
        let unwanted = Checksums::new(false);
        assert_eq!((unwanted.are_stated(Some(true)), unwanted.found()), (false, None));
        let wanted = Checksums::new(true);
        assert!(wanted.are_stated(None) && wanted.are_stated(Some(true)) && !wanted.are_stated(Some(false)));
        assert_eq!(wanted.found(), Some(true), "what an earlier probe found is not found again by itself");
        assert!(wanted.note_refusal() && !wanted.note_refusal(), "it is news once");
        assert_eq!((wanted.are_stated(Some(true)), wanted.found()), (false, Some(false)));
    }
}
