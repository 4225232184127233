//! `audio.stft`: the short-time Fourier transform of a track, as a NumPy array.
//!
//! The output is a `.npy` file, little endian, C order, shape `(1 + n_fft / 2, 1 + samples / hop)`, of one channel: `float32`, or
//! `complex64` with `value: complex`. It is `librosa.stft` of the same samples (centred frames, zeros beyond the ends, periodic
//! Hann window) within 1e-6 of the largest magnitude.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use realfft::num_complex::Complex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    entry::of_track,
    npy::{Cell, Matrix},
    options::feature_options,
    spectrum::{Spectra, frame_problems},
};

/// What is written of each bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Its magnitude.
    #[default]
    Magnitude,
    /// The square of its magnitude.
    Power,
    /// 10·log10 of the power, at least −100.
    Decibels,
    /// The bin itself.
    Complex,
}

feature_options! {
    /// The options of `audio.stft`.
    Stft {
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
        /// What is written of each bin: `magnitude` (the default), `power`, `decibels` (10·log10 of the power, at least −100), or `complex`.
        value: Value = Value::Magnitude,
    }
}

impl Settings for Stft {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.stft", "the short-time Fourier transform, as a NumPy array (librosa's numbers)", &["npy"], stft)
}

fn stft(work: &Work, settings: &Stft) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let cell = if settings.value == Value::Complex { Cell::Complex } else { Cell::Float };
    let mut matrix = Matrix::new(settings.n_fft / 2 + 1, cell, work);
    let mut spectra = Spectra::new(settings.n_fft, settings.hop);
    let power = |bin: &Complex<f64>| bin.norm_sqr();
    let mut frame = |bins: &[Complex<f64>]| match settings.value {
        Value::Magnitude => matrix.push(bins.iter().map(|bin| power(bin).sqrt() as f32)),
        Value::Power => matrix.push(bins.iter().map(|bin| power(bin) as f32)),
        Value::Decibels => matrix.push(bins.iter().map(|bin| (10.0 * power(bin).max(1e-10).log10()) as f32)),
        Value::Complex => matrix.push(bins.iter().flat_map(|bin| [bin.re as f32, bin.im as f32])),
    };
    sound.hear(|samples| spectra.push_bins(samples, &mut |heard| frame(heard.bins)))?;
    spectra.finish_bins(&mut |heard| frame(heard.bins))?;
    matrix.finish()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cells, run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value) -> (String, Vec<f32>) {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        let track = wav(8000, &[tone(1000.0, 8000, 8000)]);
        cells(&run(&factory, work("t", &[("audio", "t.wav", &track)], "npy")).expect("made"))
    }

    #[test]
    fn the_values_of_a_bin_say_the_same_of_it() {
        let of = |value| made(json!({"n_fft": 256, "hop": 100, "value": value}));
        let ((shape, magnitude), (_, power), (_, decibels)) = (of("magnitude"), of("power"), of("decibels"));
        assert!(shape.contains("'shape': (129, 81)"), "{shape}");
        let (descr, complex) = of("complex");
        assert!(descr.contains("'<c8'") && complex.len() == 2 * magnitude.len(), "{descr}");
        // A tone of 1 kHz stands in bin 32, half of full scale, the window's mean of a half, half of it on each side.
        let at = 32 * 81 + 40;
        assert!((magnitude[at] - 0.5 * 0.5 * 0.5 * 256.0).abs() < 0.01, "{}", magnitude[at]);
        for at in (0..magnitude.len()).step_by(7) {
            assert!((magnitude[at].powi(2) - power[at]).abs() <= power[at] * 1e-5);
            assert!((complex[2 * at].hypot(complex[2 * at + 1]) - magnitude[at]).abs() <= magnitude[at] * 1e-5);
            assert!((10.0 * power[at].max(1e-10).log10() - decibels[at]).abs() < 1e-3);
        }
    }

    #[test]
    fn options_that_no_transform_can_have_are_refused_by_name() {
        let with = json!({"n_fft": 8, "hop": 0, "rate": 0, "start": -1});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 4);
        assert!(entry().open(&json!({"value": "phase"}), &OpenContext::default()).is_err());
        assert!(entry().open(&json!({"window": "hann"}), &OpenContext::default()).is_err());
    }
}
