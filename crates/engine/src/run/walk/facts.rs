//! What listings showed of objects, in parts: when outputs were written and sources came.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::memory::{Fingerprint, ListedPart, SortedTimes, UnsortedTimes};

use super::spool::Spool;

/// What a time is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// An output: when it was written.
    Written,
    /// The same, of an output that works on other entities ask for. They may do so before its entity was decided on, so that it
    /// is there is not said before.
    WrittenForOthers,
    /// An output that came later than it was written: when.
    Arrived,
    /// A source: when it came.
    Source,
}

const KINDS: [Fact; 4] = [Fact::Written, Fact::WrittenForOthers, Fact::Arrived, Fact::Source];

/// A kind, a fingerprint and a time.
const ROW: usize = 1 + Fingerprint::BYTES + 8;

/// Facts in parts.
#[derive(Debug)]
pub(super) struct Facts {
    spool: Spool,
    /// How many of each kind a part has.
    counts: Vec<[usize; KINDS.len()]>,
}

impl Facts {
    pub fn create(folder: &Path, parts: usize) -> anyhow::Result<Self> {
        Ok(Self { spool: Spool::create(folder, parts)?, counts: vec![Default::default(); parts] })
    }

    pub fn add(&mut self, part: usize, fact: Fact, print: Fingerprint, time: u64) -> anyhow::Result<()> {
        self.spool.put(part, &[&[fact as u8], &print.to_bytes(), &time.to_le_bytes()])?;
        self.counts[part][fact as usize] += 1;
        Ok(())
    }

    /// How many a part has.
    pub fn len(&self, part: usize) -> usize {
        self.spool.records(part)
    }

    /// What is there in some parts, and the times of that and of sources.
    pub fn read(&self, parts: Range<usize>) -> anyhow::Result<(Arc<SortedTimes>, ListedPart)> {
        let count = |fact: Fact| parts.clone().map(|part| self.counts[part][fact as usize]).sum::<usize>();
        let [plain, for_others, late, of_sources] = KINDS.map(count);
        let mut written = UnsortedTimes::with_room_for(plain + for_others);
        let mut there = UnsortedTimes::with_room_for(if for_others > 0 { plain } else { 0 });
        let mut arrived = UnsortedTimes::with_room_for(late);
        let mut sources = UnsortedTimes::with_room_for(of_sources);
        for part in parts {
            self.spool.read(part, |rows| {
                for row in rows.chunks_exact(ROW) {
                    let (print, time) = row[1..].split_at(Fingerprint::BYTES);
                    let print = Fingerprint::from_bytes(print.try_into().context("a row is cut")?);
                    let time = u64::from_le_bytes(time.try_into().context("a row is cut")?);
                    let kind =
                        KINDS.get(usize::from(row[0])).context("a scratch file does not hold what was written")?;
                    match kind {
                        Fact::Written => {
                            written.add(print, time);
                            if for_others > 0 {
                                there.add(print, time);
                            }
                        }
                        Fact::WrittenForOthers => written.add(print, time),
                        Fact::Arrived => arrived.add(print, time),
                        Fact::Source => sources.add(print, time),
                    }
                }
                Ok(())
            })?;
        }
        let written = Arc::new(written.sorted());
        let there = if for_others > 0 { Arc::new(there.sorted()) } else { written.clone() };
        let (arrived, sources) = (Arc::new(arrived.sorted()), Arc::new(sources.sorted()));
        Ok((there, ListedPart { written, arrived, sources }))
    }
}
