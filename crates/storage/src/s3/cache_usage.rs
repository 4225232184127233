//! How a cache of objects is used, in numbers.

/// How a cache is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUsage {
    /// Objects in it.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often an object was read from it since the process began.
    pub hits: u64,
    /// The bytes of these readings, which were not downloaded.
    pub spared: u64,
}
