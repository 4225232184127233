//! `audio.key`: the key of a track, as JSON.
//!
//! After Krumhansl and Schmuckler: the mean over all frames of the track's twelve pitch classes ([`audio.chroma`](super::chroma), each frame
//! scaled to a maximum of 1) is correlated (Pearson) with the profiles of the 24 keys; the key with the highest correlation is told.
//! The profiles are the probe-tone ratings of Krumhansl and Kessler (Psychological Review 89, 1982), as table 2.1 of Krumhansl's
//! *Cognitive Foundations of Musical Pitch* (1990) prints them.
//!
//! The members: `entity`; `key` and `mode` (`major` or `minor`), null where there is nothing to tell them by; `correlation`, that of this
//! key; `correlations`, those of all keys by mode, from C on; and `chroma`, the mean that they are of, from C on.

use euterpe_actors::{
    ids::EntityId,
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::{Serialize, Serializer};

use super::super::{
    entry::of_track,
    json,
    options::feature_options,
    spectrum::{Spectra, frame_problems},
};
use super::classes::{NAMES, Norm, PitchClasses, tuning_problem};

/// How well each pitch class, from the tonic on, fits into a major key.
const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
/// How well each pitch class, from the tonic on, fits into a minor key.
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];

feature_options! {
    /// The options of `audio.key`.
    Key {
        /// Samples in a frame, 16 to 65536 (default: 4096).
        n_fft: usize = 4096,
        /// Samples from one frame to the next, 1 to 1048576 (default: 1024).
        hop: usize = 1024,
        /// By how many semitones A4 is above 440 Hz, −0.5 to 0.5 (default: 0). It is not guessed.
        tuning: f64 = 0.0,
    }
}

impl Settings for Key {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(tuning_problem(self.tuning));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.key", "the key of a track, as JSON (Krumhansl and Schmuckler)", &["json"], key)
}

/// What is told of a track, in the order in which it is written.
#[derive(Serialize)]
struct Told<'w> {
    entity: &'w EntityId,
    key: Option<&'static str>,
    mode: Option<&'static str>,
    correlation: Option<f64>,
    correlations: Option<Correlations>,
    chroma: ByName,
}

#[derive(Serialize)]
struct Correlations {
    major: ByName,
    minor: ByName,
}

/// A number for each pitch class, by name.
struct ByName([f64; 12]);

impl Serialize for ByName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(NAMES.iter().zip(self.0.map(json::rounded)))
    }
}

fn key(work: &Work, settings: &Key) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let mut classes = PitchClasses::new(12, settings.tuning, Norm::Max, settings.n_fft, sound.rate());
    let spectra = Spectra::new(settings.n_fft, settings.hop);
    let (mut mean, mut count) = ([0.0; 12], 0.0);
    let frame = |power: &[f64]| {
        mean.iter_mut().zip(classes.of(power)).for_each(|(sum, energy)| *sum += energy);
        count += 1.0;
        Ok(())
    };
    sound.hear_power(spectra, frame)?;
    let mean = mean.map(|sum| sum / count);
    let found = correlations(&mean);
    let best = found.as_ref().map(|[major, minor]| {
        let all = major.iter().zip(NAMES).map(|(correlation, name)| (*correlation, name, "major"));
        let all = all.chain(minor.iter().zip(NAMES).map(|(correlation, name)| (*correlation, name, "minor")));
        all.fold((f64::NEG_INFINITY, "", ""), |best, next| if next.0 > best.0 { next } else { best })
    });
    json::in_words(&Told {
        entity: &work.entity,
        key: best.map(|(_, name, _)| name),
        mode: best.map(|(_, _, mode)| mode),
        correlation: best.map(|(correlation, ..)| json::rounded(correlation)),
        correlations: found.map(|[major, minor]| Correlations { major: ByName(major), minor: ByName(minor) }),
        chroma: ByName(mean),
    })
}

/// The correlation of a mean with each major and each minor key; none where all classes are alike, as those of silence are.
fn correlations(mean: &[f64; 12]) -> Option<[[f64; 12]; 2]> {
    let deviations = |of: &[f64; 12]| {
        let middle = of.iter().sum::<f64>() / 12.0;
        of.map(|value| value - middle)
    };
    let length = |of: &[f64; 12]| of.iter().map(|value| value * value).sum::<f64>().sqrt();
    let heard = deviations(mean);
    let loud = length(&heard);
    (loud > 1e-9).then(|| {
        [MAJOR, MINOR].map(|profile| {
            let profile = deviations(&profile);
            let scale = loud * length(&profile);
            std::array::from_fn(|tonic| {
                (0..12).map(|class| heard[(class + tonic) % 12] * profile[class]).sum::<f64>() / scale
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{run, tone, wav, work};
    use super::*;
    use serde_json::{Value, json};

    fn told(with: Value, samples: Vec<f32>) -> Value {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        let json = run(&factory, work("t", &[("audio", "t.wav", &wav(22_050, &[samples]))], "json")).expect("made");
        serde_json::from_slice(&json).expect("JSON")
    }

    /// Chords of a third of a second, by the semitones of their tones above a tonic in semitones above A3.
    fn chords(tonic: usize, chords: &[[usize; 3]]) -> Vec<f32> {
        let chord = |semitones: &[usize; 3]| {
            let mut sum = vec![0.0; 7350];
            for semitone in semitones {
                let hz = 220.0 * 2f64.powf((semitone + tonic) as f64 / 12.0);
                sum.iter_mut().zip(tone(hz, 22_050, 7350)).for_each(|(sum, sample)| *sum += sample / 3.0);
            }
            sum
        };
        chords.iter().flat_map(chord).collect()
    }

    #[test]
    fn a_cadence_is_in_its_key_whatever_the_tonic() {
        let (major, minor) =
            ([[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]], [[0, 3, 7], [5, 8, 12], [7, 11, 14], [0, 3, 7]]);
        for tonic in 0..12 {
            let name = NAMES[(tonic + 9) % 12];
            for (mode, cadence) in [("major", major), ("minor", minor)] {
                let told = told(json!({}), chords(tonic, &cadence));
                assert_eq!((&told["key"], &told["mode"]), (&json!(name), &json!(mode)), "{told}");
                assert_eq!(told["correlation"], told["correlations"][mode][name]);
                assert!(told["correlation"].as_f64().is_some_and(|correlation| correlation > 0.8), "{told}");
            }
        }
    }

    #[test]
    fn a_profile_correlates_wholly_with_itself_and_less_with_every_other() {
        let [major, minor] = correlations(&std::array::from_fn(|class| MINOR[(class + 12 - 9) % 12])).expect("a key");
        assert!((minor[9] - 1.0).abs() < 1e-12);
        assert!(major.iter().chain(&minor).filter(|correlation| **correlation > 0.9).count() == 1);
    }

    #[test]
    fn silence_has_no_key() {
        let told = told(json!({}), vec![0.0; 22_050]);
        assert_eq!((&told["key"], &told["mode"], &told["correlations"]), (&Value::Null, &Value::Null, &Value::Null));
    }
}
