//! How strongly something begins at each moment: the spectral flux of a mel spectrogram, as `librosa.onset.onset_strength` defines it.
//!
//! By how many decibels each of 128 mel bands rises from one frame to the next, where it rises; of all bands the mean or the median. The
//! curve is shifted by half a frame and one hop, so that it stands where a listener hears the beginning.

use euterpe_actors::{outcome::Fault, transform::Work};

use super::super::{
    mel::{Bands, MelNorm, filters_for},
    mel_levels::MelLevels,
    sound::Mono,
    spectrum::Spectra,
};

/// The bands.
const BANDS: usize = 128;
/// Nothing counts as more than so many decibels below the loudest cell of the track.
const TOP_DB: f32 = 80.0;

/// What is made of the bands of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    /// What onsets are told by.
    Mean,
    /// What beats are told by.
    Median,
}

impl Aggregate {
    fn of(self, rises: &mut [f32]) -> f32 {
        match self {
            Self::Mean => rises.iter().sum::<f32>() / rises.len() as f32,
            Self::Median => {
                let half = rises.len() / 2;
                let (below, upper, _) = rises.select_nth_unstable_by(half, f32::total_cmp);
                let upper = *upper;
                // The bands are even in number: the median lies in the middle of two.
                (below.iter().copied().fold(0.0, f32::max) + upper) / 2.0
            }
        }
    }
}

/// The strength at each frame of a sound: `1 + samples / hop` numbers.
///
/// # Errors
/// As [`MelLevels::hear`]; where the sound is too low in rate for mel bands.
pub(super) fn envelope(
    work: &Work,
    sound: &mut Mono,
    (n_fft, hop): (usize, usize),
    aggregate: Aggregate,
) -> Result<Vec<f32>, Fault> {
    let bands = Bands { count: BANDS, fmin: 0.0, fmax: None, htk: false, norm: MelNorm::Slaney };
    let filters = filters_for(bands, n_fft, sound.rate())?;
    let levels = MelLevels::hear(sound, Spectra::new(n_fft, hop), &filters, work)?;
    let (mut before, mut rises) = (Vec::<f32>::with_capacity(BANDS), Vec::with_capacity(BANDS));
    let (mut strengths, mut frames) = (vec![0.0; 1 + n_fft / (2 * hop)], 0);
    levels.each(TOP_DB, |levels| {
        if frames > 0 {
            rises.clear();
            rises.extend(levels.iter().zip(&before).map(|(level, before)| (level - before).max(0.0)));
            strengths.push(aggregate.of(&mut rises));
        }
        before.clear();
        before.extend_from_slice(levels);
        frames += 1;
        Ok(())
    })?;
    strengths.truncate(frames);
    Ok(strengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(Aggregate::Median.of(&mut [9.0, 0.0, 3.0, 5.0]), 4.0);
        assert_eq!(Aggregate::Mean.of(&mut [9.0, 0.0, 3.0, 4.0]), 4.0);
        assert_eq!(Aggregate::Median.of(&mut [7.0, 7.0]), 7.0);
    }
}
