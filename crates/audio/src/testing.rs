//! Material for the tests of the transforms: WAV files, signals, decoded tracks.

use std::io::Cursor;

use euterpe_actors::{outcome::Fault, transform::Work};
pub(crate) use euterpe_testkit::work::{run, work};

use super::decode::{Bounds, Decoder};

/// A whole track in memory.
pub(crate) struct Track {
    pub(crate) rate: u32,
    pub(crate) samples: Vec<Vec<f32>>,
}

/// Decodes the input `audio` of some work.
pub(crate) fn decoded(work: &Work) -> Result<Track, Fault> {
    let mut decoder = Decoder::open(work, "audio", Bounds::minutes(60))?;
    let mut track = Track { rate: decoder.rate(), samples: vec![Vec::new(); decoder.channels()] };
    while let Some(block) = decoder.next_block()? {
        for (samples, channel) in track.samples.iter_mut().zip(block) {
            samples.extend_from_slice(channel);
        }
    }
    Ok(track)
}

/// The header and the numbers of a `.npy` file.
pub(crate) fn cells(npy: &[u8]) -> (String, Vec<f32>) {
    let length = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    assert!(npy.starts_with(b"\x93NUMPY\x01\x00") && (10 + length) % 64 == 0);
    let header = std::str::from_utf8(&npy[10..10 + length]).expect("text").to_owned();
    let numbers = npy[10 + length..].chunks_exact(4);
    (header, numbers.map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect())
}

/// Width, height and the palette index of every pixel.
pub(crate) fn pixels(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    (info.width as usize, info.height as usize, pixels)
}

/// A sine at half of full scale.
pub(crate) fn tone(frequency: f64, rate: u32, frames: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * frequency / f64::from(rate);
    (0..frames).map(|n| (0.5 * (step * n as f64).sin()) as f32).collect()
}

/// Planar samples as a WAV file of 16 bits.
pub(crate) fn wav(rate: u32, channels: &[Vec<f32>]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a writer");
    for frame in 0..channels[0].len() {
        for channel in channels {
            writer.write_sample((channel[frame] * 32767.0) as i16).expect("written");
        }
    }
    writer.finalize().expect("finished");
    bytes.into_inner()
}
