//! The ids of a run, in chunks: lines of text, compressed.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::format::unreadable;
use super::store::StateStore;
use crate::blocking_threads::on_blocking_thread;
use crate::ids::{EntityId, RunId};
use crate::storage::{Content, StorageError, StorageErrorKind};

/// The end of the name of a chunk that is compressed. Former versions wrote the text as it is.
const COMPRESSED: &str = ".gz";

/// The longest text of a chunk: what unpacks to more is damaged, or no chunk.
const LONGEST: u64 = 64 << 20;

/// The key of a chunk of a run's entities.
pub fn chunk_key(run: RunId, chunk: u64) -> String {
    format!("runs/{run}/entities/{chunk:08}.txt{COMPRESSED}")
}

impl StateStore {
    /// Adds a chunk of entities, before their messages. Chunks are numbered from 0.
    ///
    /// # Errors
    /// The store's own; then the chunk's messages must not be published.
    pub async fn add_entities(&self, run: RunId, chunk: u64, entities: &[EntityId]) -> Result<(), StorageError> {
        let mut text = String::with_capacity(entities.len() * 24);
        for entity in entities {
            text.push_str(entity.as_str()); // an id holds no control characters, so no line break
            text.push('\n');
        }
        let key = chunk_key(run, chunk);
        let packed = on_blocking_thread(move || pack(&text)).await.flatten();
        let packed = packed.map_err(|error| StorageError::of_thread("write", &key, error))?;
        self.storage.store(&key, Content::Bytes(Bytes::from(packed)), None).await.map(|_| ())
    }

    /// The keys of a run's chunks of entities, in order.
    ///
    /// # Errors
    /// The store's own.
    pub async fn chunks(&self, run: RunId) -> Result<Vec<String>, StorageError> {
        self.keys(&format!("runs/{run}/entities/")).await
    }

    /// The entities of one chunk.
    ///
    /// # Errors
    /// The store's own, and [`StorageErrorKind::Unreadable`] where the chunk is damaged.
    pub async fn chunk(&self, key: &str) -> Result<Vec<EntityId>, StorageError> {
        let bytes = self.bytes(key).await?;
        let bytes =
            bytes.ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, "read", key, "no such record"))?;
        if !key.ends_with(COMPRESSED) {
            return entities(key, &bytes);
        }
        let text = on_blocking_thread(move || unpack(&bytes)).await;
        let text = text.map_err(|error| StorageError::of_thread("read", key, error))?;
        entities(key, &text.map_err(|error| unreadable(key, error))?)
    }
}

fn pack(text: &str) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes())?;
    packed.finish()
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    GzDecoder::new(packed).take(LONGEST + 1).read_to_end(&mut text)?;
    match text.len() as u64 > LONGEST {
        true => Err(io::Error::other("it unpacks to more than any chunk holds")),
        false => Ok(text),
    }
}

/// The ids of the lines of a text.
fn entities(key: &str, text: &[u8]) -> Result<Vec<EntityId>, StorageError> {
    let text = std::str::from_utf8(text).map_err(|error| unreadable(key, error))?;
    // A chunk is never empty, and its last line ends like all others: an id that was cut could be another one.
    if !text.ends_with('\n') {
        return Err(unreadable(key, "its last line has no end"));
    }
    text.lines().map(|line| EntityId::new(line).map_err(|error| unreadable(key, error))).collect()
}
