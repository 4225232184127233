//! The rows of a spectrogram: what each of them hears of a spectrum.

use super::super::mel::Filter;
use super::axis::MelAxis;

/// A filter for each row of pixels, from the lowest frequency up, over `n_fft`-point spectra at `rate`.
pub(super) fn filters(rows: usize, n_fft: usize, rate: u32) -> Vec<Filter> {
    let bin = f64::from(rate) / n_fft as f64;
    let axis = MelAxis::whole(rate, rows);
    let filter = |row: usize| {
        let hz = |row: f64| axis.hz_of_row(row);
        let (low, centre, high) = (hz(row as f64 - 0.5), hz(row as f64 + 0.5), hz(row as f64 + 1.5));
        // At least a bin to each side: between two bins a row is then their interpolation.
        let (low, high) = (low.min(centre - bin), high.max(centre + bin));
        let mut filter = Filter::triangle(low, centre, high, 1.0, n_fft, rate);
        filter.normalise();
        filter
    };
    (0..rows).map(filter).collect()
}
