//! The mel scale and its filters, as Slaney's Auditory Toolbox and librosa define them.
//!
//! Below 1 kHz a mel is 200/3 Hz; above, 27 mels are a factor of 6.4. The filters are triangles whose corners are evenly
//! spaced in mel, each scaled to an area of one in Hz (`norm="slaney"`).

use std::sync::atomic::{AtomicBool, Ordering};

use euterpe_actors::{outcome::Fault, transform::OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;

/// A frequency in Hz as a number of mels.
pub(crate) fn mel_of(hz: f64) -> f64 {
    if hz < 1000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4f64.ln() }
}

/// A number of mels as a frequency in Hz.
pub(crate) fn hz_of(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp() }
}

/// How high the filters are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MelNorm {
    /// Each has an area of one.
    #[default]
    Slaney,
    /// Each has a peak of one.
    None,
}

/// The bands that a job asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    pub(crate) count: usize,
    /// In Hz.
    pub(crate) fmin: f64,
    /// In Hz; half of the rate without it.
    pub(crate) fmax: Option<f64>,
    /// On the scale of the Hidden Markov Model Toolkit (2595·log10(1 + Hz / 700)) instead of Slaney's.
    pub(crate) htk: bool,
    pub(crate) norm: MelNorm,
}

impl Bands {
    fn mel_of(&self, hz: f64) -> f64 {
        if self.htk { 2595.0 * (1.0 + hz / 700.0).log10() } else { mel_of(hz) }
    }

    fn hz_of(&self, mel: f64) -> f64 {
        if self.htk { 700.0 * (10f64.powf(mel / 2595.0) - 1.0) } else { hz_of(mel) }
    }
}

/// Weights over the bins of a spectrum, stored where they are not zero.
pub(crate) struct Filter {
    first: usize,
    weights: Vec<f64>,
}

impl Filter {
    /// A triangle over the bins of an `n_fft`-point spectrum at `rate`, rising from `low` to `peak` and falling to `high`
    /// (in Hz), with the weight `height` at its peak.
    pub(crate) fn triangle(low: f64, peak: f64, high: f64, height: f64, n_fft: usize, rate: u32) -> Self {
        let bin = f64::from(rate) / n_fft as f64;
        let last = n_fft / 2;
        let first = ((low / bin).floor().max(0.0) as usize).min(last + 1);
        let end = ((high / bin).ceil().max(0.0) as usize).min(last) + 1;
        let weights: Vec<f64> = (first..end.max(first))
            .map(|index| {
                let hz = index as f64 * bin;
                height * ((hz - low) / (peak - low)).min((high - hz) / (high - peak)).max(0.0)
            })
            .collect();
        Self { first, weights }
    }

    /// Whether no bin lies within it: it lies between two.
    fn is_empty(&self) -> bool {
        self.weights.iter().all(|weight| *weight == 0.0)
    }

    /// The weighted sum over a spectrum.
    pub(crate) fn apply(&self, spectrum: &[f64]) -> f64 {
        let bins = &spectrum[self.first..self.first + self.weights.len()];
        self.weights.iter().zip(bins).map(|(weight, bin)| weight * bin).sum()
    }

    /// With the weights scaled to a sum of one; false where there are none.
    pub(crate) fn normalise(&mut self) -> bool {
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        sum > 0.0
    }
}

/// What is wrong with a number of bands and the frequencies in Hz between which they lie.
pub(crate) fn band_problems(n_mels: usize, fmin: f64, fmax: Option<f64>) -> Vec<OptionProblem> {
    let mut problems = Vec::new();
    if !(1..=1024).contains(&n_mels) {
        problems.push(OptionProblem::new("n_mels", format!("expected 1 to 1024, got {n_mels}")));
    }
    if !(fmin >= 0.0 && fmin.is_finite()) {
        problems.push(OptionProblem::new("fmin", format!("expected a frequency from 0 Hz on, got {fmin}")));
    }
    if let Some(fmax) = fmax.filter(|fmax| !(*fmax > fmin && fmax.is_finite())) {
        problems.push(OptionProblem::new("fmax", format!("expected a frequency above fmin ({fmin} Hz), got {fmax}")));
    }
    problems
}

/// The filters for a sound at `rate`; without an upper end, up to half of that.
///
/// # Errors
/// A fault of the input where the sound holds nothing up there.
pub(crate) fn filters_for(bands: Bands, n_fft: usize, rate: u32) -> Result<Vec<Filter>, Fault> {
    let half = f64::from(rate) / 2.0;
    let (fmin, fmax) = (bands.fmin, bands.fmax.unwrap_or(half));
    if fmax > half || fmin >= half {
        return Err(Fault::bad_input(format!(
            "the sound at {rate} Hz holds nothing above {half} Hz, and the job asks for bands up to {} Hz; lower `fmin` and \
             `fmax`, or choose a higher `rate`",
            fmax.max(fmin)
        )));
    }
    let filters = filters(bands, fmax, n_fft, rate);
    let empty = filters.iter().filter(|filter| filter.is_empty()).count();
    if empty > 0 && !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "{empty} of {} mel bands lie between two bins of an FFT of {n_fft} samples at {rate} Hz, and are zero at all times; take \
             fewer `n_mels`, a larger `n_fft`, or a higher `fmin`",
            bands.count
        );
    }
    Ok(filters)
}

/// Whether bands that are always zero were told: once for a process, not for each track.
static SAID: AtomicBool = AtomicBool::new(false);

/// The filters up to a frequency in Hz; agrees with `librosa.filters.mel`.
fn filters(bands: Bands, fmax: f64, n_fft: usize, rate: u32) -> Vec<Filter> {
    let (low, high) = (bands.mel_of(bands.fmin), bands.mel_of(fmax));
    let corner = |index: usize| bands.hz_of(low + (high - low) * index as f64 / (bands.count + 1) as f64);
    let height = |width: f64| if bands.norm == MelNorm::Slaney { 2.0 / width } else { 1.0 };
    (0..bands.count)
        .map(|index| {
            let (low, peak, high) = (corner(index), corner(index + 1), corner(index + 2));
            Filter::triangle(low, peak, high, height(high - low), n_fft, rate)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_slaneys_and_goes_there_and_back() {
        // The examples of librosa's own documentation.
        assert!((mel_of(60.0) - 0.9).abs() < 1e-12);
        assert!((mel_of(440.0) - 6.6).abs() < 1e-12);
        assert!((hz_of(3.0) - 200.0).abs() < 1e-9);
        assert!((mel_of(6400.0) - 42.0).abs() < 1e-12);
        for hz in [0.0, 20.0, 999.9, 1000.0, 1000.1, 11_025.0] {
            assert!((hz_of(mel_of(hz)) - hz).abs() < 1e-8);
        }
    }

    #[test]
    fn a_band_between_two_bins_is_empty() {
        // Bins of 21.5 Hz.
        let is_empty = |low, peak, high| Filter::triangle(low, peak, high, 1.0, 2048, 44_100).is_empty();
        assert!(is_empty(22.0, 30.0, 42.0) && is_empty(21.533_203_125, 30.0, 43.0));
        assert!(!is_empty(20.0, 30.0, 42.0) && !is_empty(22.0, 30.0, 44.0));
    }

    #[test]
    fn a_filter_has_an_area_of_one() {
        let (n_fft, rate) = (1 << 16, 44_100);
        let flat = vec![f64::from(rate) / n_fft as f64; n_fft / 2 + 1];
        let bands = Bands { count: 40, fmin: 0.0, fmax: None, htk: false, norm: MelNorm::Slaney };
        for bands in [bands, Bands { htk: true, ..bands }] {
            for filter in filters_for(bands, n_fft, rate).expect("filters") {
                assert!((filter.apply(&flat) - 1.0).abs() < 1e-3);
            }
        }
        for filter in filters_for(Bands { norm: MelNorm::None, ..bands }, n_fft, rate).expect("filters") {
            let peak = filter.weights.iter().copied().fold(0.0, f64::max);
            assert!(peak > 0.95 && peak <= 1.0, "{peak}");
        }
    }

    #[test]
    fn the_scale_of_htk_goes_there_and_back() {
        let bands = Bands { count: 40, fmin: 0.0, fmax: None, htk: true, norm: MelNorm::Slaney };
        assert!((bands.mel_of(1000.0) - 1000.0).abs() < 0.02);
        for hz in [0.0, 20.0, 1000.0, 11_025.0] {
            assert!((bands.hz_of(bands.mel_of(hz)) - hz).abs() < 1e-8);
        }
    }
}
