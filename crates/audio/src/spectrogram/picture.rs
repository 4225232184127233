//! Puts plot, axes, colour bar and caption together; a picture too small for them is the plot alone.

use euterpe_actors::transform::OptionProblem;

use super::{
    axis::{self, Tick},
    canvas::{Align, Canvas, fitted, width_of},
    caption::Caption,
    colour,
};

/// Where things stand, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    width: usize,
    height: usize,
    pub(crate) left: usize,
    pub(crate) top: usize,
    right: usize,
    bottom: usize,
}

const LABEL: f32 = 17.0;
const TITLE: f32 = 24.0;
const QUIET: f32 = 0.72;
const LINE: f32 = 0.42;
/// A picture that is narrower, or lower, has no text.
const WITH_TEXT: [usize; 2] = [480, 240];

/// What is wrong with the size of a picture in pixels.
pub(crate) fn size_problems(width: usize, height: usize) -> Vec<OptionProblem> {
    let sizes = [("width", width, 64..=8192), ("height", height, 64..=4096)];
    let problem = |(name, value, allowed): (&str, usize, std::ops::RangeInclusive<usize>)| {
        let message = format!("expected {} to {} pixels, got {value}", allowed.start(), allowed.end());
        (!allowed.contains(&value)).then(|| OptionProblem::new(name, message))
    };
    sizes.into_iter().filter_map(problem).collect()
}

/// What is wrong with how many decibels below the loudest moment a picture shows.
pub(crate) fn range_problem(range_db: f64) -> Option<OptionProblem> {
    let message = format!("expected 20 to 160 dB, got {range_db}");
    (!(20.0..=160.0).contains(&range_db)).then(|| OptionProblem::new("range_db", message))
}

impl Layout {
    /// The layout of a picture.
    pub(crate) fn of(width: usize, height: usize) -> Self {
        if width < WITH_TEXT[0] || height < WITH_TEXT[1] {
            return Self { width, height, left: 0, top: 0, right: 0, bottom: 0 };
        }
        Self { width, height, left: 84, top: 58, right: 104, bottom: 46 }
    }

    pub(crate) fn plot_width(&self) -> usize {
        self.width - self.left - self.right
    }

    pub(crate) fn plot_height(&self) -> usize {
        self.height - self.top - self.bottom
    }

    fn has_text(&self) -> bool {
        self.left > 0
    }
}

/// What is put around a plot.
pub(crate) struct Frame<'f> {
    pub(crate) caption: &'f Caption,
    pub(crate) seconds: f64,
    /// The labels on the left; `at` counts from the top.
    pub(crate) rows: Vec<Tick>,
    /// The labels of the colour bar, if there is one; `at` counts from the top.
    pub(crate) bar: Option<Vec<Tick>>,
    /// What stands across the plot.
    pub(crate) note: Option<&'static str>,
}

impl Frame<'_> {
    /// A picture with everything but the plot.
    pub(crate) fn draw(&self, layout: &Layout) -> Canvas {
        let mut canvas = Canvas::new(layout.width, layout.height);
        if !layout.has_text() {
            return canvas;
        }
        title(&mut canvas, layout, self.caption);
        for tick in &self.rows {
            let y = layout.top + tick.at.round() as usize;
            canvas.fill(layout.left - 7, y, 5, 1, LINE);
            canvas.text(&tick.label, layout.left as f32 - 13.0, y as f32, LABEL, Align::Right, QUIET);
        }
        time_axis(&mut canvas, layout, self.seconds);
        if let Some(ticks) = &self.bar {
            colour_bar(&mut canvas, layout, ticks);
        }
        canvas
    }

    /// A picture of levels of 0 to 1, row by row from the lowest, as many in a row as the plot is wide. Fewer rows than the plot is high
    /// become bands.
    pub(crate) fn draw_levels(&self, layout: &Layout, levels: &[f32]) -> Canvas {
        let mut canvas = self.draw(layout);
        let (width, height) = (layout.plot_width(), layout.plot_height());
        let rows = levels.len() / width;
        for pixel in 0..height {
            let line = &levels[pixel * rows / height * width..][..width];
            for (x, level) in line.iter().enumerate() {
                canvas.set(layout.left + x, layout.top + height - 1 - pixel, colour::index_of(*level));
            }
        }
        self.write_note(&mut canvas, layout);
        canvas
    }

    /// Writes the note across the plot, if there is one and the picture has text.
    pub(crate) fn write_note(&self, canvas: &mut Canvas, layout: &Layout) {
        if let Some(note) = self.note.filter(|_| layout.has_text()) {
            let middle = (layout.left + layout.plot_width() / 2, layout.top + layout.plot_height() / 2);
            canvas.text(note, middle.0 as f32, middle.1 as f32, TITLE, Align::Centre, 1.0);
        }
    }
}

/// What stands across a plot of nothing.
pub(crate) fn note_of(is_silent: bool) -> Option<&'static str> {
    is_silent.then_some("silence: every sample is 0")
}

fn title(canvas: &mut Canvas, layout: &Layout, caption: &Caption) {
    let (left, right) = (layout.left as f32, (layout.width - layout.right) as f32);
    let middle = layout.top as f32 / 2.0 + 2.0;
    // Two thirds for facts: of more, the first are left out.
    let most = (right - left) * 2.0 / 3.0;
    let mut some = (0..caption.facts.len()).map(|first| caption.facts[first..].join("  ·  "));
    let facts = some.find(|facts| width_of(facts, LABEL) <= most).unwrap_or_default();
    let room = right - left - width_of(&facts, LABEL) - 32.0;
    canvas.text(&fitted(&caption.title, TITLE, room), left, middle, TITLE, Align::Left, 1.0);
    canvas.text(&facts, right, middle + 2.0, LABEL, Align::Right, QUIET);
}

fn time_axis(canvas: &mut Canvas, layout: &Layout, seconds: f64) {
    let below = layout.top + layout.plot_height();
    for tick in axis::times(seconds, layout.plot_width(), 80.0) {
        let x = layout.left + (tick.at.round() as usize).min(layout.plot_width() - 1);
        canvas.fill(x, below + 2, 1, 5, LINE);
        canvas.text(&tick.label, x as f32, below as f32 + 20.0, LABEL, Align::Centre, QUIET);
    }
}

fn colour_bar(canvas: &mut Canvas, layout: &Layout, ticks: &[Tick]) {
    let (x, height) = (layout.width - layout.right + 20, layout.plot_height());
    for row in 0..height {
        let index = colour::index_of(1.0 - row as f32 / (height - 1) as f32);
        for column in 0..14 {
            canvas.set(x + column, layout.top + row, index);
        }
    }
    for tick in ticks {
        let y = (layout.top as f64 + tick.at).round();
        canvas.fill(x + 16, y as usize, 5, 1, LINE);
        canvas.text(&tick.label, x as f32 + 27.0, y as f32, LABEL, Align::Left, QUIET);
    }
}

/// The labels of a colour bar of so many pixels that goes from the loudest down to `range_db` below it.
pub(crate) fn decibels(height: usize, range_db: f64) -> Vec<Tick> {
    let step = [5.0, 10.0, 20.0, 40.0]
        .into_iter()
        .find(|step| range_db / step <= 6.0 && height as f64 * step / range_db >= 24.0)
        .unwrap_or(80.0);
    let tick = |below: f64| {
        let label = if below == 0.0 { "0 dB".to_owned() } else { format!("−{below}") };
        Tick { at: below / range_db * (height - 1) as f64, label }
    };
    (0..).map(|index| f64::from(index) * step).take_while(|below| *below <= range_db).map(tick).collect()
}

/// The labels in the middle of bands that share so many pixels, from the lowest up: as many as have room.
pub(crate) fn bands<L: ToString>(height: usize, labels: &[L]) -> Vec<Tick> {
    let step = (20 * labels.len()).div_ceil(height).max(1);
    let middle = |band: usize| height as f64 * (1.0 - (band as f64 + 0.5) / labels.len() as f64);
    let tick = |(band, label): (usize, &L)| Tick { at: middle(band), label: label.to_string() };
    labels.iter().enumerate().step_by(step).map(tick).collect()
}

/// The labels of a colour bar of so many pixels that goes from one word to another.
pub(crate) fn words(height: usize, top: &str, bottom: &str) -> Vec<Tick> {
    let tick = |at: f64, label: &str| Tick { at, label: label.to_owned() };
    vec![tick(0.0, top), tick((height - 1) as f64, bottom)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_have_a_label_each_or_as_many_as_have_room() {
        let of = |height| {
            bands(height, &["a", "b", "c", "d"]).into_iter().map(|tick| (tick.at, tick.label)).collect::<Vec<_>>()
        };
        assert_eq!(of(80), [(70.0, "a".into()), (50.0, "b".into()), (30.0, "c".into()), (10.0, "d".into())]);
        assert_eq!(of(40), [(35.0, "a".into()), (15.0, "c".into())]);
    }

    #[test]
    fn a_bar_of_decibels_has_round_labels_from_0_on() {
        let labels: Vec<String> = decibels(500, 80.0).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["0 dB", "−20", "−40", "−60", "−80"]);
    }
}
