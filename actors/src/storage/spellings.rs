//! Objects under the spellings of a name, each once: a store that takes two spellings for one name shows one object twice.

use super::error::{StorageError, StorageErrorKind};
use super::port::Storage;
use crate::ids::{decomposed_form, normal_form};

/// What lies under the spellings of a name.
#[derive(Debug, Default)]
pub struct Spelled {
    /// The paths of the objects.
    pub found: Vec<String>,
    /// Why the store can never hold one of the paths as it was asked for.
    pub refused: Option<StorageError>,
}

/// The objects under some paths and under their decomposed forms, as Macs write names. Nothing lies where a store can
/// never hold an object.
///
/// # Errors
/// Those of the store.
pub async fn find_spelled(storage: &dyn Storage, paths: Vec<String>) -> Result<Spelled, StorageError> {
    let mut spelled = Spelled::default();
    for path in paths {
        let other = decomposed_form(&path).into_owned();
        let (composed, decomposed) = futures::join!(storage.look(&path), async {
            if other == path { Ok(None) } else { storage.look(&other).await }
        });
        match composed {
            Err(error) if error.kind == StorageErrorKind::BadKey => {
                spelled.refused.get_or_insert(error);
            }
            composed => spelled.found.extend(composed?.map(|_| path)),
        }
        match decomposed {
            Err(error) if error.kind == StorageErrorKind::BadKey => {} // longer than the other one
            decomposed => spelled.found.extend(decomposed?.map(|_| other)),
        }
    }
    spelled.found = each_once(storage, spelled.found).await?;
    Ok(spelled)
}

/// The paths of objects, without those that are other spellings of one that is there. Of spellings that look alike, those
/// stay that the store lists. If it lists none of them, as where it found the object by a third one, the first stays.
///
/// # Errors
/// Those of the store.
pub async fn each_once(storage: &dyn Storage, paths: Vec<String>) -> Result<Vec<String>, StorageError> {
    let mut alike: Vec<(String, Vec<String>)> = Vec::new();
    for path in paths {
        let look = normal_form(&path).to_lowercase();
        match alike.iter_mut().find(|(known, _)| *known == look) {
            Some((_, paths)) => paths.push(path),
            None => alike.push((look, vec![path])),
        }
    }
    let mut kept = Vec::with_capacity(alike.len());
    for (_, mut paths) in alike {
        if paths.len() > 1 {
            let mut spelled = Vec::new();
            for path in &paths {
                if is_spelled(storage, path).await? {
                    spelled.push(path.clone());
                }
            }
            paths.truncate(1);
            paths = if spelled.is_empty() { paths } else { spelled };
        }
        kept.append(&mut paths);
    }
    Ok(kept)
}

/// Whether a store lists a path. One that lets nobody list it is taken at its word that an object is there.
async fn is_spelled(storage: &dyn Storage, path: &str) -> Result<bool, StorageError> {
    match storage.is_spelled(path).await {
        Err(error) if error.kind == StorageErrorKind::Denied => Ok(true),
        answered => answered,
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::storage::memory::MemoryStorage;
    use crate::storage::{Content, Object, ObjectInfo, Page, Stamp, Stored};

    /// Takes names for one by `fold`, and can hold none that is longer than 30 bytes.
    #[derive(Debug)]
    struct Folding {
        fold: fn(&str) -> String,
        inner: MemoryStorage,
        names: Vec<String>,
    }

    impl Folding {
        async fn new(fold: fn(&str) -> String, names: &[&str]) -> Self {
            let inner = MemoryStorage::default();
            for name in names {
                inner.store(&fold(name), Content::Bytes("x".into()), None).await.expect("stored");
            }
            Self { fold, inner, names: names.iter().map(|name| (*name).to_owned()).collect() }
        }
    }

    #[async_trait]
    impl Storage for Folding {
        async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
            match path.len() {
                ..=30 => self.inner.look(&(self.fold)(path)).await,
                _ => Err(StorageError::new(StorageErrorKind::BadKey, "look for", path, "too long")),
            }
        }

        async fn open(&self, path: &str) -> Result<Object, StorageError> {
            self.inner.open(path).await
        }

        async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
            self.inner.store(path, content, stamp).await
        }

        async fn remove(&self, path: &str) -> Result<(), StorageError> {
            self.inner.remove(path).await
        }

        async fn list(
            &self,
            prefix: &str,
            page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
        ) -> Result<(), StorageError> {
            self.inner.list(prefix, page).await
        }

        fn place(&self) -> String {
            "folding".into()
        }

        async fn is_spelled(&self, path: &str) -> Result<bool, StorageError> {
            Ok(self.names.iter().any(|name| name == path))
        }
    }

    #[tokio::test]
    async fn one_file_that_is_found_under_two_spellings_is_one_and_two_files_are_two() {
        let apart: fn(&str) -> String = str::to_owned;
        let forms: fn(&str) -> String = |path| normal_form(path).into_owned();
        let all: fn(&str) -> String = |path| normal_form(path).to_lowercase();
        let (composed, decomposed) = ("\u{e9}.ogg", "e\u{301}.ogg");
        for (fold, names, expected) in [
            (apart, vec![composed], vec![composed]),
            (apart, vec![decomposed], vec![decomposed]),
            (apart, vec![composed, decomposed], vec![composed, decomposed]),
            // As on APFS with case.
            (forms, vec![composed], vec![composed]),
            (forms, vec![decomposed], vec![decomposed]),
            (forms, vec!["e\u{301}.ogg", "e\u{301}.OGG"], vec!["e\u{301}.ogg", "e\u{301}.OGG"]),
            // As on APFS without.
            (all, vec![composed], vec![composed]),
            (all, vec!["e\u{301}.OGG"], vec!["e\u{301}.OGG"]),
            (all, vec!["\u{e9}.Ogg"], vec![composed]),
        ] {
            let store = Folding::new(fold, &names).await;
            let paths = vec![composed.to_owned(), "\u{e9}.OGG".to_owned()];
            let spelled = find_spelled(&store, paths).await.expect("looked");
            assert_eq!(spelled.found, expected, "{names:?}");
        }
    }

    #[tokio::test]
    async fn a_spelling_that_is_too_long_is_not_there_and_said_where_it_was_asked_for() {
        let store = Folding::new(|path| path.to_owned(), &["\u{e9}"]).await;
        let long = "\u{e9}".repeat(12); // 24 bytes, and 36 decomposed
        let spelled = find_spelled(&store, vec![long.clone(), "\u{e9}".into()]).await.expect("looked");
        assert!(spelled.found == ["\u{e9}"] && spelled.refused.is_none());
        let spelled = find_spelled(&store, vec![long.repeat(2)]).await.expect("looked");
        assert!(spelled.found.is_empty() && spelled.refused.is_some());
    }
}
