//! Records that cannot be read: torn, of a newer version, or nobody's. They are named once, passed over, and kept.

use std::collections::BTreeMap;

use super::letter_listing::LetterFilter;
use super::store::StateStore;
use crate::storage::{StorageError, StorageErrorKind};

impl StateStore {
    /// Passes over a record that cannot be read: nothing comes back, and it is named once. Any other error stays one.
    ///
    /// # Errors
    /// The store's own.
    pub fn pass_over<T>(&self, read: Result<Option<T>, StorageError>, key: &str) -> Result<Option<T>, StorageError> {
        match read {
            Err(error) if error.kind == StorageErrorKind::Unreadable => {
                self.note_unreadable(key, &error.to_string());
                Ok(None)
            }
            read => read,
        }
    }

    /// The records that were passed over so far, by their keys, with what is wrong with each.
    pub fn unreadable(&self) -> BTreeMap<String, String> {
        self.passed_over.all()
    }

    /// Whether a record was passed over.
    pub(super) fn is_passed_over(&self, key: &str) -> bool {
        self.passed_over.has(key)
    }

    pub(super) fn note_unreadable(&self, key: &str, why: &str) {
        if self.passed_over.is_news(key, why) {
            tracing::warn!("a record of the state is passed over: {why}; `euterpe gc GRAPH --unreadable` removes such");
        }
    }

    /// All records that cannot be read, by their keys, with what is wrong with each. Reads every record.
    ///
    /// # Errors
    /// The store's own.
    pub async fn find_unreadable(&self) -> Result<BTreeMap<String, String>, StorageError> {
        self.passed_over.clear(); // what was noted before may have been written anew
        let runs = self.known_runs().await?;
        self.read_setups(&runs).await?;
        for run in &runs {
            self.manifest(*run).await?;
            self.run_end(*run).await?;
            self.has_all_entities(*run).await?;
            for key in self.chunks(*run).await? {
                let read = self.chunk(&key).await.map(Some);
                self.pass_over(read, &key)?;
            }
        }
        self.letters(&LetterFilter::default()).await?;
        self.read_skips().await?;
        self.read_names().await?;
        self.recipes().await?;
        Ok(self.unreadable())
    }
}
