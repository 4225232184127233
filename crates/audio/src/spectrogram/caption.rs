//! What stands above a picture of a track: its id on the left, facts of it on the right.

use euterpe_actors::transform::Work;

use super::super::{
    clock,
    sound::{Mono, OneChannel},
};

/// What stands above the plot.
pub(crate) struct Caption {
    pub(crate) title: String,
    /// The ones that may be left out first.
    pub(crate) facts: Vec<String>,
}

/// What a picture is of.
pub(crate) struct Heard {
    pub(crate) seconds: f64,
    /// Where it begins in the track, in seconds.
    start: f64,
    rate: u32,
    what: OneChannel,
    /// How many channels the track has.
    channels: usize,
}

impl Heard {
    /// So many samples of a sound.
    pub(crate) fn of(sound: &Mono, samples: u64) -> Self {
        let rate = sound.rate();
        let (what, start, channels) = (sound.what(), sound.start(), sound.track_channels());
        Self { seconds: samples as f64 / f64::from(rate), start, rate, what, channels }
    }

    /// The caption, with further facts in front of those that every picture has.
    pub(crate) fn caption(&self, work: &Work, facts: &[&str]) -> Caption {
        let own = [
            length(self.seconds) + &begins(self.start),
            format!("{} kHz", f64::from(self.rate) / 1000.0),
            heard(self.what, self.channels),
        ];
        let facts = facts.iter().map(|fact| (*fact).to_owned()).chain(own).collect();
        Caption { title: work.entity.to_string(), facts }
    }
}

fn length(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.2} s") } else { clock(seconds) }
}

/// Where a part begins, if not with the track: the time axis is that of the part.
fn begins(start: f64) -> String {
    if start > 0.0 { format!(" from {}", length(start)) } else { String::new() }
}

/// Which channels are heard of how many.
fn heard(what: OneChannel, count: usize) -> String {
    match (what, count) {
        (_, 1) => "mono".to_owned(),
        (OneChannel::Left, _) => "left".to_owned(),
        (OneChannel::Right, _) => "right".to_owned(),
        (OneChannel::Side, _) => "side".to_owned(),
        (OneChannel::Mean, 2) => "stereo".to_owned(),
        (OneChannel::Mean, more) => format!("{more} channels"),
    }
}
