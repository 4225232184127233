//! Audio: decoding with bounds, and the transforms that stand on it.
//!
//! A track travels through here in planar blocks of `f32`, one `Vec` per channel, with full scale at ±1; nothing holds a
//! whole track unless its output is a whole track.

pub mod decode;
mod ending;
pub mod loudness;
mod mel;
pub mod melspectrogram;
mod mix;
mod not_audio;
mod npy;
mod ogg;
pub(crate) mod pcm;
mod resample;
mod source;
pub mod spectrogram;
mod spectrum;
#[cfg(test)]
pub(crate) mod testing;
pub mod transcode;
pub mod write;

use euterpe_actors::{outcome::Fault, storage::Content};

/// The extensions of the files that can be decoded, most usual first.
pub const EXTENSIONS: &[&str] = &[
    "flac", "wav", "mp3", "ogg", "oga", "m4a", "mp4", "aac", "aif", "aiff", "caf", "mka", "mkv", "webm", "mp2", "alac",
];

/// The longest track that is read unless a job says otherwise, in minutes: a day.
pub(crate) const MAX_MINUTES: u32 = 24 * 60;

/// What is wrong with a job's `max_minutes`.
pub(crate) fn minutes_problem(minutes: u32) -> Option<super::OptionProblem> {
    let allowed = 1..=MAX_MINUTES * 31;
    (!allowed.contains(&minutes)).then(|| {
        super::OptionProblem::new(
            "max_minutes",
            format!("expected a number of minutes from 1 to {}, got {minutes}", allowed.end()),
        )
    })
}

/// What a whole track is, found by decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Frames in a second.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// Frames.
    pub frames: u64,
}

impl Measured {
    /// How long it is.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate)
    }
}

/// Decodes a track to its end.
///
/// # Errors
/// Where it is no track, or a damaged one.
pub fn measured(content: &Content) -> Result<Measured, Fault> {
    let mut decoder = decode::Decoder::of_content(content, "", MAX_MINUTES)?;
    while decoder.next_block()?.is_some() {}
    Ok(Measured { rate: decoder.rate(), channels: decoder.channels(), frames: decoder.frames() })
}

/// A time in a track as people write it: `3:04`, `1:02:03`.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
