//! `audio.fingerprint`: the acoustic fingerprint of a track, by which the same recording is found whatever it was encoded with, as JSON.
//!
//! It is that of [Chromaprint](https://acoustid.org/chromaprint) with its usual algorithm, of the first 120 seconds unless the job
//! says otherwise, as the program `fpcalc` prints it. The mean of all channels is heard at 11,025 Hz. The members: `entity`;
//! `duration_s` of what was heard, rounded to milliseconds; `algorithm`, Chromaprint's number of it less one, as in the compressed
//! form; `fingerprint`, that form in the alphabet of URLs; with `raw: true` `raw`, one number of 32 bits for each 0.124 s.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use rusty_chromaprint::{Configuration, FingerprintCompressor, Fingerprinter};
use serde::Serialize;

use super::{
    entry::of_track,
    json::in_words,
    options::part_options,
    part::Part,
    sound::{OneChannel, Sound},
};

/// The sample rate at which Chromaprint hears, in Hz.
const RATE: u32 = 11_025;
/// As much as `fpcalc` hears of a track, and AcoustID wants to be asked for, in seconds.
const USUAL: f64 = 120.0;

part_options! {
    /// The options of `audio.fingerprint`; `duration` is 120 unless it is given.
    Fingerprint {
        /// Whether the numbers are told, too, before they are compressed (default: false).
        raw: bool = false,
    }
}

impl Settings for Fingerprint {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        self.part().problems(self.bounds())
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.fingerprint",
        "the acoustic fingerprint, as Chromaprint computes it, as JSON",
        &["json"],
        fingerprint,
    )
}

#[derive(Serialize)]
struct Told<'w> {
    entity: &'w str,
    duration_s: f64,
    algorithm: u8,
    fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'w [u32]>,
}

fn fingerprint(work: &Work, settings: &Fingerprint) -> Result<Product, Fault> {
    let part = Part { start: settings.start, duration: Some(settings.duration.unwrap_or(USUAL)) };
    let sound = Sound { rate: Some(RATE), channels: OneChannel::Mean, part, bounds: settings.bounds() };
    let configuration = Configuration::preset_test2();
    let mut fingerprinter = Fingerprinter::new(&configuration);
    let started = fingerprinter.start(RATE, 1);
    started.map_err(|error| Fault::failed(format!("could not begin the fingerprint: {error}")))?;
    let mut integers = Vec::new();
    let heard = sound.open(work)?.hear(|samples| {
        integers.clear();
        // Chromaprint hears integers of 16 bits.
        integers.extend(samples.iter().map(|sample| (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16));
        fingerprinter.consume(&integers);
        Ok(())
    })?;
    fingerprinter.finish();
    let numbers = fingerprinter.fingerprint();
    if numbers.is_empty() {
        return Err(Fault::bad_input(format!(
            "{:.2} s are too short for a fingerprint, which needs about 3 s of sound",
            heard as f64 / f64::from(RATE)
        )));
    }
    in_words(&Told {
        entity: work.entity.as_str(),
        duration_s: (heard as f64 / f64::from(RATE) * 1000.0).round() / 1000.0,
        algorithm: configuration.id(),
        fingerprint: URL_SAFE_NO_PAD.encode(FingerprintCompressor::from(&configuration).compress(numbers)),
        raw: settings.raw.then_some(numbers),
    })
}
