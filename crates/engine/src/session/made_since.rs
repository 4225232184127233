//! Which of very many dead letters have an output by now: told by looks or by a listing, whichever costs less.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::memory::Fingerprint;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::Listed;
use euterpe_actors::storage::{ObjectKey, Page, StorageErrorKind};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;

/// How many outputs are looked for at once: each look may take a bucket's time.
const AT_ONCE: usize = 16;
/// For so many letters each output is looked for by itself; for more, the outputs of their jobs are listed.
const LOOKED_FOR: usize = 1_000;
/// How many outputs are listed for each letter, at the most, before the others are left unseen.
const LISTED_FOR_EACH: usize = 100;

/// What was seen of the outputs of some letters.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The places of the letters whose output is there, fresh or not.
    pub there: Vec<usize>,
    /// Of how many letters it is not known.
    pub unseen: u64,
}

impl Session {
    /// Looks which letters have an output.
    ///
    /// # Errors
    /// A store's own.
    pub(super) async fn outputs_of(&self, letters: &[Listed<'_>]) -> anyhow::Result<Seen> {
        if letters.len() <= LOOKED_FOR { self.look_for_each(letters).await } else { self.list_for_all(letters).await }
    }

    async fn look_for_each(&self, letters: &[Listed<'_>]) -> anyhow::Result<Seen> {
        let stores = &self.workspace.stores;
        let look = |(place, one): (usize, &Listed<'_>)| {
            let (told, key, job) = (one.entity(), one.key(), one.job().clone());
            async move {
                let entity = match told {
                    Some(entity) => entity,
                    None => match self.workspace.state.letter(&key).await? {
                        Some(letter) => letter.entity,
                        None => return Ok(None),
                    },
                };
                let Some((_, key)) = self.output_of(&job, &entity) else { return Ok(None) };
                match stores.look(&key).await {
                    Ok(found) => Ok(found.map(|_| place)),
                    Err(error) if error.kind == StorageErrorKind::BadKey => Ok(None),
                    Err(error) => Err(anyhow::Error::from(error)),
                }
            }
        };
        let looks: Vec<_> = letters.iter().enumerate().map(look).collect();
        let seen: Vec<Option<usize>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(Seen { there: seen.into_iter().flatten().collect(), unseen: 0 })
    }

    async fn list_for_all(&self, letters: &[Listed<'_>]) -> anyhow::Result<Seen> {
        let (mut wanted, mut jobs, mut seen) = (Vec::new(), BTreeMap::<JobIx, u64>::new(), Seen::default());
        for (place, one) in letters.iter().enumerate() {
            let Some(at) = self.workspace.nodes.find(one.job().as_str()) else { continue };
            let Some(entity) = one.entity() else {
                seen.unseen += 1; // the name of an entity that is long does not tell it
                continue;
            };
            if let Some((_, key)) = self.output_of(one.job(), &entity) {
                *jobs.entry(at).or_default() += 1;
                let store = key.store.as_str();
                wanted.extend(key.paths().map(|path| (Fingerprint::of(store, path), place as u32)));
            }
        }
        wanted.sort_unstable();
        for (at, count) in jobs {
            let output = &self.workspace.nodes.job(at).outputs[0];
            let (mut left, store) = (LISTED_FOR_EACH * letters.len(), output.store.as_str());
            let before = seen.there.len() as u64;
            let see = &mut |page: &Page| {
                for path in page.paths() {
                    let print = Fingerprint::of(store, path);
                    if let Ok(found) = wanted.binary_search_by_key(&print, |(print, _)| *print) {
                        seen.there.push(wanted[found].1 as usize);
                    }
                }
                left = left.saturating_sub(page.len());
                left > 0
            };
            self.workspace.stores.get(&output.store).list(output.key.prefix(), see).await?;
            if left == 0 {
                seen.unseen += count.saturating_sub(seen.there.len() as u64 - before);
            }
        }
        seen.there.sort_unstable();
        seen.there.dedup();
        Ok(seen)
    }

    /// The key of the primary output of a job for an entity; none where the graph has no such job, or it takes no such entity.
    fn output_of(&self, job: &JobName, entity: &str) -> Option<(JobIx, ObjectKey)> {
        let at = self.workspace.nodes.find(job.as_str())?;
        let (job, entity) = (self.workspace.nodes.job(at), EntityId::new(entity).ok()?);
        Some((at, job.outputs.first()?.key_of(&job.form.split(&entity)?)))
    }
}
