//! Removes temporary files of writers that died.

use std::{os::fd::AsFd, time::Duration};

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::error::LocalError;
use super::folder::Folder;
use super::list;
use super::root::Root;
use crate::swept::Swept;

/// Removes temporary files that are at least `age` old, below the root and in the folder of stamp files.
pub(super) fn sweep(folder: &Folder, age: Duration, dry_run: bool) -> Result<Swept, LocalError> {
    let mut swept = Swept::default();
    sweep_below(folder, &folder.root, age, dry_run, &mut swept)?;
    if folder.stamps.folder().is_dir() {
        sweep_below(folder, &Root::open(folder.stamps.folder(), false)?, age, dry_run, &mut swept)?;
    }
    Ok(swept)
}

fn sweep_below(
    folder: &Folder,
    root: &Root,
    age: Duration,
    dry_run: bool,
    swept: &mut Swept,
) -> Result<(), LocalError> {
    let now = file_system_time(folder, root)?;
    let mut outcome = Ok(());
    list::walk(root, &[], "", list::Wanted::Leftovers, |page| {
        outcome = page.paths().try_for_each(|path| sweep_one(folder, root, path, now, age, dry_run, swept));
        outcome.is_ok()
    })?;
    outcome
}

fn sweep_one(
    folder: &Folder,
    root: &Root,
    path: &str,
    now: Duration,
    age: Duration,
    dry_run: bool,
    swept: &mut Swept,
) -> Result<(), LocalError> {
    let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
    let parent = match root.open_below(parent, OFlags::RDONLY | OFlags::DIRECTORY) {
        Err(LocalError::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    let stat = match rustix::fs::statat(&parent, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()), // its writer has finished
        stat => stat?,
    };
    let written = Duration::from_secs(stat.st_mtime.unsigned_abs());
    if !FileType::from_raw_mode(stat.st_mode).is_file() || now.saturating_sub(written) < age {
        return Ok(());
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
}
