//! Whose dead letters there may be, so that the letters of one entity are found without a listing of all.
//!
//! ```text
//! owners/known                all letters that are older than these records were looked at
//! owners/<run, or inbox>      written before the first letter of that run
//! ```

use std::collections::BTreeSet;
use std::sync::PoisonError;

use super::dead_letter::LetterOwner;
use super::letter_key::DEAD;
use super::store::StateStore;
use crate::storage::StorageError;

const OWNERS: &str = "owners/";
const KNOWN: &str = "owners/known";

impl StateStore {
    /// Records that there are letters of a run, once for each run and process.
    pub(super) async fn know_owner(&self, owner: LetterOwner) -> Result<(), StorageError> {
        let known = || self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if known().contains(&owner) {
            return Ok(());
        }
        let marks = self.keys(OWNERS).await?;
        let mut owners: BTreeSet<LetterOwner> = marks.iter().filter_map(|mark| owner_of(mark)).collect();
        let mut unknown = BTreeSet::from([owner]);
        let all_known = marks.iter().any(|mark| mark == KNOWN);
        if !all_known {
            unknown.extend(self.owners_of_letters().await?);
        }
        for owner in unknown.difference(&owners) {
            self.put(&format!("{OWNERS}{owner}"), &serde_json::json!({})).await?;
        }
        if !all_known {
            self.put(KNOWN, &serde_json::json!({})).await?;
        }
        owners.extend(unknown);
        known().extend(owners);
        Ok(())
    }

    /// Every run that may have letters, and the inbox.
    pub(super) async fn letter_owners(&self) -> Result<BTreeSet<LetterOwner>, StorageError> {
        let marks = self.keys(OWNERS).await?;
        let mut owners: BTreeSet<LetterOwner> = marks.iter().filter_map(|mark| owner_of(mark)).collect();
        // The others are those of messages by other programs that name a run which never began here.
        owners.extend(self.known_runs().await?.into_iter().map(LetterOwner::from));
        owners.insert(LetterOwner::Inbox);
        if !marks.iter().any(|mark| mark == KNOWN) {
            owners.extend(self.owners_of_letters().await?);
        }
        Ok(owners)
    }

    /// Whose letters there are, by their keys.
    async fn owners_of_letters(&self) -> Result<BTreeSet<LetterOwner>, StorageError> {
        let mut owners = BTreeSet::new();
        self.each_key(DEAD, |key| {
            let owner = key.strip_prefix(DEAD).and_then(|rest| rest.split('/').next());
            owners.extend(owner.and_then(|owner| owner.parse::<LetterOwner>().ok()));
            true
        })
        .await?;
        Ok(owners)
    }
}

/// Whom a record is of.
fn owner_of(mark: &str) -> Option<LetterOwner> {
    mark.strip_prefix(OWNERS)?.parse().ok()
}
