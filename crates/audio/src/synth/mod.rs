//! `synth.track`: a little piece of music made from nothing but the id.
//!
//! Each id gets its own tempo, key, chords and rhythm; the same id and options always give the same bytes. It is there so
//! that examples and tests have music to work on without shipping any. No inputs; the output is WAV or FLAC of 16 bits,
//! its loudest sample at −1 dBFS.

mod instruments;
mod score;

use euterpe_actors::{
    outcome::Fault,
    transform::{
        Entry, InputRule, OpenContext, OptionProblem, Product, Settings, TransformFactory, Work, blocking::blocking,
    },
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::write::{Container, SampleKind, Shape, Writer};
use score::Score;

/// −1 dBFS.
const LOUDEST: f32 = 0.891_251;

/// The options of `synth.track`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SynthTrack {
    /// The length of the track in seconds, above 0 up to 600 (default: 20).
    pub seconds: f64,
    /// The sample rate in Hz, 8000 to 192000 (default: 44100).
    pub rate: u32,
    /// 1 for mono, 2 (the default) for stereo.
    pub channels: usize,
}

impl Default for SynthTrack {
    fn default() -> Self {
        Self { seconds: 20.0, rate: 44_100, channels: 2 }
    }
}

impl Settings for SynthTrack {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        if !(self.seconds > 0.0 && self.seconds <= 600.0) {
            let message = format!("expected more than 0 and at most 600 seconds, got {}", self.seconds);
            problems.push(OptionProblem::new("seconds", message));
        }
        if !(8_000..=192_000).contains(&self.rate) {
            problems.push(OptionProblem::new("rate", format!("expected 8000 to 192000 Hz, got {}", self.rate)));
        }
        if !(1..=2).contains(&self.channels) {
            problems.push(OptionProblem::new("channels", format!("expected 1 or 2 channels, got {}", self.channels)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    Entry::new("synth.track", "a little piece of music made from the id, the same for the same id", open)
        .inputs(InputRule::None)
        .writes(&["wav", "flac"])
}

fn open(settings: SynthTrack, _: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
    Ok(blocking("synth", move || Ok(Box::new(move |work: &Work| track(work, &settings)))))
}

fn track(work: &Work, settings: &SynthTrack) -> Result<Product, Fault> {
    let suffix = work.suffixes.first().map_or("", String::as_str);
    let container = Container::of_suffix(suffix)
        .ok_or_else(|| Fault::fatal(format!("cannot write `.{suffix}`; give the output the suffix .wav or .flac")))?;
    let frames = ((settings.seconds * f64::from(settings.rate)).round() as usize).max(1);
    let score = Score::from_name(work.entity.as_str());
    let mut sound = instruments::play(&score, settings.rate, frames);
    if settings.channels == 1 {
        let right = sound.pop().unwrap_or_default();
        for (left, right) in sound[0].iter_mut().zip(right) {
            *left = (*left + right) / 2.0;
        }
    }
    finish(&mut sound, settings.rate);
    let folder = work.scratch.folder()?;
    let path = folder.join(format!("track.{suffix}"));
    let shape =
        Shape { rate: settings.rate, channels: settings.channels, kind: SampleKind::I16, layout: None, bit_rate: None };
    let mut writer = Writer::create(&path, container, shape)?;
    writer.write(&sound)?;
    writer.finish()?;
    Ok(Product::file(path))
}

/// Fades the last second out and brings the loudest sample to −1 dBFS.
fn finish(sound: &mut [Vec<f32>], rate: u32) {
    let mut peak = 0.0f32;
    for channel in sound.iter_mut() {
        let fade = (rate as usize).min(channel.len() / 4);
        let start = channel.len() - fade;
        for (n, sample) in channel[start..].iter_mut().enumerate() {
            *sample *= 1.0 - n as f32 / fade as f32;
        }
        peak = channel.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
    }
    let gain = if peak > 0.0 { LOUDEST / peak } else { 0.0 };
    sound.iter_mut().flatten().for_each(|sample| *sample *= gain);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoded, run, work};
    use super::*;
    use serde_json::json;

    fn made(id: &str, with: serde_json::Value, suffix: &str) -> Vec<u8> {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        run(&factory, work(id, &[], suffix)).expect("made").to_vec()
    }

    #[test]
    fn an_id_always_gives_the_same_track_and_another_id_another() {
        let short = json!({"seconds": 2});
        let first = made("t-1", short.clone(), "wav");
        assert!(first == made("t-1", short.clone(), "wav"));
        assert!(first != made("t-2", short, "wav"));
    }

    #[test]
    fn a_track_is_as_long_and_as_loud_as_it_says() {
        for (suffix, channels, rate) in [("wav", 2, 44_100), ("flac", 1, 22_050)] {
            let bytes = made("t-1", json!({"seconds": 3, "rate": rate, "channels": channels}), suffix);
            let track = decoded(&work("t", &[("audio", "t", &bytes)], "x")).expect("decodes");
            assert_eq!((track.rate, track.samples.len(), track.samples[0].len()), (rate, channels, 3 * rate as usize));
            let peak = track.samples.iter().flatten().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            assert!((peak - LOUDEST).abs() < 0.001, "the peak is {peak}");
            let second = |n: usize| {
                let part = &track.samples[0][n * rate as usize..][..rate as usize];
                (part.iter().map(|sample| sample * sample).sum::<f32>() / rate as f32).sqrt()
            };
            assert!(second(0) > 0.02 && second(1) > 0.02, "there is music from the start");
        }
    }
}
