//! The levels of a track in mel bands, in decibels, none of them more than so many below the loudest of all.
//!
//! How loud the loudest cell is, is known at the end only: until then the levels lie in a [`Spool`].

use euterpe_actors::{outcome::Fault, transform::Work};

use super::{mel::Filter, sound::Mono, spectrum::Spectra, spool::Spool};

/// The least power that has a level.
const LEAST: f64 = 1e-10;

/// The levels of all frames.
pub(crate) struct MelLevels {
    levels: Spool,
    loudest: f32,
    samples: u64,
}

impl MelLevels {
    /// Hears the whole of a sound: 10·log10 of the power in each band.
    ///
    /// # Errors
    /// As [`Mono::hear`] and [`Spool::push`].
    pub(crate) fn hear(sound: &mut Mono, spectra: Spectra, filters: &[Filter], work: &Work) -> Result<Self, Fault> {
        let mut levels = Spool::new(filters.len(), work);
        let mut loudest = f32::NEG_INFINITY;
        let frame = |power: &[f64]| {
            levels.push(filters.iter().map(|filter| {
                let level = (10.0 * filter.apply(power).max(LEAST).log10()) as f32;
                loudest = loudest.max(level);
                level
            }))
        };
        let samples = sound.hear_power(spectra, frame)?;
        Ok(Self { levels, loudest, samples })
    }

    /// How many samples were heard.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// The loudest level of all.
    pub(crate) fn loudest(&self) -> f32 {
        self.loudest
    }

    /// Hands out the levels of each frame, in order; none is more than `top_db` below the loudest of all.
    ///
    /// # Errors
    /// Those of `take`, and as [`Spool::each`].
    pub(crate) fn each(self, top_db: f32, mut take: impl FnMut(&[f32]) -> Result<(), Fault>) -> Result<(), Fault> {
        let floor = self.loudest - top_db;
        let mut levels = Vec::new();
        self.levels.each(|row| {
            levels.clear();
            levels.extend(row.iter().map(|level| level.max(floor)));
            take(&levels)
        })
    }
}
