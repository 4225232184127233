//! The kinds of files that are written, and one being written.

use std::{path::Path, time::Duration};

use euterpe_actors::{outcome::Fault, transform::OptionProblem};
use symphonia::core::audio::Position;

use crate::{
    ffmpeg::{Encoder, Target, deadline},
    limits::{MAX_CHANNELS, MAX_RATE},
    write::{Container, FLAC_MAX_RATE, SampleKind, Shape, Writer},
};

/// A kind of file, by its suffix.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) suffix: &'static str,
    by: By,
    pub(super) channels: usize,
    /// The sample rates that it holds, where these are few, lowest first.
    rates: &'static [u32],
    highest: u32,
    /// Kilobits in a second, where it loses something: at least, as a rule, and at most.
    pub(super) bit_rates: Option<[u32; 3]>,
}

/// Who writes it.
#[derive(Clone, Copy, Debug)]
enum By {
    Own(Container),
    /// Ffmpeg, by its names of the encoder and of the container.
    Ffmpeg(&'static str, &'static str),
}

/// Those that MPEG knows.
const MPEG_RATES: &[u32] = &[8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

const KINDS: [Kind; 6] = [
    Kind {
        suffix: "wav",
        by: By::Own(Container::Wav),
        channels: MAX_CHANNELS,
        rates: &[],
        highest: MAX_RATE,
        bit_rates: None,
    },
    Kind {
        suffix: "flac",
        by: By::Own(Container::Flac),
        channels: 8,
        rates: &[],
        highest: FLAC_MAX_RATE,
        bit_rates: None,
    },
    Kind {
        suffix: "ogg",
        by: By::Own(Container::Ogg),
        channels: 2,
        rates: &[],
        highest: 200_000,
        bit_rates: Some([32, 160, 500]),
    },
    Kind {
        suffix: "opus",
        by: By::Ffmpeg("libopus", "opus"),
        channels: 2,
        rates: &[8000, 12_000, 16_000, 24_000, 48_000],
        highest: 48_000,
        bit_rates: Some([6, 128, 510]),
    },
    Kind {
        suffix: "mp3",
        by: By::Ffmpeg("libmp3lame", "mp3"),
        channels: 2,
        rates: MPEG_RATES,
        highest: 48_000,
        bit_rates: Some([8, 192, 320]),
    },
    Kind {
        suffix: "m4a",
        by: By::Ffmpeg("aac", "ipod"),
        channels: 2,
        rates: MPEG_RATES,
        highest: 48_000,
        bit_rates: Some([16, 192, 512]),
    },
];

/// The suffixes of all kinds.
pub(super) const SUFFIXES: &[&str] = &["wav", "flac", "ogg", "opus", "mp3", "m4a"];

impl Kind {
    /// The kind of a suffix.
    pub(super) fn of_suffix(suffix: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.suffix == suffix)
    }

    /// Whether it keeps each sample.
    pub(super) fn is_lossless(&self) -> bool {
        self.bit_rates.is_none()
    }

    /// The rate at which a track of this rate is written where none is asked for: the next one that it holds.
    pub(super) fn rate_for(&self, rate: u32) -> u32 {
        let higher = self.rates.iter().copied().find(|held| *held >= rate);
        higher.or(self.rates.last().copied()).unwrap_or(rate)
    }

    pub(super) fn rate_problem(&self, rate: u32) -> Option<OptionProblem> {
        let problem = |text| Some(OptionProblem::new("rate", text));
        if self.suffix == "flac" && (self.highest + 1..=MAX_RATE).contains(&rate) {
            return problem(format!(
                "a FLAC file holds at most {FLAC_MAX_RATE} Hz, got {rate}; lower it, or give the output the suffix .wav"
            ));
        }
        if !(1..=MAX_RATE).contains(&rate) {
            return problem(format!("expected 1 to {MAX_RATE} Hz, got {rate}"));
        }
        if rate > self.highest || !(self.rates.is_empty() || self.rates.contains(&rate)) {
            let rates: Vec<String> = self.rates.iter().map(u32::to_string).collect();
            let held = if rates.is_empty() { format!("at most {}", self.highest) } else { rates.join(", ") };
            return problem(format!("a .{} file holds {held} Hz, got {rate}", self.suffix));
        }
        None
    }

    /// The bit rate in kilobits in a second: what was asked for, else as a rule, half for one channel. One channel of Opus has at most
    /// half of what two may have.
    fn bit_rate(&self, asked: Option<u32>, channels: usize) -> Option<u32> {
        let [_, usual, most] = self.bit_rates?;
        let of_one = |rate: u32| if channels == 1 { rate / 2 } else { rate };
        let most = if self.suffix == "opus" { of_one(most) } else { most };
        Some(asked.unwrap_or(of_one(usual)).min(most))
    }
}

/// A file being written.
pub(super) enum Sink {
    Own(Box<Writer>),
    Ffmpeg(Encoder),
}

/// What it is to hold.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) rate: u32,
    pub(super) channels: usize,
    pub(super) layout: Option<Position>,
    pub(super) kind: SampleKind,
    pub(super) bit_rate: Option<u32>,
}

impl Sink {
    /// Creates the file at `path`, in a private folder; another program that writes it has so much time.
    ///
    /// # Errors
    /// What such a file cannot hold; the program that writes it is not there.
    pub(super) fn create(path: &Path, kind: &Kind, wanted: Wanted, time: Duration) -> Result<Self, Fault> {
        let Wanted { rate, channels, layout, kind: samples, bit_rate } = wanted;
        match kind.by {
            By::Own(container) => {
                let bit_rate = bit_rate.map(|kilobits| kilobits * 1000);
                let shape = Shape { rate, channels, kind: samples, layout, bit_rate };
                Ok(Self::Own(Box::new(Writer::create(path, container, shape)?)))
            }
            By::Ffmpeg(codec, container) => {
                if channels > kind.channels {
                    return Err(Fault::fatal(format!(
                        "a .{} file is written with one or two channels, not {channels}; give the job `channels: 2`, or the output the \
                         suffix .flac",
                        kind.suffix
                    )));
                }
                let bit_rate = kind.bit_rate(bit_rate, channels).unwrap_or_default() * 1000;
                let target = Target { codec, container, rate, channels, bit_rate };
                Ok(Self::Ffmpeg(Encoder::open(path, &target, deadline(time))?))
            }
        }
    }

    pub(super) fn write(&mut self, block: &[Vec<f32>]) -> Result<(), Fault> {
        match self {
            Self::Own(writer) => writer.write(block),
            Self::Ffmpeg(encoder) => encoder.write(block),
        }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn finish(self) -> Result<(), Fault> {
        match self {
            Self::Own(writer) => writer.finish(),
            Self::Ffmpeg(encoder) => encoder.finish(),
        }
    }
}
