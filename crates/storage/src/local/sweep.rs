//! Removes temporary files of writers that died.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use rustix::fs::{AtFlags, FileType, OFlags, Timespec, Timestamps, UTIME_NOW};
use rustix::io::Errno;

use super::error::LocalError;
use super::file_age::age;
use super::folder::Folder;
use super::list;
use super::root::Root;
use crate::swept::Swept;

/// Removes temporary files that are at least so old, below the root and in the folder of stamp files. One of the future gets
/// the time of now, so that its age is known the next time.
pub(super) fn sweep(folder: &Folder, at_least: Duration, dry_run: bool) -> Result<Swept, LocalError> {
    let mut swept = Swept::default();
    sweep_below(folder, &folder.root, at_least, dry_run, &mut swept)?;
    if folder.stamps.folder().is_dir() {
        sweep_below(folder, &Root::open(folder.stamps.folder(), false)?, at_least, dry_run, &mut swept)?;
    }
    Ok(swept)
}

fn sweep_below(
    folder: &Folder,
    root: &Root,
    at_least: Duration,
    dry_run: bool,
    swept: &mut Swept,
) -> Result<(), LocalError> {
    let now = file_system_time(folder, root)?;
    let mut outcome = Ok(());
    list::walk(root, &[], "", list::Wanted::Leftovers, |page| {
        outcome = page.paths().try_for_each(|path| sweep_one(folder, root, path, now, at_least, dry_run, swept));
        outcome.is_ok()
    })?;
    outcome
}

fn sweep_one(
    folder: &Folder,
    root: &Root,
    path: &str,
    now: Duration,
    at_least: Duration,
    dry_run: bool,
    swept: &mut Swept,
) -> Result<(), LocalError> {
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let parent = match root.open_below(parent, OFlags::RDONLY | OFlags::DIRECTORY) {
        Err(LocalError::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    let stat = match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()), // its writer has finished
        stat => stat?,
    };
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Ok(());
    }
    match age(Duration::from_secs(stat.st_mtime.unsigned_abs()), now) {
        Some(age) if age >= at_least => {}
        Some(_) => return Ok(()),
        None if dry_run => return Ok(()),
        None => return set_to_now(parent.as_fd(), name),
    }
    if !dry_run {
        match folder.disk.remove(parent.as_fd(), name) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => return Ok(()),
            removed => removed?,
        }
    }
    swept.files += 1;
    swept.bytes += stat.st_size.unsigned_abs();
    Ok(())
}

fn set_to_now(parent: BorrowedFd<'_>, name: &str) -> Result<(), LocalError> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    match rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(()) | Err(Errno::NOENT) => Ok(()), // its writer has finished
        Err(error) => Err(error.into()),
    }
}

/// The time since 1970 by the clock of the file system, which may be another machine's: the time of a file written now.
fn file_system_time(folder: &Folder, root: &Root) -> Result<Duration, LocalError> {
    let mut temp = folder.disk.new_temp(root.open_below(".", OFlags::RDONLY | OFlags::DIRECTORY)?)?;
    temp.write(b"what time is it")?;
    let stat = rustix::fs::fstat(temp.file())?;
    Ok(Duration::from_secs(stat.st_mtime.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::SystemTime};

    use super::*;
    use crate::local::reserved::TEMP_PREFIX;
    use crate::local::{LocalSettings, LocalStorage};

    /// Sets when a file was last written.
    fn age_by(path: &Path, age: Duration) {
        let file = std::fs::File::options().write(true).open(path).expect("opened");
        file.set_modified(SystemTime::now() - age).expect("set");
    }

    #[tokio::test]
    async fn a_sweep_removes_old_leftovers_and_neither_young_ones_nor_objects() {
        let root = tempfile::tempdir().expect("a folder");
        let stamps = root.path().join(".euterpe/stamps/ab");
        std::fs::create_dir_all(root.path().join("mel")).expect("made");
        std::fs::create_dir_all(&stamps).expect("made");
        let old = root.path().join(format!("mel/{TEMP_PREFIX}1-1"));
        let old_stamp = stamps.join(format!("{TEMP_PREFIX}1-2"));
        let young = root.path().join(format!("{TEMP_PREFIX}1-3"));
        let object = root.path().join("mel/t-1.npy");
        for path in [&old, &old_stamp, &young, &object] {
            std::fs::write(path, "12345").expect("written");
        }
        for path in [&old, &old_stamp, &object] {
            age_by(path, Duration::from_secs(4000));
        }
        let store = LocalStorage::open(root.path(), LocalSettings::default()).expect("opened");
        let hour = Duration::from_secs(3600);
        let told = store.sweep(hour, true).await.expect("told");
        assert!(told == Swept { files: 2, bytes: 10 } && old.exists(), "{told:?}");
        assert_eq!(store.sweep(hour, false).await.expect("swept"), told);
        assert!(!old.exists() && !old_stamp.exists() && young.exists() && object.exists());
        assert_eq!(store.sweep(hour, false).await.expect("swept"), Swept::default());
    }

    #[tokio::test]
    async fn a_leftover_of_the_future_is_removed_a_while_after_it_was_seen_first() {
        let root = tempfile::tempdir().expect("a folder");
        let left = root.path().join(format!("{TEMP_PREFIX}1-1"));
        std::fs::write(&left, "12345").expect("written");
        let (day, hour) = (Duration::from_secs(24 * 3600), Duration::from_secs(3600));
        let ahead = SystemTime::now() + day;
        let file = std::fs::File::options().write(true).open(&left).expect("opened");
        file.set_modified(ahead).expect("set");
        let modified = || left.metadata().expect("there").modified().expect("told");
        let store = LocalStorage::open(root.path(), LocalSettings::default()).expect("opened");
        assert_eq!(store.sweep(hour, true).await.expect("told"), Swept::default());
        assert_eq!(modified(), ahead, "changed by a dry run");
        assert_eq!(store.sweep(hour, false).await.expect("swept"), Swept::default());
        assert!(modified() < ahead - hour);
        age_by(&left, 2 * hour);
        assert_eq!(store.sweep(hour, false).await.expect("swept"), Swept { files: 1, bytes: 5 });
    }
}
