//! Puts plot, axes, colour bar and caption together.

use super::{
    axis,
    canvas::{Align, Canvas, fitted, width_of},
    colour,
};

/// Where things stand, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    width: usize,
    height: usize,
    pub(super) left: usize,
    pub(super) top: usize,
    right: usize,
    bottom: usize,
}

const LABEL: f32 = 17.0;
const TITLE: f32 = 24.0;
const QUIET: f32 = 0.72;
const LINE: f32 = 0.42;

impl Layout {
    /// The layout of a picture.
    pub(super) fn of(width: usize, height: usize) -> Self {
        Self { width, height, left: 84, top: 58, right: 104, bottom: 46 }
    }

    pub(super) fn plot_width(&self) -> usize {
        self.width - self.left - self.right
    }

    pub(super) fn plot_height(&self) -> usize {
        self.height - self.top - self.bottom
    }
}

/// What stands above the plot.
pub(super) struct Caption {
    pub(super) title: String,
    pub(super) facts: String,
}

/// Draws the picture from levels of 0 to 1, row by row from the lowest frequency.
pub(super) fn draw(
    layout: &Layout,
    levels: &[f32],
    caption: &Caption,
    seconds: f64,
    rate: u32,
    range_db: f64,
) -> Canvas {
    let mut canvas = Canvas::new(layout.width, layout.height);
    let (width, height) = (layout.plot_width(), layout.plot_height());
    for (row, line) in levels.chunks(width).enumerate() {
        for (x, level) in line.iter().enumerate() {
            canvas.set(layout.left + x, layout.top + height - 1 - row, colour::index_of(*level));
        }
    }
    title(&mut canvas, layout, caption);
    frequency_axis(&mut canvas, layout, rate);
    time_axis(&mut canvas, layout, seconds);
    colour_bar(&mut canvas, layout, range_db);
    canvas
}

fn title(canvas: &mut Canvas, layout: &Layout, caption: &Caption) {
    let (left, right) = (layout.left as f32, (layout.width - layout.right) as f32);
    let middle = layout.top as f32 / 2.0 + 2.0;
    let room = right - left - width_of(&caption.facts, LABEL) - 32.0;
    canvas.text(&fitted(&caption.title, TITLE, room), left, middle, TITLE, Align::Left, 1.0);
    canvas.text(&caption.facts, right, middle + 2.0, LABEL, Align::Right, QUIET);
}

fn frequency_axis(canvas: &mut Canvas, layout: &Layout, rate: u32) {
    for tick in axis::frequencies(layout.plot_height(), rate, 20.0) {
        let y = layout.top + tick.at.round() as usize;
        canvas.fill(layout.left - 7, y, 5, 1, LINE);
        canvas.text(&tick.label, layout.left as f32 - 13.0, y as f32, LABEL, Align::Right, QUIET);
    }
}

fn time_axis(canvas: &mut Canvas, layout: &Layout, seconds: f64) {
    let below = layout.top + layout.plot_height();
    for tick in axis::times(seconds, layout.plot_width(), 80.0) {
        let x = layout.left + (tick.at.round() as usize).min(layout.plot_width() - 1);
        canvas.fill(x, below + 2, 1, 5, LINE);
        canvas.text(&tick.label, x as f32, below as f32 + 20.0, LABEL, Align::Centre, QUIET);
    }
}

fn colour_bar(canvas: &mut Canvas, layout: &Layout, range_db: f64) {
    let (x, height) = (layout.width - layout.right + 20, layout.plot_height());
    for row in 0..height {
        let index = colour::index_of(1.0 - row as f32 / (height - 1) as f32);
        for column in 0..14 {
            canvas.set(x + column, layout.top + row, index);
        }
    }
    let step = [5.0, 10.0, 20.0, 40.0]
        .into_iter()
        .find(|step| range_db / step <= 6.0 && height as f64 * step / range_db >= 24.0)
        .unwrap_or(80.0);
    let mut below = 0.0;
    while below <= range_db {
        let y = layout.top as f64 + below / range_db * (height - 1) as f64;
        canvas.fill(x + 16, y.round() as usize, 5, 1, LINE);
        let label = if below == 0.0 { "0 dB".to_owned() } else { format!("−{below}") };
        canvas.text(&label, x as f32 + 27.0, y.round() as f32, LABEL, Align::Left, QUIET);
        below += step;
    }
}
