//! Setups: what runs and nodes mean by their words, each under its digest.

use std::collections::BTreeSet;

use super::store::StateStore;
use crate::ids::RunId;
use crate::message::SetupDigest;
use crate::setup::Setup;
use crate::storage::StorageError;

impl StateStore {
    /// Keeps a setup, so that whoever gets a message with its digest can read it.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_setup(&self, setup: &Setup) -> Result<(), StorageError> {
        // One that is torn is written anew; one of a newer version stays as it is.
        let key = setup_key(setup.digest());
        if self.setup(setup.digest()).await?.is_some() || self.is_newer(&key).await? {
            return Ok(());
        }
        self.put(&key, setup).await
    }

    /// Reads every setup and what runs superseded, so that those are known that cannot be read.
    pub(super) async fn read_setups(&self, runs: &BTreeSet<RunId>) -> Result<(), StorageError> {
        for key in self.keys("setups/").await? {
            self.get::<Setup>(&key).await?;
        }
        for run in runs {
            self.get::<BTreeSet<String>>(&superseded_key(*run)).await?;
        }
        Ok(())
    }

    /// The setup of a digest; nothing where its records lie elsewhere.
    ///
    /// # Errors
    /// The store's own.
    pub async fn setup(&self, digest: SetupDigest) -> Result<Option<Setup>, StorageError> {
        self.get(&setup_key(digest)).await
    }

    /// Records that a run goes on under the setup `by`: what was published for it under any other one before is
    /// superseded, for whoever records this publishes everything that is open of the run.
    ///
    /// # Errors
    /// The store's own.
    pub async fn supersede(&self, run: RunId, by: SetupDigest) -> Result<(), StorageError> {
        let others = self.keys("setups/").await?;
        let digest = |key: &String| Some(key.strip_prefix("setups/")?.strip_suffix(".json")?.to_owned());
        let others: BTreeSet<String> = others.iter().filter_map(digest).filter(|key| *key != by.to_string()).collect();
        self.put_list(&superseded_key(run), &others).await
    }

    /// Records that more is published for a run under the setup `by`, although that was superseded before.
    ///
    /// # Errors
    /// The store's own.
    pub async fn readmit(&self, run: RunId, by: SetupDigest) -> Result<(), StorageError> {
        let Some(mut superseded) = self.get::<BTreeSet<String>>(&superseded_key(run)).await? else { return Ok(()) };
        match superseded.remove(&by.to_string()) {
            true => self.put_list(&superseded_key(run), &superseded).await,
            false => Ok(()),
        }
    }

    /// Whether what was published for a run under a setup was published anew under another one.
    ///
    /// # Errors
    /// The store's own.
    pub async fn is_superseded(&self, run: RunId, setup: SetupDigest) -> Result<bool, StorageError> {
        let superseded: Option<BTreeSet<String>> = self.get(&superseded_key(run)).await?;
        Ok(superseded.is_some_and(|superseded| superseded.contains(&setup.to_string())))
    }
}

fn setup_key(digest: SetupDigest) -> String {
    format!("setups/{digest}.json")
}

fn superseded_key(run: RunId) -> String {
    format!("runs/{run}/superseded.json")
}
