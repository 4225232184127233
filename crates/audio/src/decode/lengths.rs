//! The option `lengths`: what becomes of sound beyond the length that a file declares.

use euterpe_actors::outcome::Fault;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{clock, formats::Sound};

/// What becomes of sound beyond the length that a file declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lengths {
    /// It is sound like any other.
    #[default]
    AsFound,
    /// A file that has some is refused.
    Strict,
}

impl Lengths {
    /// Refuses a track of so many frames, where it has to be.
    pub(crate) fn check(self, frames: u64, sound: &Sound) -> Result<(), Fault> {
        let Some(declared) = sound.declared.filter(|&declared| self == Self::Strict && frames > declared) else {
            return Ok(());
        };
        let time = |frames: u64| clock(frames as f64 / f64::from(sound.rate.max(1)));
        Err(Fault::bad_input(format!(
            "the file holds {} of sound and declares {} ({} frames more); split or repair it, or give the job `lengths: as-found`",
            time(frames),
            time(declared),
            frames - declared
        )))
    }
}
