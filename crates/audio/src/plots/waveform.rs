//! `audio.waveform_plot`: the outline of a track as a picture.
//!
//! For each column of pixels all that lies between the least and the greatest sample of one channel, from −1 to 1 (full scale), or as far
//! beyond as the samples go.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::super::{
    entry::of_track,
    options::feature_options,
    spectrogram::{
        axis::Tick,
        canvas::as_output,
        caption::Heard,
        picture::{Frame, Layout, note_of, size_problems},
    },
};

/// How strong the ink of the outline is, and of the line in its middle.
const OUTLINE: f32 = 0.85;
const MIDDLE: f32 = 0.42;

feature_options! {
    /// The options of `audio.waveform_plot`.
    WaveformPlot {
        /// The width of the picture in pixels, 64 to 8192 (default: 1280).
        width: usize = 1280,
        /// The height of the picture in pixels, 64 to 4096 (default: 320).
        height: usize = 320,
    }
}

impl Settings for WaveformPlot {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(size_problems(self.width, self.height));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.waveform_plot", "a picture of a track's outline", &["png"], waveform_plot)
}

/// The least and the greatest sample of each stretch of a track: never more than four for each column, whatever its length.
struct Outline {
    width: usize,
    /// Samples in a stretch.
    each: usize,
    stretches: Vec<[f32; 2]>,
    /// How many samples the last stretch has.
    count: usize,
}

impl Outline {
    fn new(width: usize) -> Self {
        Self { width, each: 1, stretches: Vec::new(), count: 1 }
    }

    fn push(&mut self, samples: &[f32]) {
        for &sample in samples {
            match self.stretches.last_mut().filter(|_| self.count < self.each) {
                Some([least, most]) => (*least, *most) = (least.min(sample), most.max(sample)),
                None => {
                    if self.stretches.len() == 4 * self.width {
                        let pair = |two: &[[f32; 2]]| [two[0][0].min(two[1][0]), two[0][1].max(two[1][1])];
                        self.stretches = self.stretches.chunks_exact(2).map(pair).collect();
                        self.each *= 2;
                    }
                    self.stretches.push([sample; 2]);
                    self.count = 0;
                }
            }
            self.count += 1;
        }
    }

    /// The least and the greatest sample of a column.
    fn column(&self, x: usize) -> [f32; 2] {
        let count = self.stretches.len();
        let first = x * count / self.width;
        let end = ((x + 1) * count).div_ceil(self.width).max(first + 1);
        self.stretches[first..end]
            .iter()
            .fold([f32::INFINITY, f32::NEG_INFINITY], |[least, most], [low, high]| [least.min(*low), most.max(*high)])
    }
}

fn waveform_plot(work: &Work, settings: &WaveformPlot) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let layout = Layout::of(settings.width, settings.height);
    let (width, height) = (layout.plot_width(), layout.plot_height());
    let mut outline = Outline::new(width);
    let samples = sound.hear(|samples| {
        outline.push(samples);
        Ok(())
    })?;
    let peak = outline.stretches.iter().flatten().fold(0f32, |peak, sample| peak.max(sample.abs()));
    if !peak.is_finite() {
        return Err(Fault::bad_input("the sound has samples that are no numbers; it has no outline"));
    }
    let (heard, top) = (Heard::of(&sound, samples), f64::from(peak.max(1.0)));
    let row = |value: f64| (1.0 - value / top) / 2.0 * (height - 1) as f64;
    let loudness = if peak > 0.0 { format!("peak {:.1} dB", 20.0 * peak.log10()) } else { "peak −∞ dB".to_owned() };
    let caption = heard.caption(work, &[&loudness.replace('-', "−")]);
    let labels = [(1.0, "1"), (0.5, "0.5"), (0.0, "0"), (-0.5, "−0.5"), (-1.0, "−1")];
    let frame = Frame {
        caption: &caption,
        seconds: heard.seconds,
        rows: labels.map(|(value, label)| Tick { at: row(value), label: label.to_owned() }).into(),
        bar: None,
        note: note_of(peak == 0.0),
    };
    let mut canvas = frame.draw(&layout);
    // In silence the line would strike through the note.
    let sounding = if peak > 0.0 { width } else { 0 };
    canvas.fill(layout.left, layout.top + row(0.0).round() as usize, sounding, 1, MIDDLE);
    for x in 0..sounding {
        let [low, high] = outline.column(x).map(|sample| row(f64::from(sample)).round() as usize);
        canvas.fill(layout.left + x, layout.top + high, 1, low - high + 1, OUTLINE);
    }
    frame.write_note(&mut canvas, &layout);
    as_output(canvas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_outline_is_no_larger_than_a_short_one_and_keeps_its_place_in_time() {
        for count in [1usize, 5, 10, 39, 40, 41, 1000, 12_345] {
            let mut outline = Outline::new(10);
            let samples: Vec<f32> = (0..count).map(|at| if at >= count / 2 { -0.5 } else { 0.25 }).collect();
            samples.chunks(7).for_each(|block| outline.push(block));
            assert!(outline.stretches.len() <= 40);
            assert_eq!(outline.column(9), [-0.5, -0.5], "{count}");
            if count > 1 {
                assert_eq!(outline.column(0), [0.25, 0.25], "{count}");
            }
        }
    }
}
