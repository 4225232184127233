//! `audio.mfcc_plot`: the mel-frequency cepstral coefficients of a track over time as a picture.
//!
//! What `audio.mfcc` writes with its defaults, a band of pixels for each coefficient. Coefficients differ by powers of ten: the colours
//! of each go from its own lowest value in the picture to its own highest.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::super::{
    entry::of_track,
    mel::{Bands, MelNorm, filters_for},
    mel_levels::MelLevels,
    mfcc::dct,
    options::feature_options,
    spectrogram::{
        canvas::as_output,
        caption::Heard,
        columns::Columns,
        picture::{Frame, Layout, bands, note_of, size_problems, words},
    },
    spectrum::{Spectra, frame_problems},
};

/// The mel bands that the coefficients are of.
const BANDS: usize = 128;
/// Nothing counts as more than so many decibels below the loudest cell of the track.
const TOP_DB: f32 = 80.0;
/// Below this level in dB there is only silence.
const SILENT: f32 = -99.99;

feature_options! {
    /// The options of `audio.mfcc_plot`.
    MfccPlot {
        /// The width of the picture in pixels, 64 to 8192 (default: 1280).
        width: usize = 1280,
        /// The height of the picture in pixels, 64 to 4096 (default: 480).
        height: usize = 480,
        /// Coefficients, 1 to 128 (default: 20).
        n_mfcc: usize = 20,
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
    }
}

impl Settings for MfccPlot {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(size_problems(self.width, self.height));
        problems.extend(frame_problems(self.n_fft, self.hop));
        if !(1..=BANDS).contains(&self.n_mfcc) {
            problems.push(OptionProblem::new("n_mfcc", format!("expected 1 to {BANDS}, got {}", self.n_mfcc)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.mfcc_plot", "a picture of a track's cepstral coefficients over time", &["png"], mfcc_plot)
}

fn mfcc_plot(work: &Work, settings: &MfccPlot) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let MfccPlot { n_fft, hop, n_mfcc, .. } = *settings;
    let mel_bands = Bands { count: BANDS, fmin: 0.0, fmax: None, htk: false, norm: MelNorm::Slaney };
    let filters = filters_for(mel_bands, n_fft, sound.rate())?;
    let layout = Layout::of(settings.width, settings.height);
    let levels = MelLevels::hear(&mut sound, Spectra::new(n_fft, hop), &filters, work)?;
    let (samples, is_silent) = (levels.samples(), levels.loudest() < SILENT);
    let (basis, mut columns) = (dct(n_mfcc, BANDS), Columns::new(n_mfcc, layout.plot_width()));
    levels.each(TOP_DB, |levels| {
        columns.push(basis.chunks_exact(BANDS).map(|weights| -> f64 {
            weights.iter().zip(levels).map(|(weight, level)| weight * f64::from(*level)).sum()
        }));
        Ok(())
    })?;
    let mut pixels = columns.pixels(samples as f64 / hop as f64);
    pixels.chunks_exact_mut(layout.plot_width()).for_each(stretch);
    let heard = Heard::of(&sound, samples);
    let caption = heard.caption(work, &["cepstral coefficients, each from its lowest to its highest"]);
    let height = layout.plot_height();
    let frame = Frame {
        caption: &caption,
        seconds: heard.seconds,
        rows: bands(height, &(0..n_mfcc).collect::<Vec<_>>()),
        bar: Some(words(height, "highest", "lowest")),
        note: note_of(is_silent),
    };
    as_output(frame.draw_levels(&layout, &pixels))
}

/// A row from its lowest value, 0, to its highest, 1; nothing but 0 where they are alike.
fn stretch(row: &mut [f32]) {
    let (least, most) = row
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), value| (least.min(*value), most.max(*value)));
    // Differences of rounding are none.
    let range = if most - least > 1e-3 { most - least } else { f32::INFINITY };
    row.iter_mut().for_each(|value| *value = (*value - least) / range);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_stretched_and_a_flat_one_is_dark() {
        let (mut row, mut flat) = ([-30.0, -10.0, -20.0], [7.0, 7.000_1]);
        stretch(&mut row);
        stretch(&mut flat);
        assert_eq!((row, flat), ([0.0, 1.0, 0.5], [0.0, 0.0]));
    }
}
