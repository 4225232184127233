//! What a file of sound is to hold.

use std::io;

use euterpe_actors::outcome::Fault;
use symphonia::core::audio::Position;

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// Integers of 16 bits.
    I16,
    /// Integers of 24 bits.
    I24,
    /// Floating-point numbers of 32 bits, as they are; WAV only.
    F32,
}

impl SampleKind {
    pub(super) fn bits(self) -> u16 {
        match self {
            Self::I16 => 16,
            Self::I24 => 24,
            Self::F32 => 32,
        }
    }
}

/// What a file is to hold.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Frames in a second.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// How samples are written; Vorbis does not care.
    pub kind: SampleKind,
    /// Where the channels stand, in their order; none where nobody knows.
    pub layout: Option<Position>,
    /// Bits in a second; none for what is usual. Vorbis only.
    pub bit_rate: Option<u32>,
}

/// What is done to a file, for sentences.
const ACTION: &str = "could not write the sound";

/// The fault of samples that cannot be encoded.
pub(super) fn unencoded(error: &dyn std::fmt::Display) -> Fault {
    Fault::failed(format!("{ACTION}: {error}"))
}

/// The fault of a file that cannot be written: a full disk is trouble of the machine, and not of the entity.
pub(super) fn unwritten(error: &io::Error) -> Fault {
    Fault::of_io(ACTION, error)
}
