//! What a track says of pitch: its bins of constant Q and its pitch classes over time, and its key.

mod chroma;
mod classes;
mod cqt;
mod halving;
mod key;
mod wavelets;

pub(crate) use chroma::entry as chroma;
pub(crate) use classes::{NAMES, Norm, PitchClasses, tuning_problem};
pub(crate) use cqt::entry as cqt;
pub(crate) use key::entry as key;
