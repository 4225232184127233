//! Raw samples, for transforms in other processes: decoding a track for them, and encoding what they made.

use std::{fmt, fs::File, path::Path};

use super::work::Work;
use crate::outcome::Fault;
use crate::storage::Content;

/// The shape of raw samples: `f32`, little endian, interleaved, full scale at ±1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleFormat {
    /// Frames in a second.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// Frames: samples of each channel.
    pub frames: u64,
}

impl SampleFormat {
    /// The duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate)
    }
}

/// Where decoded samples lie.
#[derive(Debug)]
pub enum SamplePlace {
    /// In memory, as a file without a name that other processes open by way of this one; gone when it is dropped.
    Memory(File),
    /// In the file that was named.
    File,
}

/// Decodes tracks to raw samples, and encodes raw samples. An adapter brings it; a program may be built without one.
pub trait SampleCodec: fmt::Debug + Send + Sync {
    /// The extensions of the files that it decodes, lower case and without the dot, the most usual first.
    fn extensions(&self) -> &'static [&'static str];

    /// Decodes the input `name` of `work` into memory, or into the new file `to` where that would be too much.
    ///
    /// # Errors
    /// A fault of the input, or of the file.
    fn decode(&self, work: &Work, name: &str, to: &Path) -> Result<(SampleFormat, SamplePlace), Fault>;

    /// Encodes the raw samples in `from` into the new file `to`, in the format of `suffix`.
    ///
    /// # Errors
    /// A suffix, rate or number of channels that cannot be written, samples that are none, or a fault of a file.
    fn encode(&self, from: &Path, rate: u32, channels: usize, suffix: &str, to: &Path) -> Result<(), Fault>;

    /// Decodes a whole track and says what it is.
    ///
    /// # Errors
    /// Where it is no track, or a damaged one.
    fn measure(&self, content: &Content) -> Result<SampleFormat, Fault>;
}
