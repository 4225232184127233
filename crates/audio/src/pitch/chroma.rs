//! `audio.chroma`: the energy of a track by pitch class over time, as a NumPy array.
//!
//! The output is a `.npy` file: `float32`, little endian, C order, shape `(n_chroma, 1 + samples / hop)`, of one channel, rows from
//! C on. It is `librosa.feature.chroma_stft` of the same samples with the same `tuning`, within 1e-3. librosa guesses the tuning
//! where none is given; here it is that of A4 = 440 Hz unless the job says otherwise, so that two parts of a track have the same classes.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::super::{
    entry::of_track,
    npy::{Cell, Matrix},
    options::feature_options,
    spectrum::{Spectra, frame_problems},
};
use super::classes::{Norm, PitchClasses, tuning_problem};

feature_options! {
    /// The options of `audio.chroma`.
    Chroma {
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
        /// Pitch classes in an octave, 1 to 120 (default: 12).
        n_chroma: usize = 12,
        /// By how many steps of the octave A4 is above 440 Hz, −0.5 to 0.5 (default: 0). It is not guessed.
        tuning: f64 = 0.0,
        /// How the classes of a frame are scaled: `max` (the default: the largest is 1), `l1` (their sum is 1), `l2` (the sum of their squares is 1), or `none`.
        norm: Norm = Norm::Max,
    }
}

impl Settings for Chroma {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(tuning_problem(self.tuning));
        if !(1..=120).contains(&self.n_chroma) {
            problems.push(OptionProblem::new("n_chroma", format!("expected 1 to 120, got {}", self.n_chroma)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.chroma", "energy by pitch class over time, as a NumPy array (librosa's numbers)", &["npy"], chroma)
}

fn chroma(work: &Work, settings: &Chroma) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let Chroma { n_fft, hop, n_chroma, tuning, norm, .. } = *settings;
    let mut classes = PitchClasses::new(n_chroma, tuning, norm, n_fft, sound.rate());
    let spectra = Spectra::new(n_fft, hop);
    let mut matrix = Matrix::new(n_chroma, Cell::Float, work);
    let frame = |power: &[f64]| matrix.push(classes.of(power).iter().map(|energy| *energy as f32));
    sound.hear_power(spectra, frame)?;
    matrix.finish()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{cells, run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value, samples: Vec<f32>) -> (String, Vec<f32>) {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        cells(&run(&factory, work("t", &[("audio", "t.wav", &wav(22_050, &[samples]))], "npy")).expect("made"))
    }

    #[test]
    fn a_tone_lights_its_class_and_a_tuning_moves_the_classes() {
        let (shape, values) = made(json!({}), tone(440.0, 22_050, 22_050));
        assert!(shape.contains("'shape': (12, 44)"), "{shape}");
        let at = |row: usize| values[row * 44 + 20];
        assert!(at(9) == 1.0 && at(8) < 0.5 && at(10) < 0.5 && at(3) < 0.01, "{values:?}");
        // A quarter tone above A lies between A and A sharp, until A is tuned up to it.
        let quarter = tone(440.0 * 2f64.powf(0.5 / 12.0), 22_050, 22_050);
        let (_, between) = made(json!({}), quarter.clone());
        assert!(between[9 * 44 + 20] > 0.5 && between[10 * 44 + 20] > 0.5, "{}", between[10 * 44 + 20]);
        let (_, tuned) = made(json!({"tuning": 0.5}), quarter);
        assert!(tuned[9 * 44 + 20] == 1.0 && tuned[10 * 44 + 20] < 0.5, "{}", tuned[10 * 44 + 20]);
    }

    #[test]
    fn silence_has_no_class() {
        assert!(made(json!({"n_chroma": 24}), vec![0.0; 4000]).1.iter().all(|value| *value == 0.0));
    }

    #[test]
    fn options_that_no_octave_has_are_refused_by_name() {
        let with = json!({"n_chroma": 0, "tuning": 1.0, "hop": 0, "start": -1});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 4);
        assert!(entry().open(&json!({"norm": "l3"}), &OpenContext::default()).is_err());
    }
}
