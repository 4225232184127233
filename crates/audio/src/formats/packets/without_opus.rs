//! Opus in a program that was built without libopus.

use symphonia::core::{codecs::audio::AudioCodecParameters, formats::FormatReader};

use super::{
    super::{blocks::Blocks, faults::unsupported},
    Facts,
};
use crate::refusal::Refusal;

/// Refuses a track.
///
/// # Errors
/// Always: it is not supported.
pub(super) fn open(
    _: Box<dyn FormatReader>,
    _: u32,
    _: (&AudioCodecParameters, &str),
    _: Facts,
) -> Result<Box<dyn Blocks>, Refusal> {
    Err(unsupported("Opus"))
}
