//! The way through the parts of a catalogue, one after the other.

use std::collections::VecDeque;
use std::ops::Range;

use super::Walk;
use super::part_ids::PartIds;
use crate::run::found::Found;
use crate::run::passed::Passed;

/// The parts of a catalogue, one after the other.
#[derive(Debug)]
pub struct Parts {
    left: VecDeque<Range<usize>>,
    /// The parts that are shown, whose ids are not yet given.
    shown: Range<usize>,
    ids: PartIds,
}

impl Parts {
    /// Those of a walk, after all was put off.
    pub fn of(walk: &Walk) -> Self {
        Self { left: walk.parts().into(), shown: 0..0, ids: PartIds::default() }
    }

    /// The next ids; what exists of them is shown until the next call. None at the end.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn next(&mut self, walk: &Walk, passed: &mut Passed) -> anyhow::Result<Option<Vec<Found>>> {
        loop {
            let batch = self.ids.next(passed)?;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
            if self.shown.is_empty() {
                let Some(parts) = self.left.pop_front() else { return Ok(None) };
                walk.show(parts.clone())?;
                self.shown = parts;
            }
            if let Some(part) = self.shown.next() {
                self.ids = walk.ids_of(part)?;
            }
        }
    }
}
