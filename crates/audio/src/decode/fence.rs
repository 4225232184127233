//! The fence around decoders of others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use euterpe_actors::{outcome::Fault, transform::blocking::panic_text};

/// A file on which the decoder panics will make it panic again: that is the file's fault and worth no other try.
pub(crate) fn fenced<T, E: From<Fault>>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let why = panic_text(&*panic).to_owned();
        Err(E::from(Fault::bad_input(format!(
            "the file is damaged so that its decoder gave up ({why}); replace it with a whole copy"
        ))))
    })
}
