//! Names of sources that are no plain form of their id: with marks of direction and the like, as they were found.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::record_name::record_name_without_case;
use super::store::StateStore;
use crate::ids::EntityId;
use crate::storage::StorageError;

/// How many names of one entity are kept.
const MOST: usize = 8;

/// The names under which the sources of an entity were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NameRecord {
    entity: EntityId,
    names: Vec<String>,
}

impl StateStore {
    /// Records that sources of `entity` have the name `name`, which is neither the composed nor the decomposed form of
    /// the id.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_name(&self, entity: &EntityId, name: &str) -> Result<(), StorageError> {
        let key = self.name_key(entity);
        let found: Option<NameRecord> = self.get(&key).await?;
        let mut record = match found {
            Some(found) if found.entity == *entity => found,
            None if self.is_newer(&key).await? => {
                self.note_name(entity, name); // what a newer version wrote stays
                return Ok(());
            }
            _ => NameRecord { entity: entity.clone(), names: Vec::new() },
        };
        if add(&mut record.names, name) { self.put(&key, &record).await } else { Ok(()) }
    }

    /// The same for this process alone, which writes nothing.
    pub fn note_name(&self, entity: &EntityId, name: &str) {
        self.noted.add(entity, name);
    }

    /// The names under which sources of `entity` were found, beside its composed and its decomposed form.
    ///
    /// # Errors
    /// The store's own.
    pub async fn names_of(&self, entity: &EntityId) -> Result<Vec<String>, StorageError> {
        let noted = self.noted.of(entity);
        if !noted.is_empty() {
            return Ok(noted);
        }
        let found: Option<NameRecord> = self.get(&self.name_key(entity)).await?;
        Ok(found.filter(|found| found.entity == *entity).map_or_else(Vec::new, |found| found.names))
    }
}

/// A name that cannot be an id, and that a person dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DroppedName {
    name: String,
    text: String,
    /// The source that it was found in; none in a list of ids, and in records of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl StateStore {
    /// Records that a name that cannot be an id was dropped, why it cannot be one, and in which source it was found.
    ///
    /// # Errors
    /// The store's own.
    pub async fn drop_name(&self, name: &str, text: &str, source: Option<String>) -> Result<(), StorageError> {
        self.put(&dropped_key(name), &DroppedName { name: name.to_owned(), text: text.to_owned(), source }).await
    }

    /// Ends the drops of names that are gone: those that were found in one of `sources`, all of which were listed since,
    /// and are not among those that were `met` there.
    ///
    /// # Errors
    /// The store's own.
    pub async fn end_drops(&self, sources: &[String], met: &HashSet<String>) -> Result<(), StorageError> {
        for key in self.keys(DROPPED).await? {
            let Some(record) = self.get::<DroppedName>(&key).await? else { continue };
            if record.source.is_some_and(|source| sources.contains(&source)) && !met.contains(&record.name) {
                self.remove(&key).await?;
            }
        }
        Ok(())
    }

    /// The keys of all dropped names, for [`is_dropped`].
    ///
    /// # Errors
    /// The store's own.
    pub async fn dropped_names(&self) -> Result<HashSet<String>, StorageError> {
        Ok(self.keys(DROPPED).await?.into_iter().collect())
    }
}

impl StateStore {
    fn name_key(&self, entity: &EntityId) -> String {
        format!("{NAMES}{}.json", self.entity_name(entity.as_str()))
    }

    /// Reads every record of a name, so that those are known that cannot be read.
    pub(super) async fn read_names(&self) -> Result<(), StorageError> {
        for key in self.keys(NAMES).await? {
            self.get::<NameRecord>(&key).await?;
        }
        for key in self.keys(DROPPED).await? {
            self.get::<DroppedName>(&key).await?;
        }
        Ok(())
    }
}

/// Whether a name is among those that were dropped.
pub fn is_dropped(name: &str, dropped: &HashSet<String>) -> bool {
    dropped.contains(&dropped_key(name))
}

/// Where the records of names lie, and those of dropped ones.
const NAMES: &str = "names/";
const DROPPED: &str = "dropped-names/";

fn dropped_key(name: &str) -> String {
    format!("{DROPPED}{}.json", record_name_without_case(name))
}

/// Adds a name, the newest last; whether it is news.
fn add(names: &mut Vec<String>, name: &str) -> bool {
    if names.iter().any(|known| known == name) {
        return false;
    }
    if names.len() == MOST {
        names.remove(0);
    }
    names.push(name.to_owned());
    true
}
