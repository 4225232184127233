//! Short-time spectra of a stream of samples, frame by frame.
//!
//! Agrees with `librosa.stft(center=True, pad_mode="constant", window="hann")`: frame `t` is centred on sample `t · hop`,
//! the window is the periodic Hann window, what lies before the start and after the end is silence, and `n` samples give
//! `1 + n / hop` frames. Computed in `f64`.

use std::{f64::consts::TAU, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

/// Takes samples and hands out power spectra.
pub(crate) struct Spectra {
    hop: usize,
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    frame: Vec<f64>,
    bins: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    power: Vec<f64>,
    /// Samples that some frame still needs.
    pending: Vec<f32>,
    /// Where in `pending` the next frame starts.
    next: usize,
}

impl Spectra {
    /// Spectra of `n_fft` samples (at least 2), one every `hop` samples (at least 1).
    pub(crate) fn new(n_fft: usize, hop: usize) -> Self {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(n_fft);
        let window = (0..n_fft).map(|n| 0.5 - 0.5 * (TAU * n as f64 / n_fft as f64).cos()).collect();
        Self {
            hop,
            window,
            frame: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; n_fft / 2 + 1],
            fft,
            pending: vec![0.0; n_fft / 2],
            next: 0,
        }
    }

    /// Takes samples; calls `frame` with the squared magnitude of each of the `n_fft / 2 + 1` bins of every full frame.
    pub(crate) fn push(&mut self, samples: &[f32], frame: &mut impl FnMut(&[f64])) {
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
            for (power, bin) in self.power.iter_mut().zip(&self.bins) {
                *power = bin.norm_sqr();
            }
            frame(&self.power);
            self.next += self.hop;
        }
        let done = self.next.min(self.pending.len());
        if done >= 1 << 15 {
            self.pending.drain(..done);
            self.next -= done;
        }
    }

    /// Hands out the frames at the end, which reach into the silence after it.
    pub(crate) fn finish(&mut self, frame: &mut impl FnMut(&[f64])) {
        let silence = vec![0.0; self.window.len() / 2];
        self.push(&silence, frame);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::tone;
    use super::*;

    fn spectra(samples: &[f32], n_fft: usize, hop: usize, blocks: usize) -> Vec<Vec<f64>> {
        let mut frames = Vec::new();
        let mut spectra = Spectra::new(n_fft, hop);
        for block in samples.chunks(blocks) {
            spectra.push(block, &mut |power| frames.push(power.to_vec()));
        }
        spectra.finish(&mut |power| frames.push(power.to_vec()));
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
}
