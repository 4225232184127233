//! Counts the packets that could not be decoded, and judges them at the end.

use crate::refusal::Refusal;

use super::super::faults::{check_pieces, damaged_at, unsupported};

/// So many packets in a row that cannot be decoded end the file.
const MOST_IN_A_ROW: u32 = 200;

/// Packets, good and bad.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lost {
    good: u64,
    bad: u64,
    in_a_row: u32,
    /// How many of the bad ones the decoder knows and does not support, and what it last called them.
    unsupported: u64,
    what: &'static str,
}

impl Lost {
    pub(crate) fn count_good(&mut self) {
        self.good += 1;
        self.in_a_row = 0;
    }

    /// Counts a packet that cannot be decoded, after so many frames: `what` it is, where the decoder calls it unsupported.
    ///
    /// # Errors
    /// Where there were so many of them that nothing good will follow.
    pub(crate) fn count(&mut self, what: Option<&'static str>, frames: u64, rate: u32) -> Result<(), Refusal> {
        self.bad += 1;
        self.in_a_row += 1;
        if let Some(what) = what {
            self.unsupported += 1;
            self.what = what;
        }
        if self.in_a_row < MOST_IN_A_ROW {
            return Ok(());
        }
        self.judge()?;
        Err(damaged_at(frames, rate, "nothing can be decoded from there"))
    }

    /// Counts pieces that are not there.
    pub(crate) fn count_missing(&mut self, pieces: u64) {
        self.bad += pieces;
    }

    /// Packets that were decoded.
    pub(crate) fn good(&self) -> u64 {
        self.good
    }

    /// Packets of both kinds.
    pub(crate) fn pieces(&self) -> u64 {
        self.good + self.bad
    }

    /// Whether none was bad.
    pub(crate) fn is_empty(&self) -> bool {
        self.bad == 0
    }

    /// Refuses what has too many bad packets.
    ///
    /// # Errors
    /// Where most are of a kind that is not supported, or more than one in a hundred is damaged.
    pub(crate) fn judge(&self) -> Result<(), Refusal> {
        // Bits that are damaged look like anything: one packet says nothing of the others.
        if self.unsupported * 2 > self.pieces() {
            return Err(unsupported(&format!("this track ({})", self.what)));
        }
        check_pieces(self.bad, self.pieces())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_seems_unsupported_among_good_ones_is_damage() {
        let mut lost = Lost::default();
        (0..50).for_each(|_| lost.count_good());
        lost.count(Some("aac: predictor data"), 0, 44_100).expect("one of many");
        assert!(lost.judge().expect_err("one of fifty").text.starts_with("the file is damaged: 1 of its 51 pieces"));
        (0..60).for_each(|_| lost.count(Some("aac: predictor data"), 0, 44_100).expect("not in a row for ever"));
        let said = lost.judge().expect_err("most of them").text.clone();
        assert!(said.starts_with("this track (aac: predictor data) is not supported; convert"), "{said}");
    }

    #[test]
    fn a_file_that_is_damaged_for_good_is_not_passed_for_its_length() {
        let mut lost = Lost::default();
        (0..1_000_000).for_each(|_| lost.count_good());
        let said = (0..).find_map(|_| lost.count(None, 44_100, 44_100).err()).expect("an end").text.clone();
        assert_eq!(
            said,
            "the file is damaged at 0:01: nothing can be decoded from there; replace it with a whole copy"
        );
    }
}
