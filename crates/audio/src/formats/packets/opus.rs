//! Hands the packets of Opus in Matroska and MP4 to libopus.

use std::{borrow::Cow, collections::VecDeque, io};

use symphonia::core::{codecs::audio::AudioCodecParameters, errors::Error, formats::FormatReader};

use super::{
    super::{
        blocks::{Blocks, Sound},
        faults::{breaks_off, too_short},
        ogg::{Ended, OpenStream, Opus, OpusHead, Stream},
    },
    Facts, Span,
};
use crate::refusal::Refusal;

/// Opus plays at this rate.
const RATE: u32 = 48_000;
/// How many frames fewer than declared are no loss.
const TOLERANCE: u64 = 4096;

/// Opus out of another container, which knows how much of it plays.
struct Packed {
    opus: Opus,
    facts: Facts,
}

/// Begins with the packets of a track in a container that has this extension.
///
/// # Errors
/// Where the description of the track is damaged, or libopus takes no such one.
pub(super) fn open(
    reader: Box<dyn FormatReader>,
    track: u32,
    (parameters, extension): (&AudioCodecParameters, &str),
    facts: Facts,
) -> Result<Box<dyn Blocks>, Refusal> {
    let description = parameters.extra_data.as_deref().unwrap_or(&[]);
    let head = if extension == "m4a" { OpusHead::of_mp4(description) } else { OpusHead::read(description) };
    Ok(Box::new(Packed::open(reader, track, head?, facts)?))
}

impl Packed {
    /// Begins with the packets of a track, whose description is `head`.
    ///
    /// # Errors
    /// Where libopus takes no such description.
    fn open(mut reader: Box<dyn FormatReader>, track: u32, head: OpusHead, facts: Facts) -> Result<Self, Refusal> {
        let pages = move || loop {
            match reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == track => {
                    let packets = vec![packet.data.into_vec()];
                    return Ok(Some(Ended { packets, position: None, last: false }));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                // Whether the container is cut off is told elsewhere.
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(Error::IoError(error)) => return Err(error),
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        };
        let stream = Stream { head, pages: Box::new(pages) };
        let open: OpenStream = Box::new(move || Ok(stream));
        let opus = Opus::open(VecDeque::from([open]), false)?;
        let frames = |span: Option<Span>| span.map(|span| span.frames(RATE));
        let (skip, end) = (frames(facts.skip).unwrap_or(0), frames(facts.drop_at_end).unwrap_or(0));
        Ok(Self { opus: opus.trimmed(skip, frames(facts.keep), end, facts.least()), facts })
    }
}

impl Blocks for Packed {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        self.opus.advance(block)
    }

    fn sound(&self) -> Sound {
        Sound { declared: self.facts.declared.map(|span| span.frames(RATE)), ..self.opus.sound() }
    }

    fn codec(&self) -> Cow<'static, str> {
        self.opus.codec()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        // The last packet may end a little before the length that the container has in its own units.
        if let Some(declared) = self.sound().declared.filter(|&declared| frames + TOLERANCE < declared) {
            return Err(too_short(frames, declared, RATE));
        }
        if self.facts.cut {
            return Err(breaks_off(frames, RATE));
        }
        self.opus.judge(frames)
    }
}
