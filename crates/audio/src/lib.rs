//! Sound: decoding with bounds, the transforms `audio.*` that stand on it, and `synth.track`, which makes music of nothing.
//!
//! A track travels through here in planar blocks of `f32`, one `Vec` per channel, with full scale at ±1; nothing holds a
//! whole track unless its output is a whole track.
//!
//! ```text
//! formats ──▶ decode ──▶ mix, resample ──▶ spectrum ──▶ stft, mel, melspectrogram, mfcc, pitch, rhythm, hpss, descriptors, spectrogram, plots
//!    (one module per format:   │           ──▶ loudness
//!     what is it, is it whole?) └──▶ write (ogg) ◀── transcode, synth
//! ffmpeg ──▶ decode ──▶ probe    (what has no reader of ours; what a file is)
//! ```
//!
//! [`register`] adds the transforms to a registry; [`codec`] decodes and encodes for transforms in other processes. [`Chart`]
//! draws a quantity over time with what spectrograms are drawn with, [`HeatMap`] a table of numbers.

mod chart;
mod codec;
mod decibels;
mod decode;
mod descriptors;
mod entry;
mod ffmpeg;
mod fingerprint;
mod formats;
mod framing;
mod heat_map;
mod hpss;
mod json;
mod limits;
mod loudness;
mod mel;
mod mel_levels;
mod melspectrogram;
mod mfcc;
mod mix;
mod npy;
mod options;
mod part;
mod pcm;
mod pitch;
mod plots;
mod probe;
mod refusal;
mod resample;
mod rhythm;
mod silence;
mod sound;
mod spectrogram;
mod spectrum;
mod spool;
mod stft;
mod synth;
#[cfg(test)]
mod testing;
mod transcode;
mod waveform;
mod write;

use euterpe_actors::transform::{OptionProblem, Registry};

pub use chart::Chart;
pub use codec::codec;
pub use heat_map::HeatMap;

/// Adds the transforms of this crate.
pub fn register(registry: &mut Registry) {
    let entries = [
        transcode::entry(),
        stft::entry(),
        melspectrogram::entry(),
        mfcc::entry(),
        pitch::cqt(),
        pitch::chroma(),
        pitch::key(),
        rhythm::onset(),
        rhythm::tempo(),
        hpss::entry(),
        descriptors::entry(),
        loudness::entry(),
        fingerprint::entry(),
        silence::entry(),
        waveform::entry(),
        spectrogram::entry(),
        plots::mel(),
        plots::mfcc(),
        plots::chroma(),
        plots::waveform(),
        probe::entry(),
        synth::entry(),
    ];
    for entry in entries {
        registry.register(entry);
    }
}

/// The extensions of the files that can be decoded, most usual first; from `opus` on, some of them by ffmpeg alone.
pub(crate) const EXTENSIONS: &[&str] = &[
    "flac", "wav", "mp3", "ogg", "oga", "m4a", "mp4", "aac", "aif", "aiff", "caf", "mka", "mkv", "webm", "mp2", "alac",
    "m4b", "w64", "au", "aifc", "wave", "bwf", "rf64", "mov", "m4r", "mpa", "snd", "opus", "bw64", "wma", "wv", "ape",
    "mpc", "tta", "tak", "dsf", "dff", "ac3", "eac3", "dts", "thd", "amr", "awb", "3gp", "3ga", "spx", "gsm", "ra",
    "rm", "voc", "shn", "m4v", "avi", "wmv", "asf", "flv", "mpg", "mpeg", "ts", "m2ts", "vob", "ogv", "ogx",
];

/// The extensions of files that hold no sound.
pub(crate) const NOT_DECODED: &[&str] = &[
    "mid", "midi", "json", "npy", "npz", "txt", "csv", "tsv", "md", "yaml", "xml", "html", "png", "jpg", "jpeg", "gif",
    "webp", "svg", "pdf", "lrc", "srt", "zip", "m3u", "m3u8", "pls", "cue",
];

/// The longest track that is read unless a job says otherwise, in minutes: a day.
pub(crate) const MAX_MINUTES: u32 = 24 * 60;

/// What is wrong with a job's `max_minutes`.
pub(crate) fn minutes_problem(minutes: u32) -> Option<OptionProblem> {
    let allowed = 1..=MAX_MINUTES * 31;
    (!allowed.contains(&minutes)).then(|| {
        OptionProblem::new(
            "max_minutes",
            format!("expected a number of minutes from 1 to {}, got {minutes}", allowed.end()),
        )
    })
}

/// A time in a track as people write it: `3:04`, `1:02:03`.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
