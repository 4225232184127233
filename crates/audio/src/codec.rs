//! Tracks as raw samples for transforms in other processes: the adapter of the port [`SampleCodec`].

use std::{path::Path, sync::Arc};

use euterpe_actors::{
    outcome::Fault,
    storage::Content,
    transform::{SampleCodec, SampleFormat, SamplePlace, Work},
};

use super::{
    EXTENSIONS, MAX_MINUTES,
    decode::{Bounds, Decoder},
    ffmpeg::LONGEST,
    pcm,
};

/// Decodes what the transforms of this crate decode, and encodes WAV, FLAC and Ogg Vorbis.
pub fn codec() -> Arc<dyn SampleCodec> {
    Arc::new(Codec)
}

#[derive(Debug)]
struct Codec;

impl SampleCodec for Codec {
    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn decode(&self, work: &Work, name: &str, to: &Path) -> Result<(SampleFormat, SamplePlace), Fault> {
        pcm::decode(work, name, to)
    }

    fn encode(&self, from: &Path, rate: u32, channels: usize, suffix: &str, to: &Path) -> Result<(), Fault> {
        pcm::encode(from, rate, channels, suffix, to)
    }

    fn measure(&self, content: &Content) -> Result<SampleFormat, Fault> {
        let mut decoder = Decoder::of_content(content, Bounds::minutes(MAX_MINUTES), LONGEST)?;
        while decoder.next_block()?.is_some() {}
        Ok(SampleFormat { rate: decoder.rate(), channels: decoder.channels(), frames: decoder.frames() })
    }
}
