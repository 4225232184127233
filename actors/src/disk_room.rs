//! How much room the disk of a folder has, and how programs say that it has none.

use std::path::Path;

use rustix::fs::StatVfs;

use crate::outcome::Fault;

/// A disk with less room than this, or than a twentieth of it, is full.
const FULL: u64 = 1 << 20;
/// A disk with less room than this, or than a tenth of it, may have been full for a program that says so.
const SCARCE: u64 = 4 << 30;

/// How programs say that a disk is full.
pub(crate) const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// Trouble of the node where a program that ended well has `said` that there was no room, and the disk of its scratch folder
/// has little: some programs go on after that, and what they wrote is cut off. Others that wrote there may be gone by now.
pub fn full_disk_told_in_passing(program: &str, said: &[u8], scratch: &Path) -> Option<Fault> {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().find(|line| NO_ROOM.iter().any(|text| line.contains(text)))?;
    let scarce = Room::around(scratch).is_some_and(Room::is_scarce);
    scarce.then(|| {
        let (line, scratch) = (line.trim().chars().take(300).collect::<String>(), scratch.display());
        Fault::node_trouble(format!(
            "`{program}` ended as if all were well, but said: {line}; the disk of {scratch} is full, or was; free some \
             room, and the work goes on"
        ))
    })
}

/// How much room a disk has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    free: u64,
    size: u64,
    /// Whether no further file may be made on it, whatever its size.
    no_names: bool,
}

impl Room {
    /// On the disk on which a folder lies, or would lie.
    pub(crate) fn around(folder: &Path) -> Option<Self> {
        folder.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok()).map(|disk| Self::of(&disk))
    }

    fn of(disk: &StatVfs) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        // File systems without a fixed number of files say 0 of 0.
        Self {
            free: bytes(disk.f_bavail),
            size: bytes(disk.f_blocks),
            no_names: disk.f_files > 0 && disk.f_favail == 0,
        }
    }

    pub(crate) fn is_full(self) -> bool {
        self.no_names || self.free < FULL.min(self.size / 20)
    }

    pub(crate) fn is_scarce(self) -> bool {
        self.free < SCARCE.max(self.size / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_by_its_room_or_its_files_and_small_ones_later() {
        let room = |free, size| Room { free, size, no_names: false };
        assert!(room(100 << 10, 24 << 20).is_full());
        assert!(!room(100 << 10, 1 << 20).is_full(), "a tenth of a small disk");
        assert!(!room(2 << 20, 1 << 40).is_full());
        assert!(room(2 << 20, 1 << 40).is_scarce());
        assert!(!room(300 << 30, 1 << 40).is_scarce());
        assert!(Room { no_names: true, ..room(1 << 30, 1 << 40) }.is_full());
    }

    #[test]
    fn what_a_program_says_in_passing_of_a_disk_with_room_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(full_disk_told_in_passing("sox", b"sox: No space left on device\n", folder.path()), None);
        assert_eq!(full_disk_told_in_passing("sox", b"", folder.path()), None);
    }
}
