//! `audio.transcode`: any track that is read, as WAV or FLAC, at another sample rate or with other channels.
//!
//! The container follows the output's suffix. The output has `round(frames · rate / input rate)` frames and starts where the
//! input starts. Channels are mixed before the rate is changed; one channel is the mean of all. Integers are rounded, not
//! dithered, and what lies beyond full scale is held there.

use std::ops::Range;

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    decode::Decoder,
    entry::of_track,
    formats::usual_layout,
    limits::{MAX_CHANNELS, MAX_RATE},
    mix::Mix,
    options::part_options,
    part::check_heard,
    resample::Resampler,
    write::{Container, FLAC_MAX_RATE, SampleKind, Shape, Writer},
};

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
        /// The sample rate of the output in Hz, 1 to 768000 (FLAC: 655350; default: that of the input).
        rate: Option<u32> = None,
        /// The number of channels of the output, 1 to 64 (default: those of the input). 1 is the mean of all channels.
        channels: Option<usize> = None,
        /// How samples are written: 16 (the default), 24, or `f32` (WAV only).
        #[serde(deserialize_with = "bits")]
        #[schemars(schema_with = "bits_schema")]
        bits: Bits = Bits::default(),
    }
}

impl Settings for Transcode {
    fn check(&self, job: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.part().problems(self.bounds());
        if let Some(rate) = self.rate.filter(|rate| !(1..=MAX_RATE).contains(rate)) {
            problems.push(OptionProblem::new("rate", format!("expected 1 to {MAX_RATE} Hz, got {rate}")));
        }
        if let Some(rate) =
            self.rate.filter(|rate| job.suffix() == "flac" && (FLAC_MAX_RATE + 1..=MAX_RATE).contains(rate))
        {
            let message = format!(
                "a FLAC file holds at most {FLAC_MAX_RATE} Hz, got {rate}; lower it, or give the output the suffix .wav"
            );
            problems.push(OptionProblem::new("rate", message));
        }
        let most = if job.suffix() == "flac" { 8 } else { MAX_CHANNELS };
        if let Some(channels) = self.channels.filter(|channels| !(1..=most).contains(channels)) {
            problems.push(OptionProblem::new("channels", format!("expected 1 to {most} channels, got {channels}")));
        }
        if self.bits == Bits::Float && job.suffix() == "flac" {
            let message = "a FLAC file holds integers only; take 16 or 24, or give the output the suffix .wav";
            problems.push(OptionProblem::new("bits", message));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.transcode",
        "a track as WAV or FLAC, at another rate or with other channels",
        &["wav", "flac"],
        transcode,
    )
}

fn transcode(work: &Work, settings: &Transcode) -> Result<Product, Fault> {
    let suffix = work.suffixes.first().map_or("", String::as_str);
    let container = Container::of_suffix(suffix)
        .ok_or_else(|| Fault::fatal(format!("cannot write `.{suffix}`; give the output the suffix .wav or .flac")))?;
    let mut track = Decoder::open(work, "audio", settings.bounds())?;
    let channels = settings.channels.unwrap_or(track.channels());
    let rate = settings.rate.unwrap_or(track.rate());
    let mix = Mix::between(track.channels(), track.layout(), channels)?;
    let folder = work.scratch.folder()?;
    let path = folder.join(format!("track.{suffix}"));
    let layout = match mix {
        Mix::Keep => track.layout(),
        _ => usual_layout(channels),
    };
    // What the file cannot hold is told before the work begins.
    let mut writer = Writer::create(&path, container, Shape { rate, channels, kind: settings.bits.kind(), layout })?;
    let mut resampler = Resampler::new(track.rate(), rate, channels)?;
    let mut written = 0;
    let mut sink = |block: &[Vec<f32>]| {
        written += block[0].len() as u64;
        writer.write(block)
    };
    let (mut mixed, mut cut) = (Vec::new(), Vec::new());
    settings.part().hear(&mut track, |block, part| {
        resampler.push(mix.apply(part_of(block, part, &mut cut), &mut mixed), &mut sink)
    })?;
    resampler.finish(&mut sink)?;
    check_heard(written, rate)?;
    writer.finish()?;
    Ok(Product::file(path))
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
