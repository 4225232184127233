//! What this process means by the words of its messages: the setup that it tells others.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::ids::{JobName, StoreName};
use euterpe_actors::setup::{OwnSetup, Setup, StoreIdentity};
use euterpe_actors::storage::{Storage, StorageErrorKind};
use euterpe_graph_file::plan::Location;

use super::Workspace;
use crate::clock::salt;

impl Workspace {
    /// This process's setup, kept among the records. Stores that the graph writes to, and the records, are given an id of
    /// their own where they have none.
    ///
    /// # Errors
    /// A store that cannot be read, or cannot be written to.
    pub async fn own_setup(&self) -> anyhow::Result<Arc<OwnSetup>> {
        let written = self.written_stores();
        let setup = self.setup(|name| written.contains(name), true).await?.own();
        self.state.keep_setup(&setup.setup).await.context("could not keep what this process works with")?;
        Ok(Arc::new(setup))
    }

    /// The same, without writing anything.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn seen_setup(&self) -> anyhow::Result<Setup> {
        self.setup(|_| false, false).await
    }

    /// Why what this process knows of its stores is worth nothing: one of them, or the records, is another place by now than
    /// `own` says. None where all are the same, or cannot be asked.
    pub async fn replaced(&self, own: &Setup) -> Option<String> {
        let stores =
            self.stores.iter().filter_map(|(name, storage)| Some((Some(name), storage, own.stores.get(name)?)));
        for (name, storage, former) in stores.chain([(None, self.state.storage(), &own.state)]) {
            let what = name.map_or_else(|| "the state".into(), |name| format!("store `{name}`"));
            match StoreIdentity::of(&**storage).await {
                Ok(now) if former.is_replaced_by(&now) => {
                    let why = "it was removed and made anew, or another lies in its place";
                    return Some(format!("{what} is another one than when this node began: {why}"));
                }
                Ok(_) => {}
                Err(error) if error.kind == StorageErrorKind::Replaced => {
                    return Some(format!("{what} is another one than when this node began: {error}"));
                }
                Err(error) => tracing::debug!("could not look which place {what} is: {error}"),
            }
        }
        None
    }

    async fn setup(&self, written: impl Fn(&StoreName) -> bool, state_written: bool) -> anyhow::Result<Setup> {
        let (stores, state) = self.places(written, state_written).await?;
        let recipe = |job: &JobName| self.nodes.recipe(self.nodes.find(job.as_str())?);
        Ok(Setup::new(&self.nodes, |job| recipe(job).unwrap_or_default().to_owned(), stores, state))
    }

    async fn places(
        &self,
        written: impl Fn(&StoreName) -> bool,
        state_written: bool,
    ) -> anyhow::Result<(BTreeMap<StoreName, StoreIdentity>, StoreIdentity)> {
        let (mut stores, outputs) = (BTreeMap::new(), self.written_stores());
        for (name, storage) in self.stores.iter() {
            let identity = match outputs.contains(name) {
                true => identity(&**storage, written(name)).await,
                false => StoreIdentity::of_read(&**storage).await.map_err(Into::into),
            };
            let identity = identity.with_context(|| format!("store `{name}` does not say which one it is"))?;
            let folder = self.plan.store(name).filter(|store| matches!(store.location, Location::Folder { .. }));
            let follows_links = folder.map(|store| store.follow_links);
            stores.insert(name.clone(), StoreIdentity { follows_links, ..identity });
        }
        let state = identity(&**self.state.storage(), state_written).await;
        Ok((stores, state.context("the state does not say which one it is")?))
    }
}

async fn identity(storage: &dyn Storage, written: bool) -> anyhow::Result<StoreIdentity> {
    Ok(match written {
        true => StoreIdentity::of_written(storage, &format!("{:016x}{:016x}", salt(), salt())).await?,
        false => StoreIdentity::of(storage).await?,
    })
}
