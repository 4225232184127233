//! What a track says of time: how strongly something begins at each moment, where it does, its tempo and its beats.

mod beats;
mod envelope;
mod onset;
mod peaks;
mod tempo;
mod tempogram;

pub(crate) use onset::entry as onset;
pub(crate) use tempo::entry as tempo;
