//! A picture's columns as they come in: a value per row, folded in pairs whenever there are too many.

/// A value per row and column, with as few columns as the picture needs, whatever the length of the track.
pub(crate) struct Columns {
    rows: usize,
    /// The width of the picture in pixels.
    width: usize,
    /// Whole columns, one after the other, lowest row first.
    values: Vec<f32>,
    /// How many frames a column is the mean of.
    fold: usize,
    /// The sum for the column in the making, and how many frames are in it.
    sum: Vec<f64>,
    summed: usize,
}

impl Columns {
    /// Columns of `rows` rows for a picture of `width` pixels.
    pub(crate) fn new(rows: usize, width: usize) -> Self {
        Self { rows, width, values: Vec::new(), fold: 1, sum: vec![0.0; rows], summed: 0 }
    }

    /// Takes the values of the next frame, lowest row first.
    pub(crate) fn push(&mut self, values: impl Iterator<Item = f64>) {
        for (sum, value) in self.sum.iter_mut().zip(values) {
            *sum += value;
        }
        self.summed += 1;
        if self.summed == self.fold {
            self.close_column();
        }
    }

    fn close_column(&mut self) {
        let count = self.summed as f64;
        self.values.extend(self.sum.iter().map(|sum| (sum / count) as f32));
        self.sum.fill(0.0);
        self.summed = 0;
        if self.values.len() == 4 * self.width * self.rows {
            self.fold_in_pairs();
        }
    }

    fn fold_in_pairs(&mut self) {
        let half = self.values.len() / self.rows / 2;
        for column in 0..half {
            for row in 0..self.rows {
                let first = self.values[2 * column * self.rows + row];
                let second = self.values[(2 * column + 1) * self.rows + row];
                self.values[column * self.rows + row] = (first + second) / 2.0;
            }
        }
        self.values.truncate(half * self.rows);
        self.fold *= 2;
    }

    /// The mean of each pixel, row by row from the lowest. `hops` is the length of the track in hops.
    pub(crate) fn pixels(mut self, hops: f64) -> Vec<f32> {
        if self.summed > 0 {
            self.close_column();
        }
        let count = self.values.len() / self.rows;
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
                let values = &self.values[index * self.rows..][..self.rows];
                for (sum, value) in column.iter_mut().zip(values) {
                    *sum += share * f64::from(*value);
                }
            }
            for (row, sum) in column.iter().enumerate() {
                pixels[row * self.width + x] = (sum / whole) as f32;
            }
        }
        pixels
    }
}

/// Powers as levels from 0 (`range_db` below the loudest, or less) to 1 (the loudest); false where there is only silence.
pub(crate) fn below_loudest(pixels: &mut [f32], range_db: f64) -> bool {
    let loudest = pixels.iter().fold(0.0f32, |loudest, power| loudest.max(*power));
    if loudest > 0.0 {
        for pixel in pixels {
            let below = 10.0 * (f64::from(*pixel) / f64::from(loudest)).max(1e-30).log10();
            *pixel = (1.0 + below / range_db).clamp(0.0, 1.0) as f32;
        }
    }
    loudest > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_track_needs_no_more_columns_than_a_short_one_and_keeps_its_place_in_time() {
        let (rows, width) = (4, 10);
        for count in [10, 39, 40, 41, 1000, 12_345] {
            let mut columns = Columns::new(rows, width);
            for index in 0..count {
                // The second half is loud.
                columns.push(vec![if index >= count / 2 { 1.0 } else { 1e-4 }; rows].into_iter());
                assert!(columns.values.len() < 4 * width * rows);
            }
            let mut levels = columns.pixels(count as f64);
            assert!(below_loudest(&mut levels, 80.0));
            assert!((levels[0] - 0.5).abs() < 0.01, "{count} spectra start at {}", levels[0]);
            assert!((levels[width - 1] - 1.0).abs() < 0.01, "{count} spectra end at {}", levels[width - 1]);
            assert!((levels[width * 3 / 10] - 0.5).abs() < 0.1, "{count}: {levels:?}");
        }
    }
}
