//! `audio.cqt`: the constant-Q transform of a track, as a NumPy array.
//!
//! The output is a `.npy` file: `float32`, little endian, C order, shape `(n_bins, 1 + samples / hop)`, of one channel: the magnitudes of
//! `librosa.cqt` of the same samples, within 1e-3 of the largest. Each octave is heard at half of the rate of the one above it, as there
//! (Schörkhuber and Klapuri, SMC 2010), by the same filter: with the defaults they differ by 3e-6 at most (28 tracks). It is more, 6e-3, in
//! the first and last frames of a sound that is cut hard, where the highest bin lies so low that librosa takes a quarter of the rate or less
//! at once (here it is halved as often).

use std::collections::VecDeque;

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::super::{
    entry::of_track,
    npy::{Cell, Matrix},
    options::feature_options,
    spectrum::{Heard, Spectra, frame_problems},
};
use super::classes::tuning_problem;
use super::halving::Halving;
use super::wavelets::{Filter, Wavelets};

/// The longest frame, in samples.
const LONGEST: usize = 1 << 17;
/// C1, the lowest bin unless a job says otherwise.
const C1: f64 = 32.703_195_662_574_764;

feature_options! {
    /// The options of `audio.cqt`.
    Cqt {
        /// Samples from one frame to the next, 1 to 1048576 (default: 512). Each factor of two halves the rate of an octave.
        hop: usize = 512,
        /// The frequency of the lowest bin in Hz (default: 32.703, C1).
        fmin: f64 = C1,
        /// Bins, 1 to 1024 (default: 84, seven octaves).
        n_bins: usize = 84,
        /// Bins in an octave, 1 to 120 (default: 12).
        bins_per_octave: usize = 12,
        /// By how many bins all are higher, −0.5 to 0.5 (default: 0). It is not guessed.
        tuning: f64 = 0.0,
        /// How long the filters are, 0.05 to 2 (default: 1): shorter ones tell times better, and frequencies worse.
        filter_scale: f64 = 1.0,
    }
}

impl Settings for Cqt {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(2048, self.hop));
        problems.extend(tuning_problem(self.tuning));
        let mut refuse = |name, message| problems.push(OptionProblem::new(name, message));
        if !(self.fmin > 0.0 && self.fmin.is_finite()) {
            refuse("fmin", format!("expected a frequency above 0 Hz, got {}", self.fmin));
        }
        if !(1..=1024).contains(&self.n_bins) {
            refuse("n_bins", format!("expected 1 to 1024, got {}", self.n_bins));
        }
        if !(1..=120).contains(&self.bins_per_octave) {
            refuse("bins_per_octave", format!("expected 1 to 120, got {}", self.bins_per_octave));
        }
        if !(0.05..=2.0).contains(&self.filter_scale) {
            refuse("filter_scale", format!("expected 0.05 to 2, got {}", self.filter_scale));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.cqt", "the constant-Q transform, as a NumPy array (librosa's magnitudes)", &["npy"], cqt)
}

fn cqt(work: &Work, settings: &Cqt) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let mut octaves = octaves(settings, sound.rate())?;
    let mut matrix = Matrix::new(settings.n_bins, Cell::Float, work);
    sound.hear(|samples| {
        hear(&mut octaves, samples)?;
        write(&mut octaves, &mut matrix)
    })?;
    finish(&mut octaves)?;
    write(&mut octaves, &mut matrix)?;
    matrix.finish()
}

/// One octave, or the part of one at the lower end.
struct Octave {
    spectra: Spectra,
    /// From the lowest bin up.
    filters: Vec<Filter>,
    /// Frames of which the octaves below have not come so far.
    frames: VecDeque<Vec<f32>>,
    /// How often the sound is halved in rate before this octave hears it, beyond the octave above.
    halvings: Vec<Halving>,
}

/// The octaves from the highest one down.
///
/// # Errors
/// A fault of the input where the sound does not hold the highest bin, or the lowest one would need too long a frame.
fn octaves(settings: &Cqt, rate: u32) -> Result<Vec<Octave>, Fault> {
    let Cqt { n_bins, bins_per_octave, fmin, tuning, filter_scale, .. } = *settings;
    let wavelets = Wavelets::new(bins_per_octave, filter_scale);
    let frequency = |bin: usize| fmin * 2f64.powf((bin as f64 + tuning) / bins_per_octave as f64);
    let frequencies: Vec<f64> = (0..n_bins).map(frequency).collect();
    let (half, highest) = (f64::from(rate) / 2.0, wavelets.highest(frequencies[n_bins - 1]));
    if highest > half {
        return Err(Fault::bad_input(format!(
            "the sound at {rate} Hz holds nothing above {half} Hz, and the highest bin reaches up to {highest:.0} Hz; ask for \
             fewer `n_bins`, a lower `fmin`, or a higher `rate`"
        )));
    }
    let (mut hop, count) = (settings.hop, n_bins.div_ceil(bins_per_octave));
    let early = {
        let room = ((half / highest).log2().ceil() as i64 - 2).max(0);
        let twos = i64::from(hop.trailing_zeros());
        room.min((twos - count as i64 + 1).max(0)) as u32
    };
    let full_rate = f64::from(rate) / f64::from(1 << early);
    hop >>= early;
    let (mut octaves, mut halved) = (Vec::new(), 0);
    let mut halvings = early;
    for octave in frequencies.rchunks(bins_per_octave) {
        let own_rate = full_rate / 2f64.powi(halved);
        let n_fft = wavelets.frame(octave[0], own_rate);
        if n_fft > LONGEST {
            return Err(Fault::bad_input(format!(
                "the bin at {:.3} Hz needs frames of {n_fft} samples, more than {LONGEST}; choose a higher `fmin`, a lower \
                 `rate`, or a `hop` with more factors of two",
                octave[0]
            )));
        }
        // Each halving costs half of the power: librosa gives it back, and twice so.
        let gain = 2f64.powi(halved) * f64::from(1 << early).sqrt();
        octaves.push(Octave {
            spectra: Spectra::with_window(vec![1.0; n_fft], hop),
            filters: wavelets.filters(octave, n_fft, own_rate, full_rate, gain),
            frames: VecDeque::new(),
            halvings: (0..halvings).map(|_| Halving::new()).collect(),
        });
        halvings = u32::from(hop.is_multiple_of(2));
        hop >>= halvings;
        halved += halvings as i32;
    }
    Ok(octaves)
}

/// Takes samples at the rate of the octave above the first of these.
fn hear(octaves: &mut [Octave], samples: &[f32]) -> Result<(), Fault> {
    let Some((octave, below)) = octaves.split_first_mut() else { return Ok(()) };
    let Octave { spectra, filters, frames, halvings } = octave;
    halved(halvings, samples, &mut |samples| {
        spectra.push_bins(samples, &mut |heard| analyse(filters, frames, &heard))?;
        hear(below, samples)
    })
}

/// Hands out samples after all halvings.
fn halved(
    halvings: &mut [Halving],
    samples: &[f32],
    sink: &mut dyn FnMut(&[f32]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match halvings.split_first_mut() {
        None => sink(samples),
        Some((first, others)) => first.push(samples, |samples| halved(others, samples, sink)),
    }
}

/// Hears what is left at the end.
fn finish(octaves: &mut [Octave]) -> Result<(), Fault> {
    for at in 0..octaves.len() {
        let (octave, below) = octaves[at..].split_first_mut().expect("`at` is one of them");
        let Octave { spectra, filters, frames, halvings } = octave;
        for done in 0..halvings.len() {
            let (first, others) = halvings[done..].split_first_mut().expect("`done` is one of them");
            first.finish(|samples| {
                halved(others, samples, &mut |samples| {
                    spectra.push_bins(samples, &mut |heard| analyse(filters, frames, &heard))?;
                    hear(below, samples)
                })
            })?;
        }
        spectra.finish_bins(&mut |heard| analyse(filters, frames, &heard))?;
    }
    Ok(())
}

fn analyse(filters: &[Filter], frames: &mut VecDeque<Vec<f32>>, heard: &Heard<'_>) -> Result<(), Fault> {
    let magnitude = |filter: &Filter| {
        filter.iter().map(|(bin, weight)| heard.bins[*bin] * weight).sum::<realfft::num_complex::Complex<f64>>().norm()
    };
    frames.push_back(filters.iter().map(|filter| magnitude(filter) as f32).collect());
    Ok(())
}

/// Writes the frames that all octaves have.
fn write(octaves: &mut [Octave], matrix: &mut Matrix) -> Result<(), Fault> {
    let whole = octaves.iter().map(|octave| octave.frames.len()).min().unwrap_or(0);
    for _ in 0..whole {
        matrix.push(octaves.iter_mut().rev().flat_map(|octave| octave.frames.pop_front().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{cells, run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value, rate: u32, samples: Vec<f32>) -> Result<(String, Vec<f32>), Fault> {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        run(&factory, work("t", &[("audio", "t.wav", &wav(rate, &[samples]))], "npy")).map(|bytes| cells(&bytes))
    }

    #[test]
    fn a_tone_stands_in_its_bin_in_every_octave() {
        // From an octave that hears all samples down to one that hears a 64th of them.
        for (hz, bin) in [(2093.005, 72), (440.0, 45), (65.406, 12), (32.703, 0)] {
            let (shape, values) = made(json!({}), 22_050, tone(hz, 22_050, 66_150)).expect("made");
            assert!(shape.contains("'shape': (84, 130)"), "{shape}");
            let at = |row: usize| f64::from(values[row * 130 + 65]);
            let loudest = (0..84).max_by(|a, b| at(*a).total_cmp(&at(*b))).expect("bins");
            assert_eq!(loudest, bin, "{hz} Hz");
            // Half of full scale, half of it on each side, over the root of the length.
            let length = (Wavelets::new(12, 1.0).length(hz, 22_050.0)).sqrt();
            assert!((at(bin) / length / 0.25 - 1.0).abs() < 0.02, "{hz} Hz: {} of {length}", at(bin));
        }
    }

    #[test]
    fn what_cannot_be_heard_is_refused_with_the_remedy() {
        let fault = made(json!({}), 8000, tone(440.0, 8000, 8000)).expect_err("too high");
        assert!(fault.text.contains("ask for fewer `n_bins`"), "{fault}");
        let fault = made(json!({"fmin": 0.5, "n_bins": 12, "hop": 511}), 8000, vec![0.0; 100]).expect_err("too low");
        assert!(fault.text.contains("choose a higher `fmin`"), "{fault}");
        let with = json!({"hop": 0, "fmin": 0, "n_bins": 0, "bins_per_octave": 0, "filter_scale": 3, "tuning": 1});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 6);
    }
}
