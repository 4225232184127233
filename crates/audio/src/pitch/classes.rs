//! The energy of a spectrum by pitch class: the filters of Ellis' `fft2chromamx` as librosa has them (`librosa.filters.chroma`).
//!
//! A pitch class is one of `n_chroma` equal steps of an octave, whatever the octave. A bin gives to each class by a Gaussian
//! over its distance in steps, as wide as the bin where bins are wider than a step. The weights of a bin have a length of one, times a
//! Gaussian over the octaves that is centred five octaves above 27.5 Hz and has a deviation of two.

use euterpe_actors::transform::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;

/// The octave above 27.5 Hz that counts most, and the deviation from it in octaves.
const CENTRE: f64 = 5.0;
const WIDTH: f64 = 2.0;

/// The twelve pitch classes by name, in the order of the rows.
pub(crate) const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// How the classes of a frame are scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// The largest is 1.
    #[default]
    Max,
    /// Their sum is 1.
    L1,
    /// The sum of their squares is 1.
    L2,
    /// They stay energies.
    None,
}

/// What is wrong with a tuning in steps.
pub(crate) fn tuning_problem(tuning: f64) -> Option<OptionProblem> {
    let message = format!("expected −0.5 to 0.5 steps of the octave, got {tuning}");
    (!(-0.5..=0.5).contains(&tuning)).then(|| OptionProblem::new("tuning", message))
}

/// The weights of each class over the bins of a spectrum.
pub(crate) struct PitchClasses {
    bins: usize,
    /// Class by class, from C on.
    weights: Vec<f64>,
    norm: Norm,
    of_frame: Vec<f64>,
}

impl PitchClasses {
    /// `n_chroma` classes (at least 1) of the spectra of `n_fft` samples at `rate`; `tuning` says by how many steps A4 is above 440 Hz.
    pub(crate) fn new(n_chroma: usize, tuning: f64, norm: Norm, n_fft: usize, rate: u32) -> Self {
        let (steps, bins) = (n_chroma as f64, n_fft / 2 + 1);
        let a0 = 440.0 * 2f64.powf(tuning / steps) / 16.0;
        let bin = f64::from(rate) / n_fft as f64;
        let step_of = |index: usize| match index {
            // 0 Hz has no pitch: it is put one and a half octaves below the first bin.
            0 => steps * (bin / a0).log2() - 1.5 * steps,
            index => steps * (index as f64 * bin / a0).log2(),
        };
        let half = (steps / 2.0).round_ties_even();
        let mut weights = vec![0.0; n_chroma * bins];
        let mut column = vec![0.0; n_chroma];
        for index in 0..bins {
            let step = step_of(index);
            let width = (step_of(index + 1) - step).max(1.0);
            for (class, weight) in column.iter_mut().enumerate() {
                let distance = (step - class as f64 + half + 10.0 * steps).rem_euclid(steps) - half;
                *weight = (-0.5 * (2.0 * distance / width).powi(2)).exp();
            }
            let length = column.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
            let octave = (-0.5 * ((step / steps - CENTRE) / WIDTH).powi(2)).exp();
            for row in 0..n_chroma {
                // The classes count from A, the rows from C: three of twelve steps further.
                let class = (row + 3 * (n_chroma / 12)) % n_chroma;
                weights[row * bins + index] = column[class] / length * octave;
            }
        }
        Self { bins, weights, norm, of_frame: vec![0.0; n_chroma] }
    }

    /// The classes of a spectrum of powers.
    pub(crate) fn of(&mut self, power: &[f64]) -> &[f64] {
        for (sum, weights) in self.of_frame.iter_mut().zip(self.weights.chunks_exact(self.bins)) {
            *sum = weights.iter().zip(power).map(|(weight, power)| weight * power).sum();
        }
        let energies = self.of_frame.iter();
        let length = match self.norm {
            Norm::Max => energies.copied().fold(0.0, f64::max),
            Norm::L1 => energies.sum(),
            Norm::L2 => energies.map(|energy| energy * energy).sum::<f64>().sqrt(),
            Norm::None => 1.0,
        };
        // A length that no float32 can hold is that of silence, which stays as it is.
        if length >= f64::from(f32::MIN_POSITIVE) {
            self.of_frame.iter_mut().for_each(|energy| *energy /= length);
        }
        &self.of_frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spectrum with one line, in the bin next to a frequency.
    fn line(hz: f64) -> Vec<f64> {
        let mut power = vec![0.0; 4097];
        power[(hz * 8192.0 / 22_050.0).round() as usize] = 3.0;
        power
    }

    #[test]
    fn a_line_stands_in_its_class_in_every_octave() {
        let mut classes = PitchClasses::new(12, 0.0, Norm::Max, 8192, 22_050);
        for (hz, row) in [(261.626, 0), (523.251, 0), (440.0, 9), (880.0, 9), (1760.0, 9), (1864.66, 10), (1975.53, 11)]
        {
            let of = classes.of(&line(hz));
            assert_eq!((0..12).max_by(|a, b| of[*a].total_cmp(&of[*b])), Some(row), "{hz} Hz: {of:?}");
            assert_eq!(of[row], 1.0);
        }
    }

    #[test]
    fn a_norm_is_what_its_name_says_and_silence_has_none() {
        let sums = |norm, power: &[f64]| {
            let mut classes = PitchClasses::new(24, 0.0, norm, 8192, 22_050);
            let of = classes.of(power);
            [of.iter().sum::<f64>(), of.iter().map(|x| x * x).sum::<f64>()]
        };
        assert!((sums(Norm::L1, &line(440.0))[0] - 1.0).abs() < 1e-12);
        assert!((sums(Norm::L2, &line(440.0))[1] - 1.0).abs() < 1e-12);
        // The weights of a bin have the length of the Gaussian over the octaves: A4 is four octaves above A0.
        let length = (sums(Norm::None, &line(440.0))[1] / 9.0).sqrt();
        assert!((length - (-0.125f64).exp()).abs() < 1e-3, "{length}");
        assert_eq!(sums(Norm::Max, &vec![0.0; 4097]), [0.0, 0.0]);
    }
}
