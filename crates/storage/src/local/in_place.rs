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

/// Before 1970 the seconds are negative, and the nanoseconds go on from them. None where the system knows no such time.
fn time(seconds: i64, nanos: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(whole),
        false => SystemTime::UNIX_EPOCH.checked_add(whole),
    };
    second?.checked_add(Duration::from_nanos(nanos.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_are_told_apart() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(time(0, 5), Some(epoch + Duration::from_nanos(5)));
        assert_eq!(time(-1, 0), Some(epoch - Duration::from_secs(1)));
        assert_eq!(time(-1, 999_999_999), Some(epoch - Duration::from_nanos(1)));
        assert!(time(-150_000_000, 0) < time(-149_999_999, 0));
    }
}
