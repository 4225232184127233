//! `audio.chroma_plot`: the pitch classes of a track over time as a picture.
//!
//! What `audio.chroma` writes, each frame scaled to a largest of 1, a band of pixels for each of the twelve classes.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::super::{
    entry::of_track,
    options::feature_options,
    pitch::{NAMES, Norm, PitchClasses, tuning_problem},
    spectrogram::{
        canvas::as_output,
        caption::Heard,
        columns::Columns,
        picture::{Frame, Layout, bands, note_of, size_problems, words},
    },
    spectrum::{Spectra, frame_problems},
};

feature_options! {
    /// The options of `audio.chroma_plot`.
    ChromaPlot {
        /// The width of the picture in pixels, 64 to 8192 (default: 1280).
        width: usize = 1280,
        /// The height of the picture in pixels, 64 to 4096 (default: 480).
        height: usize = 480,
        /// Samples in a frame, 16 to 65536 (default: 4096).
        n_fft: usize = 4096,
        /// Samples from one frame to the next, 1 to 1048576 (default: 1024).
        hop: usize = 1024,
        /// By how many semitones A4 is above 440 Hz, −0.5 to 0.5 (default: 0). It is not guessed.
        tuning: f64 = 0.0,
    }
}

impl Settings for ChromaPlot {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(size_problems(self.width, self.height));
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(tuning_problem(self.tuning));
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.chroma_plot", "a picture of a track's pitch classes over time", &["png"], chroma_plot)
}

fn chroma_plot(work: &Work, settings: &ChromaPlot) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let ChromaPlot { n_fft, hop, tuning, .. } = *settings;
    let mut classes = PitchClasses::new(NAMES.len(), tuning, Norm::Max, n_fft, sound.rate());
    let layout = Layout::of(settings.width, settings.height);
    let mut columns = Columns::new(NAMES.len(), layout.plot_width());
    let spectra = Spectra::new(n_fft, hop);
    let frame = |power: &[f64]| {
        columns.push(classes.of(power).iter().copied());
        Ok(())
    };
    let samples = sound.hear_power(spectra, frame)?;
    let levels = columns.pixels(samples as f64 / hop as f64);
    let heard = Heard::of(&sound, samples);
    let caption = heard.caption(work, &["pitch classes, the strongest of each moment is bright"]);
    let height = layout.plot_height();
    let frame = Frame {
        caption: &caption,
        seconds: heard.seconds,
        rows: bands(height, &NAMES),
        bar: Some(words(height, "strong", "absent")),
        note: note_of(levels.iter().all(|level| *level == 0.0)),
    };
    as_output(frame.draw_levels(&layout, &levels))
}
