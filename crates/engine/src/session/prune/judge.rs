//! Decides about one object: kept, to go, or left alone.

use std::io;
use std::time::{Duration, SystemTime};

use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::edges::{SourceOf, find_source, parent_of, source_paths};
use euterpe_actors::ids::{EntityId, JobName, StoreName, decomposed_form};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{InputPlan, JobIx, Route};
use euterpe_actors::storage::{ObjectInfo, Stamp, StorageError, StorageErrorKind};
use euterpe_graph_file::plan::Location;
use euterpe_storage::local::empty_folder_above;
use futures::future::LocalBoxFuture;

use super::places::Places;
use super::recorded::{Recorded, Records, is_alike};
use super::request::PruneRequest;
use super::spool::Candidate;
use super::verdict::{LeftAlone, Verdict, WhyPruned};
use crate::session::Session;

/// Decides about objects that were not found to be accounted for.
pub(super) struct Judge<'s> {
    session: &'s Session,
    request: &'s PruneRequest,
    places: &'s Places,
    records: Records<'s>,
    /// What was written since then stays.
    before: SystemTime,
}

impl<'s> Judge<'s> {
    /// A judge for `request`, which began at `began`, in milliseconds after the Unix epoch.
    pub fn new(session: &'s Session, request: &'s PruneRequest, places: &'s Places, began: u64) -> Self {
        let age = request.older_than.unwrap_or_default();
        let before = SystemTime::UNIX_EPOCH + Duration::from_millis(began).saturating_sub(age);
        Self { session, request, places, records: Records::of(session), before }
    }

    /// What becomes of an object.
    ///
    /// # Errors
    /// What keeps it, its sources or the records from being looked at.
    pub async fn verdict(&self, candidate: &Candidate) -> Result<Verdict, StorageError> {
        let found = self.session.workspace.stores.get(&candidate.store).look(&candidate.path).await?;
        let Some(found) = found else { return Ok(Verdict::Pass) };
        let verdict = match &found.stamp {
            Some(stamp) => self.stamped(candidate, stamp, found.size).await?,
            None => self.foreign(candidate, found.size).await?,
        };
        Ok(match verdict {
            Verdict::Prune(_, _, bytes) if !self.is_old(&found) => Verdict::Leave(LeftAlone::Young, bytes),
            verdict => verdict,
        })
    }

    fn is_old(&self, found: &ObjectInfo) -> bool {
        found.modified.is_some_and(|modified| modified < self.before)
    }

    fn is_asked(&self, job: &JobName) -> bool {
        self.request.jobs.is_empty() || self.request.jobs.iter().any(|asked| asked == job.as_str())
    }

    /// What bears a stamp: the records of its run say whether it is of this graph.
    async fn stamped(&self, candidate: &Candidate, stamp: &Stamp, bytes: u64) -> Result<Verdict, StorageError> {
        let at = self.session.workspace.nodes.find(stamp.job.as_str());
        let is_in_place = at.is_some_and(|at| self.is_place_of(at, stamp.entity.as_ref(), candidate));
        // Also where another job writes: the job may only be called otherwise now.
        let mut may_be_away = false;
        for (at, entity) in self.writers(candidate, stamp.entity.as_ref()) {
            match self.sources_of(at, &entity).await? {
                Sources::There => return Ok(Verdict::Keep),
                Sources::MayBeAway => may_be_away = true,
                Sources::Gone => {}
            }
        }
        if !self.is_asked(&stamp.job) {
            return Ok(Verdict::Pass);
        }
        let why = match at {
            None => WhyPruned::JobGone,
            Some(_) if is_in_place => WhyPruned::SourceGone,
            Some(_) => WhyPruned::WrittenElsewhere,
        };
        if may_be_away && why == WhyPruned::SourceGone {
            return Ok(Verdict::Leave(LeftAlone::EmptyFolder, bytes));
        }
        let prune = Verdict::Prune(stamp.job.clone(), why, bytes);
        Ok(match self.records.tell(candidate, stamp, self.places).await? {
            Recorded::Other => Verdict::Leave(LeftAlone::Other, bytes),
            Recorded::There => prune,
            // A job of this graph writes just there: no record is needed.
            Recorded::Not | Recorded::Elsewhere if is_in_place => prune,
            Recorded::Elsewhere => Verdict::Leave(LeftAlone::Moved, bytes),
            Recorded::Not if self.request.unrecorded => prune,
            Recorded::Not => Verdict::Leave(LeftAlone::Unrecorded, bytes),
        })
    }

    /// What bears no stamp: somebody else put it there.
    async fn foreign(&self, candidate: &Candidate, bytes: u64) -> Result<Verdict, StorageError> {
        if let Some((at, entity)) = self.writers(candidate, None).into_iter().next() {
            let job = self.session.workspace.nodes.job(at).name.clone();
            return Ok(match self.sources_of(at, &entity).await? {
                Sources::There => Verdict::Keep,
                _ if !self.is_asked(&job) => Verdict::Pass,
                Sources::MayBeAway => Verdict::Leave(LeftAlone::EmptyFolder, bytes),
                Sources::Gone if self.request.foreign => Verdict::Prune(job, WhyPruned::Foreign, bytes),
                Sources::Gone => Verdict::Leave(LeftAlone::Foreign, bytes),
            });
        }
        Ok(Verdict::Leave(LeftAlone::NotOurs, bytes))
    }

    /// The jobs that write where this object lies, each with the entity of which: the one that is named, or that of the key.
    fn writers(&self, candidate: &Candidate, named: Option<&EntityId>) -> Vec<(JobIx, EntityId)> {
        let nodes = &self.session.workspace.nodes;
        let writes = |at: JobIx| {
            let of_key = nodes.job(at).outputs.iter().filter_map(|output| {
                let (name, _) = output.key.match_source(&candidate.path)?;
                EntityId::new(name).ok()
            });
            let mut entities = named.cloned().into_iter().chain(of_key);
            Some((at, entities.find(|entity| self.is_place_of(at, Some(entity), candidate))?))
        };
        nodes.job_indices().filter_map(writes).collect()
    }

    /// Whether a job writes an output of an entity where this object lies.
    fn is_place_of(&self, at: JobIx, entity: Option<&EntityId>, candidate: &Candidate) -> bool {
        let job = self.session.workspace.nodes.job(at);
        let Some(parts) = entity.and_then(|entity| job.form.split(entity)) else { return false };
        job.outputs
            .iter()
            .filter(|output| self.places.is_same(&output.store, &candidate.store))
            .any(|output| output.key_of(&parts).paths().any(|path| is_alike(path, &candidate.path)))
    }

    /// Whether all that a job reads for an entity is there, or could be made of sources that are.
    fn sources_of<'a>(&'a self, at: JobIx, entity: &'a EntityId) -> LocalBoxFuture<'a, Result<Sources, StorageError>> {
        Box::pin(async move {
            let job = self.session.workspace.nodes.job(at);
            // What the work can go on without tells nothing, unless there is nothing else.
            let is_optional = |input: &InputPlan| matches!(input.from, Route::Source { optional: true, .. });
            let all_optional = !job.inputs.is_empty() && job.inputs.iter().all(is_optional);
            let (mut best, mut worst) = (Sources::Gone, Sources::There);
            for input in job.inputs.iter().filter(|input| all_optional || !is_optional(input)) {
                let of_input = self.sources_of_input(at, input, entity).await?;
                (best, worst) = (best.max(of_input), worst.min(of_input));
                if worst == Sources::Gone && !all_optional {
                    break;
                }
            }
            Ok(if all_optional { best } else { worst })
        })
    }

    async fn sources_of_input(&self, at: JobIx, input: &InputPlan, entity: &EntityId) -> Result<Sources, StorageError> {
        let workspace = &self.session.workspace;
        let form = &workspace.nodes.job(at).form;
        let Some(parts) = form.split(entity) else { return Ok(Sources::Gone) };
        match (&input.from, parent_of(&workspace.nodes, input, entity, &parts)) {
            (Route::Source { store, key, exts, .. }, _) => {
                let source = SourceOf { entity, form, store, template: key, exts, optional: false };
                match find_source(&workspace.stores, &workspace.state, source).await {
                    Ok(Err(never)) if never.reason == Reason::SourceMissing => {
                        let paths = source_paths(key, exts, &parts);
                        Ok(if self.may_be_away(store, &paths).await? { Sources::MayBeAway } else { Sources::Gone })
                    }
                    Ok(_) => Ok(Sources::There),
                    Err(error) if error.kind == StorageErrorKind::BadKey => Ok(Sources::There), // nobody can tell
                    Err(error) => Err(error),
                }
            }
            (Route::Job { .. }, Some(Ok(parent))) => self.sources_of(parent.at, &parent.target.entity).await,
            _ => Ok(Sources::Gone),
        }
    }

    /// Whether what is not found under these paths may lie on a disk that is not mounted: its folder is there and empty.
    async fn may_be_away(&self, store: &StoreName, paths: &[String]) -> Result<bool, StorageError> {
        let location = self.session.workspace.plan.store(store).map(|store| &store.location);
        let Some(Location::Folder { path: root, .. }) = location else { return Ok(false) };
        if self.request.sources_are_right {
            return Ok(false);
        }
        let (root, folders) = (root.clone(), folders_of(paths));
        let looked = on_blocking_thread(move || {
            folders.iter().try_fold(false, |found, path| Ok(found || empty_folder_above(&root, path)?.is_some()))
        });
        let action = "look for a disk at the folder of";
        let of = || paths.first().map_or("", String::as_str);
        looked.await.map_err(|error| StorageError::of_thread(action, of(), error))?.map_err(|error: io::Error| {
            StorageError::new(StorageErrorKind::Unavailable, action, of(), error.to_string())
        })
    }
}

/// One path of each folder among these, in the composed and the decomposed form: Macs write the latter.
fn folders_of(paths: &[String]) -> Vec<String> {
    let mut folders: Vec<(String, String)> = paths
        .iter()
        .flat_map(|path| [path.clone(), decomposed_form(path).into_owned()])
        .map(|path| (path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned()), path))
        .collect();
    folders.sort_unstable();
    folders.dedup_by(|one, other| one.0 == other.0);
    folders.into_iter().map(|(_, path)| path).collect()
}

/// What is to be seen of the sources of an entity, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sources {
    /// One is not there.
    Gone,
    /// One is not there, and its folder is empty: a disk may be away.
    MayBeAway,
    /// All are there.
    There,
}
