//! How the registry knows a transform of one track.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, InputRule, Product, Settings, Work, blocking::blocking},
};

use super::{EXTENSIONS, NOT_DECODED};

/// The entry of a transform with the one input `audio` and an output with one of the suffixes `writes`, on threads of its own.
pub(crate) fn of_track<S: Settings + Copy + Send + Sync + 'static>(
    name: &'static str,
    about: &'static str,
    writes: &'static [&'static str],
    make: fn(&Work, &S) -> Result<Product, Fault>,
) -> Entry {
    let thread = name.strip_prefix("audio.").unwrap_or(name);
    let open =
        move |settings: S, _: &_| Ok(blocking(thread, move || Ok(Box::new(move |work: &Work| make(work, &settings)))));
    Entry::new(name, about, open)
        .inputs(InputRule::Exactly(&["audio"]))
        .reads(EXTENSIONS)
        .cannot_read(NOT_DECODED)
        .writes(writes)
}
