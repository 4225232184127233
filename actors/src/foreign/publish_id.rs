//! Tells one publish of a body from another publish of an equal body.

use crate::broker::ForeignProperties;
use crate::ids::{JobName, RunId};

/// What makes one publish of a body differ from another publish of an equal body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishId {
    /// The run, for a message that names none.
    pub run: RunId,
    /// The wave, for a top-down message.
    pub wave: u64,
}

/// A digest of a body, its job and all that was said beside it.
pub fn digest(job: &JobName, body: &[u8], said: &ForeignProperties) -> u128 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    let run = said.run.as_deref().map_or(&[][..], str::as_bytes);
    let id = said.id.as_deref().map_or(&[][..], str::as_bytes);
    for part in [job.as_str().as_bytes(), said.content_type.as_bytes(), run, id, body] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_run_into_each_other_are_told_apart() {
        let job = JobName::new("mel").expect("a name");
        let said = |run: &str, id: &str| ForeignProperties {
            run: Some(run.into()),
            id: Some(id.into()),
            ..ForeignProperties::default()
        };
        assert_ne!(digest(&job, b"t", &said("ab", "c")), digest(&job, b"t", &said("a", "bc")));
    }
}
