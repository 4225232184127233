//! The state store: dead letters, skips and manifests of runs, as JSON objects that a person can read.
//!
//! ```text
//! dead/<run, or inbox>/<job>/<part>/<entity>~<digest of the stack>~<millis><holds>~<reason>.json
//! dead/<run, or inbox>/<job>/<entity>/<digest of the stack>.json, of former versions
//! owners/<run, or inbox>, owners/known
//! killers/<as the letter>; killed/<as the letter>, killed/known, of former versions
//! skipped/<job>/<entity>.json
//! names/<entity>.json, dropped-names/<name>.json
//! runs/<run>/manifest.json, runs/<run>/entities/<number>.txt.gz, runs/<run>/read.json, runs/<run>/end.json,
//! runs/<run>/log.jsonl, runs/<run>/superseded.json
//! setups/<digest>.json
//! recipes.json
//! confirmed
//! ```
//!
//! Each JSON object has a `format`, so that a record of a newer version is passed over and never half-read.

mod confirmed;
mod dead_letter;
mod entity_chunks;
mod format;
mod killers;
mod letter_key;
mod letter_list;
mod letter_listing;
mod letter_owners;
mod letters;
mod manifest;
mod names;
mod noted;
mod passed_over;
mod recipes;
mod record_name;
mod setups;
mod skips;
mod store;
mod unreadable;

pub use dead_letter::{DeadLetter, GivenUp, LetterOwner};
pub use entity_chunks::chunk_key;
pub use letter_key::{Holds, target_number_of};
pub use letter_list::{LetterList, Listed};
pub use letter_listing::LetterFilter;
pub use letters::FoundLetter;
pub use manifest::{Counts, IdSum, Manifest, RunEnd, Selection, Slow, log_key, manifest_key};
pub use names::is_dropped;
pub use recipes::{DatedRecipe, RecipeHistories, RecipeHistory};
pub use record_name::record_name;
pub use skips::SkipRecord;
pub use store::StateStore;
