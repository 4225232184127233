//! Outputs that were found to be good although something came after them: until something newer comes, nobody need look again.

use std::{collections::HashMap, hash::BuildHasherDefault};

use super::fingerprint::{Fingerprint, PrehashedHasher};

/// What a record of them begins with.
const HEAD: &[u8] = b"euterpe confirmed outputs 1\n";
/// A fingerprint and two times.
const ROW: usize = Fingerprint::BYTES + 16;

/// When the primary output of a work was written, and up to when nothing came that makes it out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Confirmed {
    written: u64,
    until: u64,
}

/// Works whose outputs were looked at and found good, by the fingerprint of the primary output, up to a number of them. Times
/// are in nanoseconds after the Unix epoch, as listings told them.
///
/// Where it knows nothing, outputs are looked at: that costs time, never truth.
#[derive(Debug, Default)]
pub struct ConfirmedOutputs {
    rows: HashMap<Fingerprint, Confirmed, BuildHasherDefault<PrehashedHasher>>,
    limit: usize,
    is_news: bool,
}

impl ConfirmedOutputs {
    /// At most so many.
    pub fn up_to(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// At most so many of those that a record has; none where the record is torn or of another version.
    pub fn read(record: &[u8], limit: usize) -> Option<Self> {
        let (rows, sum) = record.strip_prefix(HEAD)?.split_last_chunk::<8>()?;
        if !rows.len().is_multiple_of(ROW) || u64::from_le_bytes(*sum) != xxhash_rust::xxh3::xxh3_64(rows) {
            return None;
        }
        let row = |row: &[u8]| {
            let (print, times) = row.split_first_chunk()?;
            let (written, until) = times.split_first_chunk()?;
            let times =
                Confirmed { written: u64::from_le_bytes(*written), until: u64::from_le_bytes(until.try_into().ok()?) };
            Some((Fingerprint::from_bytes(*print), times))
        };
        let rows = rows.chunks_exact(ROW).take(limit).map(row).collect::<Option<_>>()?;
        Some(Self { rows, limit, is_news: false })
    }

    /// A record of them.
    pub fn to_record(&self) -> Vec<u8> {
        let mut record = Vec::with_capacity(HEAD.len() + self.rows.len() * ROW + 8);
        record.extend_from_slice(HEAD);
        for (print, Confirmed { written, until }) in &self.rows {
            record.extend_from_slice(&print.to_bytes());
            record.extend_from_slice(&written.to_le_bytes());
            record.extend_from_slice(&until.to_le_bytes());
        }
        let sum = xxhash_rust::xxh3::xxh3_64(&record[HEAD.len()..]);
        record.extend_from_slice(&sum.to_le_bytes());
        record
    }

    /// Whether outputs that were written then are known to be good in spite of what `came`.
    pub fn covers(&self, primary: &Fingerprint, written: u64, came: u64) -> bool {
        !self.rows.is_empty()
            && self.rows.get(primary).is_some_and(|known| known.written == written && came <= known.until)
    }

    /// Notes that outputs that were written then are good, whatever came up to `until`.
    pub fn note(&mut self, primary: Fingerprint, written: u64, until: u64) {
        let row = Confirmed { written, until };
        if self.rows.get(&primary) == Some(&row) || (self.rows.len() >= self.limit && !self.rows.contains_key(&primary))
        {
            return;
        }
        self.rows.insert(primary, row);
        self.is_news = true;
    }

    /// Whether something was noted that no record has.
    pub fn is_news(&self) -> bool {
        self.is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(name: &str) -> Fingerprint {
        Fingerprint::of("out", name)
    }

    #[test]
    fn it_covers_what_came_up_to_then_of_the_same_output_alone() {
        let mut known = ConfirmedOutputs::up_to(2);
        assert!(!known.covers(&print("a"), 10, 11) && !known.is_news());
        known.note(print("a"), 10, 20);
        assert!(known.covers(&print("a"), 10, 20) && !known.covers(&print("a"), 10, 21));
        assert!(!known.covers(&print("a"), 11, 20), "made anew since");
        assert!(!known.covers(&print("b"), 10, 20));
        known.note(print("b"), 1, 2);
        known.note(print("c"), 1, 2);
        assert!(known.covers(&print("b"), 1, 2) && !known.covers(&print("c"), 1, 2), "beyond the limit");
        known.note(print("a"), 10, 30);
        assert!(known.covers(&print("a"), 10, 30), "a later look counts, beyond the limit too");
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_torn_one_or_one_of_another_version_is_none() {
        let mut known = ConfirmedOutputs::up_to(10);
        (0..5).for_each(|n| known.note(print(&n.to_string()), n, u64::MAX - n));
        let record = known.to_record();
        let read = ConfirmedOutputs::read(&record, 10).expect("read");
        assert!(read.rows == known.rows && !read.is_news() && known.is_news());
        assert_eq!(ConfirmedOutputs::read(&record, 3).map(|read| read.rows.len()), Some(3));
        for cut in 0..record.len() {
            assert!(ConfirmedOutputs::read(&record[..cut], 10).is_none(), "cut at {cut}");
        }
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 4;
            assert!(ConfirmedOutputs::read(&damaged, 10).is_none(), "damaged at {at}");
        }
        let none = ConfirmedOutputs::up_to(1).to_record();
        assert!(ConfirmedOutputs::read(&none, 1).is_some_and(|read| read.rows.is_empty()));
    }
}
