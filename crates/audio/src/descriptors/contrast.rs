//! Spectral contrast: how far the peaks of an octave stand above its valleys, in dB (Jiang and others, 2002), with librosa's
//! bands and quantiles.

use euterpe_actors::outcome::Fault;

/// Where the first octave begins, in Hz.
const FMIN: f64 = 200.0;
/// The share of a band's bins whose mean is its peak, and its valley.
const QUANTILE: f64 = 0.02;
/// Nothing counts as more than so many dB below the loudest peak, or valley.
const TOP_DB: f32 = 80.0;

/// The bands, and what was found in them so far.
pub(super) struct Contrast {
    bands: Vec<Band>,
    /// The highest peak and the highest valley of all, in dB.
    loudest: [f32; 2],
    sorted: Vec<f64>,
    levels: Vec<f32>,
}

struct Band {
    bins: std::ops::Range<usize>,
    /// How many bins are a peak.
    count: usize,
}

impl Contrast {
    /// So many octaves, and what lies below them.
    ///
    /// # Errors
    /// A fault of the input where the track holds fewer octaves, or the frames are too short to tell one of them.
    pub(super) fn new(octaves: usize, n_fft: usize, rate: u32) -> Result<Self, Fault> {
        let (half, bin) = (f64::from(rate) / 2.0, f64::from(rate) / n_fft as f64);
        let corner = |index: usize| if index == 0 { 0.0 } else { FMIN * 2f64.powi(index as i32 - 1) };
        if corner(octaves) >= half {
            let fits = (1..octaves).rev().find(|octaves| corner(*octaves) < half);
            return Err(Fault::bad_input(match fits {
                Some(fits) => format!(
                    "the sound at {rate} Hz holds nothing of {octaves} octaves from {FMIN} Hz on; ask for `contrast_bands: {fits}`"
                ),
                None => format!("the sound at {rate} Hz has no octave above {FMIN} Hz, and so no spectral contrast"),
            }));
        }
        let last = n_fft / 2;
        let mut bands = Vec::new();
        for index in 0..=octaves {
            let (low, high) = (corner(index), corner(index + 1));
            let first = (low / bin).ceil() as usize;
            let end = ((high / bin).floor() as usize).min(last) + 1;
            // A band takes in the bin before it, and the last one all that follow; all but the last leave out their last bin.
            let first_taken = if index > 0 { first.saturating_sub(1) } else { first };
            let end_taken = if index == octaves { last + 1 } else { end };
            let size = end_taken.saturating_sub(first_taken);
            let bins = first_taken..if index == octaves { end_taken } else { end_taken.saturating_sub(1) };
            if end <= first || bins.is_empty() {
                return Err(Fault::bad_input(format!(
                    "frames of {n_fft} samples at {rate} Hz tell no bin between {low} and {high} Hz; choose a larger `n_fft`"
                )));
            }
            bands.push(Band { bins, count: ((QUANTILE * size as f64).round_ties_even() as usize).max(1) });
        }
        Ok(Self { bands, loudest: [f32::NEG_INFINITY; 2], sorted: Vec::new(), levels: Vec::new() })
    }

    /// How many bands there are.
    pub(super) fn rows(&self) -> usize {
        self.bands.len()
    }

    /// The peak and the valley of each band of a spectrum, in dB: all peaks, and then all valleys.
    pub(super) fn levels(&mut self, magnitudes: &[f64]) -> &[f32] {
        let rows = self.bands.len();
        self.levels.resize(2 * rows, 0.0);
        for (row, band) in self.bands.iter().enumerate() {
            self.sorted.clear();
            self.sorted.extend_from_slice(&magnitudes[band.bins.clone()]);
            self.sorted.sort_unstable_by(f64::total_cmp);
            let count = band.count.min(self.sorted.len());
            let mean = |some: &[f64]| some.iter().sum::<f64>() / some.len() as f64;
            let both = [mean(&self.sorted[self.sorted.len() - count..]), mean(&self.sorted[..count])];
            for (side, value) in both.into_iter().enumerate() {
                let level = (10.0 * value.max(1e-10).log10()) as f32;
                self.levels[side * rows + row] = level;
                self.loudest[side] = self.loudest[side].max(level);
            }
        }
        &self.levels
    }

    /// The contrast of each band, from the levels of a frame, when those of all frames were seen.
    pub(super) fn of_levels<'l>(&'l self, levels: &'l [f32]) -> impl Iterator<Item = f32> + 'l {
        let (peaks, valleys) = levels.split_at(self.bands.len());
        let floor = self.loudest.map(|loudest| loudest - TOP_DB);
        peaks.iter().zip(valleys).map(move |(peak, valley)| peak.max(floor[0]) - valley.max(floor[1]))
    }
}
