//! What every reader of a format promises: blocks of planar samples, and a judgement at the end.

use std::borrow::Cow;

use crate::refusal::Refusal;
use symphonia::core::audio::Position;

/// What a reader knows of the sound that it hands out; for good once the first block is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sound {
    /// Frames in a second.
    pub(crate) rate: u32,
    /// Where the channels stand, in the order of the block, where the file says it.
    pub(crate) layout: Option<Position>,
    /// How many frames the file declares, where it does.
    pub(crate) declared: Option<u64>,
    /// A sample beyond this is noise from a damaged file.
    pub(crate) loudest: f32,
}

/// A sample of a lossy codec beyond this (48 dB above full scale) is noise from damaged bits, not music that is too loud.
pub(crate) const LOUDEST: f32 = 256.0;

/// A track that is being read.
pub(crate) trait Blocks {
    /// Puts the next frames into `block`, one vector of equal length for each channel; false where there are no more.
    ///
    /// # Errors
    /// A fault of the input, or of reading it.
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal>;

    /// Whether the next blocks may show that the track is of a kind that is not read, so that nothing is to be handed out yet.
    fn is_undecided(&self) -> bool {
        false
    }

    /// What is known of the sound.
    fn sound(&self) -> Sound;

    /// The codec, by ffmpeg's name of it.
    fn codec(&self) -> Cow<'static, str>;

    /// Whether too much of what was read so far could not be decoded, where the rest is not read.
    ///
    /// # Errors
    /// A fault of the input.
    fn judge_so_far(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether all of the track was there, once its end is reached after so many frames.
    ///
    /// # Errors
    /// A fault of the input that says what is missing or damaged.
    fn judge(&mut self, frames: u64) -> Result<(), Refusal>;
}

/// The places of one or two channels, which nobody has to say.
pub(crate) fn usual_layout(channels: usize) -> Option<Position> {
    match channels {
        1 => Some(Position::FRONT_CENTER),
        2 => Some(Position::FRONT_LEFT | Position::FRONT_RIGHT),
        _ => None,
    }
}
