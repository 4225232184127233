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
    decibels::{Decibels, Levels, Reference, level_problems, reference, reference_schema},
    entry::of_track,
    framing::{Framing, Padding},
    npy::{Cell, Dtype, Matrix},
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
        /// What 0 dB is of `decibels`, as a power: a value (default: 1), or `max` for the largest of the track.
        #[serde(rename = "ref", deserialize_with = "reference")]
        #[schemars(schema_with = "reference_schema")]
        reference: Reference = Reference::Value(1.0),
        /// No level is more than so many decibels below the loudest of the track, above 0 up to 1000 (default: none is left out).
        top_db: Option<f64> = None,
        /// Frame `t` is centred on sample `t · hop` (default: true); otherwise it begins there, and none reaches beyond the end.
        center: bool = true,
        /// What stands beyond the ends of the track: `constant` (the default) silence, `reflect` its mirror image, `edge` its first and last sample.
        pad_mode: Padding = Padding::Constant,
        /// The type of the numbers: `f32` (the default), or `f16`, half the size with three digits. Complex numbers are `complex64`.
        dtype: Dtype = Dtype::F32,
    }
}

impl Settings for Stft {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(level_problems(self.reference, self.top_db, self.value == Value::Decibels));
        if self.value == Value::Complex && self.dtype == Dtype::F16 {
            let message = "NumPy has no complex numbers of 16-bit floats; leave it out, or choose another `value`";
            problems.push(OptionProblem::new("dtype", message));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.stft", "the short-time Fourier transform, as a NumPy array (librosa's numbers)", &["npy"], stft)
}

fn stft(work: &Work, settings: &Stft) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let (rows, cell) = (settings.n_fft / 2 + 1, settings.dtype.into());
    let framing = Framing { center: settings.center, padding: settings.pad_mode };
    let mut spectra = Spectra::new(settings.n_fft, settings.hop).framed(framing);
    if settings.value == Value::Decibels {
        let decibels = Decibels { power: 2.0, reference: settings.reference, top_db: settings.top_db };
        let mut levels = Levels::new(decibels, rows, cell, work);
        let frame = |power: &[f64]| levels.push(power.iter().copied());
        sound.hear_power(spectra, frame)?;
        return levels.finish();
    }
    let cell = if settings.value == Value::Complex { Cell::Complex } else { cell };
    let mut matrix = Matrix::new(rows, cell, work);
    let mut frame = |bins: &[Complex<f64>]| match settings.value {
        Value::Magnitude => matrix.push(bins.iter().map(|bin| bin.norm_sqr().sqrt() as f32)),
        Value::Power | Value::Decibels => matrix.push(bins.iter().map(|bin| bin.norm_sqr() as f32)),
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
        let with = json!({"value": "complex", "dtype": "f16", "top_db": 80});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 2);
        assert!(entry().open(&json!({"value": "phase"}), &OpenContext::default()).is_err());
        assert!(entry().open(&json!({"window": "hann"}), &OpenContext::default()).is_err());
    }
}
