//! Ids that are spelled much like one that nobody knows.

use std::time::Duration;

use euterpe_actors::ids::EntityId;
use euterpe_actors::state::Selection;

use super::Session;
use crate::run::found::Found;
use crate::run::ids::Ids;
use crate::run::listings::listings;
use crate::run::stream::Next;

/// How many ids of the sources are compared at the most.
const MOST: usize = 1_000_000;
/// How many are named.
const NAMED: usize = 3;
/// How alike two ids are, at least, from 0 to 1.
const ALIKE: f64 = 0.85;

impl Session {
    /// The ids in the graph's sources that are spelled most like `entity`, the likeliest first.
    ///
    /// # Errors
    /// A source that cannot be listed.
    pub async fn similar_ids(&self, entity: &EntityId) -> anyhow::Result<Vec<EntityId>> {
        let mut stream = Ids::Listed(listings(&self.workspace, &Selection::default())).stream();
        let (mut near, mut seen): (Vec<(f64, EntityId)>, usize) = (Vec::new(), 0);
        while seen < MOST {
            let batch = match stream.next(Duration::from_secs(60)) {
                Next::Batch(batch) => batch,
                Next::Later => continue,
                Next::Failed(error) => return Err(error),
                Next::End(_) => break,
            };
            seen += batch.len();
            for found in batch {
                let Found::Id(id, _) = found else { continue };
                let alike = likeness(entity.as_str(), id.as_str());
                if alike >= ALIKE {
                    near.push((alike, id));
                    near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
                    near.truncate(NAMED);
                }
            }
        }
        Ok(near.into_iter().map(|(_, id)| id).collect())
    }
}

/// How alike two ids are: as they stand, in another case, or with the extension of a file behind one of them.
fn likeness(asked: &str, id: &str) -> f64 {
    let (asked, id) = (asked.to_lowercase(), id.to_lowercase());
    fn stem(id: &str) -> &str {
        id.rsplit_once('.').map_or(id, |(stem, _)| stem)
    }
    let name = id.rsplit('/').next().unwrap_or(&id);
    if stem(&asked) == id || stem(&id) == asked || asked == name {
        return 1.0;
    }
    strsim::normalized_damerau_levenshtein(&asked, &id).max(strsim::jaro_winkler(&asked, &id) * 0.95)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_alike_and_another_word_is_not() {
        for (asked, id) in [
            ("t-17", "t-17.flac"),
            ("T-17", "t-17"),
            ("t-17.flac", "t-17"),
            ("17", "live/17"),
            ("brahsm-1", "brahms-1"),
        ] {
            assert!(likeness(asked, id) >= ALIKE, "{asked} {id} {}", likeness(asked, id));
        }
        for (asked, id) in [("brahms-1", "mahler-9"), ("x", "y"), ("t-17", "other")] {
            assert!(likeness(asked, id) < ALIKE, "{asked} {id} {}", likeness(asked, id));
        }
    }
}
