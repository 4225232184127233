//! Changes the sample rate of a stream of blocks, keeping its length and its place in time.
//!
//! rubato's FFT resampler works in blocks and delays its output by half of one; here that delay is removed and the end is
//! flushed, so that the output has `round(frames · to / from)` frames and sample `n` of the output stands at time `n / to`.

use euterpe_actors::outcome::Fault;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction, audioadapter_buffers::direct::SequentialSliceOfVecs};

/// The fewest frames in a block on the side with fewer: enough for a steep filter.
const BLOCK: usize = 1024;

/// By how much the two rates may differ. No real use comes near (8 kHz and 768 kHz: 96), and a file may claim 1 Hz.
const MAX_FACTOR: u32 = 256;
/// The most samples in a block, all channels together, on the side with more: 64 MiB.
const MOST_SAMPLES: usize = 1 << 24;

/// A stream of blocks on its way from one rate to another.
pub(crate) struct Resampler {
    /// None where the rates are the same.
    inner: Option<Inner>,
}

struct Inner {
    fft: Fft<f32>,
    from: u64,
    to: u64,
    /// Frames that wait for a whole block.
    pending: Vec<Vec<f32>>,
    made: Vec<Vec<f32>>,
    /// Frames of delay still to be dropped.
    delay: usize,
    fed: u64,
    handed_out: u64,
}

impl Resampler {
    /// Begins a stream.
    ///
    /// # Errors
    /// A fault of the input where the rates are so far apart, or have so little in common, that a block would not fit into
    /// reasonable memory.
    pub(crate) fn new(from: u32, to: u32, channels: usize) -> Result<Self, Fault> {
        if from == to {
            return Ok(Self { inner: None });
        }
        let refused = |why: &str| {
            Fault::bad_input(format!("{channels} channels at {from} Hz are not resampled to {to} Hz: {why}"))
        };
        if from.max(to) > from.min(to).saturating_mul(MAX_FACTOR) {
            return Err(refused(&format!(
                "the two differ by more than a factor of {MAX_FACTOR}; ask for a `rate` nearer to that of the track"
            )));
        }
        let common = gcd(from, to);
        let (unit_in, unit_out) = ((from / common) as usize, (to / common) as usize);
        // An even number of units on both sides: half a block is then a whole number of frames.
        let units = BLOCK.div_ceil(unit_in.min(unit_out)).next_multiple_of(2);
        if units * unit_in.max(unit_out) * channels > MOST_SAMPLES {
            return Err(refused(
                "the two have too little in common; ask for a rounder `rate`, or for fewer `channels`",
            ));
        }
        let fft = Fft::new_custom(
            from as usize,
            to as usize,
            units * unit_in,
            1,
            channels,
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|error| Fault::fatal(format!("cannot resample from {from} Hz to {to} Hz: {error}")))?;
        let made = vec![vec![0.0; fft.output_frames_max()]; channels];
        let inner = Inner {
            delay: fft.output_delay(),
            fft,
            from: from.into(),
            to: to.into(),
            pending: vec![Vec::new(); channels],
            made,
            fed: 0,
            handed_out: 0,
        };
        Ok(Self { inner: Some(inner) })
    }

    /// Takes a block and hands on what is ready.
    pub(crate) fn push<S>(&mut self, block: &[Vec<f32>], sink: &mut S) -> Result<(), Fault>
    where
        S: FnMut(&[Vec<f32>]) -> Result<(), Fault>,
    {
        let Some(inner) = &mut self.inner else { return sink(block) };
        inner.fed += block[0].len() as u64;
        for (pending, channel) in inner.pending.iter_mut().zip(block) {
            pending.extend_from_slice(channel);
        }
        inner.turn(sink)
    }

    /// Hands on what is left, up to the exact length.
    pub(crate) fn finish<S>(&mut self, sink: &mut S) -> Result<(), Fault>
    where
        S: FnMut(&[Vec<f32>]) -> Result<(), Fault>,
    {
        let Some(inner) = &mut self.inner else { return Ok(()) };
        while inner.handed_out < inner.whole() {
            let need = inner.fft.input_frames_next();
            for pending in &mut inner.pending {
                pending.resize(pending.len().next_multiple_of(need).max(need), 0.0);
            }
            inner.turn(sink)?;
        }
        Ok(())
    }
}

impl Inner {
    /// The length of the output for what was fed so far.
    fn whole(&self) -> u64 {
        (self.fed * self.to + self.from / 2) / self.from
    }

    fn turn<S>(&mut self, sink: &mut S) -> Result<(), Fault>
    where
        S: FnMut(&[Vec<f32>]) -> Result<(), Fault>,
    {
        let (need, gives, channels) = (self.fft.input_frames_next(), self.fft.output_frames_next(), self.pending.len());
        let whole_blocks = self.pending[0].len() / need;
        let broken = |what: &dyn std::fmt::Display| Fault::fatal(format!("the resampler stopped: {what}"));
        let mut ready: Vec<Vec<f32>> = vec![Vec::with_capacity(gives); channels];
        for index in 0..whole_blocks {
            let input = SequentialSliceOfVecs::new(&self.pending, channels, self.pending[0].len())
                .map_err(|error| broken(&error))?;
            let mut output =
                SequentialSliceOfVecs::new_mut(&mut self.made, channels, gives).map_err(|error| broken(&error))?;
            let at = rubato::Indexing::new().input_offset(index * need);
            let (_, made) =
                self.fft.process_into_buffer(&input, &mut output, Some(&at)).map_err(|error| broken(&error))?;
            let dropped = self.delay.min(made);
            self.delay -= dropped;
            let left = self.whole() - self.handed_out;
            let keep = ((made - dropped) as u64).min(left) as usize;
            if keep == 0 {
                continue;
            }
            for (ready, made) in ready.iter_mut().zip(&self.made) {
                ready.clear();
                ready.extend_from_slice(&made[dropped..dropped + keep]);
            }
            self.handed_out += keep as u64;
            sink(&ready)?;
        }
        for pending in &mut self.pending {
            pending.drain(..whole_blocks * need);
        }
        Ok(())
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn resampled(signal: &[f32], from: u32, to: u32, blocks: usize) -> Vec<f32> {
        let mut out = Vec::new();
        let mut sink = |block: &[Vec<f32>]| {
            out.extend_from_slice(&block[0]);
            Ok(())
        };
        let mut resampler = Resampler::new(from, to, 1).expect("rates that fit");
        for block in signal.chunks(blocks) {
            resampler.push(&[block.to_vec()], &mut sink).expect("resampled");
        }
        resampler.finish(&mut sink).expect("flushed");
        out
    }

    fn sine(frequency: f64, rate: u32, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (TAU * frequency * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    const RATES: [(u32, u32); 8] = [
        (44_100, 48_000),
        (48_000, 44_100),
        (44_100, 22_050),
        (22_050, 44_100),
        (44_100, 16_000),
        (8_000, 48_000),
        (96_000, 44_100),
        (11_025, 22_051),
    ];

    #[test]
    fn the_output_is_as_long_as_the_input_in_time() {
        for (from, to) in RATES {
            for frames in [1, 2, 146, 147, 1023, 1024, 5000, 40_001] {
                let whole = (frames as f64 * f64::from(to) / f64::from(from)).round() as usize;
                assert_eq!(resampled(&vec![0.5; frames], from, to, 1152).len(), whole, "{frames} from {from} to {to}");
            }
        }
    }

    #[test]
    fn a_sine_comes_out_where_it_went_in() {
        for (from, to) in RATES {
            let out = resampled(&sine(440.0, from, from as usize), from, to, 4096);
            let want = sine(440.0, to, to as usize);
            // The ends ring, for the signal starts and stops there.
            let inner = out.len() / 10..out.len() * 9 / 10;
            let worst = inner.map(|n| (out[n] - want[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-4, "from {from} to {to} the sine is off by {worst}");
        }
    }

    #[test]
    fn rates_that_are_too_far_apart_are_refused_before_anything_is_allocated() {
        for (from, to, channels) in [(1, 96_000, 2), (1, 768_000, 64), (768_000, 1, 1), (2999, 768_000, 1), (1, 257, 1)]
        {
            let fault = Resampler::new(from, to, channels).err().expect("refused");
            assert_eq!(fault.kind, euterpe_actors::outcome::FaultKind::BadInput);
            assert!(fault.text.contains("differ by more than a factor of 256; ask for a `rate` nearer"), "{fault}");
        }
        let fault = Resampler::new(767_999, 768_000, 64).err().expect("refused");
        assert!(fault.text.contains("too little in common; ask for a rounder `rate`"), "{fault}");
        for (from, to, channels) in [(3000, 768_000, 1), (8000, 768_000, 2), (44_100, 44_101, 8), (1, 256, 1)] {
            assert!(Resampler::new(from, to, channels).is_ok(), "{from} to {to}");
        }
    }

    #[test]
    fn an_impulse_stays_at_its_moment() {
        let mut signal = vec![0.0; 44_100];
        signal[22_050] = 1.0;
        let out = resampled(&signal, 44_100, 22_050, 700);
        let peak = (0..out.len()).max_by(|&a, &b| out[a].abs().total_cmp(&out[b].abs()));
        assert_eq!(peak, Some(11_025));
    }

    #[test]
    fn the_size_of_the_blocks_does_not_change_the_output() {
        let signal = sine(1000.0, 44_100, 30_000);
        let whole = resampled(&signal, 44_100, 48_000, 30_000);
        for blocks in [1, 17, 576, 4096] {
            assert_eq!(resampled(&signal, 44_100, 48_000, blocks), whole, "blocks of {blocks}");
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone() {
        let out = resampled(&sine(9_000.0, 44_100, 44_100), 44_100, 16_000, 4096);
        let loudest = out[1600..14_400].iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!(loudest < 1e-4, "a tone above half of the new rate is left at {loudest}");
    }
}
