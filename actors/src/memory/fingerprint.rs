//! Fingerprints of keys: 96 bits of a hash, and a hasher that takes them as they are.

use std::hash::Hasher;

use crate::storage::ObjectKey;

/// 96 bits of the hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u32; 3]);

impl Fingerprint {
    /// The fingerprint of `path` in the store called `store`.
    pub fn of(store: &str, path: &str) -> Self {
        use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};
        let hash = xxh3_128_with_seed(path.as_bytes(), xxh3_64(store.as_bytes()));
        Self([hash as u32, (hash >> 32) as u32, (hash >> 64) as u32])
    }

    /// The same as bytes, for scratch files of this machine.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (four, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            four.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// What [`Fingerprint::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self([word(0), word(4), word(8)])
    }

    /// How many bytes it has.
    pub const BYTES: usize = 12;

    /// The first 32 of its bits.
    pub(super) fn first_bits(self) -> u32 {
        self.0[0]
    }
}

impl From<&ObjectKey> for Fingerprint {
    fn from(key: &ObjectKey) -> Self {
        Self::of(key.store.as_str(), &key.path)
    }
}

impl std::hash::Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.0[0]) << 32 | u64::from(self.0[1]));
    }
}

/// A hasher of keys that are hashes already: passes them on.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrehashedHasher(u64);

impl Hasher for PrehashedHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64(bytes);
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
