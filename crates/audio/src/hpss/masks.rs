//! Which share of each bin is harmonic, and which percussive: Fitzgerald's median filters (DAFx 2010) with soft masks, as
//! `librosa.decompose.hpss` has them, frame by frame.
//!
//! What goes on in time is harmonic: the median over `kernel` frames. What stands across the frequencies is percussive: the median over
//! `kernel` bins. So a frame is decided when half a kernel of frames has followed it; so many are held.

use std::collections::VecDeque;

use realfft::num_complex::Complex;

use super::median::{medians, reflected, replace};

/// How bins are divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    /// Frames, and bins, of a median: an odd number.
    pub(super) kernel: usize,
    /// The exponent of the masks.
    pub(super) power: f64,
    /// By how much one part must outweigh the other before it gets a bin; at least 1.
    pub(super) margin: f64,
}

impl Division {
    /// The shares of a bin: harmonic and percussive.
    fn shares(&self, harmonic: f32, percussive: f32) -> [f64; 2] {
        let (harmonic, percussive) = (f64::from(harmonic), f64::from(percussive));
        [self.share(harmonic, percussive * self.margin), self.share(percussive, harmonic * self.margin)]
    }

    fn share(&self, own: f64, other: f64) -> f64 {
        let larger = own.max(other);
        if larger < f64::from(f32::MIN_POSITIVE) {
            return if self.margin == 1.0 { 0.5 } else { 0.0 };
        }
        let (own, other) = ((own / larger).powf(self.power), (other / larger).powf(self.power));
        own / (own + other)
    }
}

struct Frame {
    bins: Vec<Complex<f64>>,
    magnitudes: Vec<f32>,
}

/// Divides frames, one after the other.
pub(super) struct Masks {
    division: Division,
    frames: VecDeque<Frame>,
    /// How many frames came before those that are held.
    dropped: usize,
    /// The frame that is divided next.
    next: usize,
    /// For each bin the magnitudes of the frames around the one that was divided last, in order of size.
    sorted: Vec<f32>,
    window: Vec<f32>,
    shares: Vec<[f64; 2]>,
}

impl Masks {
    pub(super) fn new(division: Division) -> Self {
        let (frames, sorted, window, shares) = (VecDeque::new(), Vec::new(), Vec::new(), Vec::new());
        Self { division, frames, dropped: 0, next: 0, sorted, window, shares }
    }

    /// Takes a frame; hands out the one that it decides, if there is one: its bins, and the shares of each.
    pub(super) fn push(&mut self, bins: &[Complex<f64>], take: &mut impl FnMut(&[Complex<f64>], &[[f64; 2]])) {
        let magnitudes = bins.iter().map(|bin| bin.norm() as f32).collect();
        self.frames.push_back(Frame { bins: bins.to_vec(), magnitudes });
        let count = self.dropped + self.frames.len();
        if self.next + self.division.kernel / 2 < count {
            self.divide(count, take);
        }
    }

    /// Hands out the frames at the end.
    pub(super) fn finish(&mut self, take: &mut impl FnMut(&[Complex<f64>], &[[f64; 2]])) {
        let count = self.dropped + self.frames.len();
        while self.next < count {
            self.divide(count, take);
        }
    }

    /// Divides the next of `count` frames. Those that are not there yet are asked for by no window, or never come.
    fn divide(&mut self, count: usize, take: &mut impl FnMut(&[Complex<f64>], &[[f64; 2]])) {
        let (kernel, half) = (self.division.kernel, (self.division.kernel / 2) as isize);
        let (dropped, at) = (self.dropped, self.next as isize);
        let frame = |at: isize| &self.frames[reflected(at, count) - dropped];
        let now = frame(at);
        if at == 0 {
            let column = |bin: usize| (-half..=half).map(move |near| frame(near).magnitudes[bin]);
            self.sorted = (0..now.bins.len()).flat_map(column).collect();
            self.sorted.chunks_exact_mut(kernel).for_each(|column| column.sort_unstable_by(f32::total_cmp));
        } else {
            let (old, new) = (&frame(at - 1 - half).magnitudes, &frame(at + half).magnitudes);
            for ((column, old), new) in self.sorted.chunks_exact_mut(kernel).zip(old).zip(new) {
                replace(column, *old, *new);
            }
        }
        let (division, sorted, shares) = (self.division, &self.sorted, &mut self.shares);
        shares.resize(now.bins.len(), [0.0; 2]);
        medians(&now.magnitudes, kernel, &mut self.window, |bin, percussive| {
            shares[bin] = division.shares(sorted[bin * kernel + kernel / 2], percussive);
        });
        take(&now.bins, shares);
        self.next += 1;
        // The next window lets go of the frame half a kernel before this one.
        while (self.dropped as isize) < self.next as isize - 1 - half {
            self.frames.pop_front();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shares of 60 frames of 40 bins, in which bin 7 always sounds and frame 30 has everything.
    fn divided(division: Division) -> Vec<Vec<[f64; 2]>> {
        let mut masks = Masks::new(division);
        let mut all = Vec::new();
        let mut take = |bins: &[Complex<f64>], shares: &[[f64; 2]]| {
            assert_eq!(bins.len(), 40);
            all.push(shares.to_vec());
        };
        for at in 0..60 {
            let bin = |bin: usize| Complex::from(f64::from(u8::from(at == 30 || bin == 7)));
            masks.push(&(0..40).map(bin).collect::<Vec<_>>(), &mut take);
            assert!(masks.frames.len() <= 12, "{} frames are held", masks.frames.len());
        }
        masks.finish(&mut take);
        all
    }

    #[test]
    fn a_tone_is_harmonic_a_click_percussive_and_where_they_meet_both() {
        let shares = divided(Division { kernel: 11, power: 2.0, margin: 1.0 });
        assert_eq!(shares.len(), 60);
        assert_eq!((shares[10][7], shares[59][7], shares[0][7]), ([1.0, 0.0], [1.0, 0.0], [1.0, 0.0]));
        assert_eq!((shares[30][20], shares[30][7], shares[10][20]), ([0.0, 1.0], [0.5, 0.5], [0.5, 0.5]));
    }

    #[test]
    fn a_margin_leaves_over_what_neither_part_outweighs() {
        let shares = divided(Division { kernel: 11, power: 2.0, margin: 3.0 });
        assert_eq!((shares[10][20], shares[10][7]), ([0.0, 0.0], [1.0, 0.0]));
        assert!(shares[30][7].iter().all(|share| (share - 0.1).abs() < 1e-12), "{:?}", shares[30][7]);
    }
}
