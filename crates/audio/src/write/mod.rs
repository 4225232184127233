//! Writes planar blocks as a WAV, FLAC or Ogg Vorbis file.
//!
//! A sample `x` becomes the integer `round(x · 2^(bits − 1))`; what lies beyond full scale is held at full scale. There is no
//! dither: the same samples always give the same bytes, and 16-bit material comes back bit for bit. Where the channels stand is
//! written as the source said it, and left open where it did not.

mod flac;
mod mask;
mod ogg;
mod shape;

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::Fault;

use super::formats::usual_layout;
use flac::Flac;
use mask::write_mask;
use ogg::Ogg;
use shape::{unencoded, unwritten};

pub(crate) use flac::FLAC_MAX_RATE;
pub use shape::{SampleKind, Shape};

/// The containers that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// Free Lossless Audio Codec.
    Flac,
    /// Vorbis in Ogg.
    Ogg,
}

impl Container {
    /// The container of a file suffix without the dot.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "wav" => Some(Self::Wav),
            "flac" => Some(Self::Flac),
            "ogg" => Some(Self::Ogg),
            _ => None,
        }
    }
}

/// A file being written.
pub struct Writer {
    shape: Shape,
    sink: Sink,
    /// One block of interleaved integers, reused.
    integers: Vec<i32>,
    bytes: u64,
}

enum Sink {
    Wav(hound::WavWriter<BufWriter<File>>, PathBuf),
    Flac(Box<Flac>),
    Ogg(Box<Ogg>),
}

impl Writer {
    /// Creates the file at `path`.
    ///
    /// # Errors
    /// Where the container cannot hold the shape, or the file cannot be created.
    pub fn create(path: &Path, container: Container, shape: Shape) -> Result<Self, Fault> {
        let file = File::create(path).map_err(|error| unwritten(&error))?;
        let sink = match container {
            Container::Wav => {
                let spec = hound::WavSpec {
                    channels: shape.channels as u16,
                    sample_rate: shape.rate,
                    bits_per_sample: shape.kind.bits(),
                    sample_format: match shape.kind {
                        SampleKind::F32 => hound::SampleFormat::Float,
                        _ => hound::SampleFormat::Int,
                    },
                };
                let writer = hound::WavWriter::new(BufWriter::with_capacity(1 << 16, file), spec);
                Sink::Wav(writer.map_err(failed)?, path.to_owned())
            }
            Container::Flac => Sink::Flac(Box::new(Flac::new(file, shape)?)),
            Container::Ogg => Sink::Ogg(Box::new(Ogg::new(file, shape)?)),
        };
        Ok(Self { shape, sink, integers: Vec::new(), bytes: 0 })
    }

    /// Appends a block, one vector of equal length for each channel.
    ///
    /// # Errors
    /// Where the file cannot be written, or would outgrow what a WAV file can hold.
    pub fn write(&mut self, block: &[Vec<f32>]) -> Result<(), Fault> {
        let frames = block.first().map_or(0, Vec::len);
        self.bytes += frames as u64 * block.len() as u64 * u64::from(self.shape.kind.bits() / 8);
        if matches!(self.sink, Sink::Wav(..)) && self.bytes > u64::from(u32::MAX) - 4096 {
            return Err(Fault::fatal(
                "the sound does not fit into a WAV file of 4 GiB; give the output the suffix .flac",
            ));
        }
        if let (Sink::Wav(writer, _), SampleKind::F32) = (&mut self.sink, self.shape.kind) {
            for frame in 0..frames {
                for channel in block {
                    writer.write_sample(channel[frame]).map_err(failed)?;
                }
            }
            return Ok(());
        }
        if let Sink::Ogg(ogg) = &mut self.sink {
            return ogg.write(block);
        }
        let full = f32::from(1u16 << 15) * if self.shape.kind == SampleKind::I24 { 256.0 } else { 1.0 };
        self.integers.resize(frames * block.len(), 0);
        for (index, channel) in block.iter().enumerate() {
            for (integer, sample) in self.integers[index..].iter_mut().step_by(block.len()).zip(channel) {
                *integer = (sample * full).round().clamp(-full, full - 1.0) as i32;
            }
        }
        match &mut self.sink {
            Sink::Wav(writer, _) if self.shape.kind == SampleKind::I16 => {
                let mut writer = writer.get_i16_writer(self.integers.len() as u32);
                for &integer in &self.integers {
                    writer.write_sample(integer as i16);
                }
                writer.flush().map_err(failed)?;
            }
            Sink::Wav(writer, _) => {
                for &integer in &self.integers {
                    writer.write_sample(integer).map_err(failed)?;
                }
            }
            Sink::Flac(flac) => flac.write(&self.integers)?,
            Sink::Ogg(_) => {} // was written as it is
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self) -> Result<(), Fault> {
        match self.sink {
            Sink::Wav(writer, path) => {
                writer.finalize().map_err(failed)?;
                let layout = self.shape.layout.or_else(|| usual_layout(self.shape.channels));
                write_mask(&path, layout.map_or(0, |layout| layout.bits() as u32)).map_err(|error| unwritten(&error))
            }
            Sink::Flac(flac) => flac.finish(),
            Sink::Ogg(ogg) => ogg.finish(),
        }
    }
}

/// The fault of a WAV file that was not written.
fn failed(error: hound::Error) -> Fault {
    match error {
        hound::Error::IoError(error) => unwritten(&error),
        error => unencoded(&error),
    }
}

#[cfg(test)]
mod tests {
    use euterpe_actors::outcome::FaultKind;

    use super::super::testing::{decoded, work};
    use super::*;

    fn written(container: Container, kind: SampleKind, block: &[Vec<f32>]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sound");
        let shape = Shape { rate: 44_100, channels: block.len(), kind, layout: None, bit_rate: None };
        let mut writer = Writer::create(&path, container, shape).expect("created");
        for start in (0..block[0].len()).step_by(1000) {
            let end = (start + 1000).min(block[0].len());
            let part: Vec<Vec<f32>> = block.iter().map(|channel| channel[start..end].to_vec()).collect();
            writer.write(&part).expect("written");
        }
        writer.finish().expect("finished");
        std::fs::read(path).expect("read")
    }

    /// Noise on the grid of an integer width, full scale included.
    fn grid(frames: usize, channels: usize, bits: u32) -> Vec<Vec<f32>> {
        let full = (1i64 << (bits - 1)) as f32;
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as i64 & ((1 << bits) - 1)) as f32 / full - 1.0
        };
        (0..channels).map(|_| (0..frames).map(|_| next()).collect()).collect()
    }

    #[test]
    fn what_is_written_reads_back_bit_for_bit() {
        for container in [Container::Wav, Container::Flac] {
            for (kind, bits) in [(SampleKind::I16, 16), (SampleKind::I24, 24)] {
                for (frames, channels) in [(1, 1), (15, 1), (4096, 2), (4097, 2), (10_000, 1), (5000, 6)] {
                    let block = grid(frames, channels, bits);
                    let bytes = written(container, kind, &block);
                    let suffix = if container == Container::Wav { "wav" } else { "flac" };
                    let back = decoded(&work("t", &[("audio", &format!("t.{suffix}"), &bytes)], "x")).expect("decodes");
                    assert!(back.samples == block, "{container:?} {kind:?} {frames}x{channels} differs");
                    assert_eq!(back.rate, 44_100);
                }
            }
        }
    }

    #[test]
    fn flac_holds_rates_that_its_encoder_does_not_know() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sound");
        let block = grid(9000, 2, 24);
        for rate in [8000, 95_999, 96_000, 96_001, 176_400, 192_000, 384_000, 655_349, 655_350] {
            let shape = Shape { rate, channels: 2, kind: SampleKind::I24, layout: None, bit_rate: None };
            let mut writer = Writer::create(&path, Container::Flac, shape).expect("created");
            writer.write(&block).expect("written");
            writer.finish().expect("finished");
            let bytes = std::fs::read(&path).expect("read");
            let back = decoded(&work("t", &[("audio", "t.flac", &bytes)], "x")).expect("decodes");
            assert_eq!(back.rate, rate);
            assert!(back.samples == block, "{rate} Hz");
        }
        let shape = Shape { rate: 655_351, channels: 2, kind: SampleKind::I24, layout: None, bit_rate: None };
        assert!(Writer::create(&path, Container::Flac, shape).is_err_and(|fault| fault.text.contains("suffix .wav")));
    }

    #[test]
    fn floats_are_kept_as_they_are_and_integers_stop_at_full_scale() {
        let block = vec![vec![0.1, -1.5, 1.5, 1e-9]];
        let bytes = written(Container::Wav, SampleKind::F32, &block);
        assert_eq!(decoded(&work("t", &[("audio", "t.wav", &bytes)], "x")).expect("decodes").samples, block);
        let bytes = written(Container::Flac, SampleKind::I16, &block);
        let back = decoded(&work("t", &[("audio", "t.flac", &bytes)], "x")).expect("decodes").samples;
        assert_eq!(back, [[3277.0 / 32768.0, -1.0, 32767.0 / 32768.0, 0.0]]);
    }

    #[test]
    fn a_full_disk_is_trouble_of_the_machine_and_no_fault_of_the_entity() {
        let full = Path::new("/dev/full");
        let block = grid(100_000, 2, 16);
        for container in [Container::Wav, Container::Flac, Container::Ogg] {
            let shape = Shape { rate: 44_100, channels: 2, kind: SampleKind::I16, layout: None, bit_rate: None };
            let written = Writer::create(full, container, shape).and_then(|mut writer| {
                writer.write(&block)?;
                writer.finish()
            });
            let fault = written.expect_err("there is no room");
            assert_eq!(fault.kind, FaultKind::NodeTrouble, "{container:?}: {fault}");
        }
        let nowhere = Path::new("/no/such/folder/sound.wav");
        let shape = Shape { rate: 44_100, channels: 1, kind: SampleKind::F32, layout: None, bit_rate: None };
        let fault = Writer::create(nowhere, Container::Wav, shape).err().expect("no folder");
        assert_eq!(fault.kind, FaultKind::Failed, "{fault}");
    }
}
