//! The picture's columns as they come in: power per row, folded in pairs whenever there are too many.

use super::super::mel::Filter;
use super::axis;

/// Power per row and column, with as few columns as the picture needs, whatever the length of the track.
pub(super) struct Columns {
    rows: usize,
    /// The width of the picture in pixels.
    width: usize,
    filters: Vec<Filter>,
    /// Whole columns, one after the other, lowest frequency first.
    power: Vec<f32>,
    /// How many spectra a column is the mean of.
    fold: usize,
    /// The sum for the column in the making, and how many spectra are in it.
    sum: Vec<f64>,
    summed: usize,
}

impl Columns {
    /// Columns of `rows` rows for a picture of `width` pixels, from `n_fft`-point spectra at `rate`.
    pub(super) fn new(rows: usize, width: usize, n_fft: usize, rate: u32) -> Self {
        let bin = f64::from(rate) / n_fft as f64;
        let filters = (0..rows)
            .map(|row| {
                let hz = |row: f64| axis::hz_of_row(row, rows, rate);
                let (low, centre, high) = (hz(row as f64 - 0.5), hz(row as f64 + 0.5), hz(row as f64 + 1.5));
                // At least a bin to each side: between two bins a row is then their interpolation.
                let (low, high) = (low.min(centre - bin), high.max(centre + bin));
                let mut filter = Filter::triangle(low, centre, high, 1.0, n_fft, rate);
                filter.normalise();
                filter
            })
            .collect();
        Self { rows, width, filters, power: Vec::new(), fold: 1, sum: vec![0.0; rows], summed: 0 }
    }

    /// Takes the next spectrum.
    pub(super) fn push(&mut self, spectrum: &[f64]) {
        for (sum, filter) in self.sum.iter_mut().zip(&self.filters) {
            *sum += filter.apply(spectrum);
        }
        self.summed += 1;
        if self.summed == self.fold {
            self.close_column();
        }
    }

    fn close_column(&mut self) {
        let count = self.summed as f64;
        self.power.extend(self.sum.iter().map(|sum| (sum / count) as f32));
        self.sum.fill(0.0);
        self.summed = 0;
        if self.power.len() == 4 * self.width * self.rows {
            self.fold_in_pairs();
        }
    }

    fn fold_in_pairs(&mut self) {
        let half = self.power.len() / self.rows / 2;
        for column in 0..half {
            for row in 0..self.rows {
                let first = self.power[2 * column * self.rows + row];
                let second = self.power[(2 * column + 1) * self.rows + row];
                self.power[column * self.rows + row] = (first + second) / 2.0;
            }
        }
        self.power.truncate(half * self.rows);
        self.fold *= 2;
    }

    /// The level of each pixel, row by row from the lowest frequency, from 0 (`range_db` below the loudest, or less) to 1
    /// (the loudest). `hops` is the length of the track in hops.
    pub(super) fn levels(mut self, hops: f64, range_db: f64) -> Vec<f32> {
        if self.summed > 0 {
            self.close_column();
        }
        let count = self.power.len() / self.rows;
        let fold = self.fold as f64;
        let per_pixel = hops / fold / self.width as f64;
        let mut pixels = vec![0.0f32; self.rows * self.width];
        let mut column = vec![0.0f64; self.rows];
        for x in 0..self.width {
            let centre = (x as f64 + 0.5) * per_pixel - (fold - 1.0) / 2.0 / fold;
            // A box of at least one column: of two neighbours it makes their interpolation.
            let reach = per_pixel.max(1.0) / 2.0;
            let (from, to) = (centre - reach, centre + reach);
            let (first, last) = ((from + 0.5).floor().max(0.0), (to + 0.5).floor().clamp(0.0, count as f64 - 1.0));
            column.fill(0.0);
            let mut whole = 0.0;
            for index in first.min(last) as usize..=last as usize {
                let share = (to.min(index as f64 + 0.5) - from.max(index as f64 - 0.5)).max(1e-9);
                whole += share;
                let power = &self.power[index * self.rows..][..self.rows];
                for (sum, power) in column.iter_mut().zip(power) {
                    *sum += share * f64::from(*power);
                }
            }
            for (row, sum) in column.iter().enumerate() {
                pixels[row * self.width + x] = (sum / whole) as f32;
            }
        }
        let loudest = pixels.iter().fold(0.0f32, |loudest, power| loudest.max(*power));
        if loudest > 0.0 {
            for pixel in &mut pixels {
                let below = 10.0 * (f64::from(*pixel) / f64::from(loudest)).max(1e-30).log10();
                *pixel = (1.0 + below / range_db).clamp(0.0, 1.0) as f32;
            }
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_track_needs_no_more_columns_than_a_short_one_and_keeps_its_place_in_time() {
        let (rows, width, n_fft) = (4, 10, 64);
        for count in [10, 39, 40, 41, 1000, 12_345] {
            let mut columns = Columns::new(rows, width, n_fft, 8_000);
            for index in 0..count {
                // The second half is loud.
                columns.push(&vec![if index >= count / 2 { 1.0 } else { 1e-4 }; n_fft / 2 + 1]);
                assert!(columns.power.len() < 4 * width * rows);
            }
            let levels = columns.levels(count as f64, 80.0);
            assert!((levels[0] - 0.5).abs() < 0.01, "{count} spectra start at {}", levels[0]);
            assert!((levels[width - 1] - 1.0).abs() < 0.01, "{count} spectra end at {}", levels[width - 1]);
            assert!((levels[width * 3 / 10] - 0.5).abs() < 0.1, "{count}: {levels:?}");
        }
    }
}
