//! The transforms that come with the program.
//!
//! Every transform is deterministic: the same inputs and options give the same bytes, whatever the time or the machine's
//! load.

#[cfg(feature = "faults")]
pub mod faulty;
mod json_merge;
#[cfg(test)]
mod tests;

use euterpe_actors::transform::Registry;

/// The transforms that come with the program.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    #[cfg(feature = "audio")]
    {
        registry = registry.with_samples(euterpe_audio::codec());
        euterpe_audio::register(&mut registry);
    }
    #[cfg(not(feature = "audio"))]
    for prefix in ["audio.", "synth."] {
        registry.is_without(prefix, "audio");
    }
    let codec = registry.samples();
    euterpe_processes::register(&mut registry, codec);
    registry.register(json_merge::entry());
    registry
}
