//! `audio.hpss`: the harmonic and the percussive part of a track, as two sounds.
//!
//! The job has two outputs: the first is harmonic, the second percussive, WAV or FLAC by their suffixes. Each has the rate, the channels
//! and the length of what is heard, channel by channel what `librosa.effects.hpss` makes of the same samples, within 1e-4 of full scale
//! before it is rounded to `bits`. With `margin: 1` the two add up to the track.

mod inverse;
mod masks;
mod median;

use euterpe_actors::{
    outcome::Fault,
    storage::Content,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use realfft::num_complex::Complex;

use super::{
    decode::Decoder,
    entry::of_track,
    limits::MAX_RATE,
    options::part_options,
    part::check_heard,
    resample::Resampler,
    spectrum::{Heard, Spectra},
    transcode::{Bits, bits, bits_schema, part_of},
    write::{Container, Shape, Writer},
};
use inverse::Inverse;
use masks::{Division, Masks};

/// What the outputs are, in their order.
const PARTS: [&str; 2] = ["harmonic", "percussive"];

part_options! {
    /// The options of `audio.hpss`.
    Hpss {
        /// Samples in a frame, 16 to 16384 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to half of `n_fft` (default: 512).
        hop: usize = 512,
        /// Frames, and bins, whose median is taken: an odd number from 3 to 101 (default: 31).
        kernel: usize = 31,
        /// The exponent of the masks, above 0 up to 16 (default: 2).
        power: f64 = 2.0,
        /// By how much one part must outweigh the other, 1 to 100 (default: 1, where the two add up to the track).
        margin: f64 = 1.0,
        /// The sample rate of the outputs in Hz, 1 to 768000 (default: that of the track).
        rate: Option<u32> = None,
        /// How samples are written: 16 (the default), 24, or `f32` (WAV only).
        #[serde(deserialize_with = "bits")]
        #[schemars(schema_with = "bits_schema")]
        bits: Bits = Bits::default(),
    }
}

impl Settings for Hpss {
    fn check(&self, job: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.part().problems(self.bounds());
        let mut refuse = |name, message| problems.push(OptionProblem::new(name, message));
        if !(16..=16_384).contains(&self.n_fft) {
            refuse("n_fft", format!("expected 16 to 16384, got {}", self.n_fft));
        } else if !(1..=self.n_fft / 2).contains(&self.hop) {
            refuse("hop", format!("expected 1 to {} (half of `n_fft`), got {}", self.n_fft / 2, self.hop));
        }
        if !(3..=101).contains(&self.kernel) || self.kernel.is_multiple_of(2) {
            refuse("kernel", format!("expected an odd number from 3 to 101, got {}", self.kernel));
        }
        if !(self.power > 0.0 && self.power <= 16.0) {
            refuse("power", format!("expected more than 0 and at most 16, got {}", self.power));
        }
        if !(1.0..=100.0).contains(&self.margin) {
            refuse("margin", format!("expected 1 to 100, got {}", self.margin));
        }
        if let Some(rate) = self.rate.filter(|rate| !(1..=MAX_RATE).contains(rate)) {
            refuse("rate", format!("expected 1 to {MAX_RATE} Hz, got {rate}"));
        }
        if self.bits == Bits::Float && job.outputs.iter().any(|output| output.suffix == "flac") {
            let message = "a FLAC file holds integers only; take 16 or 24, or give the outputs the suffix .wav";
            refuse("bits", message.to_owned());
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    let about = "the harmonic and the percussive part of a track, as two sounds (librosa's)";
    of_track("audio.hpss", about, &["wav", "flac"], hpss).several_outputs()
}

/// One channel on its way into its two parts.
struct Channel {
    spectra: Spectra,
    masks: Masks,
    inverses: [Inverse; 2],
    /// Samples of each part that are not written yet.
    made: [Vec<f32>; 2],
}

impl Channel {
    fn new(settings: &Hpss) -> Self {
        let Hpss { n_fft, hop, kernel, power, margin, .. } = *settings;
        let inverse = || Inverse::new(n_fft, hop);
        Self {
            spectra: Spectra::new(n_fft, hop),
            masks: Masks::new(Division { kernel, power, margin }),
            inverses: [inverse(), inverse()],
            made: [Vec::new(), Vec::new()],
        }
    }

    /// Takes samples; none for the end.
    fn hear(&mut self, samples: Option<&[f32]>) -> Result<(), Fault> {
        let Self { spectra, masks, inverses, made } = self;
        let mut divided = |bins: &[Complex<f64>], shares: &[[f64; 2]]| {
            for (part, (inverse, made)) in inverses.iter_mut().zip(made.iter_mut()).enumerate() {
                inverse.push(bins.iter().zip(shares).map(|(bin, share)| bin * share[part]), made);
            }
        };
        let mut frame = |heard: Heard<'_>| {
            masks.push(heard.bins, &mut divided);
            Ok(())
        };
        let Some(samples) = samples else {
            spectra.finish_bins(&mut frame)?;
            masks.finish(&mut divided);
            inverses.iter_mut().zip(made).for_each(|(inverse, made)| inverse.finish(made));
            return Ok(());
        };
        spectra.push_bins(samples, &mut frame)
    }
}

fn hpss(work: &Work, settings: &Hpss) -> Result<Product, Fault> {
    if work.suffixes.len() != PARTS.len() {
        return Err(Fault::fatal(format!(
            "`audio.hpss` makes two sounds, and the job has {} output(s); give it two `outputs`, the first for the harmonic part \
             and the second for the percussive one",
            work.suffixes.len()
        )));
    }
    let mut track = Decoder::open(work, "audio", settings.bounds())?;
    let (channels, rate) = (track.channels(), settings.rate.unwrap_or(track.rate()));
    let shape = Shape { rate, channels, kind: settings.bits.kind(), layout: track.layout(), bit_rate: None };
    let folder = work.scratch.folder()?;
    let (mut writers, mut paths) = (Vec::new(), Vec::new());
    for (part, suffix) in PARTS.iter().zip(work.suffixes.iter()) {
        let container = Container::of_suffix(suffix).ok_or_else(|| {
            Fault::fatal(format!("cannot write `.{suffix}`; give the output the suffix .wav or .flac"))
        })?;
        let path = folder.join(format!("{part}.{suffix}"));
        writers.push(Writer::create(&path, container, shape)?);
        paths.push(path);
    }
    let mut resampler = Resampler::new(track.rate(), rate, channels)?;
    let mut sounds: Vec<Channel> = (0..channels).map(|_| Channel::new(settings)).collect();
    let (mut heard, mut written) = (0, 0);
    let mut sink = |block: &[Vec<f32>]| {
        heard += block[0].len() as u64;
        sounds.iter_mut().zip(block).try_for_each(|(sound, samples)| sound.hear(Some(samples)))?;
        written += write(&mut writers, &mut sounds, u64::MAX)?;
        Ok(())
    };
    let mut cut = Vec::new();
    settings.part().hear(&mut track, |block, part| resampler.push(part_of(block, part, &mut cut), &mut sink))?;
    resampler.finish(&mut sink)?;
    check_heard(heard, rate)?;
    sounds.iter_mut().try_for_each(|sound| sound.hear(None))?;
    write(&mut writers, &mut sounds, heard - written)?;
    writers.into_iter().try_for_each(Writer::finish)?;
    Ok(Product(paths.into_iter().map(Content::File).collect()))
}

/// Writes what was made of all channels, at most so many frames; says how many.
fn write(writers: &mut [Writer], sounds: &mut [Channel], most: u64) -> Result<u64, Fault> {
    let mut frames = 0;
    for (part, writer) in writers.iter_mut().enumerate() {
        let mut block: Vec<Vec<f32>> = sounds.iter_mut().map(|sound| std::mem::take(&mut sound.made[part])).collect();
        block.iter_mut().for_each(|made| made.truncate(most.min(made.len() as u64) as usize));
        if block.iter().flatten().any(|sample| !sample.is_finite()) {
            return Err(Fault::bad_input(
                "the sound is so far beyond full scale that its parts are no numbers; lower its level first",
            ));
        }
        frames = block[0].len() as u64;
        if frames > 0 {
            writer.write(&block)?;
        }
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoded, tone, wav, work};
    use super::*;
    use serde_json::json;

    /// The two parts of a track.
    fn parts(with: serde_json::Value, rate: u32, channels: &[Vec<f32>]) -> [Vec<Vec<f32>>; 2] {
        let settings: Hpss = serde_json::from_value(with).expect("good options");
        let mut job = work("t", &[("audio", "t.wav", &wav(rate, channels))], "wav");
        job.suffixes = vec!["wav".to_owned(), "flac".to_owned()].into();
        let product = hpss(&job, &settings).expect("made");
        [0, 1].map(|part| {
            let bytes = product.0[part].read().expect("read");
            decoded(&work("t", &[("audio", "t", &bytes)], "x")).expect("decodes").samples
        })
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|sample| sample * sample).sum()
    }

    #[test]
    fn a_tone_goes_to_one_part_and_clicks_to_the_other_and_both_add_up_to_the_track() {
        let tone = tone(440.0, 22_050, 44_100);
        let clicks: Vec<f32> = (0..44_100).map(|at| if at % 5000 == 2500 { 0.4 } else { 0.0 }).collect();
        let both: Vec<f32> = tone.iter().zip(&clicks).map(|(tone, click)| tone * 0.5 + click).collect();
        let [harmonic, percussive] = parts(json!({}), 22_050, &[both.clone(), tone]);
        assert_eq!((harmonic.len(), harmonic[0].len(), percussive[1].len()), (2, 44_100, 44_100));
        let off = |at: usize| (harmonic[0][at] + percussive[0][at] - both[at]).abs();
        assert!((0..44_100).all(|at| off(at) < 2e-4));
        let at_click = |samples: &[f32]| samples[22_500].abs();
        assert!(at_click(&percussive[0]) > 0.3 && at_click(&harmonic[0]) < 0.3);
        let middle = 10_000..30_000;
        assert!(power(&percussive[1][middle.clone()]) < 0.01 * power(&harmonic[1][middle]));
    }

    #[test]
    fn silence_and_a_single_sample_have_two_parts_too() {
        for samples in [vec![0.0; 3000], vec![0.5]] {
            let count = samples.len();
            let [harmonic, percussive] = parts(json!({"hop": 256}), 8000, &[samples]);
            assert_eq!((harmonic[0].len(), percussive[0].len()), (count, count));
        }
    }

    #[test]
    fn a_job_with_one_output_and_options_that_cannot_be_are_refused() {
        let job = work("t", &[("audio", "t.wav", &wav(8000, &[vec![0.0; 10]]))], "wav");
        let fault = hpss(&job, &Hpss::default()).expect_err("one output");
        assert!(fault.text.contains("give it two `outputs`"), "{fault}");
        let with = json!({"hop": 1025, "kernel": 30, "power": 0, "margin": 0.5, "rate": 0});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 5);
    }
}
