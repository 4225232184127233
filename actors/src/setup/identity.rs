//! Which place a store is: it says so itself, once somebody who writes there told it.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::StoreIdentity;
use crate::ids::{JobName, RunId};
use crate::storage::{Content, Page, STORE_MARKER as MARKER, Stamp, Storage, StorageError, StorageErrorKind};

/// What to do about a marker that cannot be read.
const REMEDY: &str = "stop the nodes of this graph, put the file back from a backup or remove it (`euterpe gc GRAPH --unreadable` \
                      removes it from the state and from stores that the graph writes to), and start them again: the place is \
                      then given a new name";

/// What the marker says.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    id: String,
    /// Where the store lay when it was told its id; none in markers of former versions, and in those that people write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
}

async fn marker(storage: &dyn Storage) -> Result<Option<Marker>, StorageError> {
    match storage.open(MARKER).await {
        Ok(object) => {
            let error = |kind, text: String| StorageError::new(kind, "read", MARKER, text);
            let bytes = object.content.read();
            let bytes = bytes.map_err(|why| error(StorageErrorKind::Unavailable, why.to_string()))?;
            serde_json::from_slice(&bytes).map(Some).map_err(|why| {
                let text = format!("{why}; it lies in {}, and says which store that is. {REMEDY}", storage.place());
                error(StorageErrorKind::Unreadable, text)
            })
        }
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl StoreIdentity {
    /// Which place `storage` is, as it says itself.
    ///
    /// # Errors
    /// The store's own; `Unreadable` where what it says makes no sense.
    pub async fn of(storage: &dyn Storage) -> Result<Self, StorageError> {
        let id = marker(storage).await?.map(|marker| marker.id);
        Ok(Self { id, place: storage.place(), is_empty: false, follows_links: None })
    }

    /// The same of a store that is only read, and whether it holds nothing.
    ///
    /// # Errors
    /// As above.
    pub async fn of_read(storage: &dyn Storage) -> Result<Self, StorageError> {
        Ok(Self { is_empty: is_empty(storage).await?, ..Self::of(storage).await? })
    }

    /// Its id and the place where it was told that, where another place than today's is known. So it is with a store that was
    /// moved or is mounted elsewhere, and with a copy.
    ///
    /// # Errors
    /// The store's own.
    pub async fn elsewhere(storage: &dyn Storage) -> Result<Option<(String, String)>, StorageError> {
        let Some(Marker { id, place: Some(place) }) = marker(storage).await? else { return Ok(None) };
        Ok((place != storage.place()).then_some((id, place)))
    }

    /// The same; where the store does not say, it is told `id` first. Of several who tell it at once the first one wins.
    ///
    /// # Errors
    /// The store's own.
    pub async fn of_written(storage: &dyn Storage, id: &str) -> Result<Self, StorageError> {
        let known = Self::of(storage).await?;
        if known.id.is_some() {
            return Ok(known);
        }
        let text = serde_json::to_vec(&Marker { id: id.to_owned(), place: Some(known.place) })
            .map_err(|error| StorageError::new(StorageErrorKind::BadKey, "write", MARKER, error))?;
        storage.store(MARKER, Content::Bytes(Bytes::from(text)), Some(the_first_wins(id))).await?;
        Self::of(storage).await // another one may have been first
    }
}

/// Whether a store is known to hold nothing. Of one that may be read and not listed, that is not known.
///
/// # Errors
/// The store's own.
pub async fn is_empty(storage: &dyn Storage) -> Result<bool, StorageError> {
    let mut is_empty = true;
    let first = &mut |page: &Page| {
        is_empty &= page.iter().next().is_none();
        is_empty
    };
    match storage.list("", first).await {
        Ok(()) => Ok(is_empty),
        Err(error) if error.kind == StorageErrorKind::Denied => Ok(false),
        Err(error) => Err(error),
    }
}

/// A stamp that replaces no other of its kind, and that no other replaces, for a store never replaces a newer run of a job
/// by an older one. Of any two of these, each has one job with the older run. So whoever comes first stays in place,
/// whatever the clocks say, and without a conditional write in the port.
fn the_first_wins(id: &str) -> Stamp {
    const TO: u64 = 1 << 40;
    let at = xxhash_rust::xxh3::xxh3_64(id.as_bytes()) % TO;
    let job = |name: &str| -> JobName { name.parse().expect("a name") };
    // The job `store` is what the first version wrote, with a time for its run.
    let runs = [("store", 0), ("up", at), ("down", TO - at)].map(|(name, millis)| (job(name), RunId::new(millis, 0)));
    Stamp { job: job("store"), entity: None, runs: Arc::new(runs.into()), hash: String::new(), making: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryStorage;

    #[tokio::test]
    async fn only_a_store_that_is_listed_and_shows_nothing_is_empty() {
        let store = MemoryStorage::default();
        assert!(StoreIdentity::of_read(&store).await.expect("read").is_empty);
        store.store("in/x", Content::Bytes(Bytes::from_static(b"x")), None).await.expect("stored");
        assert!(!StoreIdentity::of_read(&store).await.expect("read").is_empty);
    }

    #[tokio::test]
    async fn a_store_keeps_the_first_name_that_it_was_told() {
        let store = MemoryStorage::default();
        assert_eq!(StoreIdentity::of(&store).await.expect("read").id, None);
        let first = StoreIdentity::of_written(&store, "first").await.expect("written");
        let second = StoreIdentity::of_written(&store, "second").await.expect("written");
        assert_eq!((first.id.as_deref(), second.id.as_deref()), (Some("first"), Some("first")));
        assert_eq!(StoreIdentity::elsewhere(&store).await.expect("read"), None, "it is where it was told");
        // Those who looked before there was a name, and write after the first one did.
        for late in (0..100).map(|n| format!("late {n}")) {
            let text = Content::Bytes(Bytes::from(format!("{{\"id\": \"{late}\"}}")));
            store.store(MARKER, text, Some(the_first_wins(&late))).await.expect("dropped");
            assert_eq!(StoreIdentity::of(&store).await.expect("read").id.as_deref(), Some("first"));
        }
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_read_is_told_with_what_to_do_and_is_given_anew_once_it_is_removed() {
        let store = MemoryStorage::default();
        StoreIdentity::of_written(&store, "first").await.expect("written");
        store.remove(MARKER).await.expect("removed");
        store.store(MARKER, Content::Bytes(Bytes::new()), None).await.expect("stored");
        for error in [StoreIdentity::of(&store).await, StoreIdentity::of_written(&store, "second").await] {
            let error = error.expect_err("torn");
            let text = error.to_string();
            assert!(error.kind == StorageErrorKind::Unreadable && !error.is_trouble(), "{text}");
            assert!(text.contains(&store.place()) && text.contains("gc GRAPH --unreadable"), "{text}");
        }
        store.remove(MARKER).await.expect("removed");
        let second = StoreIdentity::of_written(&store, "second").await.expect("written");
        assert_eq!(second.id.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn a_name_that_the_first_version_gave_stays() {
        let store = MemoryStorage::default();
        let job: JobName = "store".parse().expect("a name");
        let runs = Arc::new([(job.clone(), RunId::new(1_700_000_000_000, 0))].into());
        let text = Content::Bytes(Bytes::from(&b"{\"id\": \"former\"}"[..]));
        store
            .store(MARKER, text, Some(Stamp { job, entity: None, runs, hash: String::new(), making: None }))
            .await
            .expect("stored");
        let late = Content::Bytes(Bytes::from(&b"{\"id\": \"late\"}"[..]));
        store.store(MARKER, late, Some(the_first_wins("late"))).await.expect("dropped");
        assert_eq!(StoreIdentity::of(&store).await.expect("read").id.as_deref(), Some("former"));
    }
}
