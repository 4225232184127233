//! The result of a sweep.

use std::ops::AddAssign;

/// The files or objects that a sweep removed, or would remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many there are.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}
