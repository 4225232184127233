//! `audio.transcode`: any track that is read, as another file: at another sample rate, with other channels, louder or softer, with
//! its tags.
//!
//! The container follows the output's suffix. The output has `round(frames · rate / input rate)` frames and starts where the
//! input starts. Channels are mixed before the rate is changed; one channel is the mean of all. Integers are rounded, and dithered
//! where that is asked for; what lies beyond full scale is held there.
//!
//! ```text
//! file      the kinds of files, and who writes them: this program WAV, FLAC and Ogg Vorbis, the program ffmpeg all others
//! gain      how much louder or softer, measured in a first pass
//! dither    noise before integers are rounded
//! tags      tags and pictures, carried over
//! ```

mod dither;
mod file;
mod gain;
mod tags;

use std::ops::Range;

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    decode::Decoder, entry::of_track, formats::usual_layout, mix::Mix, options::part_options, part::check_heard,
    resample::Resampler, write::SampleKind,
};
use dither::Dither;
use file::{Kind, SUFFIXES, Sink, Wanted};
use gain::{Measure, Normalise};
use tags::Tags;

/// How samples are written, as the graph file says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Bits {
    /// Integers of 16 bits.
    #[default]
    #[serde(rename = "16")]
    Sixteen,
    /// Integers of 24 bits.
    #[serde(rename = "24")]
    TwentyFour,
    /// Floating-point numbers of 32 bits; WAV only.
    #[serde(rename = "f32")]
    Float,
}

impl Bits {
    /// As the writer says it.
    pub(crate) fn kind(self) -> SampleKind {
        match self {
            Self::Sixteen => SampleKind::I16,
            Self::TwentyFour => SampleKind::I24,
            Self::Float => SampleKind::F32,
        }
    }
}

part_options! {
    /// The options of `audio.transcode`.
    Transcode {
        /// The sample rate of the output in Hz, 1 to 768000 (default: that of the input, or the next one that such a file holds). FLAC holds up to 655350; MP3 and M4A 8000 to 48000 in the steps of MPEG; Opus 8000, 12000, 16000, 24000 and 48000.
        rate: Option<u32> = None,
        /// The number of channels of the output, 1 to 64 (default: those of the input). 1 is the mean of all channels.
        channels: Option<usize> = None,
        /// How samples are written: 16 (the default), 24, or `f32` (WAV only).
        #[serde(deserialize_with = "bits")]
        #[schemars(schema_with = "bits_schema")]
        bits: Bits = Bits::default(),
        /// Whether noise of a triangular distribution, one step of the integers to each side, is added before they are rounded (WAV and FLAC; default: false).
        dither: bool = false,
        /// Kilobits in a second, for what loses something (default for two channels: 128 for Opus, 160 for Ogg Vorbis, 192 for MP3 and M4A; half for one).
        bit_rate: Option<u32> = None,
        /// How loud the output is made, by one gain for the whole of it that a first pass measures, such as `{lufs: -16, true_peak: -1}` (default: as loud as the input). Silence stays silence.
        normalise: Option<Normalise> = None,
        /// What becomes of tags and pictures: `keep` (the default for all but WAV) or `none`.
        tags: Option<Tags> = None,
    }
}

impl Settings for Transcode {
    fn check(&self, job: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.part().problems(self.bounds());
        let Some(kind) = Kind::of_suffix(job.suffix()).or(Kind::of_suffix("wav")) else { return problems };
        let mut wrong = |name, text: String| problems.push(OptionProblem::new(name, text));
        if let Some(channels) = self.channels.filter(|channels| !(1..=kind.channels).contains(channels)) {
            wrong("channels", format!("expected 1 to {} channels, got {channels}", kind.channels));
        }
        if self.bits == Bits::Float && kind.suffix == "flac" {
            let message = "a FLAC file holds integers only; take 16 or 24, or give the output the suffix .wav";
            wrong("bits", message.to_owned());
        }
        if self.dither && (self.bits == Bits::Float || !kind.is_lossless()) {
            wrong("dither", "only integers are dithered: WAV or FLAC, with 16 or 24 `bits`".to_owned());
        }
        match (self.bit_rate, kind.bit_rates) {
            (Some(_), None) => {
                wrong("bit_rate", format!("a .{} file keeps each sample and has no bit rate", kind.suffix))
            }
            (Some(asked), Some([least, _, most])) if !(least..=most).contains(&asked) => {
                wrong("bit_rate", format!("expected {least} to {most} kbit/s, got {asked}"));
            }
            _ => {}
        }
        problems.extend(self.rate.and_then(|rate| kind.rate_problem(rate)));
        problems.extend(self.normalise.map(Normalise::problems).into_iter().flatten());
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.transcode",
        "a track as WAV, FLAC, Ogg Vorbis, Opus, MP3 or AAC, at another rate, with other channels, at another loudness",
        SUFFIXES,
        transcode,
    )
}

fn transcode(work: &Work, settings: &Transcode) -> Result<Product, Fault> {
    let suffix = work.suffixes.first().map_or("", String::as_str);
    let kind = Kind::of_suffix(suffix).ok_or_else(|| {
        let known = SUFFIXES.join(", .");
        Fault::fatal(format!("cannot write `.{suffix}`; give the output one of the suffixes .{known}"))
    })?;
    let mut track = Decoder::open(work, "audio", settings.bounds())?;
    let channels = settings.channels.unwrap_or(track.channels());
    let rate = settings.rate.unwrap_or(kind.rate_for(track.rate()));
    let mix = Mix::between(track.channels(), track.layout(), channels)?;
    let layout = match mix {
        Mix::Keep => track.layout(),
        _ => usual_layout(channels),
    };
    let path = work.scratch.folder()?.join(format!("track.{suffix}"));
    let wanted = Wanted { rate, channels, layout, kind: settings.bits.kind(), bit_rate: settings.bit_rate };
    // What the file cannot hold is told before the work begins.
    let mut sink = Sink::create(&path, kind, wanted, work.timeout)?;
    let pass = Pass { settings, mix: &mix, rate, channels };
    let factor = match settings.normalise {
        None => 1.0,
        Some(normalise) => {
            let mut measure = Measure::new(normalise, rate, channels, layout)?;
            pass.hear(&mut track, |block| measure.add(block))?;
            track = Decoder::open(work, "audio", settings.bounds())?;
            measure.factor()?
        }
    };
    let mut dither = settings.dither.then(|| Dither::new(if settings.bits == Bits::Sixteen { 16 } else { 24 }));
    let mut changed = Vec::new();
    let written = pass.hear(&mut track, |block| {
        if factor == 1.0 && dither.is_none() {
            return sink.write(block);
        }
        changed.resize_with(block.len(), Vec::new);
        for (changed, channel) in changed.iter_mut().zip(block) {
            changed.clear();
            changed.extend(channel.iter().map(|sample| sample * factor));
        }
        if let Some(dither) = &mut dither {
            dither.apply(&mut changed);
        }
        sink.write(&changed)
    })?;
    check_heard(written, rate)?;
    sink.finish()?;
    let usual = if suffix == "wav" { Tags::None } else { Tags::Keep };
    if settings.tags.unwrap_or(usual) == Tags::Keep {
        tags::carry(work, &path, suffix, factor != 1.0)?;
    }
    Ok(Product::file(path))
}

/// What is done to all blocks of a track on their way.
struct Pass<'p> {
    settings: &'p Transcode,
    mix: &'p Mix,
    rate: u32,
    channels: usize,
}

impl Pass<'_> {
    /// Hands out the part that is asked for, mixed and resampled; returns how many frames there were.
    ///
    /// # Errors
    /// Those of decoding, and of `sink`.
    fn hear(&self, track: &mut Decoder, mut sink: impl FnMut(&[Vec<f32>]) -> Result<(), Fault>) -> Result<u64, Fault> {
        let mut resampler = Resampler::new(track.rate(), self.rate, self.channels)?;
        let mut heard = 0;
        let mut sink = |block: &[Vec<f32>]| {
            heard += block[0].len() as u64;
            sink(block)
        };
        let (mut mixed, mut cut) = (Vec::new(), Vec::new());
        self.settings.part().hear(track, |block, part| {
            resampler.push(self.mix.apply(part_of(block, part, &mut cut), &mut mixed), &mut sink)
        })?;
        resampler.finish(&mut sink)?;
        Ok(heard)
    }
}

/// Some frames of a block, in vectors that are reused where it is not all of them.
pub(crate) fn part_of<'b>(block: &'b [Vec<f32>], heard: Range<usize>, cut: &'b mut Vec<Vec<f32>>) -> &'b [Vec<f32>] {
    if heard == (0..block[0].len()) {
        return block;
    }
    cut.resize_with(block.len(), Vec::new);
    for (cut, channel) in cut.iter_mut().zip(block) {
        cut.clear();
        cut.extend_from_slice(&channel[heard.clone()]);
    }
    cut
}

/// A number or a text: `16`, `24`, `f32`.
pub(crate) fn bits<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bits, D::Error> {
    let written = serde_json::Value::deserialize(deserializer)?;
    match (written.as_u64(), written.as_str()) {
        (Some(16), _) | (_, Some("16")) => Ok(Bits::Sixteen),
        (Some(24), _) | (_, Some("24")) => Ok(Bits::TwentyFour),
        (_, Some("f32")) => Ok(Bits::Float),
        _ => Err(serde::de::Error::custom(format!("expected 16, 24 or f32, got {written}"))),
    }
}

pub(crate) fn bits_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"enum": [16, 24, "f32"], "default": 16})
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoded, run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn transcoded(with: serde_json::Value, bytes: &[u8], suffix: &str) -> Vec<u8> {
        let job = OpenContext {
            outputs: vec![euterpe_actors::transform::OutputShape { name: String::new(), suffix: suffix.into() }],
            ..Default::default()
        };
        let factory = entry().open(&with, &job).expect("good options");
        run(&factory, work("t", &[("audio", "t.wav", bytes)], suffix)).expect("transcoded").to_vec()
    }

    #[test]
    fn a_track_gets_the_rate_and_channels_that_were_asked_for() {
        let input = wav(44_100, &[tone(440.0, 44_100, 30_000), tone(440.0, 44_100, 30_000)]);
        for suffix in ["wav", "flac"] {
            let bytes = transcoded(json!({"rate": 22_050, "channels": 1, "bits": 24}), &input, suffix);
            let track = decoded(&work("t", &[("audio", "t", &bytes)], "x")).expect("decodes");
            assert_eq!((track.rate, track.samples.len(), track.samples[0].len()), (22_050, 1, 15_000));
            let want = tone(440.0, 22_050, 15_000);
            let worst = (1000..14_000).map(|n| (track.samples[0][n] - want[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "{suffix} is off by {worst}");
            assert_eq!(transcoded(json!({"rate": 22_050, "channels": 1, "bits": 24}), &input, suffix), bytes);
        }
    }

    #[test]
    fn a_part_has_the_frames_of_the_track_that_lie_there() {
        let sound = tone(440.0, 44_100, 30_000);
        let input = wav(44_100, &[sound.clone(), sound]);
        let whole = decoded(&work("t", &[("audio", "t", &input)], "x")).expect("decodes");
        let bytes = transcoded(json!({"start": 0.1, "duration": 0.25}), &input, "flac");
        let track = decoded(&work("t", &[("audio", "t", &bytes)], "x")).expect("decodes");
        assert!(track.samples == [&whole.samples[0][4410..4410 + 11_025]; 2]);
    }

    #[test]
    fn sixteen_bit_sound_is_not_changed_by_another_container() {
        let input = wav(48_000, &[tone(1000.0, 48_000, 9999)]);
        let before = decoded(&work("t", &[("audio", "t.wav", &input)], "x")).expect("decodes");
        let flac = transcoded(serde_json::Value::Null, &input, "flac");
        let after = decoded(&work("t", &[("audio", "t.flac", &flac)], "x")).expect("decodes");
        assert!(before.samples == after.samples);
    }

    #[test]
    fn options_that_cannot_be_are_all_named() {
        let job = OpenContext {
            outputs: vec![euterpe_actors::transform::OutputShape { name: String::new(), suffix: "flac".into() }],
            ..Default::default()
        };
        let with = json!({"rate": 0, "channels": 9, "bits": "f32", "max_minutes": 0, "quality": 3});
        let problems = entry().open(&with, &job).err().expect("refused");
        let mut paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["bits", "channels", "max_minutes", "quality", "rate"]);
        let said = entry().open(&json!({"rate": 768_000}), &job).err().expect("refused")[0].to_string();
        assert_eq!(
            said,
            "rate: a FLAC file holds at most 655350 Hz, got 768000; lower it, or give the output the suffix .wav"
        );
        let said = entry().open(&json!({"bits": 20}), &job).err().expect("refused")[0].to_string();
        assert_eq!(said, "bits: expected 16, 24 or f32, got 20");
    }
}
