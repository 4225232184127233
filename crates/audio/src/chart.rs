//! A picture of one quantity over time: a filled line with axes, as a PNG.

use super::spectrogram::axis::times;
use super::spectrogram::canvas::{Align, Canvas, fitted, width_of};

const WIDTH: usize = 1200;
const HEIGHT: usize = 420;
const LEFT: usize = 104;
const RIGHT: usize = 28;
const TOP: usize = 58;
const BOTTOM: usize = 46;
const LABEL: f32 = 17.0;
const TITLE: f32 = 24.0;
const QUIET: f32 = 0.72;
const LINE: f32 = 0.42;
/// How strong the area under the line is, within the marked span and beside it.
const AREA: [f32; 2] = [0.35, 0.16];

/// One quantity over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What stands above it on the left.
    pub title: String,
    /// What stands above it on the right.
    pub facts: String,
    /// The unit of the quantity, such as `MiB`.
    pub unit: &'static str,
    /// Seconds from 0 on, and the quantity there, in the order of time.
    pub points: Vec<(f64, f64)>,
    /// A span in seconds that is brought out.
    pub marked: Option<(f64, f64)>,
}

impl Chart {
    /// The picture.
    ///
    /// # Errors
    /// The encoder's own.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let seconds = self.points.last().map_or(0.0, |point| point.0).max(0.001);
        let step = step_for(self.points.iter().map(|point| point.1).fold(0.0, f64::max));
        let top = step.0 * f64::from(step.1);
        for (x, value) in self.columns(width, seconds).into_iter().enumerate() {
            let rows = (value / top * height as f64).round().clamp(0.0, height as f64) as usize;
            let at = (x as f64 + 0.5) / width as f64 * seconds;
            let is_marked = self.marked.is_none_or(|(from, to)| (from..=to).contains(&at));
            canvas.fill(LEFT + x, TOP + height - rows, 1, rows, AREA[usize::from(!is_marked)]);
            canvas.fill(LEFT + x, TOP + height - rows, 1, 2.min(rows), 1.0);
        }
        for number in 0..=step.1 {
            let value = step.0 * f64::from(number);
            let y = TOP + height - (value / top * height as f64).round() as usize;
            canvas.fill(LEFT - 7, y, 5, 1, LINE);
            let label = format!("{value} {}", self.unit);
            canvas.text(&label, LEFT as f32 - 13.0, y as f32, LABEL, Align::Right, QUIET);
        }
        for tick in times(seconds, width, 80.0) {
            let x = LEFT + (tick.at.round() as usize).min(width - 1);
            canvas.fill(x, TOP + height + 2, 1, 5, LINE);
            canvas.text(&tick.label, x as f32, (TOP + height) as f32 + 20.0, LABEL, Align::Centre, QUIET);
        }
        let room = width as f32 - width_of(&self.facts, LABEL) - 32.0;
        let middle = TOP as f32 / 2.0 + 2.0;
        canvas.text(&fitted(&self.title, TITLE, room), LEFT as f32, middle, TITLE, Align::Left, 1.0);
        canvas.text(&self.facts, (LEFT + width) as f32, middle + 2.0, LABEL, Align::Right, QUIET);
        canvas.into_png()
    }

    /// The quantity for each column: the most that was seen within it, else what was seen last.
    fn columns(&self, width: usize, seconds: f64) -> Vec<f64> {
        let mut most: Vec<Option<f64>> = vec![None; width];
        for (at, value) in &self.points {
            let column = ((at / seconds * width as f64) as usize).min(width - 1);
            most[column] = Some(most[column].map_or(*value, |so_far| so_far.max(*value)));
        }
        let mut last = 0.0;
        let or_last = |value: Option<f64>| {
            last = value.unwrap_or(last);
            last
        };
        most.into_iter().map(or_last).collect()
    }
}

/// A round step, and how many of them reach `most`.
fn step_for(most: f64) -> (f64, u32) {
    let most = most.max(1.0);
    let tens = (0..12).map(|power| 10f64.powi(power));
    let mut steps = tens.flat_map(|ten| [ten, 2.0 * ten, 5.0 * ten]);
    let step = steps.find(|step| most / step <= 6.0).unwrap_or(most);
    (step, (most / step).ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(step_for(0.0), (1.0, 1));
        assert_eq!(step_for(52.3), (10.0, 6));
        assert_eq!(step_for(1843.0), (500.0, 4));
    }

    #[test]
    fn a_column_holds_the_most_of_its_time_and_gaps_what_was_seen_last() {
        let chart = Chart { points: vec![(0.0, 1.0), (0.1, 9.0), (0.2, 3.0), (10.0, 4.0)], ..Chart::default() };
        assert_eq!(chart.columns(4, 10.0), [9.0, 9.0, 9.0, 4.0]);
    }

    #[test]
    fn the_picture_is_a_png_of_its_size_and_a_higher_line_has_more_ink() {
        let ink = |value: f64| {
            let chart =
                Chart { points: vec![(0.0, 100.0), (1.0, value), (2.0, value)], unit: "MiB", ..Chart::default() };
            let png = chart.png().expect("drawn");
            let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a png");
            assert_eq!((reader.info().width, reader.info().height), (WIDTH as u32, HEIGHT as u32));
            let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
            reader.next_frame(&mut pixels).expect("read");
            let ground = pixels[0];
            pixels.iter().filter(|pixel| **pixel != ground).count()
        };
        assert!(ink(90.0) > ink(20.0) + 50_000, "{} {}", ink(90.0), ink(20.0));
    }
}
