//! What a container says of a track beside its packets.

use symphonia::core::audio::Position;

/// A time in the units of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) ticks: u64,
    pub(crate) per_second: u64,
}

impl Span {
    /// As frames of sound of a rate.
    pub(crate) fn frames(self, rate: u32) -> u64 {
        let (ticks, rate, per_second) = (u128::from(self.ticks), u128::from(rate), u128::from(self.per_second));
        ((ticks * rate + per_second / 2) / per_second) as u64
    }
}

/// What a container says of the track beside its packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// Symphonia's number of the track; its default track otherwise.
    pub(crate) track: Option<u32>,
    /// What is left out at the start, and how much is kept after that.
    pub(crate) skip: Option<Span>,
    pub(crate) keep: Option<Span>,
    /// What is left out at the end, wherever that is.
    pub(crate) drop_at_end: Option<Span>,
    /// The length, where it is not for symphonia to tell.
    pub(crate) declared: Option<Span>,
    /// Whether symphonia's own idea of the length is worth nothing.
    pub(crate) length_unknown: bool,
    /// How many frames fewer than declared are no loss.
    pub(crate) tolerance: u64,
    /// Whether the file ends within something, and whether that is known without its packets.
    pub(crate) cut: bool,
    pub(crate) cut_is_known: bool,
    /// How many packets there are for certain; fewer are damage.
    pub(crate) least_packets: u64,
    /// How many bytes all packets have, where nothing else tells that the last one is whole.
    pub(crate) bytes: Option<u64>,
    /// The places of the channels, where the container knows better.
    pub(crate) layout: Option<Position>,
}

impl Facts {
    /// How many packets have to come; of a file that is cut off this is no question.
    pub(super) fn least(&self) -> u64 {
        if self.cut { 0 } else { self.least_packets }
    }
}
