//! `audio.spectrogram`: the sound of a track as a picture.
//!
//! A PNG: time to the right, frequency upwards on the mel scale, the level of each moment and frequency in decibels below
//! the loudest one, in the magma colours (perceptually even, readable in grey and by colour-blind people). The caption is
//! the entity's id, with the track's length, sample rate and channels on the right. The channels are averaged first.

pub(crate) mod axis;
pub(crate) mod canvas;
mod colour;
mod columns;
mod picture;

use euterpe_actors::{
    outcome::Fault,
    transform::{Product, TransformFactory, Work, blocking::blocking},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    EXTENSIONS, MAX_MINUTES, NOT_DECODED, clock,
    decode::{Bounds, Decoder, Lengths},
    minutes_problem,
    mix::mean_into,
    spectrum::Spectra,
};
use columns::Columns;
use euterpe_actors::transform::{Entry, InputRule, OpenContext, OptionProblem, Settings};
use picture::{Caption, Layout};

/// The options of `audio.spectrogram`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spectrogram {
    /// The width of the picture in pixels, 480 to 8192 (default: 1280).
    pub width: usize,
    /// The height of the picture in pixels, 240 to 4096 (default: 640).
    pub height: usize,
    /// How many decibels below the loudest moment are shown, 20 to 160 (default: 80).
    pub range_db: f64,
    /// The longest track that is read, in minutes (default: 1440, a day).
    pub max_minutes: u32,
    /// Sound beyond the length that a file declares: `as-found` (the default) reads it, `strict` refuses the file.
    pub lengths: Lengths,
}

impl Default for Spectrogram {
    fn default() -> Self {
        Self { width: 1280, height: 640, range_db: 80.0, max_minutes: MAX_MINUTES, lengths: Lengths::AsFound }
    }
}

impl Settings for Spectrogram {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems: Vec<OptionProblem> = minutes_problem(self.max_minutes).into_iter().collect();
        for (name, value, least, most) in [("width", self.width, 480, 8192), ("height", self.height, 240, 4096)] {
            if !(least..=most).contains(&value) {
                problems.push(OptionProblem::new(name, format!("expected {least} to {most} pixels, got {value}")));
            }
        }
        if !(20.0..=160.0).contains(&self.range_db) {
            problems.push(OptionProblem::new("range_db", format!("expected 20 to 160 dB, got {}", self.range_db)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    Entry::new("audio.spectrogram", "a picture of a track: time, frequency and level", open)
        .inputs(InputRule::Exactly(&["audio"]))
        .reads(EXTENSIONS)
        .cannot_read(NOT_DECODED)
        .writes(&["png"])
}

fn open(settings: Spectrogram, _: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
    Ok(blocking("spectrogram", move || Ok(Box::new(move |work: &Work| spectrogram(work, &settings)))))
}

fn spectrogram(work: &Work, settings: &Spectrogram) -> Result<Product, Fault> {
    let bounds = Bounds { minutes: settings.max_minutes, lengths: settings.lengths };
    let mut track = Decoder::open(work, "audio", bounds)?;
    let layout = Layout::of(settings.width, settings.height);
    // About a twelfth of a second: fine enough in frequency for a bass, in time for a drum.
    let n_fft = (track.rate() as usize / 12).next_power_of_two().clamp(256, 65_536);
    let hop = n_fft / 8;
    let mut columns = Columns::new(layout.plot_height(), layout.plot_width(), n_fft, track.rate());
    let mut spectra = Spectra::new(n_fft, hop);
    let mut mono = Vec::new();
    while let Some(block) = track.next_block()? {
        mean_into(block, &mut mono);
        spectra.push(&mono, &mut |power| columns.push(power));
    }
    spectra.finish(&mut |power| columns.push(power));
    let seconds = track.frames() as f64 / f64::from(track.rate());
    let levels = columns.levels(track.frames() as f64 / hop as f64, settings.range_db);
    let caption = Caption {
        title: work.entity.to_string(),
        facts: format!("{}  ·  {}  ·  {}", length(seconds), rate(track.rate()), channels(track.channels())),
    };
    let canvas = picture::draw(&layout, &levels, &caption, seconds, track.rate(), settings.range_db);
    let png = canvas.into_png().map_err(|error| Fault::failed(format!("could not write the picture: {error}")))?;
    Ok(Product::bytes(png))
}

fn length(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.2} s") } else { clock(seconds) }
}

fn rate(hz: u32) -> String {
    format!("{} kHz", f64::from(hz) / 1000.0)
}

fn channels(count: usize) -> String {
    match count {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, tone, wav, work};
    use super::*;

    fn drawn(id: &str, bytes: &[u8]) -> Vec<u8> {
        let factory = entry().open(&serde_json::Value::Null, &OpenContext::default()).expect("good options");
        run(&factory, work(id, &[("audio", "t.wav", bytes)], "png")).expect("drawn").to_vec()
    }

    /// Width, height and the palette index of every pixel.
    fn pixels(png: &[u8]) -> (usize, usize, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::IDENTITY);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a picture");
        (info.width as usize, info.height as usize, pixels)
    }

    #[test]
    fn a_tone_is_a_bright_line_at_its_frequency() {
        let (width, height, pixels) = pixels(&drawn("t-1", &wav(44_100, &[tone(1000.0, 44_100, 132_300)])));
        assert_eq!((width, height), (1280, 640));
        let layout = Layout::of(width, height);
        let column = layout.left + layout.plot_width() / 2;
        let level = |row: usize| pixels[(layout.top + row) * width + column];
        let brightest = (0..layout.plot_height()).max_by_key(|&row| level(row)).expect("rows");
        let want = axis::row_of(1000.0, layout.plot_height(), 44_100).round() as usize;
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
