//! Sound from spectra: the inverse of the short-time Fourier transform, frame by frame, as `librosa.istft` defines it.
//!
//! Each frame is transformed back, weighted with the window and added to the others; the sum is divided by that of the squared windows.

use std::{f64::consts::TAU, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, num_complex::Complex};

/// Takes spectra of centred frames under a periodic Hann window, and gives samples.
pub(super) struct Inverse {
    hop: usize,
    window: Vec<f64>,
    fft: Arc<dyn ComplexToReal<f64>>,
    bins: Vec<Complex<f64>>,
    frame: Vec<f64>,
    scratch: Vec<Complex<f64>>,
    /// Sums from the begin of the next frame on: of samples, and of squared windows.
    sums: Vec<[f64; 2]>,
    /// Samples before the track that are still to come.
    before: usize,
}

impl Inverse {
    /// `hop` is at most half of `n_fft`.
    pub(super) fn new(n_fft: usize, hop: usize) -> Self {
        let fft = RealFftPlanner::<f64>::new().plan_fft_inverse(n_fft);
        let window = (0..n_fft).map(|n| 0.5 - 0.5 * (TAU * n as f64 / n_fft as f64).cos()).collect();
        Self {
            hop,
            window,
            bins: fft.make_input_vec(),
            frame: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            sums: vec![[0.0; 2]; n_fft],
            before: n_fft / 2,
        }
    }

    /// Takes the next spectrum, and appends the samples that no later frame reaches.
    pub(super) fn push(&mut self, spectrum: impl Iterator<Item = Complex<f64>>, samples: &mut Vec<f32>) {
        self.bins.iter_mut().zip(spectrum).for_each(|(bin, value)| *bin = value);
        self.fft
            .process_with_scratch(&mut self.bins, &mut self.frame, &mut self.scratch)
            .expect("the ends of the spectrum of real samples are real");
        let scale = 1.0 / self.window.len() as f64;
        for ((sum, sample), weight) in self.sums.iter_mut().zip(&self.frame).zip(&self.window) {
            sum[0] += sample * weight * scale;
            sum[1] += weight * weight;
        }
        self.hand_out(self.hop, samples);
    }

    /// Appends the samples that the last frames reach.
    pub(super) fn finish(&mut self, samples: &mut Vec<f32>) {
        self.hand_out(self.window.len() - self.hop, samples);
    }

    fn hand_out(&mut self, count: usize, samples: &mut Vec<f32>) {
        let skipped = self.before.min(count);
        self.before -= skipped;
        let sample =
            |[sum, weight]: &[f64; 2]| if *weight > f64::from(f32::MIN_POSITIVE) { sum / weight } else { *sum };
        samples.extend(self.sums[skipped..count].iter().map(|both| sample(both) as f32));
        self.sums.copy_within(count.., 0);
        let left = self.sums.len() - count;
        self.sums[left..].fill([0.0; 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{spectrum::Spectra, testing::tone};
    use super::*;

    #[test]
    fn sound_comes_back_from_its_spectra_sample_by_sample() {
        for (count, n_fft, hop) in [(20_000, 2048, 512), (1000, 2048, 1024), (7, 64, 16), (5001, 600, 200)] {
            let samples = tone(440.0, 22_050, count);
            let (mut spectra, mut inverse, mut back) = (Spectra::new(n_fft, hop), Inverse::new(n_fft, hop), Vec::new());
            let mut frame = |heard: super::super::super::spectrum::Heard<'_>| {
                inverse.push(heard.bins.iter().copied(), &mut back);
                Ok(())
            };
            spectra.push_bins(&samples, &mut frame).expect("taken");
            spectra.finish_bins(&mut frame).expect("taken");
            inverse.finish(&mut back);
            assert!(back.len() >= count, "{} of {count} came back", back.len());
            let worst = samples.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-6, "{count} {n_fft} {hop}: off by {worst}");
        }
    }
}
