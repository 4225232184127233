//! Paths of a store that are neither the composed nor the decomposed form of what they look like, found by listing it.
//!
//! Whoever lists a source records such names. This is for one whose record was lost, or that nobody has listed yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::error::{StorageError, StorageErrorKind};
use super::port::Storage;
use crate::ids::{StoreName, decomposed_form, normal_form};

/// How many names are read at the most.
const MOST: usize = 20_000;
/// For how long a listing answers that a name is there.
const FRESH: Duration = Duration::from_secs(60);
/// For how long it answers that none is: a file may come at any moment, and of many that are missing each must not list all.
const ABSENT: Duration = Duration::from_secs(2);
/// Of how many folders listings are kept.
const FOLDERS: usize = 64;

/// What a listing found: the paths by their normal form, and whether all names were read.
#[derive(Debug, Default)]
struct Seen {
    odd: BTreeMap<String, Vec<String>>,
    is_whole: bool,
}

/// A store, and the start of the paths that were listed.
type Folder = (StoreName, String);

/// What is known of a folder, and when it was listed.
type Known = Option<(Instant, Arc<Seen>)>;

/// The odd paths of stores. Who asks after a folder waits for its listing, and for that of no other.
#[derive(Debug, Default)]
pub(super) struct OddNames(Mutex<HashMap<Folder, Arc<tokio::sync::Mutex<Known>>>>);

impl OddNames {
    /// The paths in a store whose normal form is `path`. They are looked for among all that starts with `prefix`, and where
    /// that is too much, in the folder of `path`.
    pub(super) async fn of(
        &self,
        (name, storage): (&StoreName, &dyn Storage),
        prefix: &str,
        path: &str,
    ) -> Result<Vec<String>, StorageError> {
        let found = self.known(FRESH, (name, storage), prefix, path).await?;
        if found.is_empty() { self.known(ABSENT, (name, storage), prefix, path).await } else { Ok(found) }
    }

    /// The same by listings that are not older than `age`.
    async fn known(
        &self,
        age: Duration,
        (name, storage): (&StoreName, &dyn Storage),
        prefix: &str,
        path: &str,
    ) -> Result<Vec<String>, StorageError> {
        let folder = |text: &str| text.rfind('/').map_or(String::new(), |at| text[..=at].to_owned());
        let all = self.seen(age, name, storage, folder(prefix)).await?;
        let near = if all.is_whole { None } else { Some(self.seen(age, name, storage, folder(path)).await?) };
        let normal = normal_form(path);
        let mut found: Vec<String> = Vec::new();
        for seen in [Some(all), near].into_iter().flatten() {
            found.extend(seen.odd.get(&*normal).into_iter().flatten().cloned());
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn seen(
        &self,
        age: Duration,
        name: &StoreName,
        storage: &dyn Storage,
        folder: String,
    ) -> Result<Arc<Seen>, StorageError> {
        let place = {
            let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if folders.len() >= FOLDERS {
                folders.clear();
            }
            folders.entry((name.clone(), folder.clone())).or_default().clone()
        };
        let mut known = place.lock().await;
        if let Some((_, seen)) = known.as_ref().filter(|(at, _)| at.elapsed() < age) {
            return Ok(seen.clone());
        }
        let began = Instant::now();
        let (mut seen, mut count) = (Seen { is_whole: true, ..Seen::default() }, 0);
        let mut page = |page: &super::page::Page| {
            for path in page.iter().filter(|listed| listed.problem.is_none()).map(|listed| listed.path) {
                let normal = normal_form(path);
                if normal != path && decomposed_form(&normal) != path {
                    seen.odd.entry(normal.into_owned()).or_default().push(path.to_owned());
                }
                count += 1;
            }
            seen.is_whole = count <= MOST;
            seen.is_whole
        };
        match storage.list(&folder, &mut page).await {
            // A store that lets nobody list it has no more to say.
            Err(error) if matches!(error.kind, StorageErrorKind::Denied | StorageErrorKind::NotFound) => {}
            listed => listed?,
        }
        let seen = Arc::new(seen);
        *known = Some((began, seen.clone()));
        Ok(seen)
    }
}
