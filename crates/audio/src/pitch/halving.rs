//! Halves the rate of a stream of samples, by the filter that librosa's constant-Q transform halves it with: soxr's at its high quality.
//!
//! A low-pass of linear phase, a sinc under a Kaiser window. Its length, cutoff and window were fitted to soxr's response to a single
//! sample, and are within 5e-6 of it. Sample `n` of the output stands where sample `2n` of the input stands, `count` samples become
//! `count / 2`, rounded up.

use std::f64::consts::PI;

use euterpe_actors::outcome::Fault;

/// Taps on each side of the middle one.
const HALF: usize = 198;
/// Taps that are summed up at once.
const LANES: usize = 8;
/// All taps: behind the last one there is nothing but 0.
const TAPS: usize = (2 * HALF + 1).next_multiple_of(LANES);
/// Where the filter has fallen by half, as a share of half of the output's rate.
const CUTOFF: f64 = 0.95688;
/// The shape of the Kaiser window.
const BETA: f64 = 13.5;

/// A stream on its way to half of its rate.
pub(super) struct Halving {
    taps: Vec<f64>,
    /// Samples that are still needed, with silence before the first one.
    pending: Vec<f32>,
    fed: u64,
    made: u64,
}

impl Halving {
    pub(super) fn new() -> Self {
        let tap = |at: usize| {
            let place = at as f64 - HALF as f64;
            let angle = PI * place * CUTOFF / 2.0;
            let sinc = if place == 0.0 { 1.0 } else { angle.sin() / angle };
            sinc * bessel(BETA * (1.0 - (place / HALF as f64).powi(2)).max(0.0).sqrt())
        };
        let mut taps: Vec<f64> = (0..=2 * HALF).map(tap).collect();
        let sum: f64 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap /= sum);
        taps.resize(TAPS, 0.0);
        Self { taps, pending: vec![0.0; HALF], fed: 0, made: 0 }
    }

    /// Takes samples, and hands on what is ready.
    ///
    /// # Errors
    /// Those of `sink`.
    pub(super) fn push(
        &mut self,
        samples: &[f32],
        sink: impl FnOnce(&[f32]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.fed += samples.len() as u64;
        self.pending.extend_from_slice(samples);
        self.turn(sink)
    }

    /// Hands on what is left at the end.
    ///
    /// # Errors
    /// Those of `sink`.
    pub(super) fn finish(&mut self, sink: impl FnOnce(&[f32]) -> Result<(), Fault>) -> Result<(), Fault> {
        self.pending.resize(self.pending.len() + TAPS, 0.0);
        self.turn(sink)
    }

    fn turn(&mut self, sink: impl FnOnce(&[f32]) -> Result<(), Fault>) -> Result<(), Fault> {
        let wanted = (self.fed.div_ceil(2) - self.made) as usize;
        let made: Vec<f32> = self.pending.windows(TAPS).step_by(2).take(wanted).map(|near| self.sample(near)).collect();
        self.made += made.len() as u64;
        self.pending.drain(..2 * made.len());
        sink(&made)
    }

    fn sample(&self, near: &[f32]) -> f32 {
        let mut sums = [0.0; LANES];
        for (taps, samples) in self.taps.chunks_exact(LANES).zip(near.chunks_exact(LANES)) {
            for ((sum, tap), sample) in sums.iter_mut().zip(taps).zip(samples) {
                *sum += tap * f64::from(*sample);
            }
        }
        sums.iter().sum::<f64>() as f32
    }
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let terms = (1..64).map(|n| {
        term *= (x / (2 * n) as f64).powi(2);
        term
    });
    1.0 + terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::tone;
    use super::*;

    fn halved(samples: &[f32], blocks: usize) -> Vec<f32> {
        let (mut halving, mut made) = (Halving::new(), Vec::new());
        let mut keep = |block: &[f32]| {
            made.extend_from_slice(block);
            Ok(())
        };
        samples.chunks(blocks).for_each(|block| halving.push(block, &mut keep).expect("taken"));
        halving.finish(&mut keep).expect("taken");
        made
    }

    #[test]
    fn a_tone_below_the_cutoff_stays_and_one_above_goes() {
        for (hz, gain) in [(440.0, 1.0), (5000.0, 1.0), (5525.0, 0.0), (9000.0, 0.0)] {
            let made = halved(&tone(hz, 22_050, 22_051), 1000);
            assert_eq!(made.len(), 11_026);
            let want = tone(hz, 11_025, 11_026);
            let worst = (500..10_500).map(|n| (made[n] - gain * want[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{hz} Hz: off by {worst}");
        }
    }

    #[test]
    fn the_size_of_the_blocks_changes_nothing_and_a_single_sample_is_one() {
        let samples = tone(700.0, 22_050, 5001);
        assert!(halved(&samples, 1) == halved(&samples, 5001));
        let one = halved(&[1.0], 1);
        // The middle of soxr's response.
        assert!(one.len() == 1 && (one[0] - 0.478_436).abs() < 1e-5, "{one:?}");
    }
}
