//! An object in place: the open file under a key, with what is known of it.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use euterpe_actors::storage::{ObjectInfo, Stamp};
use rustix::fs::Stat;

/// An object in place, open for reading.
pub(super) struct InPlace {
    pub file: File,
    pub stat: Stat,
    /// Its stamp; `None` for a foreign file.
    pub stamp: Option<Stamp>,
}

impl InPlace {
    /// Its size, stamp and time of change.
    pub fn info(self) -> ObjectInfo {
        let since = Duration::new(self.stat.st_mtime.unsigned_abs(), self.stat.st_mtime_nsec as u32);
        let modified = (self.stat.st_mtime >= 0).then(|| SystemTime::UNIX_EPOCH + since);
        ObjectInfo { size: self.stat.st_size.unsigned_abs(), stamp: self.stamp, modified }
    }
}
