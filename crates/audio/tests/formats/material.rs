//! Sounds to encode, the programs that encode and decode them, and our own decoder.

use std::{
    fs,
    io::{Read, Seek},
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use euterpe_actors::{
    outcome::{Fault, FaultKind},
    transform::{OpenContext, OutputShape, Registry, SamplePlace},
};
use euterpe_testkit::work::{run, work};
use serde_json::{Value, json};

/// A decoded track, interleaved.
#[derive(Debug, PartialEq)]
pub struct Track {
    pub rate: u32,
    pub channels: usize,
    pub samples: Vec<f32>,
}

impl Track {
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }
}

/// A folder for files that are gone after the test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Runs a program to its end and gives what it printed; panics with what it said where it fails.
pub fn tool(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run `{program}` ({error}); `tests/run` installs it"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Runs ffmpeg without questions.
pub fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    tool("ffmpeg", &[&["-nostdin", "-hide_banner", "-v", "error", "-y"], arguments].concat())
}

/// A WAV file of 16 bits without a mask: tones that differ from channel to channel, under a slow swell, with a little noise.
pub fn wav(rate: u32, channels: u16, frames: usize) -> Vec<u8> {
    let mut samples = Vec::with_capacity(frames * usize::from(channels) * 2);
    let mut state = 1u32;
    for n in 0..frames {
        let time = n as f64 / f64::from(rate);
        for channel in 0..channels {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state >> 8) / f64::from(1 << 24) - 0.5;
            let pitch = 220.0 + 130.0 * f64::from(channel);
            let swell = 0.2 + 0.15 * (std::f64::consts::TAU * 1.7 * time).sin();
            let sample = swell * ((std::f64::consts::TAU * pitch * time).sin() + 0.2 * noise);
            samples.extend(((sample * 32_767.0) as i16).to_le_bytes());
        }
    }
    wav_of(rate, channels, &samples)
}

/// The same header for other bytes.
pub fn wav_of(rate: u32, channels: u16, samples: &[u8]) -> Vec<u8> {
    let length = samples.len() as u32;
    let frame = channels * 2;
    let format = [&1u16.to_le_bytes()[..], &channels.to_le_bytes(), &rate.to_le_bytes()].concat();
    let rest = [&(rate * u32::from(frame)).to_le_bytes()[..], &frame.to_le_bytes(), &16u16.to_le_bytes()].concat();
    let head = [&b"RIFF"[..], &(36 + length).to_le_bytes(), b"WAVEfmt \x10\0\0\0", &format, &rest];
    [&head.concat()[..], b"data", &length.to_le_bytes(), samples].concat()
}

/// Writes a sound and lets ffmpeg make a file of it.
pub fn encoded(folder: &Path, sound: &[u8], file: &str, options: &[&str]) -> PathBuf {
    let (from, to) = (folder.join("sound.wav"), folder.join(file));
    fs::write(&from, sound).expect("written");
    ffmpeg(&[&["-i", &from.to_string_lossy()], options, &[&to.to_string_lossy()]].concat());
    to
}

/// What we decode.
pub fn ours(bytes: impl Into<Bytes>) -> Result<Track, Fault> {
    let folder = folder();
    let to = folder.path().join("samples");
    let work = work("t", &[("audio", "t", &bytes.into())], "x");
    let (format, place) = euterpe_audio::codec().decode(&work, "audio", &to)?;
    let mut bytes = Vec::new();
    match place {
        SamplePlace::Memory(mut memory) => {
            memory.rewind().expect("a file in memory");
            memory.read_to_end(&mut bytes).expect("read");
        }
        SamplePlace::File => bytes = fs::read(to).expect("read"),
    }
    let samples: Vec<f32> =
        bytes.chunks_exact(4).map(|own| f32::from_le_bytes([own[0], own[1], own[2], own[3]])).collect();
    assert_eq!(samples.len() as u64, format.frames * format.channels as u64);
    Ok(Track { rate: format.rate, channels: format.channels, samples })
}

/// The same for a file that has to be read.
pub fn ours_of(path: &Path) -> Track {
    ours(fs::read(path).expect("read")).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// What ffmpeg decodes, at its own rate and channels.
pub fn ffmpegs(path: &Path) -> Vec<f32> {
    let bytes = ffmpeg(&["-i", &path.to_string_lossy(), "-map", "0:a:0", "-f", "f32le", "-"]);
    bytes.chunks_exact(4).map(|own| f32::from_le_bytes([own[0], own[1], own[2], own[3]])).collect()
}

/// How far what we decode is from what others do, in dB; the same lengths are taken for granted.
pub fn snr(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len(), "lengths differ");
    let energy: f64 = theirs.iter().map(|&x| f64::from(x).powi(2)).sum();
    let noise: f64 = ours.iter().zip(theirs).map(|(&a, &b)| f64::from(a - b).powi(2)).sum();
    10.0 * (energy / noise.max(1e-30)).log10()
}

/// In which words a file is refused.
pub fn refused(bytes: impl Into<Bytes>) -> String {
    let fault = ours(bytes).map(|track| track.frames()).expect_err("it was decoded");
    assert_eq!(fault.kind, FaultKind::BadInput, "{fault}");
    fault.text
}

/// In which words a file is refused where our readers alone may read it.
pub fn refused_natively(bytes: &[u8]) -> String {
    let fault = made("audio.silence", json!({"decoder": "native"}), bytes, "json").expect_err("it was read");
    assert_eq!(fault.kind, FaultKind::BadInput, "{fault}");
    fault.text
}

/// Makes the output of a transform of this crate.
pub fn made(name: &str, with: Value, bytes: &[u8], suffix: &str) -> Result<Bytes, Fault> {
    let job = OpenContext {
        outputs: vec![OutputShape { name: String::new(), suffix: suffix.into() }],
        ..OpenContext::default()
    };
    let mut registry = Registry::default();
    euterpe_audio::register(&mut registry);
    let factory = registry.find(name).expect("a transform").open(&with, &job).expect("good options");
    run(&factory, work("t", &[("audio", "t", bytes)], suffix))
}
