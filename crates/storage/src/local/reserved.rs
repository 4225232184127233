//! Names within a store that this program uses itself.

/// Euterpe's own folder. It may lie within a store, and its files are not objects of it.
pub(super) const STATE_FOLDER: &str = ".euterpe";

/// The start of the names of half-written files.
pub(super) const TEMP_PREFIX: &str = ".euterpe-tmp-";

/// Whether a name is reserved: it is never listed and never part of a key.
pub(super) fn is_reserved(name: &[u8]) -> bool {
    name == STATE_FOLDER.as_bytes() || name.starts_with(TEMP_PREFIX.as_bytes())
}
