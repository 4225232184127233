//! Writes blocks of integers as a FLAC file.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
};

use euterpe_actors::outcome::Fault;
use flacenc::{
    bitsink::ByteSink,
    component::{BitRepr, MetadataBlockData, Stream, StreamInfo},
    config,
    error::{Verified, Verify},
    source::{Context, Fill, FrameBuf},
};

use super::shape::{SampleKind, Shape, unencoded, unwritten};
use crate::formats::flac_layout;

/// Frames in a FLAC block: the usual number.
const FLAC_BLOCK: usize = 4096;
/// The highest rate that decoders of FLAC know, in Hz.
pub(crate) const FLAC_MAX_RATE: u32 = 655_350;
/// The highest rate that the encoder knows.
const ENCODER_MAX_RATE: u32 = 96_000;
/// A rate for which frames have no code, so that they refer to the description of the stream.
const UNCODED_RATE: u32 = 95_999;

/// The comment that says where the channels stand, where FLAC would take them for something else.
fn comment(shape: Shape) -> Result<Option<MetadataBlockData>, Fault> {
    if shape.channels <= 2 || shape.layout == flac_layout(shape.channels) {
        return Ok(None);
    }
    let text = format!("WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x{:04X}", shape.layout.map_or(0, |layout| layout.bits()));
    let vendor = "euterpe";
    let mut comment = (vendor.len() as u32).to_le_bytes().to_vec();
    comment.extend(vendor.as_bytes());
    comment.extend(1u32.to_le_bytes());
    comment.extend((text.len() as u32).to_le_bytes());
    comment.extend(text.as_bytes());
    const VORBIS_COMMENT: u8 = 4;
    let block = MetadataBlockData::new_unknown(VORBIS_COMMENT, &comment).map_err(|error| unencoded(&error))?;
    Ok(Some(block))
}

/// Puts the rate into the 20 bits of STREAMINFO, the first block of a header: no checksum covers it.
fn with_rate(mut header: Vec<u8>, rate: u32) -> Vec<u8> {
    const RATE: usize = 4 + 4 + 10;
    let rest = u32::from(header[RATE + 2] & 0x0f);
    header[RATE..RATE + 3].copy_from_slice(&(rate << 4 | rest).to_be_bytes()[1..]);
    header
}

/// A file being written.
pub(super) struct Flac {
    file: BufWriter<File>,
    config: Verified<config::Encoder>,
    info: StreamInfo,
    context: Context,
    block: FrameBuf,
    bytes: ByteSink,
    /// Interleaved samples that wait for a whole block.
    pending: Vec<i32>,
    channels: usize,
    rate: u32,
    blocks: usize,
    comment: Option<MetadataBlockData>,
}

impl Flac {
    /// Begins the file.
    ///
    /// # Errors
    /// Where FLAC cannot hold the shape.
    pub(super) fn new(file: File, shape: Shape) -> Result<Self, Fault> {
        let bits = usize::from(shape.kind.bits());
        if shape.channels > 8 || shape.rate > FLAC_MAX_RATE || shape.kind == SampleKind::F32 {
            return Err(Fault::fatal(format!(
                "a FLAC file holds at most 8 channels, {FLAC_MAX_RATE} Hz and 24 bits, not {} channels at {} Hz with {bits} \
                 bits; give the output the suffix .wav",
                shape.channels, shape.rate
            )));
        }
        let mut encoder = config::Encoder::default();
        encoder.block_size = FLAC_BLOCK;
        // Half the time for 0.2 % more bytes: what fixed predictors can do, linear prediction nearly always does better.
        encoder.subframe_coding.use_fixed = false;
        let config = encoder.into_verified().map_err(|(_, error)| unencoded(&error))?;
        // The description of the stream gets the right one, see `with_rate`.
        let rate = if shape.rate > ENCODER_MAX_RATE { UNCODED_RATE } else { shape.rate };
        let info = StreamInfo::new(rate as usize, shape.channels, bits).map_err(|error| unencoded(&error))?;
        let mut flac = Self {
            file: BufWriter::with_capacity(1 << 16, file),
            config,
            info,
            context: Context::new(bits, shape.channels),
            block: FrameBuf::with_size(shape.channels, FLAC_BLOCK).map_err(|error| unencoded(&error))?,
            bytes: ByteSink::new(),
            pending: Vec::with_capacity(FLAC_BLOCK * shape.channels),
            channels: shape.channels,
            rate: shape.rate,
            blocks: 0,
            comment: comment(shape)?,
        };
        flac.write_header()?;
        Ok(flac)
    }

    /// Appends interleaved samples.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn write(&mut self, mut integers: &[i32]) -> Result<(), Fault> {
        let whole = FLAC_BLOCK * self.channels;
        while !integers.is_empty() {
            let (now, later) = integers.split_at(integers.len().min(whole - self.pending.len()));
            self.pending.extend_from_slice(now);
            integers = later;
            if self.pending.len() == whole {
                self.write_block()?;
            }
        }
        Ok(())
    }

    fn write_block(&mut self) -> Result<(), Fault> {
        self.block.fill_interleaved(&self.pending).map_err(|error| unencoded(&error))?;
        self.context.fill_interleaved(&self.pending).map_err(|error| unencoded(&error))?;
        let frame = flacenc::encode_fixed_size_frame(&self.config, &self.block, self.blocks, &self.info)
            .map_err(|error| unencoded(&error))?;
        self.info.update_frame_info(&frame);
        self.bytes.clear();
        frame.write(&mut self.bytes).map_err(|error| unencoded(&error))?;
        self.blocks += 1;
        self.pending.clear();
        self.file.write_all(self.bytes.as_slice()).map_err(|error| unwritten(&error))
    }

    /// The header: rewritten at the end, when length and checksum are known.
    fn write_header(&mut self) -> Result<(), Fault> {
        self.info.set_block_sizes(FLAC_BLOCK, FLAC_BLOCK).map_err(|error| unencoded(&error))?;
        self.bytes.clear();
        let mut stream = Stream::with_stream_info(self.info.clone());
        if let Some(comment) = &self.comment {
            stream.add_metadata_block(comment.clone());
        }
        stream.write(&mut self.bytes).map_err(|error| unencoded(&error))?;
        let header = with_rate(self.bytes.as_slice().to_vec(), self.rate);
        self.file.write_all(&header).map_err(|error| unwritten(&error))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        if !self.pending.is_empty() {
            self.write_block()?;
        }
        self.info.set_md5_digest(&self.context.md5_digest());
        self.file.seek(SeekFrom::Start(0)).map_err(|error| unwritten(&error))?;
        self.write_header()?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error).map_err(|error| unwritten(&error))?;
        Ok(())
    }
}
