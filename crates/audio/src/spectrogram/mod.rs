//! `audio.spectrogram`: the sound of a track as a picture.
//!
//! A PNG: time to the right, frequency upwards on the mel scale, the level of each moment and frequency in decibels below
//! the loudest one, in the magma colours (perceptually even, readable in grey and by colour-blind people). The caption is
//! the entity's id, with the track's length, sample rate and channels on the right. The channels are averaged first. A picture
//! narrower than 480 or lower than 240 pixels is the plot alone.

pub(crate) mod axis;
pub(crate) mod canvas;
pub(crate) mod caption;
pub(crate) mod colour;
pub(crate) mod columns;
pub(crate) mod picture;
mod rows;

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::{entry::of_track, options::feature_options, spectrum::Spectra};
use axis::MelAxis;
use canvas::as_output;
use caption::Heard;
use columns::{Columns, below_loudest};
use picture::{Frame, Layout, decibels, note_of, range_problem, size_problems};

feature_options! {
    /// The options of `audio.spectrogram`.
    Spectrogram {
        /// The width of the picture in pixels, 64 to 8192 (default: 1280).
        width: usize = 1280,
        /// The height of the picture in pixels, 64 to 4096 (default: 640).
        height: usize = 640,
        /// How many decibels below the loudest moment are shown, 20 to 160 (default: 80).
        range_db: f64 = 80.0,
    }
}

impl Settings for Spectrogram {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(size_problems(self.width, self.height));
        problems.extend(range_problem(self.range_db));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.spectrogram", "a picture of a track: time, frequency and level", &["png"], spectrogram)
}

fn spectrogram(work: &Work, settings: &Spectrogram) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let rate = sound.rate();
    let layout = Layout::of(settings.width, settings.height);
    // About a twelfth of a second: fine enough in frequency for a bass, in time for a drum.
    let n_fft = (rate as usize / 12).next_power_of_two().clamp(256, 65_536);
    let hop = n_fft / 8;
    let filters = rows::filters(layout.plot_height(), n_fft, rate);
    let mut columns = Columns::new(layout.plot_height(), layout.plot_width());
    let spectra = Spectra::new(n_fft, hop);
    let frame = |power: &[f64]| {
        columns.push(filters.iter().map(|filter| filter.apply(power)));
        Ok(())
    };
    let samples = sound.hear_power(spectra, frame)?;
    let mut levels = columns.pixels(samples as f64 / hop as f64);
    let is_silent = !below_loudest(&mut levels, settings.range_db);
    let heard = Heard::of(&sound, samples);
    let frame = Frame {
        caption: &heard.caption(work, &[]),
        seconds: heard.seconds,
        rows: MelAxis::whole(rate, layout.plot_height()).ticks(20.0),
        bar: Some(decibels(layout.plot_height(), settings.range_db)),
        note: note_of(is_silent),
    };
    as_output(frame.draw_levels(&layout, &levels))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pixels, run, tone, wav, work};
    use super::*;

    fn drawn(id: &str, bytes: &[u8]) -> Vec<u8> {
        let factory = entry().open(&serde_json::Value::Null, &OpenContext::default()).expect("good options");
        run(&factory, work(id, &[("audio", "t.wav", bytes)], "png")).expect("drawn").to_vec()
    }

    #[test]
    fn a_tone_is_a_bright_line_at_its_frequency() {
        let (width, height, pixels) = pixels(&drawn("t-1", &wav(44_100, &[tone(1000.0, 44_100, 132_300)])));
        assert_eq!((width, height), (1280, 640));
        let layout = Layout::of(width, height);
        let column = layout.left + layout.plot_width() / 2;
        let level = |row: usize| pixels[(layout.top + row) * width + column];
        let brightest = (0..layout.plot_height()).max_by_key(|&row| level(row)).expect("rows");
        let want = MelAxis::whole(44_100, layout.plot_height()).row_of(1000.0).round() as usize;
        assert!(brightest.abs_diff(want) <= 2, "the line is in row {brightest} instead of {want}");
        assert!(level(0) < 20, "what is silent is dark");
    }

    #[test]
    fn the_same_track_and_id_give_the_same_bytes() {
        let track = wav(22_050, &[tone(440.0, 22_050, 40_000)]);
        assert!(drawn("t-1", &track) == drawn("t-1", &track));
        assert!(drawn("t-1", &track) != drawn("t-2", &track));
    }

    #[test]
    fn silence_a_single_sample_and_a_long_strange_id_are_drawn_too() {
        let id = format!("{}/{}", "длинное имя 名前 🎵 ".repeat(8), "x".repeat(200));
        for samples in [vec![0.0; 30_000], vec![0.5]] {
            assert_eq!(pixels(&drawn(&id, &wav(8_000, &[samples]))).0, 1280);
        }
    }
}
