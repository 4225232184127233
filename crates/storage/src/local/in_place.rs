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
    /// Whether it bears the stamp of other bytes.
    pub is_overwritten: bool,
}

impl InPlace {
    /// Its size, stamp and times.
    pub fn info(self) -> ObjectInfo {
        let modified = time(self.stat.st_mtime, self.stat.st_mtime_nsec as u32);
        let arrived = modified.max(time(self.stat.st_ctime, self.stat.st_ctime_nsec as u32));
        let size = self.stat.st_size.unsigned_abs();
        let Self { stamp, is_overwritten, .. } = self;
        ObjectInfo { size, stamp, modified, arrived, etag: None, is_overwritten }
    }
}

/// None before 1970.
fn time(seconds: i64, nanos: u32) -> Option<SystemTime> {
    let since = Duration::new(u64::try_from(seconds).ok()?, nanos);
    Some(SystemTime::UNIX_EPOCH + since)
}
