//! Stamps: the run that made an object, and the runs of all that it was made from.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::making::Making;
use crate::ids::{EntityId, JobName, RunId};

/// Travels with an object: a run for its job and for each ancestor job, and the hash of its content.
///
/// Written as JSON, so that a person can read it off the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The job that made the object.
    pub job: JobName,
    /// The entity that the object was made of; none in stamps of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityId>,
    /// The run for that job and for each ancestor: for an ancestor the oldest among the inputs. Shared, for a stamp is
    /// copied with every look at its object and hardly ever changed.
    pub runs: Arc<BTreeMap<JobName, RunId>>,
    /// BLAKE3 of the content in hexadecimal; filled in by the store when it writes. Until then it says what the
    /// object may replace, see [`Stamp::replacing`].
    #[serde(default)]
    pub hash: String,
    /// What it was made by and from; none in stamps of former versions, and on outputs that are not the primary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making: Option<Arc<Making>>,
}

impl Stamp {
    /// The run that made the object itself.
    pub fn run(&self) -> Option<RunId> {
        self.runs.get(&self.job).copied()
    }

    /// Whether writing `self` over `placed` would lower any run that both name, the job's own or an ancestor's. A job that
    /// only one of them names is an ancestor that the graph lost or gained.
    ///
    /// The job's own run alone would not do: work of a later run that read an input before it was made anew may end
    /// after the work of an earlier run that forced that input, and would undo it. See also [`Stamp::replacing`].
    ///
    /// An object of another entity has no say: somebody moved or copied it there.
    pub fn is_older_than(&self, placed: &Stamp) -> bool {
        if self.is_of_other(placed) {
            return false;
        }
        let lowers = placed.runs.iter().any(|(job, run)| self.runs.get(job).is_some_and(|mine| mine < run));
        lowers && self.hash != placed.runs_digest()
    }

    /// Whether both name an entity, and not the same one.
    pub fn is_of_other(&self, placed: &Stamp) -> bool {
        matches!((&self.entity, &placed.entity), (Some(mine), Some(theirs)) if mine != theirs)
    }

    /// A stamp on its way to the store that may replace an object with the runs of `seen`, and no other, even if that
    /// lowers the run of an ancestor: the worker saw those runs when it decided to make the object anew.
    pub fn replacing(self, seen: &Stamp) -> Self {
        Self { hash: seen.runs_digest(), ..self }
    }

    /// Tells stamps with different runs apart.
    fn runs_digest(&self) -> String {
        let text = serde_json::to_vec(&(&self.job, &self.runs)).expect("plain names and text");
        format!("runs {:032x}", xxhash_rust::xxh3::xxh3_128(&text))
    }

    /// The text form, in ASCII: it travels in headers.
    ///
    /// # Panics
    /// Never: names, ids and text always have a JSON form.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string(self).expect("a stamp is plain names and text");
        if text.is_ascii() {
            return text;
        }
        let mut ascii = String::with_capacity(2 * text.len());
        for c in text.chars() {
            match c.is_ascii() {
                true => ascii.push(c),
                false => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| ascii += &format!("\\u{unit:04x}")),
            }
        }
        ascii
    }

    /// Reads the text form; an object whose stamp cannot be read counts as foreign.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_stamp_is_ascii_and_reads_back_and_a_former_one_is_read() {
        let job = JobName::new("mel").expect("a name");
        let entity = Some(EntityId::new("冬 \u{1F3B5} \"x\"").expect("an id"));
        let runs = Arc::new([(job.clone(), RunId::new(1, 0))].into());
        let inputs = [("a".parse().expect("a name"), "冬.wav 5 7".to_owned())];
        let making = Some(Arc::new(Making::new("r".into(), inputs.into())));
        let stamp = Stamp { job, entity, runs, hash: "h".into(), making };
        let text = stamp.to_text();
        assert!(text.is_ascii(), "{text}");
        assert_eq!(Stamp::from_text(text.as_bytes()), Some(stamp));
        let former = br#"{"job":"mel","runs":{"mel":"20261123-063012.345-1a2b3c4d"},"hash":"h"}"#;
        let former = Stamp::from_text(former).expect("read");
        assert_eq!((former.entity, former.making), (None, None));
    }
}
