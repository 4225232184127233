//! Raw samples in files, for processes that map them into memory: `f32`, little endian, interleaved, full scale at ±1.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::Path,
    sync::mpsc,
    thread,
};

use euterpe_actors::{
    outcome::Fault,
    transform::{SampleFormat, SamplePlace, Work},
};
use rustix::fs::{MemfdFlags, memfd_create};

use super::{
    MAX_MINUTES,
    decode::{Bounds, Decoder},
    limits::{MAX_CHANNELS, MAX_RATE},
    write::{Container, SampleKind, Shape, Writer},
};

/// Up to how many bytes of samples are kept in memory: eight minutes of stereo at 44.1 kHz.
const IN_MEMORY: u64 = 160 << 20;
/// Bytes that are written at once.
const CHUNK: usize = 256 << 10;

/// Decodes the input of a name, into memory, or into a new file where that would be too much.
///
/// Samples are written beside the decoding: that costs the decoder next to nothing where another core is free.
///
/// # Errors
/// A fault of the input, as [`Decoder`] finds it, or of the file.
pub(crate) fn decode(work: &Work, name: &str, to: &Path) -> Result<(SampleFormat, SamplePlace), Fault> {
    let failed = |error: io::Error| Fault::of_io(format!("could not lay out the samples of `{name}`"), &error);
    let mut decoder = Decoder::open(work, name, Bounds::minutes(MAX_MINUTES))?;
    let (chunks, written) = mpsc::sync_channel::<Vec<u8>>(4);
    let path = to.to_owned();
    let writer = thread::Builder::new().name("samples".to_owned()).spawn(move || write(&written, &path));
    let writer = writer.map_err(failed)?;
    let mut bytes = Vec::with_capacity(2 * CHUNK);
    let mut decoded = Ok(());
    loop {
        match decoder.next_block() {
            Ok(Some(block)) => interleave(block, &mut bytes),
            Ok(None) => break,
            Err(fault) => {
                decoded = Err(fault);
                break;
            }
        }
        if bytes.len() >= CHUNK && chunks.send(std::mem::replace(&mut bytes, Vec::with_capacity(2 * CHUNK))).is_err() {
            break; // the writer has ended, and says why
        }
    }
    let sent = chunks.send(bytes);
    drop(chunks);
    let place = writer.join().map_err(|_| failed(io::Error::other("the writer panicked")))?.map_err(failed)?;
    decoded?;
    sent.map_err(|_| failed(io::Error::other("the writer ended early")))?;
    Ok((SampleFormat { rate: decoder.rate(), channels: decoder.channels(), frames: decoder.frames() }, place))
}

/// Appends a planar block, interleaved.
fn interleave(block: &[Vec<f32>], bytes: &mut Vec<u8>) {
    match block {
        [one] => bytes.extend(one.iter().flat_map(|sample| sample.to_le_bytes())),
        [left, right] => {
            let from = bytes.len();
            bytes.resize(from + 8 * left.len().min(right.len()), 0);
            for ((place, left), right) in bytes[from..].chunks_exact_mut(8).zip(left).zip(right) {
                place[..4].copy_from_slice(&left.to_le_bytes());
                place[4..].copy_from_slice(&right.to_le_bytes());
            }
        }
        channels => {
            for frame in 0..channels.first().map_or(0, Vec::len) {
                channels.iter().for_each(|channel| bytes.extend_from_slice(&channel[frame].to_le_bytes()));
            }
        }
    }
}

/// Writes all chunks; into `path` once they are too many for the memory.
fn write(chunks: &mpsc::Receiver<Vec<u8>>, path: &Path) -> io::Result<SamplePlace> {
    let mut memory = File::from(memfd_create("samples", MemfdFlags::CLOEXEC)?);
    let mut held = 0;
    while let Ok(chunk) = chunks.recv() {
        held += chunk.len() as u64;
        if held > IN_MEMORY {
            memory.rewind()?;
            let mut file = File::create(path)?;
            io::copy(&mut memory, &mut file)?;
            drop(memory);
            file.write_all(&chunk)?;
            while let Ok(chunk) = chunks.recv() {
                file.write_all(&chunk)?;
            }
            return Ok(SamplePlace::File);
        }
        memory.write_all(&chunk)?;
    }
    Ok(SamplePlace::Memory(memory))
}

/// Encodes a file of raw samples in the container that `suffix` names, with 16 bits where it holds integers.
///
/// # Errors
/// Where the samples are none, or the container cannot hold them.
pub(crate) fn encode(from: &Path, rate: u32, channels: usize, suffix: &str, to: &Path) -> Result<(), Fault> {
    let failed = |error: io::Error| Fault::of_io("could not read the samples that were made", &error);
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
    let mut writer =
        Writer::create(to, container, Shape { rate, channels, kind: SampleKind::I16, layout: None, bit_rate: None })?;
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
        let (found, place) = decode(&tone, "audio", &raw).expect("decoded");
        assert_eq!(found, SampleFormat { rate: 8000, channels: 2, frames: 9001 });
        let SamplePlace::Memory(mut memory) = place else { panic!("a short track is kept in memory") };
        memory.rewind().and_then(|()| io::copy(&mut memory, &mut File::create(&raw)?)).expect("copied");
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
    fn a_block_of_any_number_of_channels_is_interleaved_frame_by_frame() {
        for channels in 1..=5 {
            let block: Vec<Vec<f32>> = (0..channels).map(|c| (0..3).map(|n| (10 * c + n) as f32).collect()).collect();
            let mut bytes = Vec::new();
            interleave(&block, &mut bytes);
            let samples: Vec<f32> = bytes.chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            let wanted: Vec<f32> = (0..3).flat_map(|n| (0..channels).map(move |c| (10 * c + n) as f32)).collect();
            assert_eq!(samples, wanted);
        }
    }

    #[test]
    fn what_is_too_much_for_the_memory_goes_into_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("raw");
        let (chunks, written) = mpsc::sync_channel(4);
        let chunk = |n: u64| vec![n as u8; 8 << 20];
        let writer = thread::spawn({
            let path = path.clone();
            move || write(&written, &path)
        });
        let count = IN_MEMORY / (8 << 20) + 2;
        (0..count).for_each(|n| chunks.send(chunk(n)).expect("taken"));
        drop(chunks);
        assert!(matches!(writer.join().expect("ended"), Ok(SamplePlace::File)));
        let bytes = std::fs::read(path).expect("read");
        assert_eq!(bytes.len() as u64, count * (8 << 20));
        assert!(bytes.chunks(8 << 20).zip(0..).all(|(part, n)| part[0] == n as u8 && part[part.len() - 1] == n as u8));
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
