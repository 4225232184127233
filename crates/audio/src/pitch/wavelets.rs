//! The wavelets of the constant-Q transform, as filters on the bins of a spectrum: Brown and Puckette's kernels (JASA 92, 1992) with
//! librosa's lengths, norm and sparsity.

use std::f64::consts::TAU;

use realfft::{RealFftPlanner, num_complex::Complex};

/// The noise bandwidth of the Hann window in bins.
const HANN_BANDWIDTH: f64 = 1.500_183_105_468_75;
/// The share of a filter's magnitudes, the smallest ones, that is left out.
const LEFT_OUT: f64 = 0.01;

/// The wavelets of one family: all have the same number of periods, `q`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wavelets {
    pub(super) q: f64,
}

/// Weights of a filter, bin by bin.
pub(super) type Filter = Vec<(usize, Complex<f64>)>;

impl Wavelets {
    /// Those of so many bins in an octave; `scale` makes them longer.
    pub(super) fn new(bins_per_octave: usize, scale: f64) -> Self {
        let two_steps = 2f64.powf(2.0 / bins_per_octave as f64);
        Self { q: scale * (two_steps + 1.0) / (two_steps - 1.0) }
    }

    /// How many samples the wavelet of a frequency has at a rate: not a whole number.
    pub(super) fn length(self, hz: f64, rate: f64) -> f64 {
        self.q * rate / hz
    }

    /// The highest frequency that the wavelet of a frequency hears.
    pub(super) fn highest(self, hz: f64) -> f64 {
        hz * (1.0 + 0.5 * HANN_BANDWIDTH / self.q)
    }

    /// The frame that the wavelet of a frequency fits into, in samples: a power of two.
    pub(super) fn frame(self, lowest_hz: f64, rate: f64) -> usize {
        2f64.powf(self.length(lowest_hz, rate).log2().ceil()) as usize
    }

    /// The filters for these frequencies over the spectra of `n_fft` samples, each scaled by `gain` over the root of its length at
    /// `full_rate`.
    pub(super) fn filters(
        self,
        frequencies: &[f64],
        n_fft: usize,
        rate: f64,
        full_rate: f64,
        gain: f64,
    ) -> Vec<Filter> {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(n_fft);
        let spectrum_of = |part: fn(Complex<f64>) -> f64, wavelet: &[Complex<f64>]| {
            let (mut samples, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
            let begin = (n_fft - wavelet.len()) / 2;
            samples[begin..].iter_mut().zip(wavelet).for_each(|(sample, value)| *sample = part(*value));
            fft.process(&mut samples, &mut bins).expect("the buffers are those that the transform made for itself");
            bins
        };
        let filter = |hz: &f64| {
            let length = self.length(*hz, rate);
            let wavelet = wavelet(*hz / rate, length);
            let (real, imaginary) = (spectrum_of(|value| value.re, &wavelet), spectrum_of(|value| value.im, &wavelet));
            let scale = gain * length / n_fft as f64 / self.length(*hz, full_rate).sqrt();
            let bins = real.iter().zip(&imaginary).map(|(real, imaginary)| (real + imaginary * Complex::i()) * scale);
            sparse(&bins.collect::<Vec<_>>())
        };
        frequencies.iter().map(filter).collect()
    }
}

/// So many samples of a complex tone under a periodic Hann window, with a sum of magnitudes of 1; `step` is its frequency in periods a
/// sample.
fn wavelet(step: f64, length: f64) -> Vec<Complex<f64>> {
    let (before, after) = ((-length / 2.0).floor(), (length / 2.0).floor());
    let count = (after - before) as usize;
    let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / count as f64).cos();
    let sum: f64 = (0..count).map(hann).sum();
    (0..count).map(|n| Complex::from_polar(hann(n) / sum, TAU * step * (before + n as f64))).collect()
}

/// The bins of a filter without the smallest ones.
fn sparse(bins: &[Complex<f64>]) -> Filter {
    let mut magnitudes: Vec<f64> = bins.iter().map(|bin| bin.norm()).collect();
    let sum: f64 = magnitudes.iter().sum();
    magnitudes.sort_unstable_by(f64::total_cmp);
    let mut so_far = 0.0;
    let least = magnitudes.iter().find(|magnitude| {
        so_far += *magnitude / sum;
        so_far >= LEFT_OUT
    });
    let least = least.copied().unwrap_or(0.0);
    bins.iter().copied().enumerate().filter(|(_, bin)| bin.norm() >= least).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wavelet_has_its_periods_and_a_sum_of_one() {
        let wavelets = Wavelets::new(12, 1.0);
        // 1 / (2^(1/12) - 2^(-1/12)) is about 8.65; q is its double and a bit.
        assert!((wavelets.q - 17.331).abs() < 0.01, "{}", wavelets.q);
        assert!((wavelets.length(440.0, 22_050.0) - 868.5).abs() < 1.0);
        assert_eq!(wavelets.frame(440.0, 22_050.0), 1024);
        let one = wavelet(0.02, 868.5);
        assert!((one.iter().map(|value| value.norm()).sum::<f64>() - 1.0).abs() < 1e-12 && one.len() == 869);
    }

    #[test]
    fn a_filter_hears_its_frequency_and_is_short() {
        let wavelets = Wavelets::new(12, 1.0);
        let filters = wavelets.filters(&[440.0], 1024, 22_050.0, 22_050.0, 1.0);
        let loudest = filters[0].iter().max_by(|a, b| a.1.norm().total_cmp(&b.1.norm())).expect("bins");
        assert_eq!((loudest.0, filters[0].len() < 30), ((440.0f64 / 22_050.0 * 1024.0).round() as usize, true));
    }
}
