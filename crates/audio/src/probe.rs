//! `audio.probe`: what a file of sound is, as JSON.
//!
//! The members, in this order: `entity`; `decoder`, which is `native` or ffmpeg with its version; `container` and `codec`, by
//! ffmpeg's names; `rate_hz`; `channels`; `layout`, the places of the channels in the order of the samples, `null` where the file
//! does not say them; `frames` and `duration_s` of the sound that was decoded; `bytes` of the file; `bit_rate` of all of it, in
//! bits per second; `tags`, lists of values by their names, `null` where they stand in a way that is not read; `pictures` with
//! `shows`, `media_type` and `bytes`. All of the file is decoded: a damaged one is refused, and lengths are those of the sound.

use std::collections::BTreeMap;

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use symphonia::core::audio::Position;

use super::{
    MAX_MINUTES,
    decode::{Bounds, Decoder, DecoderChoice, Lengths, fenced},
    entry::of_track,
    ffmpeg::{Probed, Program, deadline, probe},
    formats::{Metadata, container, metadata},
    minutes_problem,
};

/// The options of `audio.probe`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Probe {
    /// The longest track that is read, in minutes (default: 1440, a day).
    pub max_minutes: u32,
    /// Sound beyond the length that a file declares: `as-found` (the default) reads it, `strict` refuses the file.
    pub lengths: Lengths,
    /// Who reads the file: `auto` (the default) this program, and `ffmpeg` what it does not read, where that is installed; `native` this program alone; `ffmpeg` that alone.
    pub decoder: DecoderChoice,
}

impl Default for Probe {
    fn default() -> Self {
        Self { max_minutes: MAX_MINUTES, lengths: Lengths::AsFound, decoder: DecoderChoice::Auto }
    }
}

impl Settings for Probe {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        minutes_problem(self.max_minutes).into_iter().collect()
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.probe", "what a file is: container, codec, length, tags, as JSON", &["json"], probed)
}

#[derive(Serialize)]
struct Told<'w> {
    entity: &'w str,
    decoder: String,
    container: String,
    codec: String,
    rate_hz: u32,
    channels: usize,
    layout: Option<Vec<&'static str>>,
    frames: u64,
    duration_s: f64,
    bytes: u64,
    bit_rate: u64,
    tags: Option<BTreeMap<String, Vec<String>>>,
    pictures: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    shows: Option<String>,
    media_type: Option<String>,
    bytes: usize,
}

fn probed(work: &Work, settings: &Probe) -> Result<Product, Fault> {
    let until = deadline(work.timeout);
    let Probe { max_minutes, lengths, decoder } = *settings;
    let mut track = Decoder::open(work, "audio", Bounds { minutes: max_minutes, lengths, decoder })?;
    while track.next_block()?.is_some() {}
    let frames = track.frames();
    let object = &work.input("audio")?.object;
    let (content, rate, channels) = (&object.content, track.rate(), track.channels());
    let (decoder, container, codec, tags, pictures) = match track.is_by_ffmpeg() {
        true => {
            let program = Program::find().ok_or_else(|| Fault::failed("ffmpeg was there and is not any more"))?;
            let Probed { version, container, codec, tags } = probe(&program, content, (rate, channels), until)?;
            (format!("ffmpeg {version}"), container, codec, Some(tags), Vec::new())
        }
        false => {
            let read = fenced(|| metadata(content))?;
            let is_read = read.is_some();
            let Metadata { tags, pictures } = read.unwrap_or_default();
            let container = container(content)?.0.to_owned();
            ("native".to_owned(), container, track.codec().into_owned(), is_read.then_some(tags), pictures)
        }
    };
    let duration = frames as f64 / f64::from(rate);
    let bytes = object.info.size;
    let told = Told {
        entity: work.entity.as_str(),
        decoder,
        container,
        codec,
        rate_hz: rate,
        channels,
        layout: track.layout().map(|layout| layout.iter().map(place).collect()),
        frames,
        duration_s: (duration * 1000.0).round() / 1000.0,
        bytes,
        bit_rate: (bytes as f64 * 8.0 / duration).round() as u64,
        tags,
        pictures: pictures
            .into_iter()
            .map(|own| Shown { shows: own.shows, media_type: own.media_type, bytes: own.bytes })
            .collect(),
    };
    let mut json = serde_json::to_vec_pretty(&told)
        .map_err(|error| Fault::fatal(format!("could not write what the file is: {error}")))?;
    json.push(b'\n');
    Ok(Product::bytes(json))
}

/// The usual letters for a place.
fn place(position: Position) -> &'static str {
    match position {
        Position::FRONT_LEFT => "FL",
        Position::FRONT_RIGHT => "FR",
        Position::FRONT_CENTER => "FC",
        Position::LFE1 => "LFE",
        Position::REAR_LEFT => "BL",
        Position::REAR_RIGHT => "BR",
        Position::FRONT_LEFT_CENTER => "FLC",
        Position::FRONT_RIGHT_CENTER => "FRC",
        Position::REAR_CENTER => "BC",
        Position::SIDE_LEFT => "SL",
        Position::SIDE_RIGHT => "SR",
        _ => "other",
    }
}
