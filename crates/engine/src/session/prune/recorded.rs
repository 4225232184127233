//! What the records of runs tell of an output: whether a run of this graph put it where it lies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use euterpe_actors::ids::{RunId, StoreName, normal_form};
use euterpe_actors::plan::OutputPlan;
use euterpe_actors::state::Manifest;
use euterpe_actors::storage::{Stamp, StorageError};
use euterpe_actors::template::{EntityForm, NameRules, Template};
use serde_json::Value;

use super::places::Places;
use super::spool::Candidate;
use crate::session::Session;
use crate::session::other_file::FileOfRun;

/// Of so many runs it is remembered what their records say.
const REMEMBERED: usize = 1000;

/// What the records say of the run that made an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// There is no record of the run, or the graph file that it was of is gone.
    Not,
    /// It was of another graph file, or worked with other stores.
    Other,
    /// It was of this graph, and put the object there.
    There,
    /// It was of this graph, and put the object elsewhere.
    Elsewhere,
}

/// The records of runs, as far as they were asked for.
pub(super) struct Records<'s> {
    session: &'s Session,
    read: Mutex<HashMap<RunId, Read>>,
}

/// What is known of a run.
#[derive(Clone)]
enum Read {
    Nothing,
    Other,
    Own(Arc<Manifest>),
}

impl<'s> Records<'s> {
    /// Those of a session.
    pub fn of(session: &'s Session) -> Self {
        Self { session, read: Mutex::default() }
    }

    /// What they say of the run that made an object.
    ///
    /// # Errors
    /// Records that cannot be read.
    pub async fn tell(&self, candidate: &Candidate, stamp: &Stamp, places: &Places) -> Result<Recorded, StorageError> {
        let Some(run) = stamp.run() else { return Ok(Recorded::Not) };
        let manifest = match self.read(run).await? {
            Read::Nothing => return Ok(Recorded::Not),
            Read::Other => return Ok(Recorded::Other),
            Read::Own(manifest) => manifest,
        };
        let rules = self.session.workspace.stores.get(&candidate.store).name_rules();
        Ok(match puts(&manifest.resolved["jobs"][stamp.job.as_str()], candidate, stamp, (places, rules)) {
            true => Recorded::There,
            false => Recorded::Elsewhere,
        })
    }

    async fn read(&self, run: RunId) -> Result<Read, StorageError> {
        let lock = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&run) {
            return Ok(known.clone());
        }
        let session = self.session;
        let read = match session.workspace.state.manifest(run).await? {
            None => Read::Nothing,
            Some(other) if session.has_other_stores(&other) => Read::Other,
            Some(manifest) => match session.file_of(&manifest) {
                FileOfRun::Own => Read::Own(Arc::new(manifest)),
                FileOfRun::Other => Read::Other,
                // Nobody can tell whether it was this one under another name.
                FileOfRun::Gone => Read::Nothing,
            },
        };
        let mut known = lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(run, read.clone());
        Ok(read)
    }
}

/// Whether a job, as a run recorded it, puts an output of the stamp's entity where the object lies.
fn puts(job: &Value, candidate: &Candidate, stamp: &Stamp, (places, rules): (&Places, NameRules)) -> bool {
    let Some(entity) = &stamp.entity else { return false };
    let Some(form) = job["entity"].as_str().and_then(|form| EntityForm::parse(form).ok()) else { return false };
    let Some(parts) = form.split(entity) else { return false };
    let outputs = job["outputs"].as_object().into_iter().flat_map(|outputs| outputs.values());
    outputs.filter_map(Value::as_str).any(|output| {
        let Some((store, key)) = output.split_once(':') else { return false };
        let (Ok(store), Ok(key)) = (StoreName::new(store), Template::parse(key, &form)) else { return false };
        let output = OutputPlan { store, key: key.in_store(rules) };
        places.is_same(&output.store, &candidate.store)
            && output.key_of(&parts).paths().any(|path| is_alike(path, &candidate.path))
    })
}

/// Whether two paths are one name, to the eye.
pub(super) fn is_alike(one: &str, other: &str) -> bool {
    one == other || normal_form(one) == normal_form(other)
}
