//! What ffprobe, which comes with ffmpeg, says of a file that ffmpeg reads.

use std::{collections::BTreeMap, time::Instant};

use euterpe_actors::{outcome::Fault, storage::Content};
use serde::Deserialize;

use super::{
    process::{Process, readable},
    program::Program,
};
use crate::refusal::Refusal;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 4 << 20;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    /// The version of ffmpeg.
    pub(crate) version: String,
    /// Ffmpeg's names of the container and of the codec.
    pub(crate) container: String,
    pub(crate) codec: String,
    /// Tags of the file and of the track, by their names in small letters.
    pub(crate) tags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Answer {
    program_version: Version,
    format: Format,
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Format {
    format_name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    sample_rate: Option<String>,
    channels: Option<usize>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Asks what a content is, of which a track of this rate and so many channels was decoded.
///
/// # Errors
/// Where the program is not there, or gives no answer until `until`.
pub(crate) fn probe(
    program: &Program,
    content: &Content,
    (rate, channels): (u32, usize),
    until: Instant,
) -> Result<Probed, Refusal> {
    let failed = |error| Fault::of_io("could not start ffprobe", &error);
    let mut process = Process::spawn(program.probing(), readable(content).map_err(failed)?, until).map_err(failed)?;
    let mut answer = Vec::new();
    while process.more(&mut answer)? {
        if answer.len() > LONGEST {
            return Err(Refusal::failed("ffprobe says too much of this file"));
        }
    }
    let status = process.wait()?;
    let answer: Answer = serde_json::from_slice(&answer).map_err(|error| {
        Fault::failed(format!("ffprobe gave no answer ({status}, {error})")).with_stderr(process.said())
    })?;
    Ok(chosen(answer, rate, channels))
}

fn chosen(answer: Answer, rate: u32, channels: usize) -> Probed {
    let rate = rate.to_string();
    let sounds = || answer.streams.iter().filter(|stream| stream.codec_type.as_deref() == Some("audio"));
    let is_it =
        |stream: &&Stream| stream.sample_rate.as_deref() == Some(rate.as_str()) && stream.channels == Some(channels);
    let stream = sounds().find(is_it).or_else(|| sounds().next());
    let mut tags = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in answer.format.tags.iter().chain(stream.iter().flat_map(|stream| &stream.tags)) {
        let values = tags.entry(name.to_lowercase()).or_default();
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    Probed {
        version: answer.program_version.version,
        container: answer.format.format_name,
        codec: stream.and_then(|stream| stream.codec_name.clone()).unwrap_or_else(|| "unknown".to_owned()),
        tags,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_several_tracks_the_one_that_was_decoded_is_told() {
        let answer = json!({
            "program_version": {"version": "5.1"},
            "format": {"format_name": "avi", "tags": {"TITLE": "a song", "ARTIST": "one"}},
            "streams": [
                {"codec_type": "video", "codec_name": "h264"},
                {"codec_type": "audio", "codec_name": "mp3", "sample_rate": "44100", "channels": 2},
                {"codec_type": "audio", "codec_name": "ac3", "sample_rate": "48000", "channels": 6, "tags": {"artist": "two"}}
            ]
        });
        let answer: Answer = serde_json::from_value(answer).expect("an answer");
        let probed = chosen(answer, 48_000, 6);
        assert_eq!((&probed.codec[..], &probed.container[..], &probed.version[..]), ("ac3", "avi", "5.1"));
        assert_eq!(probed.tags["artist"], ["one", "two"]);
        assert_eq!(probed.tags["title"], ["a song"]);
    }
}
