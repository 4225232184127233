//! What a track says of pitch: its pitch classes over time, and its key.

mod chroma;
mod classes;
mod key;

pub(crate) use chroma::entry as chroma;
pub(crate) use key::entry as key;
