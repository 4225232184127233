//! The state store: dead letters, skips and manifests of runs, as JSON objects that a person can read.
//!
//! ```text
//! dead/<run, or inbox>/<job>/<entity>/<digest of the stack>.json
//! skipped/<job>/<entity>.json
//! runs/<run>/manifest.json, runs/<run>/entities/<number>.txt, runs/<run>/read.json, runs/<run>/end.json
//! ```

mod dead_letter;
mod letters;
mod manifest;
mod record_name;
mod skips;
mod store;

pub use dead_letter::{DeadLetter, GivenUp, LetterOwner};
pub use letters::LetterFilter;
pub use manifest::{Counts, Manifest, RunEnd, Selection, chunk_key};
pub use record_name::record_name;
pub use skips::SkipRecord;
pub use store::StateStore;
