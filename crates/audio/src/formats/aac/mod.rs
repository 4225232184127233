//! AAC: what its configuration says, and the spectral band replication that hides in its packets.

pub(crate) mod adts;
pub(crate) mod config;
pub(crate) mod element;
pub(crate) mod sbr;

/// What HE-AAC is called where it is refused.
pub(crate) const HE_AAC: &str = "HE-AAC (spectral band replication)";
