//! The mel scale and its filters, as Slaney's Auditory Toolbox and librosa define them.
//!
//! Below 1 kHz a mel is 200/3 Hz; above, 27 mels are a factor of 6.4. The filters are triangles whose corners are evenly
//! spaced in mel, each scaled to an area of one in Hz (`norm="slaney"`).

use euterpe_actors::{outcome::Fault, transform::OptionProblem};

/// A frequency in Hz as a number of mels.
pub(crate) fn mel_of(hz: f64) -> f64 {
    if hz < 1000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4f64.ln() }
}

/// A number of mels as a frequency in Hz.
pub(crate) fn hz_of(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp() }
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
pub(crate) fn filters_for(
    n_mels: usize,
    (fmin, fmax): (f64, Option<f64>),
    n_fft: usize,
    rate: u32,
) -> Result<Vec<Filter>, Fault> {
    let half = f64::from(rate) / 2.0;
    let fmax = fmax.unwrap_or(half);
    if fmax > half || fmin >= half {
        return Err(Fault::bad_input(format!(
            "the sound at {rate} Hz holds nothing above {half} Hz, and the job asks for bands up to {} Hz; lower `fmin` and \
             `fmax`, or choose a higher `rate`",
            fmax.max(fmin)
        )));
    }
    Ok(filters(n_mels, fmin, fmax, n_fft, rate))
}

/// `n_mels` filters between two frequencies in Hz; agrees with `librosa.filters.mel`.
pub(crate) fn filters(n_mels: usize, fmin: f64, fmax: f64, n_fft: usize, rate: u32) -> Vec<Filter> {
    let (low, high) = (mel_of(fmin), mel_of(fmax));
    let corner = |index: usize| hz_of(low + (high - low) * index as f64 / (n_mels + 1) as f64);
    (0..n_mels)
        .map(|index| {
            let (low, peak, high) = (corner(index), corner(index + 1), corner(index + 2));
            Filter::triangle(low, peak, high, 2.0 / (high - low), n_fft, rate)
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
    fn a_filter_has_an_area_of_one() {
        let (n_fft, rate) = (1 << 16, 44_100);
        let flat = vec![f64::from(rate) / n_fft as f64; n_fft / 2 + 1];
        for filter in filters(40, 0.0, 22_050.0, n_fft, rate) {
            assert!((filter.apply(&flat) - 1.0).abs() < 1e-3);
        }
    }
}
