//! Objects in memory: for tests, simulations and graphs whose outputs nobody keeps.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Content, Listed, Object, ObjectInfo, Stamp, Storage, StorageError, StorageErrorKind, Stored};

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    objects: Mutex<BTreeMap<String, (Bytes, Option<Stamp>)>>,
}

impl MemoryStorage {
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Bytes, Option<Stamp>)>> {
        self.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn info(bytes: &Bytes, stamp: Option<&Stamp>) -> ObjectInfo {
    ObjectInfo { size: bytes.len() as u64, stamp: stamp.cloned(), modified: None }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        Ok(self.locked().get(path).map(|(bytes, stamp)| info(bytes, stamp.as_ref())))
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        match self.locked().get(path) {
            Some((bytes, stamp)) => {
                Ok(Object { info: info(bytes, stamp.as_ref()), content: Content::Bytes(bytes.clone()) })
            }
            None => Err(StorageError::new(StorageErrorKind::NotFound, "open", path, "no such object")),
        }
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        if path.is_empty() || path.split('/').any(|s| matches!(s, "" | "." | "..")) {
            return Err(StorageError::new(StorageErrorKind::BadKey, "store", path, "not a key"));
        }
        let bytes = content.read().map_err(|e| StorageError::new(StorageErrorKind::Unavailable, "store", path, e))?;
        let stamp = stamp.map(|s| Stamp { hash: blake3::hash(&bytes).to_hex().to_string(), ..s });
        let mut objects = self.locked();
        if let (Some(mine), Some((_, Some(placed)))) = (&stamp, objects.get(path))
            && mine.is_older_than(placed)
        {
            return Ok(Stored::NewerInPlace);
        }
        objects.insert(path.to_owned(), (bytes, stamp));
        Ok(Stored::Kept)
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.locked().remove(path);
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'a> FnMut(&'a [Listed]) -> bool + Send),
    ) -> Result<(), StorageError> {
        let found: Vec<Listed> = self
            .locked()
            .range(prefix.to_owned()..)
            .take_while(|(path, _)| path.starts_with(prefix))
            .map(|(path, _)| Listed { path: path.clone() })
            .collect();
        for part in found.chunks(1000) {
            if !page(part) {
                break;
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}
