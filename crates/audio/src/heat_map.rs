//! A picture of a table of numbers: a cell for each, from the least to the greatest in the magma colours, as a PNG.

use super::spectrogram::{canvas::Canvas, colour};

/// The most pixels of a picture in each direction.
const WIDTH: usize = 960;
const HEIGHT: usize = 320;
/// How large a cell is at the most, in pixels.
const CELL: usize = 16;

/// Numbers by rows, the first row below.
#[derive(Clone, Copy, Debug)]
pub struct HeatMap<'v> {
    /// How many numbers a row has.
    pub columns: usize,
    /// The rows, one behind the other.
    pub values: &'v [f64],
}

impl HeatMap<'_> {
    /// The picture. Where there are more numbers than pixels, each pixel shows the greatest of its own; what is no number is
    /// background.
    ///
    /// # Errors
    /// The encoder's own.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let columns = self.columns.max(1);
        let rows = (self.values.len() / columns).max(1);
        let (width, height) = (pixels(columns, WIDTH), pixels(rows, HEIGHT));
        let finite = || self.values.iter().copied().filter(|value| value.is_finite());
        let (least, most) = finite().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let level = |value: f64| match most > least {
            true => ((value - least) / (most - least)) as f32,
            false => 0.5,
        };
        let mut canvas = Canvas::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let (across, up) = (share(x, width, columns), share(y, height, rows));
                let cells = up.flat_map(|row| across.clone().map(move |column| row * columns + column));
                let values = cells.filter_map(|at| self.values.get(at).copied()).filter(|value| value.is_finite());
                if let Some(value) = values.reduce(f64::max) {
                    canvas.set(x, height - 1 - y, colour::index_of(level(value)));
                }
            }
        }
        canvas.into_png()
    }
}

/// How many pixels so many cells take.
fn pixels(cells: usize, most: usize) -> usize {
    (cells * (most / cells).clamp(1, CELL)).min(most)
}

/// Which of `cells` a pixel shows.
fn share(pixel: usize, pixels: usize, cells: usize) -> std::ops::Range<usize> {
    let from = pixel * cells / pixels;
    from..((pixel + 1) * cells / pixels).max(from + 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::pixels as read;
    use super::*;

    #[test]
    fn each_number_has_its_cell_and_the_first_row_is_below() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, f64::NAN];
        let (width, height, pixels) = read(&HeatMap { columns: 3, values: &values }.png().expect("a picture"));
        assert_eq!((width, height), (48, 32));
        let at = |x: usize, y: usize| pixels[y * width + x];
        assert!(at(0, 31) == 0 && at(0, 16) == 0 && at(32, 31) < at(0, 0) && at(0, 0) < at(16, 0));
        assert_eq!(at(16, 0), colour::index_of(1.0));
    }

    #[test]
    fn of_more_numbers_than_pixels_the_greatest_are_seen_and_one_number_is_a_picture_too() {
        let mut values = vec![0.0; 5000 * 700];
        values[2500] = 9.0;
        let (width, height, pixels) = read(&HeatMap { columns: 5000, values: &values }.png().expect("a picture"));
        assert_eq!((width, height), (960, 320));
        assert_eq!(pixels.iter().filter(|index| **index == colour::index_of(1.0)).count(), 1);
        for values in [&[][..], &[7.0], &[f64::INFINITY]] {
            HeatMap { columns: 0, values }.png().expect("a picture");
        }
    }
}
