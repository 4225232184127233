//! The stores of a graph, by name.

use std::{collections::BTreeMap, sync::Arc};

use super::error::{StorageError, StorageErrorKind};
use super::key::ObjectKey;
use super::object::{Object, ObjectInfo};
use super::odd_names::OddNames;
use super::port::Storage;
use crate::ids::StoreName;

/// The stores of a graph by name.
#[derive(Clone, Debug, Default)]
pub struct Stores {
    by_name: BTreeMap<StoreName, Arc<dyn Storage>>,
    odd_names: Arc<OddNames>,
}

impl Stores {
    /// Stores under their names.
    pub fn new(stores: impl IntoIterator<Item = (StoreName, Arc<dyn Storage>)>) -> Self {
        Self { by_name: stores.into_iter().collect(), odd_names: Arc::default() }
    }

    /// The store of a name.
    ///
    /// # Panics
    /// If the plan names a store that assembly did not open: a fault of assembly, not of input.
    pub fn get(&self, name: &StoreName) -> &Arc<dyn Storage> {
        self.by_name.get(name).unwrap_or_else(|| panic!("store `{name}` was not opened at assembly"))
    }

    /// What a store knows of an object. Where it is not under its path, it is looked for under its former one. An object
    /// whose stamp names another entity is not there: somebody moved or copied it.
    ///
    /// # Errors
    /// Those of the store; [`StorageErrorKind::BadKey`] where the store takes the names of two entities for one.
    pub async fn look(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, StorageError> {
        Ok(self.find(key).await?.map(|(_, found)| found))
    }

    /// The same, with the path under which it lies.
    ///
    /// # Errors
    /// As [`Stores::look`].
    pub async fn find<'k>(&self, key: &'k ObjectKey) -> Result<Option<(&'k str, ObjectInfo)>, StorageError> {
        let store = &**self.get(&key.store);
        if let Some(found) = store.look(&key.path).await? {
            return Ok(if is_own(store, key, &key.path, &found).await? { Some((&key.path, found)) } else { None });
        }
        for former in &key.former {
            if let Some(found) = look_formerly(store, key, former).await? {
                return Ok(Some((former, found)));
            }
        }
        Ok(None)
    }

    /// Opens an object under its path, or under its former one.
    ///
    /// # Errors
    /// As [`Stores::look`]; [`StorageErrorKind::NotFound`] where it is under neither.
    pub async fn open(&self, key: &ObjectKey) -> Result<Object, StorageError> {
        let store = &**self.get(&key.store);
        let error = match store.open(&key.path).await {
            Ok(object) if is_own(store, key, &key.path, &object.info).await? => return Ok(object),
            Ok(_) => {
                let why = "what lies there was made of another entity";
                return Err(StorageError::new(StorageErrorKind::NotFound, "open", &key.path, why));
            }
            Err(error) if error.kind != StorageErrorKind::NotFound => return Err(error),
            Err(error) => error,
        };
        for former in &key.former {
            if look_formerly(store, key, former).await?.is_some() {
                return store.open(former).await;
            }
        }
        Err(error)
    }

    /// Removes what lies under the former paths of an object and is its own: since it was made anew, nobody needs it, and it
    /// would count as done again if somebody removed the new one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove_former(&self, key: &ObjectKey) -> Result<(), StorageError> {
        let store = &**self.get(&key.store);
        for former in &key.former {
            if look_formerly(store, key, former).await?.is_some() {
                store.remove(former).await?;
            }
        }
        Ok(())
    }

    /// The paths in a store that look like `path`, and are neither its composed nor its decomposed form. They are looked for
    /// among what starts with `prefix`, by listing it: within bounds, and once a minute at the most.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn odd_names(&self, store: &StoreName, prefix: &str, path: &str) -> Result<Vec<String>, StorageError> {
        self.odd_names.of((store, &**self.get(store)), prefix, path).await
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&StoreName, &Arc<dyn Storage>)> {
        self.by_name.iter()
    }
}

/// The object under a former path. One that the store can never hold is not there, and neither is one that the store found
/// under another name.
async fn look_formerly(store: &dyn Storage, key: &ObjectKey, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
    let found = match store.look(path).await {
        Ok(Some(found)) => found,
        Err(error) if error.kind != StorageErrorKind::BadKey => return Err(error),
        _ => return Ok(None),
    };
    let is_there = store.name_rules().tells_case || store.is_named(path).await?;
    Ok(if is_there && is_own(store, key, path, &found).await? { Some(found) } else { None })
}

/// Whether an object may be the one that `key` means. Former stamps name no entity; so where `T` and `t` are one name, an
/// object without a named one must really have this name.
async fn is_own(store: &dyn Storage, key: &ObjectKey, path: &str, found: &ObjectInfo) -> Result<bool, StorageError> {
    let Some(owner) = &key.owner else { return Ok(true) };
    let made_of = found.stamp.as_ref().and_then(|stamp| stamp.entity.as_ref());
    match made_of {
        Some(made_of) if **owner == *made_of.as_str() => return Ok(true),
        None if store.name_rules().tells_case => return Ok(true),
        _ => {}
    }
    if store.is_named(path).await? {
        return Ok(made_of.is_none());
    }
    let what = made_of.map_or("another object".to_owned(), |made_of| format!("the output of `{made_of}`"));
    let why = format!("{what} lies there, and this store takes both names for one; rename one of the two sources");
    Err(StorageError::new(StorageErrorKind::BadKey, "use", path, why))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::{EntityId, JobName, RunId};
    use crate::storage::memory::MemoryStorage;
    use crate::storage::{Content, Stamp};

    fn stamp(entity: &str) -> Stamp {
        let job = JobName::new("mel").expect("a name");
        let runs = Arc::new([(job.clone(), RunId::new(1, 0))].into());
        Stamp { job, entity: Some(EntityId::new(entity).expect("an id")), runs, hash: String::new(), making: None }
    }

    fn key(owner: &str) -> ObjectKey {
        let store = StoreName::new("s").expect("a name");
        ObjectKey::of_output(store, "mel/é".into(), owner, vec!["mel/%C3%A9".into()])
    }

    async fn stores(path: &str, stamp: Option<Stamp>) -> Stores {
        let store = MemoryStorage::default();
        store.store(path, Content::Bytes(path.to_owned().into()), stamp).await.expect("stored");
        Stores::new([(StoreName::new("s").expect("a name"), Arc::new(store) as Arc<dyn Storage>)])
    }

    #[tokio::test]
    async fn an_object_is_found_under_its_path_and_under_the_former_one() {
        for path in ["mel/é", "mel/%C3%A9"] {
            let stores = stores(path, None).await;
            assert!(stores.look(&key("é")).await.expect("looked").is_some(), "{path}");
            let content = stores.open(&key("é")).await.expect("opened").content;
            assert_eq!(content.read().expect("read"), path);
        }
        let stores = stores("mel/e", None).await;
        assert!(stores.look(&key("é")).await.expect("looked").is_none());
        assert_eq!(stores.open(&key("é")).await.expect_err("opened").kind, StorageErrorKind::NotFound);
    }

    #[tokio::test]
    async fn an_object_that_was_made_of_another_entity_is_not_there_and_may_be_replaced() {
        for path in ["mel/é", "mel/%C3%A9"] {
            let stores = stores(path, Some(stamp("other"))).await;
            assert!(stores.look(&key("é")).await.expect("looked").is_none(), "{path}");
            assert_eq!(stores.open(&key("é")).await.expect_err("opened").kind, StorageErrorKind::NotFound);
            assert!(stores.look(&key("other")).await.expect("looked").is_some());
        }
        // What is another's is not removed with what is replaced.
        let stores = stores("mel/%C3%A9", Some(stamp("other"))).await;
        stores.remove_former(&key("é")).await.expect("looked");
        assert!(stores.look(&key("other")).await.expect("looked").is_some());
        stores.remove_former(&key("other")).await.expect("removed");
        assert!(stores.look(&key("other")).await.expect("looked").is_none());
        let later =
            Stamp { runs: Arc::new([(JobName::new("mel").expect("a name"), RunId::new(9, 0))].into()), ..stamp("a") };
        assert!(stamp("a").is_older_than(&later) && !stamp("b").is_older_than(&later));
    }
}
