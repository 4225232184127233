//! `audio.mfcc`: mel-frequency cepstral coefficients of a track, as a NumPy array.
//!
//! The output is a `.npy` file: `float32`, little endian, C order, shape `(n_mfcc, 1 + samples / hop)`, of one channel: the
//! orthonormal DCT-II of the mel spectrogram's power in decibels, nothing of it more than `top_db` below the loudest cell of the
//! track. It is `librosa.feature.mfcc` of the same samples within 1e-3.

use std::f64::consts::PI;

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::{
    decibels::{Decibels, Reference, level_problems, reference, reference_schema},
    entry::of_track,
    framing::{Framing, Padding},
    mel::{Bands, MelNorm, band_problems, filters_for},
    mel_levels::MelLevels,
    npy::{Dtype, Matrix},
    options::feature_options,
    spectrum::{Spectra, frame_problems},
};

feature_options! {
    /// The options of `audio.mfcc`.
    Mfcc {
        /// Coefficients, 1 to `n_mels` (default: 20).
        n_mfcc: usize = 20,
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
        /// Mel bands, 1 to 1024 (default: 128).
        n_mels: usize = 128,
        /// The lowest frequency in Hz (default: 0).
        fmin: f64 = 0.0,
        /// The highest frequency in Hz (default: half of the sample rate).
        fmax: Option<f64> = None,
        /// Nothing counts as more than so many decibels below the loudest cell, above 0 up to 1000 (default: 80).
        top_db: f64 = 80.0,
        /// What 0 dB is: a value (default: 1), or `max` for the largest of the track. It moves the first coefficient alone.
        #[serde(rename = "ref", deserialize_with = "reference")]
        #[schemars(schema_with = "reference_schema")]
        reference: Reference = Reference::Value(1.0),
        /// Space the bands on the scale of HTK instead of Slaney's (default: false).
        htk: bool = false,
        /// How high the mel filters are: `slaney` (the default: each has an area of 1), or `none` (each has a peak of 1).
        mel_norm: MelNorm = MelNorm::Slaney,
        /// Frame `t` is centred on sample `t · hop` (default: true); otherwise it begins there, and none reaches beyond the end.
        center: bool = true,
        /// What stands beyond the ends of the track: `constant` (the default) silence, `reflect` its mirror image, `edge` its first and last sample.
        pad_mode: Padding = Padding::Constant,
        /// The type of the numbers: `f32` (the default), or `f16`, half the size with three digits.
        dtype: Dtype = Dtype::F32,
    }
}

impl Settings for Mfcc {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(band_problems(self.n_mels, self.fmin, self.fmax));
        if !(1..=self.n_mels).contains(&self.n_mfcc) {
            let message = format!("expected 1 to {} (`n_mels`), got {}", self.n_mels, self.n_mfcc);
            problems.push(OptionProblem::new("n_mfcc", message));
        }
        problems.extend(level_problems(self.reference, Some(self.top_db), true));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.mfcc", "mel-frequency cepstral coefficients, as a NumPy array (librosa's numbers)", &["npy"], mfcc)
}

fn mfcc(work: &Work, settings: &Mfcc) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let Mfcc { fmin, fmax, htk, mel_norm: norm, reference, top_db, .. } = *settings;
    let bands = Bands { count: settings.n_mels, fmin, fmax, htk, norm };
    let filters = filters_for(bands, settings.n_fft, sound.rate())?;
    let framing = Framing { center: settings.center, padding: settings.pad_mode };
    let levels =
        MelLevels::hear(&mut sound, Spectra::new(settings.n_fft, settings.hop).framed(framing), &filters, work)?;
    let decibels = Decibels { power: 2.0, reference, top_db: Some(top_db) };
    let shift = f64::from(decibels.shift(levels.loudest()));
    let basis = dct(settings.n_mfcc, settings.n_mels);
    let mut matrix = Matrix::new(settings.n_mfcc, settings.dtype.into(), work);
    levels.each(top_db as f32, |levels| {
        let coefficient = |weights: &[f64]| -> f64 {
            weights.iter().zip(levels).map(|(weight, level)| weight * (f64::from(*level) + shift)).sum()
        };
        matrix.push(basis.chunks_exact(levels.len()).map(|weights| coefficient(weights) as f32))
    })?;
    matrix.finish()
}

/// The first rows of the orthonormal DCT-II of `size` numbers.
pub(crate) fn dct(rows: usize, size: usize) -> Vec<f64> {
    let weight = |row: usize, at: usize| {
        let scale = if row == 0 { 1.0 / size as f64 } else { 2.0 / size as f64 };
        scale.sqrt() * (PI * row as f64 * (2 * at + 1) as f64 / (2 * size) as f64).cos()
    };
    (0..rows).flat_map(|row| (0..size).map(move |at| weight(row, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cells, run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value, samples: Vec<f32>) -> (String, Vec<f32>) {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        cells(&run(&factory, work("t", &[("audio", "t.wav", &wav(22_050, &[samples]))], "npy")).expect("made"))
    }

    #[test]
    fn the_rows_of_the_cosine_transform_are_orthonormal() {
        let basis = dct(20, 40);
        for (one, first) in basis.chunks(40).enumerate() {
            for (other, second) in basis.chunks(40).enumerate() {
                let product: f64 = first.iter().zip(second).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(one == other))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn silence_is_flat_and_a_louder_track_differs_in_the_first_coefficient_alone() {
        let (shape, silent) = made(json!({"n_mfcc": 13}), vec![0.0; 22_050]);
        assert!(shape.contains("'shape': (13, 44)"), "{shape}");
        let first = -100.0 * 128.0f32.sqrt();
        assert!(silent[..44].iter().all(|value| (value - first).abs() < 0.01), "{}", silent[0]);
        assert!(silent[44..].iter().all(|value| value.abs() < 1e-3));
        let loud = tone(440.0, 22_050, 22_050);
        let quiet = loud.iter().map(|sample| sample / 8.0).collect();
        let (loud, quiet) = (made(json!({}), loud).1, made(json!({}), quiet).1);
        assert!(loud[20] > quiet[20] + 100.0);
    }

    #[test]
    fn another_reference_moves_the_first_coefficient_alone() {
        let sound = tone(440.0, 22_050, 22_050);
        let (plain, moved) = (made(json!({}), sound.clone()).1, made(json!({"ref": 10, "center": true}), sound).1);
        let by = 10.0 * 128.0f32.sqrt();
        assert!(
            (0..44).all(|at| (plain[at] - moved[at] - by).abs() < 1e-2)
                && (44..880).all(|at| (plain[at] - moved[at]).abs() < 1e-3)
        );
    }

    #[test]
    fn options_that_contradict_each_other_are_refused_by_name() {
        let with = json!({"n_mfcc": 41, "n_mels": 40, "top_db": 0, "fmin": 900, "fmax": 100});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 3);
    }
}
