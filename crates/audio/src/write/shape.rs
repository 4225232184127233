//! What a file of sound is to hold.

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
}

/// The fault of a file that cannot be written.
pub(super) fn unwritable(error: &dyn std::fmt::Display) -> Fault {
    Fault::failed(format!("could not write the sound: {error}"))
}
