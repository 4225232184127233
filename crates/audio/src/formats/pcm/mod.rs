//! Reads sound that is not compressed: WAV and its kin, AIFF, AU, CAF, MOV.
//!
//! One module per container finds out where the samples lie and how they are written; this one reads them.

pub(crate) mod aiff;
pub(crate) mod au;
mod encoding;
mod pieces;
pub(crate) mod riff;
mod size;
pub(crate) mod w64;
pub(crate) mod wav;

use std::{
    borrow::Cow,
    io::{BufReader, Read},
    ops::Range,
};

use crate::refusal::Refusal;
use symphonia::core::audio::Position;

use super::{
    blocks::{Blocks, Sound, usual_layout},
    bytes::read_up_to,
    faults::{too_short, unread},
    source::Source,
};
pub(crate) use encoding::Encoding;
use pieces::Pieces;
pub(crate) use size::Data;

/// Frames in a block.
const BLOCK: usize = 4096;

/// How samples lie in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) encoding: Encoding,
    pub(crate) channels: usize,
    pub(crate) rate: u32,
    pub(crate) layout: Option<Position>,
    /// Where they begin and how many bytes of them there are.
    pub(crate) data: Data,
}

/// Samples that are being read.
pub(crate) struct Pcm {
    shape: Shape,
    reader: BufReader<Pieces>,
    left: u64,
    bytes: Vec<u8>,
}

impl Pcm {
    /// Begins at the first sample.
    pub(crate) fn new(source: Source, shape: Shape) -> Self {
        let data = shape.data;
        Self::of_pieces(source, shape, std::iter::once(data.start..data.start.saturating_add(data.there)))
    }

    /// The same for samples that lie in several pieces, which have as many bytes as the shape says.
    pub(crate) fn of_pieces(source: Source, shape: Shape, pieces: impl IntoIterator<Item = Range<u64>>) -> Self {
        let frame = (shape.encoding.bytes() * shape.channels) as u64;
        let left = shape.data.there / frame * frame;
        let reader = BufReader::with_capacity(1 << 17, Pieces::new(source, pieces));
        Self { shape, reader, left, bytes: Vec::new() }
    }

    fn frame(&self) -> usize {
        self.shape.encoding.bytes() * self.shape.channels
    }
}

impl Blocks for Pcm {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        let frame = self.frame();
        let now = ((BLOCK * frame) as u64).min(self.left) as usize;
        self.bytes.resize(now, 0);
        let got = read_up_to(&mut self.reader, &mut self.bytes).map_err(|error| unread(&error))? / frame;
        self.left = if got * frame == now { self.left - now as u64 } else { 0 };
        block.resize_with(self.shape.channels, Vec::new);
        self.shape.encoding.decode(&self.bytes[..got * frame], block);
        Ok(got > 0)
    }

    fn sound(&self) -> Sound {
        let Shape { rate, layout, channels, encoding, data, .. } = self.shape;
        Sound {
            rate,
            layout: layout.or_else(|| usual_layout(channels)),
            declared: data.declared.map(|bytes| bytes / self.frame() as u64),
            loudest: if encoding.is_float() { f32::MAX } else { 1.0 },
        }
    }

    fn codec(&self) -> Cow<'static, str> {
        self.shape.encoding.name().into()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        match self.sound().declared {
            Some(declared) if frames < declared => Err(too_short(frames, declared, self.shape.rate)),
            Some(_) => Ok(()),
            None if frames == 0 => Err(Refusal::bad_input("the file holds no sound; replace it with a whole copy")),
            None => Ok(()),
        }
    }
}

/// Reads all of a small piece of a header.
pub(crate) fn read_piece<R: Read>(reader: &mut R, length: u64) -> Result<Vec<u8>, Refusal> {
    let mut piece = Vec::new();
    reader.take(length.min(1 << 16)).read_to_end(&mut piece).map_err(|error| unread(&error))?;
    Ok(piece)
}
