//! Short-time spectra of a stream of samples, frame by frame.
//!
//! Agrees with `librosa.stft(center=True, pad_mode="constant", window="hann")`: frame `t` is centred on sample `t · hop`,
//! the window is the periodic Hann window, what lies before the start and after the end is silence, and `n` samples give
//! `1 + n / hop` frames. Computed in `f64`.

use std::{f64::consts::TAU, ops::Range, sync::Arc};

use euterpe_actors::{outcome::Fault, transform::OptionProblem};
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

/// What is wrong with the length of the frames and the distance between them, in samples.
pub(crate) fn frame_problems(n_fft: usize, hop: usize) -> Vec<OptionProblem> {
    let counts = [("n_fft", n_fft, 16..=65_536), ("hop", hop, 1..=1 << 20)];
    let problem = |(name, value, allowed): (&str, usize, std::ops::RangeInclusive<usize>)| {
        let message = format!("expected {} to {}, got {value}", allowed.start(), allowed.end());
        (!allowed.contains(&value)).then(|| OptionProblem::new(name, message))
    };
    counts.into_iter().filter_map(problem).collect()
}

/// One frame.
#[derive(Clone, Debug)]
pub(crate) struct Heard<'f> {
    /// Its `n_fft` samples, without the window.
    pub(crate) samples: &'f [f32],
    /// Which of them are samples of the track, and not the silence around it.
    pub(crate) real: Range<usize>,
    /// Its spectrum, with the window: `n_fft / 2 + 1` bins.
    pub(crate) bins: &'f [Complex<f64>],
}

/// Takes samples and hands out spectra.
pub(crate) struct Spectra {
    hop: usize,
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    frame: Vec<f64>,
    bins: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// Samples that some frame still needs.
    pending: Vec<f32>,
    /// Where in `pending` the next frame starts.
    next: usize,
    /// How many samples were taken in before `pending`, with the silence before the track.
    drained: usize,
    /// How many samples the track has so far.
    fed: usize,
}

impl Spectra {
    /// Spectra of `n_fft` samples (at least 2), one every `hop` samples (at least 1).
    pub(crate) fn new(n_fft: usize, hop: usize) -> Self {
        Self::with_window((0..n_fft).map(|n| 0.5 - 0.5 * (TAU * n as f64 / n_fft as f64).cos()).collect(), hop)
    }

    /// Spectra under another window, of as many samples as it has (at least 2).
    pub(crate) fn with_window(window: Vec<f64>, hop: usize) -> Self {
        let n_fft = window.len();
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(n_fft);
        Self {
            hop,
            window,
            frame: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            pending: vec![0.0; n_fft / 2],
            next: 0,
            drained: 0,
            fed: 0,
        }
    }

    /// Takes samples; calls `frame` with the squared magnitude of each of the `n_fft / 2 + 1` bins of every full frame.
    ///
    /// # Errors
    /// Those of `frame`.
    pub(crate) fn push(
        &mut self,
        samples: &[f32],
        frame: &mut impl FnMut(&[f64]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.fed += samples.len();
        self.take(samples, &mut Self::powers(frame))
    }

    /// Takes samples; calls `frame` with every full frame.
    ///
    /// # Errors
    /// Those of `frame`.
    pub(crate) fn push_bins(
        &mut self,
        samples: &[f32],
        frame: &mut impl FnMut(Heard<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.fed += samples.len();
        self.take(samples, frame)
    }

    /// Hands out the frames at the end, which reach into the silence after it.
    ///
    /// # Errors
    /// Those of `frame`.
    pub(crate) fn finish(&mut self, frame: &mut impl FnMut(&[f64]) -> Result<(), Fault>) -> Result<(), Fault> {
        self.finish_bins(&mut Self::powers(frame))
    }

    /// Hands out the frames at the end, which reach into the silence after it.
    ///
    /// # Errors
    /// Those of `frame`.
    pub(crate) fn finish_bins(&mut self, frame: &mut impl FnMut(Heard<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let silence = vec![0.0; self.window.len() / 2];
        self.take(&silence, frame)
    }

    fn powers(frame: &mut impl FnMut(&[f64]) -> Result<(), Fault>) -> impl FnMut(Heard<'_>) -> Result<(), Fault> {
        let mut powers = Vec::new();
        move |heard| {
            powers.clear();
            powers.extend(heard.bins.iter().map(Complex::norm_sqr));
            frame(&powers)
        }
    }

    fn take(&mut self, samples: &[f32], frame: &mut impl FnMut(Heard<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        self.pending.extend_from_slice(samples);
        let n_fft = self.window.len();
        while self.next + n_fft <= self.pending.len() {
            let samples = &self.pending[self.next..self.next + n_fft];
            for ((windowed, &sample), weight) in self.frame.iter_mut().zip(samples).zip(&self.window) {
                *windowed = f64::from(sample) * weight;
            }
            self.fft
                .process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch)
                .expect("the buffers are those that the transform made for itself");
            let (begin, silence) = (self.drained + self.next, n_fft / 2);
            let within = |at: usize| at.saturating_sub(begin).min(n_fft);
            frame(Heard { samples, real: within(silence)..within(silence + self.fed), bins: &self.bins })?;
            self.next += self.hop;
        }
        let done = self.next.min(self.pending.len());
        if done >= 1 << 15 {
            self.pending.drain(..done);
            self.next -= done;
            self.drained += done;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::tone;
    use super::*;

    fn spectra(samples: &[f32], n_fft: usize, hop: usize, blocks: usize) -> Vec<Vec<f64>> {
        let mut frames = Vec::new();
        let mut spectra = Spectra::new(n_fft, hop);
        let mut frame = |power: &[f64]| {
            frames.push(power.to_vec());
            Ok(())
        };
        for block in samples.chunks(blocks) {
            spectra.push(block, &mut frame).expect("taken");
        }
        spectra.finish(&mut frame).expect("taken");
        frames
    }

    #[test]
    fn there_is_one_frame_for_every_hop_and_one_more() {
        for (samples, n_fft, hop) in
            [(1, 2048, 512), (511, 2048, 512), (512, 2048, 512), (100_000, 1024, 300), (5000, 64, 999)]
        {
            assert_eq!(spectra(&vec![0.1; samples], n_fft, hop, 700).len(), 1 + samples / hop, "{samples} samples");
        }
    }

    #[test]
    fn a_sine_stands_in_its_bin_with_the_power_of_its_window() {
        let frames = spectra(&tone(1000.0, 16_000, 16_000), 1600, 400, 1 << 20);
        let middle = &frames[frames.len() / 2];
        let peak = (0..middle.len()).max_by(|&a, &b| middle[a].total_cmp(&middle[b]));
        assert_eq!(peak, Some(100));
        // Half of full scale, the window's mean of a half, half of it on each side of the spectrum.
        let want = (0.5 * 0.5 * 0.5 * 1600.0f64).powi(2);
        assert!((middle[100] / want - 1.0).abs() < 1e-6, "{} instead of {want}", middle[100]);
    }

    #[test]
    fn the_size_of_the_blocks_does_not_change_the_frames() {
        let samples = tone(440.0, 44_100, 100_000);
        let whole = spectra(&samples, 2048, 512, 100_000);
        assert!(spectra(&samples, 2048, 512, 577) == whole);
    }

    #[test]
    fn a_frame_knows_which_of_its_samples_are_of_the_track() {
        let mut spectra = Spectra::new(64, 16);
        let mut real = Vec::new();
        let mut frame = |heard: Heard<'_>| {
            assert!(heard.samples[heard.real.clone()].iter().all(|sample| *sample == 1.0));
            real.push(heard.real.len());
            Ok(())
        };
        for block in vec![1.0; 80_000].chunks(999) {
            spectra.push_bins(block, &mut frame).expect("taken");
        }
        spectra.finish_bins(&mut frame).expect("taken");
        assert_eq!((real.len(), &real[..3], &real[real.len() - 3..]), (5001, &[32, 48, 64][..], &[64, 48, 32][..]));
        assert!(real[2..real.len() - 2].iter().all(|real| *real == 64));
    }
}
