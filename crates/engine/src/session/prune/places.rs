//! What lies in the stores that the graph writes to, but for sources, what is accounted for, and what lies in other stores.

use std::collections::BTreeMap;

use anyhow::Context;
use euterpe_actors::ids::{RunId, StoreName};
use euterpe_actors::memory::{Fingerprint, Presence};
use euterpe_actors::plan::Route;
use euterpe_actors::storage::Page;
use euterpe_actors::template::Template;
use euterpe_graph_file::plan::Location;

use super::spool::{Candidate, Spool};
use crate::workspace::Workspace;

/// What this program keeps in a store for itself.
const OWN: &str = ".euterpe";

/// The stores that are looked through.
pub(super) struct Places {
    written: Vec<Place>,
    /// The store that stands for each: several names may mean one place.
    same: BTreeMap<StoreName, StoreName>,
}

struct Place {
    store: StoreName,
    /// Where other stores of the graph lie in it, as starts of paths.
    others: Vec<String>,
    /// The sources that lie in it.
    sources: Vec<Template>,
}

impl Places {
    /// Those of a graph.
    pub fn of(workspace: &Workspace) -> Self {
        let stores = &workspace.plan.stores;
        let first_of = |location: &Location| stores.iter().find(|store| is_same(&store.location, location));
        let same: BTreeMap<StoreName, StoreName> = stores
            .iter()
            .map(|store| (store.name.clone(), first_of(&store.location).unwrap_or(store).name.clone()))
            .collect();
        let mut written: Vec<&StoreName> =
            workspace.written_stores().into_iter().map(|name| same.get(name).unwrap_or(name)).collect();
        written.sort();
        written.dedup();
        let place = |name: &StoreName| {
            let location = workspace.plan.store(name).map(|store| &store.location);
            let others = stores.iter().filter_map(|other| below(&other.location, location?)).collect();
            let inputs = workspace.nodes.jobs.iter().flat_map(|job| &job.inputs);
            let sources = inputs.filter_map(|input| match &input.from {
                Route::Source { store, key, .. } if same.get(store) == Some(name) => Some(key.clone()),
                _ => None,
            });
            Place { store: name.clone(), others, sources: sources.collect() }
        };
        Self { written: written.into_iter().map(place).collect(), same }
    }

    /// Whether two names of stores mean one place.
    pub fn is_same(&self, one: &StoreName, other: &StoreName) -> bool {
        one == other || self.same.get(one).is_some_and(|one| self.same.get(other) == Some(one))
    }

    /// Lists all of them: what is not accounted for goes to `candidates`. How many are.
    ///
    /// # Errors
    /// A store that cannot be listed.
    pub async fn list(
        &self,
        workspace: &Workspace,
        accounted: &Presence,
        candidates: &mut Spool,
    ) -> anyhow::Result<u64> {
        let mut kept = 0;
        for place in &self.written {
            let names: Vec<&StoreName> =
                self.same.iter().filter(|(_, first)| **first == place.store).map(|(name, _)| name).collect();
            let is_accounted = |path: &str| {
                names.iter().any(|name| accounted.knows_fingerprint(Fingerprint::of(name.as_str(), path), RunId::NEVER))
            };
            let mut failed = None;
            let mut each = |page: &Page| {
                for path in page.paths().filter(|path| place.may_be_output(path)) {
                    if is_accounted(path) {
                        kept += 1;
                    } else if let Err(error) =
                        candidates.push(&Candidate { store: place.store.clone(), path: path.to_owned() })
                    {
                        failed = Some(error);
                        return false;
                    }
                }
                true
            };
            let storage = workspace.stores.get(&place.store);
            let listed = storage.list("", &mut each).await;
            if let Some(error) = failed {
                return Err(error);
            }
            listed.with_context(|| format!("could not list store `{}` ({})", place.store, storage.place()))?;
        }
        Ok(kept)
    }
}

impl Place {
    /// Whether a path is neither this program's own, nor in another store, nor that of a source.
    fn may_be_output(&self, path: &str) -> bool {
        !path.split('/').any(|segment| segment.starts_with(OWN))
            && !self.others.iter().any(|other| path.starts_with(other.as_str()))
            && !self.sources.iter().any(|source| may_be_source(source, path))
    }
}

/// Whether a path may be one of a source. One that is put together of parts of an id is taken for one by its start.
fn may_be_source(source: &Template, path: &str) -> bool {
    source.match_source(path).is_some() || (!source.is_keyed_by_id() && path.starts_with(source.prefix()))
}

fn is_same(one: &Location, other: &Location) -> bool {
    match (one, other) {
        (Location::Folder { path, .. }, Location::Folder { path: other, .. }) => path == other,
        (
            Location::S3 { bucket, prefix, endpoint, .. },
            Location::S3 { bucket: of, prefix: at, endpoint: server, .. },
        ) => bucket == of && prefix == at && endpoint == server,
        _ => false,
    }
}

/// Where a store lies in another one, as the start of the paths there; none where it does not.
fn below(inner: &Location, outer: &Location) -> Option<String> {
    let rest = match (inner, outer) {
        (Location::Folder { path, .. }, Location::Folder { path: outer, .. }) => {
            path.strip_prefix(outer).ok()?.to_str()?.to_owned()
        }
        (Location::S3 { bucket, prefix, .. }, Location::S3 { bucket: of, prefix: outer, .. }) if bucket == of => {
            match outer.as_str() {
                "" => prefix.clone(),
                outer => prefix.strip_prefix(outer)?.strip_prefix('/')?.to_owned(),
            }
        }
        _ => return None,
    };
    (!rest.is_empty()).then(|| rest + "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_within_another_one_is_told_by_the_start_of_its_paths() {
        let at = |text: &str| Location::parse(text).expect("a place");
        for (inner, outer, start) in [
            ("/a/b/c", "/a/b", Some("c/")),
            ("/a/b", "/a/b", None),
            ("/a/bc", "/a/b", None),
            ("s3://bucket/x/y", "s3://bucket/x", Some("y/")),
            ("s3://bucket/x", "s3://bucket", Some("x/")),
            ("s3://bucket/xy", "s3://bucket/x", None),
            ("s3://other/x", "s3://bucket", None),
            ("/a", "s3://bucket", None),
        ] {
            assert_eq!(below(&at(inner), &at(outer)).as_deref(), start, "{inner} in {outer}");
        }
    }
}
