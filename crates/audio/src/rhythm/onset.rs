//! `audio.onset`: how strongly something begins at each moment of a track, as a NumPy array, or where it begins, as JSON.
//!
//! A `.npy` file holds the strengths: `float32`, little endian, one dimension, `1 + samples / hop` of them: those of
//! `librosa.onset.onset_strength` of the same samples with its defaults, within 1e-3. A `.json` file holds `entity`, `rate_hz`, `hop`,
//! `frames`, and `onsets_s`: the seconds, from where reading began, that `librosa.onset.onset_detect` tells with its defaults.

use euterpe_actors::{
    ids::EntityId,
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::Serialize;

use super::super::{entry::of_track, json, npy::curve, options::feature_options, spectrum::frame_problems};
use super::{
    envelope::{Aggregate, envelope},
    peaks::onsets,
};

feature_options! {
    /// The options of `audio.onset`.
    Onset {
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
    }
}

impl Settings for Onset {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.onset",
        "how strongly something begins at each moment, or where it does (librosa's numbers)",
        &["npy", "json"],
        onset,
    )
}

#[derive(Serialize)]
struct Told<'w> {
    entity: &'w EntityId,
    rate_hz: u32,
    hop: usize,
    frames: usize,
    onsets_s: Vec<f64>,
}

fn onset(work: &Work, settings: &Onset) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let (rate, hop) = (sound.rate(), settings.hop);
    let strengths = envelope(work, &mut sound, (settings.n_fft, hop), Aggregate::Mean)?;
    if !json::is_wanted(&work.suffixes) {
        return Ok(curve(&strengths));
    }
    let seconds = |frame: usize| json::rounded((frame * hop) as f64 / f64::from(rate));
    let onsets_s = onsets(&strengths, rate, hop).into_iter().map(seconds).collect();
    json::in_words(&Told { entity: &work.entity, rate_hz: rate, hop, frames: strengths.len(), onsets_s })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{cells, run, tone, wav, work};
    use super::*;
    use serde_json::{Value, json};

    fn made(suffix: &str, samples: Vec<f32>) -> Vec<u8> {
        let factory = entry().open(&json!({}), &OpenContext::default()).expect("good options");
        run(&factory, work("t", &[("audio", "t.wav", &wav(22_050, &[samples]))], suffix)).expect("made").to_vec()
    }

    /// Two tones that fade within a fifth of a second, at half a second and at a second and a half.
    fn tones() -> Vec<f32> {
        let mut samples = vec![0.0; 44_100];
        for (at, hz) in [(11_025, 440.0), (33_075, 660.0)] {
            let fading = tone(hz, 22_050, 4410).into_iter().zip((0..4410).rev());
            samples.splice(at..at + 4410, fading.map(|(sample, left)| sample * left as f32 / 4410.0));
        }
        samples
    }

    #[test]
    fn what_begins_is_told_where_it_begins() {
        let told: Value = serde_json::from_slice(&made("json", tones())).expect("JSON");
        let onsets: Vec<f64> = serde_json::from_value(told["onsets_s"].clone()).expect("seconds");
        assert_eq!((onsets.len(), &told["frames"]), (2, &json!(87)), "{told}");
        assert!((onsets[0] - 0.5).abs() < 0.05 && (onsets[1] - 1.5).abs() < 0.05, "{told}");
        let (shape, strengths) = cells(&made("npy", tones()));
        assert!(shape.contains("'shape': (87,)"), "{shape}");
        let highest = (0..40).max_by(|a, b| strengths[*a].total_cmp(&strengths[*b])).expect("frames");
        // A peak is the highest of what came before: what comes after may be higher still.
        assert!(highest.abs_diff((onsets[0] * 22_050.0 / 512.0).round() as usize) <= 1, "{highest} {told}");
    }

    #[test]
    fn nothing_begins_in_silence_nor_in_less_than_a_frame() {
        for samples in [vec![0.0; 22_050], vec![0.5; 100]] {
            let told: Value = serde_json::from_slice(&made("json", samples.clone())).expect("JSON");
            assert_eq!(told["onsets_s"], json!([]));
            assert!(cells(&made("npy", samples)).1.iter().all(|strength| *strength == 0.0));
        }
    }
}
