//! What a feature hears of a track: one channel of it, the whole or a part, at its own rate or another one.
//!
//! In one pass: decode, mix, cut, resample. No sample is rounded between.

use euterpe_actors::{
    outcome::Fault,
    transform::{OptionProblem, Work},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    decode::{Bounds, Decoder},
    limits::MAX_RATE,
    mix::{difference_into, mean_into},
    part::{Part, check_heard},
    resample::Resampler,
    spectrum::Spectra,
};

/// What one channel is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OneChannel {
    /// The mean of all channels.
    #[default]
    Mean,
    /// The first of two channels, or the only one.
    Left,
    /// The second of two channels, or the only one.
    Right,
    /// Half of the first channel of two minus the second.
    Side,
}

/// What a feature hears, as its options say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sound {
    pub(crate) rate: Option<u32>,
    pub(crate) channels: OneChannel,
    pub(crate) part: Part,
    pub(crate) bounds: Bounds,
}

impl Sound {
    /// What is wrong with the options.
    pub(crate) fn problems(&self) -> Vec<OptionProblem> {
        let mut problems = self.part.problems(self.bounds);
        if let Some(rate) = self.rate.filter(|rate| !(1..=MAX_RATE).contains(rate)) {
            problems.push(OptionProblem::new("rate", format!("expected 1 to {MAX_RATE} Hz, got {rate}")));
        }
        problems
    }

    /// Opens the input `audio`.
    ///
    /// # Errors
    /// As [`Decoder::open`]; a track that has no such channel, or that cannot be brought to the rate.
    pub(crate) fn open(&self, work: &Work) -> Result<Mono, Fault> {
        let track = Decoder::open(work, "audio", self.bounds)?;
        let (from, have) = (track.rate(), track.channels());
        if self.channels != OneChannel::Mean && have > 2 {
            return Err(Fault::bad_input(format!(
                "`left`, `right` and `side` are of stereo, and the track has {have} channels; ask for `channels: mean`, or \
                 fold it to stereo first"
            )));
        }
        if self.channels == OneChannel::Side && have == 1 {
            return Err(Fault::bad_input("the track has one channel, and so no side; ask for `channels: mean`"));
        }
        let rate = self.rate.unwrap_or(from);
        let resampler = Resampler::new(from, rate, 1)?;
        Ok(Mono { part: self.part, track, channels: self.channels, rate, resampler })
    }
}

/// The one channel that a feature hears.
pub(crate) struct Mono {
    track: Decoder,
    channels: OneChannel,
    rate: u32,
    part: Part,
    resampler: Resampler,
}

impl Mono {
    /// Samples in a second of what is heard.
    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// What the one channel is made of.
    pub(crate) fn what(&self) -> OneChannel {
        self.channels
    }

    /// Where it begins in the track, in seconds.
    pub(crate) fn start(&self) -> f64 {
        self.part.start
    }

    /// How many channels the track has.
    pub(crate) fn track_channels(&self) -> usize {
        self.track.channels()
    }

    /// Hands out the power spectra of all samples, frame by frame; returns how many samples there were.
    ///
    /// # Errors
    /// As [`Sound::hear`], and those of `frame`.
    pub(crate) fn hear_power(
        &mut self,
        mut spectra: Spectra,
        mut frame: impl FnMut(&[f64]) -> Result<(), Fault>,
    ) -> Result<u64, Fault> {
        let heard = self.hear(|samples| spectra.push(samples, &mut frame))?;
        spectra.finish(&mut frame)?;
        Ok(heard)
    }

    /// Hands out all samples, in blocks of any length; returns how many there were.
    ///
    /// # Errors
    /// As [`Decoder::next_block`], a track that ends before the part begins, and those of `hear`.
    pub(crate) fn hear(&mut self, mut hear: impl FnMut(&[f32]) -> Result<(), Fault>) -> Result<u64, Fault> {
        let mut heard = 0;
        let mut sink = |block: &[Vec<f32>]| {
            heard += block[0].len() as u64;
            hear(&block[0])
        };
        let mut one = [Vec::new()];
        self.part.hear(&mut self.track, |block, part| {
            match self.channels {
                OneChannel::Mean => mean_into(block, &mut one[0]),
                OneChannel::Left => one[0].clone_from(&block[0]),
                OneChannel::Right => one[0].clone_from(&block[block.len() - 1]),
                OneChannel::Side => difference_into(block, &mut one[0]),
            }
            one[0].truncate(part.end);
            one[0].drain(..part.start);
            self.resampler.push(&one, &mut sink)
        })?;
        self.resampler.finish(&mut sink)?;
        check_heard(heard, self.rate)?;
        Ok(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        decode::{DecoderChoice, Lengths},
        testing::{tone, wav, work},
    };
    use super::*;

    const WHOLE: Sound = Sound {
        rate: None,
        channels: OneChannel::Mean,
        part: Part { start: 0.0, duration: None },
        bounds: Bounds { minutes: 60, lengths: Lengths::AsFound, decoder: DecoderChoice::Auto },
    };

    fn heard(sound: &Sound, bytes: &[u8]) -> Result<Vec<f32>, Fault> {
        let mut samples = Vec::new();
        let count = sound.open(&work("t", &[("audio", "t.wav", bytes)], "x"))?.hear(|block| {
            samples.extend_from_slice(block);
            Ok(())
        })?;
        assert_eq!(count, samples.len() as u64);
        Ok(samples)
    }

    /// Sixteen-bit numbers that come back as they are.
    fn grid(samples: &[i16]) -> Vec<f32> {
        samples.iter().map(|sample| f32::from(*sample) / 32767.0).collect()
    }

    #[test]
    fn one_channel_is_made_of_what_was_asked_for() {
        let track = wav(8000, &[grid(&[8000, 400, -200]), grid(&[4000, -400, -100])]);
        let of = |channels| heard(&Sound { channels, ..WHOLE }, &track).expect("heard");
        let scaled =
            |samples: &[f32]| samples.iter().map(|sample| (sample * 32768.0).round() as i32).collect::<Vec<_>>();
        assert_eq!(scaled(&of(OneChannel::Mean)), [6000, 0, -150]);
        assert_eq!(scaled(&of(OneChannel::Left)), [8000, 400, -200]);
        assert_eq!(scaled(&of(OneChannel::Right)), [4000, -400, -100]);
        assert_eq!(scaled(&of(OneChannel::Side)), [2000, 400, -50]);
        let mono = wav(8000, &[grid(&[8000])]);
        assert_eq!(scaled(&heard(&Sound { channels: OneChannel::Right, ..WHOLE }, &mono).expect("heard")), [8000]);
        let fault = heard(&Sound { channels: OneChannel::Side, ..WHOLE }, &mono).expect_err("refused");
        assert!(fault.text.contains("no side"), "{fault}");
        let three = wav(8000, &vec![grid(&[1]); 3]);
        let fault = heard(&Sound { channels: OneChannel::Left, ..WHOLE }, &three).expect_err("refused");
        assert!(fault.text.contains("ask for `channels: mean`"), "{fault}");
    }

    #[test]
    fn a_part_is_cut_out_frame_by_frame_wherever_the_blocks_end() {
        let samples: Vec<i16> = (0..30_000).map(|n| n as i16).collect();
        let track = wav(8000, &[grid(&samples)]);
        for (start, duration, want) in [
            (0.0, None, 0..30_000),
            (1.0, None, 8000..30_000),
            (1.0, Some(0.5), 8000..12_000),
            (0.0, Some(0.000_01), 0..1),
            (3.0, Some(60.0), 24_000..30_000),
        ] {
            let got = heard(&Sound { part: Part { start, duration }, ..WHOLE }, &track).expect("heard");
            let got: Vec<i16> = got.iter().map(|sample| (sample * 32768.0).round() as i16).collect();
            assert!(got == samples[want.clone()], "{start} {duration:?}: {} instead of {want:?}", got.len());
        }
        let late = Sound { part: Part { start: 3.75, duration: None }, ..WHOLE };
        let fault = heard(&late, &track).expect_err("too late");
        assert!(fault.text.contains("the track is 3.750 s long") && fault.text.contains("lower `start`"), "{fault}");
        let short = Sound { rate: Some(1000), part: Part { start: 0.0, duration: Some(1e-5) }, ..WHOLE };
        let fault = heard(&short, &track).expect_err("nothing is left");
        assert!(fault.text.contains("shorter than one sample at 1000 Hz"), "{fault}");
    }

    #[test]
    fn another_rate_is_that_of_a_resampled_track() {
        let track = wav(44_100, &[tone(440.0, 44_100, 44_100)]);
        let part = Part { start: 0.1, duration: Some(0.5) };
        let got = heard(&Sound { rate: Some(22_050), part, ..WHOLE }, &track).expect("heard");
        let want = &tone(440.0, 22_050, 22_050)[2205..2205 + 11_025];
        assert_eq!(got.len(), want.len());
        let worst = (500..10_500).map(|n| (got[n] - want[n]).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "off by {worst}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_option() {
        let odd = Sound { rate: Some(0), part: Part { start: -1.0, duration: Some(0.0) }, ..WHOLE };
        let odd = Sound { bounds: Bounds::minutes(0), ..odd };
        assert_eq!(odd.problems().len(), 4);
    }
}
