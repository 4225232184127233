//! A part of a track: from some second on, for so many.

use std::ops::Range;

use euterpe_actors::{outcome::Fault, transform::OptionProblem};

use super::{
    decode::{Bounds, Decoder},
    minutes_problem,
};

/// A part of a track, in seconds of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Where it begins.
    pub(crate) start: f64,
    /// How long it is; none for all that follows.
    pub(crate) duration: Option<f64>,
}

impl Part {
    /// What is wrong with it, and with the bounds of the track.
    pub(crate) fn problems(&self, bounds: Bounds) -> Vec<OptionProblem> {
        let mut problems: Vec<OptionProblem> = minutes_problem(bounds.minutes).into_iter().collect();
        if !(self.start >= 0.0 && self.start.is_finite()) {
            problems.push(OptionProblem::new("start", format!("expected seconds from 0 on, got {}", self.start)));
        }
        if let Some(duration) = self.duration.filter(|duration| !(*duration > 0.0 && duration.is_finite())) {
            problems.push(OptionProblem::new("duration", format!("expected more than 0 seconds, got {duration}")));
        }
        problems
    }

    /// Hands out each block of a track with the frames of it that belong to the part, where there are some; returns how many
    /// there were in all.
    ///
    /// # Errors
    /// As [`Decoder::next_block`], a track that ends before the part begins, and those of `hear`.
    pub(crate) fn hear(
        &self,
        track: &mut Decoder,
        mut hear: impl FnMut(&[Vec<f32>], Range<usize>) -> Result<(), Fault>,
    ) -> Result<u64, Fault> {
        let frames = |seconds: f64| (seconds * f64::from(track.rate())).round() as u64;
        let first = frames(self.start);
        let mut left = Left { skip: first, count: self.duration.map(|duration| frames(duration).max(1)) };
        let mut heard = 0;
        while left.count != Some(0) {
            let Some(block) = track.next_block()? else { break };
            let part = left.of_block(block[0].len());
            if !part.is_empty() {
                heard += part.len() as u64;
                hear(block, part)?;
            }
        }
        if left.count == Some(0) {
            track.check_so_far()?;
        }
        if self.start > 0.0 && track.frames() <= first {
            let seconds = track.frames() as f64 / f64::from(track.rate());
            return Err(Fault::bad_input(format!(
                "the track is {seconds:.3} s long, and the job asks for what begins at {:.3} s; lower `start`",
                self.start
            )));
        }
        Ok(heard)
    }
}

/// The frames of a part that are still to come.
struct Left {
    /// How many lie before it.
    skip: u64,
    /// How many it has; none for all that follow.
    count: Option<u64>,
}

impl Left {
    /// Which frames of the next block, of so many frames, belong to the part.
    fn of_block(&mut self, frames: usize) -> Range<usize> {
        let from = self.skip.min(frames as u64);
        self.skip -= from;
        let until = self.count.map_or(frames as u64, |count| (from + count).min(frames as u64));
        if let Some(count) = &mut self.count {
            *count -= until - from;
        }
        from as usize..until as usize
    }
}

/// Refuses what is so short that nothing is left of it at a rate.
///
/// # Errors
/// A fault of the input.
pub(crate) fn check_heard(frames: u64, rate: u32) -> Result<(), Fault> {
    if frames > 0 {
        return Ok(());
    }
    Err(Fault::bad_input(format!(
        "what is read of the track is shorter than one sample at {rate} Hz; ask for a longer `duration`, or a higher `rate`"
    )))
}
