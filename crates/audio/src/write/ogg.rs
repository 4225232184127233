//! Writes planar blocks as an Ogg Vorbis file, at the usual quality of 5 (about 160 kbit/s for stereo at 44.1 kHz).
//!
//! The stream has a fixed serial number and no time stamps or comments: the same samples always give the same bytes.

use std::{
    fs::File,
    io::{self, BufWriter},
    num::{NonZeroU8, NonZeroU32},
};

use euterpe_actors::outcome::Fault;
use vorbis_rs::{VorbisBitrateManagementStrategy, VorbisEncoder, VorbisEncoderBuilder, VorbisError};

use super::shape::{Shape, unencoded, unwritten};

/// The encoder slows down beyond blocks of this many frames.
const BLOCK: usize = 4096;
/// Of the one stream in the file.
const SERIAL: i32 = 1;
/// From -0.2 to 1.
const QUALITY: f32 = 0.5;

/// A file being written.
pub(super) struct Ogg {
    encoder: VorbisEncoder<BufWriter<File>>,
    block: Vec<Vec<f32>>,
}

impl Ogg {
    /// Begins the file.
    ///
    /// # Errors
    /// Where Vorbis cannot hold the shape.
    pub(super) fn new(file: File, shape: Shape) -> Result<Self, Fault> {
        let no = || {
            if let Some(rate) = shape.bit_rate.map(|rate| rate / 1000) {
                return Fault::fatal(format!(
                    "Ogg Vorbis cannot be written at {rate} kbit/s with {} channels at {} Hz; take another `bit_rate`, or none",
                    shape.channels, shape.rate
                ));
            }
            Fault::fatal(format!(
                "an Ogg Vorbis file is written with one or two channels at up to 200000 Hz, not {} at {} Hz; mix and \
                 resample before, or give the output the suffix .flac",
                shape.channels, shape.rate
            ))
        };
        let channels = u8::try_from(shape.channels).ok().filter(|channels| *channels <= 2).and_then(NonZeroU8::new);
        let (channels, rate) = (channels.ok_or_else(no)?, NonZeroU32::new(shape.rate).ok_or_else(no)?);
        let sink = BufWriter::with_capacity(1 << 16, file);
        let mut builder = VorbisEncoderBuilder::new_with_serial(rate, channels, sink, SERIAL);
        let usual = VorbisBitrateManagementStrategy::QualityVbr { target_quality: QUALITY };
        let quality = match shape.bit_rate.and_then(NonZeroU32::new) {
            Some(target_bitrate) => VorbisBitrateManagementStrategy::Vbr { target_bitrate },
            None => usual,
        };
        let encoder = builder.bitrate_management_strategy(quality).build().map_err(|error| match error {
            VorbisError::Io(error) => unwritten(&error),
            _ => no(),
        })?;
        Ok(Self { encoder, block: Vec::new() })
    }

    /// Appends a block.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn write(&mut self, block: &[Vec<f32>]) -> Result<(), Fault> {
        let frames = block.first().map_or(0, Vec::len);
        self.block.resize(block.len(), Vec::new());
        for from in (0..frames).step_by(BLOCK) {
            let part = from..(from + BLOCK).min(frames);
            for (own, channel) in self.block.iter_mut().zip(block) {
                own.clear();
                own.extend(channel[part.clone()].iter().map(|sample| sample.clamp(-1.0, 1.0)));
            }
            self.encoder.encode_audio_block(&self.block).map_err(failed)?;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let sink = self.encoder.finish().map_err(failed)?;
        sink.into_inner().map_err(io::IntoInnerError::into_error).map_err(|error| unwritten(&error))?;
        Ok(())
    }
}

fn failed(error: VorbisError) -> Fault {
    match error {
        VorbisError::Io(error) => unwritten(&error),
        error => unencoded(&error),
    }
}
