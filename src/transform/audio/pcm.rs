//! Raw samples in files, for processes that map them into memory: `f32`, little endian, interleaved, full scale at ±1.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use euterpe_actors::{outcome::Fault, transform::Work};

use super::{
    MAX_MINUTES,
    decode::{Decoder, MAX_CHANNELS, MAX_RATE},
    write::{Container, SampleKind, Shape, Writer},
};

/// What lies in a file of raw samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    /// Frames in a second.
    pub(crate) rate: u32,
    /// Channels.
    pub(crate) channels: usize,
    /// Frames: samples of each channel.
    pub(crate) frames: u64,
}

/// Decodes the input of a name into a new file.
///
/// # Errors
/// A fault of the input, as [`Decoder`] finds it, or of the file.
pub(crate) fn decode(work: &Work, name: &str, to: &Path) -> Result<Raw, Fault> {
    let failed = |error: io::Error| Fault::failed(format!("could not lay out the samples of `{name}`: {error}"));
    let mut decoder = Decoder::open(work, name, MAX_MINUTES)?;
    let mut file = BufWriter::with_capacity(1 << 18, File::create(to).map_err(failed)?);
    let mut bytes = Vec::new();
    while let Some(block) = decoder.next_block()? {
        let (channels, frames) = (block.len(), block.first().map_or(0, Vec::len));
        bytes.resize(frames * channels * 4, 0);
        for (number, channel) in block.iter().enumerate() {
            let places = bytes[number * 4..].chunks_mut(4 * channels);
            for (place, sample) in places.zip(channel) {
                place[..4].copy_from_slice(&sample.to_le_bytes());
            }
        }
        file.write_all(&bytes).map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(Raw { rate: decoder.rate(), channels: decoder.channels(), frames: decoder.frames() })
}

/// Encodes a file of raw samples in the container that `suffix` names, with 16 bits where it holds integers.
///
/// # Errors
/// Where the samples are none, or the container cannot hold them.
pub(crate) fn encode(from: &Path, rate: u32, channels: usize, suffix: &str, to: &Path) -> Result<(), Fault> {
    let failed = |error: io::Error| Fault::failed(format!("could not read the samples that were made: {error}"));
    let container = Container::of_suffix(suffix).ok_or_else(|| {
        Fault::fatal(format!("sound is written to .wav, .flac or .ogg, not `.{suffix}`; change the output's suffix"))
    })?;
    if !(1..=MAX_CHANNELS).contains(&channels) || !(1..=MAX_RATE).contains(&rate) {
        return Err(Fault::fatal(format!(
            "sound has 1 to {MAX_CHANNELS} channels at 1 to {MAX_RATE} Hz, not {channels} at {rate} Hz"
        )));
    }
    let file = File::open(from).map_err(failed)?;
    let frame = 4 * channels;
    let length = file.metadata().map_err(failed)?.len();
    if !length.is_multiple_of(frame as u64) {
        return Err(Fault::fatal(format!("{length} bytes of samples do not make whole frames of {channels} channels")));
    }
    let mut writer = Writer::create(to, container, Shape { rate, channels, kind: SampleKind::I16 })?;
    let mut file = BufReader::with_capacity(1 << 18, file);
    let mut left = usize::try_from(length).map_err(|_| Fault::fatal("more samples than this machine can count"))?;
    let mut bytes = vec![0; frame * 4096];
    let mut block = vec![Vec::new(); channels];
    while left > 0 {
        let now = left.min(bytes.len());
        file.read_exact(&mut bytes[..now]).map_err(failed)?;
        for (number, channel) in block.iter_mut().enumerate() {
            channel.clear();
            let places = bytes[number * 4..now].chunks(frame);
            channel.extend(places.map(|place| f32::from_le_bytes([place[0], place[1], place[2], place[3]])));
            if let Some(odd) = channel.iter().find(|sample| !sample.is_finite()) {
                return Err(Fault::failed(format!("the sound that was made holds {odd}, which is no sample")));
            }
        }
        writer.write(&block)?;
        left -= now;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoded, tone, wav, work};
    use super::*;

    #[test]
    fn samples_go_through_a_raw_file_and_come_back_as_sound() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (raw, sound) = (folder.path().join("raw"), folder.path().join("sound"));
        let grid =
            |hz| tone(hz, 8000, 9001).iter().map(|x| (x * 32768.0).round() / 32768.0 * 0.5).collect::<Vec<f32>>();
        let track = [grid(440.0), grid(660.0)];
        let tone = work("t", &[("audio", "t.wav", &wav(8000, &track))], "x");
        let found = decode(&tone, "audio", &raw).expect("decoded");
        assert_eq!(found, Raw { rate: 8000, channels: 2, frames: 9001 });
        assert_eq!(std::fs::metadata(&raw).expect("there").len(), 9001 * 2 * 4);
        for suffix in ["wav", "flac", "ogg"] {
            encode(&raw, found.rate, found.channels, suffix, &sound).expect("encoded");
            let bytes = std::fs::read(&sound).expect("read");
            let back = decoded(&work("t", &[("audio", &format!("t.{suffix}"), &bytes)], "x")).expect("decodes");
            assert_eq!((back.rate, back.samples[0].len()), (8000, 9001), "{suffix}");
            let worst = back.samples.iter().flatten().zip(track.iter().flatten()).map(|(a, b)| (a - b).abs());
            let most = if suffix == "ogg" { 0.1 } else { 1.0 / 32768.0 };
            assert!(worst.fold(0.0, f32::max) <= most, "{suffix}");
            encode(&raw, found.rate, found.channels, suffix, &raw.with_extension("again")).expect("encoded again");
            assert_eq!(bytes, std::fs::read(raw.with_extension("again")).expect("read"), "{suffix} is not repeatable");
        }
    }

    #[test]
    fn what_is_no_sound_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (raw, sound) = (folder.path().join("raw"), folder.path().join("sound"));
        std::fs::write(&raw, [0, 0, 192, 127]).expect("NaN");
        let said =
            |rate, channels, suffix: &str| encode(&raw, rate, channels, suffix, &sound).expect_err("refused").text;
        assert_eq!(said(8000, 1, "wav"), "the sound that was made holds NaN, which is no sample");
        assert_eq!(said(8000, 2, "wav"), "4 bytes of samples do not make whole frames of 2 channels");
        assert!(said(8000, 1, "mp3").contains("not `.mp3`; change the output's suffix"));
        assert!(said(0, 1, "wav").contains("not 1 at 0 Hz"));
        std::fs::write(&raw, [0; 12]).expect("a frame");
        assert!(said(8000, 3, "ogg").contains("one or two channels"));
    }
}
