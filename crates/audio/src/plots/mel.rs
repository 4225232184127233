//! `audio.mel_plot`: the mel spectrogram of a track as a picture.
//!
//! What `audio.melspectrogram` writes (power, Slaney's scale and norm), a band of pixels for each mel band, in decibels below the loudest
//! moment. Frequencies stand where their bands are.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::super::{
    entry::of_track,
    mel::{Bands, MelNorm, band_problems, filters_for, hz_of, mel_of},
    options::feature_options,
    spectrogram::{
        axis::MelAxis,
        canvas::as_output,
        caption::Heard,
        columns::{Columns, below_loudest},
        picture::{Frame, Layout, decibels, note_of, range_problem, size_problems},
    },
    spectrum::{Spectra, frame_problems},
};

feature_options! {
    /// The options of `audio.mel_plot`.
    MelPlot {
        /// The width of the picture in pixels, 64 to 8192 (default: 1280).
        width: usize = 1280,
        /// The height of the picture in pixels, 64 to 4096 (default: 640).
        height: usize = 640,
        /// How many decibels below the loudest moment are shown, 20 to 160 (default: 80).
        range_db: f64 = 80.0,
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
        /// Mel bands, 1 to 1024 (default: 128).
        n_mels: usize = 128,
        /// The lowest frequency in Hz (default: 0).
        fmin: f64 = 0.0,
        /// The highest frequency in Hz (default: half of the sample rate).
        fmax: Option<f64> = None,
    }
}

impl Settings for MelPlot {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(size_problems(self.width, self.height));
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(band_problems(self.n_mels, self.fmin, self.fmax));
        problems.extend(range_problem(self.range_db));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.mel_plot", "a picture of a track's mel spectrogram", &["png"], mel_plot)
}

fn mel_plot(work: &Work, settings: &MelPlot) -> Result<Product, Fault> {
    let MelPlot { fmin, fmax, n_mels, range_db, hop, .. } = *settings;
    let mut sound = settings.sound().open(work)?;
    let rate = sound.rate();
    let bands = Bands { count: n_mels, fmin, fmax, htk: false, norm: MelNorm::Slaney };
    let filters = filters_for(bands, settings.n_fft, rate)?;
    let layout = Layout::of(settings.width, settings.height);
    let mut columns = Columns::new(n_mels, layout.plot_width());
    let spectra = Spectra::new(settings.n_fft, hop);
    let frame = |power: &[f64]| {
        columns.push(filters.iter().map(|filter| filter.apply(power)));
        Ok(())
    };
    let samples = sound.hear_power(spectra, frame)?;
    let mut levels = columns.pixels(samples as f64 / hop as f64);
    let is_silent = !below_loudest(&mut levels, range_db);
    let heard = Heard::of(&sound, samples);
    let caption = heard.caption(work, &["dB below the loudest", &format!("{n_mels} mel bands")]);
    let height = layout.plot_height();
    let frame = Frame {
        caption: &caption,
        seconds: heard.seconds,
        rows: axis(bands, rate, height).ticks(20.0),
        bar: Some(decibels(height, range_db)),
        note: note_of(is_silent),
    };
    as_output(frame.draw_levels(&layout, &levels))
}

/// The frequencies from the lower edge of the lowest band's pixels to the upper edge of the highest one's.
fn axis(bands: Bands, rate: u32, height: usize) -> MelAxis {
    let (low, high) = (mel_of(bands.fmin), mel_of(bands.fmax.unwrap_or(f64::from(rate) / 2.0)));
    // The bands' peaks are evenly spaced, with one step below the first and one above the last.
    let half_step = (high - low) / (bands.count + 1) as f64 / 2.0;
    MelAxis { low: hz_of(low + half_step), high: hz_of(high - half_step), height }
}
