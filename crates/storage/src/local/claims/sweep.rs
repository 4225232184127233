//! Removes claims that are not renewed any more and that no node took over.

use std::{fs, io, path::Path, time::Duration};

use euterpe_actors::claims::TTL;
use euterpe_actors::storage::StorageError;

use super::clock::FolderClock;
use super::file::FOLDER;
use super::system::remove_old;
use crate::local::error::LocalError;
use crate::swept::Swept;

/// Removes the claims in a state folder that were not renewed for `age`; with `dry_run` nothing is removed. A claim that was
/// renewed within [`TTL`] always stays.
///
/// # Errors
/// Where a claim cannot be read or removed.
pub fn sweep_claims(state_folder: &Path, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
    let folder = state_folder.join(FOLDER);
    let (mut swept, clock) = (Swept::default(), FolderClock::of(&folder));
    let mut look = || -> Result<(), LocalError> {
        for job in entries(&folder)?.filter(|job| job.as_ref().map_or(true, |job| job.path().is_dir())) {
            for claim in entries(&job?.path())? {
                if let Some(bytes) = remove_old(&claim?.path(), age.max(TTL), &clock, dry_run)? {
                    swept.files += 1;
                    swept.bytes += bytes;
                }
            }
        }
        Ok(())
    };
    look().map_err(|error| error.into_storage_error("remove old claims in", &folder.display().to_string()))?;
    Ok(swept)
}

/// What lies in a folder; nothing where there is none.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
    .map(|entries| entries.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn claims_go_that_nobody_renewed_for_so_long_and_no_others() {
        let state = tempfile::tempdir().expect("a folder");
        assert_eq!(sweep_claims(state.path(), DAY, false).expect("nothing there"), Swept::default());
        let job = state.path().join("claims/mel");
        fs::create_dir_all(&job).expect("made");
        for (name, age) in [("old", 2 * DAY), ("held", Duration::ZERO), ("young", DAY / 2)] {
            fs::write(job.join(name), "note").expect("written");
            let file = fs::File::options().write(true).open(job.join(name)).expect("opened");
            file.set_modified(SystemTime::now() - age).expect("set");
        }
        let left = || fs::read_dir(&job).expect("a folder").count();
        let one = Swept { files: 1, bytes: 4 };
        assert_eq!((sweep_claims(state.path(), DAY, true).expect("looked"), left()), (one, 3));
        assert_eq!((sweep_claims(state.path(), DAY, false).expect("removed"), left()), (one, 2));
        assert_eq!((sweep_claims(state.path(), Duration::ZERO, false).expect("removed"), left()), (one, 1));
        assert!(job.join("held").exists());
    }
}
