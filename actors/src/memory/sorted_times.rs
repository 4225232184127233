//! Times by fingerprint, sorted: 21 bytes each, for what is learned as a whole and then only asked.

use super::fingerprint::Fingerprint;

/// A fingerprint and a time, without the gap that a `u64` would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    print: Fingerprint,
    /// Its upper and its lower half.
    time: [u32; 2],
}

/// How many rows share one entry of the index.
const TOGETHER: usize = 4;

/// Times by fingerprint.
#[derive(Clone, Debug, Default)]
pub struct SortedTimes {
    rows: Vec<Row>,
    /// Where the rows begin whose first bits are as many as there are entries before.
    starts: Vec<u32>,
    /// By how much the first 32 bits of a fingerprint are shifted for the number of its entry.
    shift: u32,
}

/// Takes times in any order, until they are sorted.
#[derive(Debug, Default)]
pub struct UnsortedTimes(Vec<Row>);

impl UnsortedTimes {
    /// With room for so many.
    pub fn with_room_for(times: usize) -> Self {
        Self(Vec::with_capacity(times))
    }

    /// Takes one more. Of several times of one fingerprint the latest counts.
    pub fn add(&mut self, print: Fingerprint, time: u64) {
        self.0.push(Row { print, time: [(time >> 32) as u32, time as u32] });
    }

    /// Sorts them.
    pub fn sorted(self) -> SortedTimes {
        let Self(mut rows) = self;
        rows.sort_unstable();
        rows.dedup_by(|later, kept| {
            let is_same = later.print == kept.print;
            if is_same {
                kept.time = later.time;
            }
            is_same
        });
        let bits = (rows.len() / TOGETHER).max(1).ilog2();
        let shift = 32 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0;
        for entry in 0..=(1_u64 << bits) {
            while rows.get(at).is_some_and(|row| u64::from(row.print.first_bits()) >> shift < entry) {
                at += 1;
            }
            starts.push(u32::try_from(at).expect("a part of a catalogue has fewer than 2^32 objects"));
        }
        SortedTimes { rows, starts, shift }
    }
}

impl SortedTimes {
    /// The time of a fingerprint.
    pub fn get(&self, print: &Fingerprint) -> Option<u64> {
        let entry = (u64::from(print.first_bits()) >> self.shift) as usize;
        let (start, end) = (*self.starts.get(entry)?, *self.starts.get(entry + 1)?);
        let row = self.rows[start as usize..end as usize].iter().find(|row| row.print == *print)?;
        Some(u64::from(row.time[0]) << 32 | u64::from(row.time[1]))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_found_again_and_of_several_the_latest() {
        for many in [0, 1, 2, 3, 5, 8, 100, 10_000] {
            let print = |n: u64| Fingerprint::of("s", &format!("mel/{n}.npy"));
            let mut times = UnsortedTimes::default();
            for n in 0..many {
                times.add(print(n), u64::MAX - n);
                times.add(print(n), n);
            }
            let times = times.sorted();
            assert_eq!(times.len() as u64, many);
            assert!((0..many).all(|n| times.get(&print(n)) == Some(u64::MAX - n)), "{many}");
            assert!((many..many + 1000).all(|n| times.get(&print(n)).is_none()), "{many}");
        }
        assert_eq!(SortedTimes::default().get(&Fingerprint::of("s", "a")), None);
    }
}
