//! Where a disk may have been mounted: folders that are there and hold nothing.

use std::io;
use std::path::{Path, PathBuf};

use super::file_system::is_empty;

/// The folder nearest above the object `key` that is there, if it holds nothing; none where it holds something, and where that
/// folder is `root` itself. Nothing else is left to see of a disk that is not mounted.
///
/// # Errors
/// A folder that cannot be read.
pub fn empty_folder_above(root: &Path, key: &str) -> io::Result<Option<PathBuf>> {
    for above in Path::new(key).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
        let folder = root.join(above);
        match is_empty(&folder) {
            Ok(true) => return Ok(Some(folder)),
            Ok(false) => return Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_is_there_and_empty_may_be_where_a_disk_was_mounted() {
        let root = tempfile::tempdir().expect("a folder");
        let above = |key: &str| empty_folder_above(root.path(), key).expect("read");
        assert_eq!(above("t-1.flac"), None, "the store itself is another matter");
        assert_eq!(above("disk2/t-1.flac"), None, "nothing is there");
        std::fs::create_dir(root.path().join("disk2")).expect("made");
        for key in ["disk2/t-1.flac", "disk2/album/t-1.flac"] {
            assert_eq!(above(key), Some(root.path().join("disk2")), "{key}");
        }
        std::fs::write(root.path().join("disk2/t-2.flac"), "x").expect("written");
        assert_eq!(above("disk2/t-1.flac"), None, "a track was removed");
        assert_eq!(above("disk2/t-2.flac/t-1.flac"), None, "a file is no folder");
    }
}
