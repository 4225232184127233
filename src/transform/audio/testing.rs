//! Material for the tests of the transforms: work on inputs in memory, WAV files, signals.

use std::{io::Cursor, time::Duration};

use bytes::Bytes;
use euterpe_actors::{
    ids::{EntityId, InputName},
    outcome::Fault,
    storage::{Content, Object, ObjectInfo},
    transform::{Input, Scratch, TransformFactory, Work},
};

use super::decode::Decoder;

/// Work on inputs in memory (name, path, bytes) for one output of a suffix.
pub(crate) fn work(entity: &str, inputs: &[(&str, &str, &[u8])], suffix: &str) -> Work {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    let inputs = inputs.iter().map(|(name, path, bytes)| Input {
        name: InputName::new(name).expect("a plain name"),
        path: (*path).into(),
        object: Object {
            info: ObjectInfo { size: bytes.len() as u64, stamp: None, modified: None },
            content: Content::Bytes(Bytes::copy_from_slice(bytes)),
            hold: Default::default(),
        },
    });
    let scratch = Scratch::at(folder);
    scratch.path().expect("a scratch folder");
    Work {
        entity: EntityId::new(entity).expect("a good id"),
        inputs: inputs.collect(),
        suffixes: vec![suffix.to_owned()].into(),
        scratch,
        attempt: 0,
        timeout: Duration::from_secs(60),
        isolate: false,
    }
}

/// Runs a transform and reads its primary output.
pub(crate) fn run(factory: &TransformFactory, work: Work) -> Result<Bytes, Fault> {
    let scratch = work.scratch.clone();
    let mut transform = factory()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let product = runtime.block_on(transform.apply(work))?;
    let bytes = product.0[0].read().map_err(|error| Fault::failed(error.to_string()));
    drop(scratch);
    bytes
}

/// A whole track in memory.
pub(crate) struct Track {
    pub(crate) rate: u32,
    pub(crate) samples: Vec<Vec<f32>>,
}

/// Decodes the input `audio` of some work.
pub(crate) fn decoded(work: &Work) -> Result<Track, Fault> {
    let mut decoder = Decoder::open(work, "audio", 60)?;
    let mut track = Track { rate: decoder.rate(), samples: vec![Vec::new(); decoder.channels()] };
    while let Some(block) = decoder.next_block()? {
        for (samples, channel) in track.samples.iter_mut().zip(block) {
            samples.extend_from_slice(channel);
        }
    }
    Ok(track)
}

/// A sine at half of full scale.
pub(crate) fn tone(frequency: f64, rate: u32, frames: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * frequency / f64::from(rate);
    (0..frames).map(|n| (0.5 * (step * n as f64).sin()) as f32).collect()
}

/// Planar samples as a WAV file of 16 bits.
pub(crate) fn wav(rate: u32, channels: &[Vec<f32>]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a writer");
    for frame in 0..channels[0].len() {
        for channel in channels {
            writer.write_sample((channel[frame] * 32767.0) as i16).expect("written");
        }
    }
    writer.finalize().expect("finished");
    bytes.into_inner()
}
