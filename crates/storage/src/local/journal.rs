//! Notes which temporary files a process is writing, so that those of a killed one are found without a search.
//!
//! A journal is a small file with a slot for each file that is written at the same time; a slot holds the path of the last one
//! that was begun there. Names of temporary files are never used again, so what stands in a slot is a file that is being
//! written, or nothing.

use std::{
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::FileExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::reserved::TEMP_PREFIX;
use crate::swept::Swept;

/// How many bytes a slot has: room for the longest path.
const SLOT: usize = 4096 + 256;

/// The journal of one process.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    /// Opened with the first note.
    file: Option<File>,
    free: Vec<usize>,
    /// How many there are.
    count: usize,
}

/// The slot of a file that is being written. Dropped, it is free for another.
#[derive(Debug)]
pub(super) struct Note {
    journal: Arc<Journal>,
    slot: usize,
}

impl Journal {
    /// A journal in the file at `path`, which is this process's own. It must be there when the first note is made.
    pub fn at(path: impl Into<PathBuf>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), slots: Mutex::default() })
    }

    /// Notes that the file at `path` is about to be made.
    pub(super) fn note(self: &Arc<Self>, path: &Path) -> io::Result<Note> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() >= SLOT {
            return Err(io::Error::other("its path is too long to be noted"));
        }
        let mut slots = self.locked();
        if slots.file.is_none() {
            slots.file = Some(File::options().write(true).open(&self.path)?);
        }
        let slot = match slots.free.pop() {
            Some(slot) => slot,
            None => {
                slots.count += 1;
                slots.count - 1
            }
        };
        let note = Note { journal: self.clone(), slot };
        let mut text = bytes.to_vec();
        text.push(0);
        let written = match &slots.file {
            Some(file) => file.write_all_at(&text, (slot * SLOT) as u64),
            None => Ok(()),
        };
        drop(slots); // before the note, which gives its slot back
        written.map(|()| note)
    }

    fn locked(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        self.journal.locked().free.push(self.slot);
    }
}

/// Removes the temporary files that stand in the journal of a process that is dead.
///
/// # Errors
/// The journal cannot be read, or a file not removed.
pub fn sweep_journal(journal: &Path) -> io::Result<Swept> {
    let notes = match fs::read(journal) {
        Ok(notes) => notes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swept::default()),
        Err(error) => return Err(error),
    };
    let mut swept = Swept::default();
    for slot in notes.chunks(SLOT) {
        let text = slot.split(|byte| *byte == 0).next().unwrap_or_default();
        let path = Path::new(std::ffi::OsStr::from_bytes(text));
        let is_ours = path.file_name().is_some_and(|name| name.as_bytes().starts_with(TEMP_PREFIX.as_bytes()));
        let found = match fs::symlink_metadata(path) {
            Ok(found) if is_ours && path.is_absolute() && found.is_file() => found,
            _ => continue, // it was put in place, or is no file of ours
        };
        fs::remove_file(path)?;
        swept += Swept { files: 1, bytes: found.len() };
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{LocalSettings, LocalStorage};
    use euterpe_actors::storage::{Content, Storage};

    #[test]
    fn what_a_dead_process_was_writing_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("journal");
        fs::write(&file, "").expect("made");
        let journal = Journal::at(&file);
        let temp = |name: &str| folder.path().join(format!("{TEMP_PREFIX}{name}"));
        let first = journal.note(&temp("1")).expect("noted");
        drop(first); // its slot is used again
        let _second = journal.note(&temp("2")).expect("noted");
        let _third = journal.note(&temp("3")).expect("noted");
        let _object = journal.note(&folder.path().join("object")).expect("noted");
        for path in [temp("1"), temp("2"), folder.path().join("object"), temp("never noted")] {
            fs::write(path, "12345").expect("written");
        }
        assert_eq!(sweep_journal(&file).expect("swept"), Swept { files: 1, bytes: 5 });
        assert!(!temp("2").exists());
        assert!(temp("1").exists() && temp("never noted").exists() && folder.path().join("object").exists());
        assert_eq!(sweep_journal(&file).expect("swept"), Swept::default());
        assert_eq!(sweep_journal(&folder.path().join("none")).expect("nothing there"), Swept::default());
    }

    #[tokio::test]
    async fn a_store_notes_each_file_that_it_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("journal");
        fs::write(&file, "").expect("made");
        let journal = Journal::at(&file);
        let root = folder.path().join("out");
        let settings = LocalSettings { create: true, ..LocalSettings::default() };
        let store = LocalStorage::open(&root, settings).expect("opened").with_journal(journal.clone());
        for name in ["a/1", "a/2"] {
            store.store(name, Content::Bytes("x".into()), None).await.expect("stored");
        }
        let noted = fs::read(&file).expect("read");
        let text = String::from_utf8_lossy(&noted);
        let start = root.canonicalize().expect("there").join("a").join(TEMP_PREFIX);
        assert!(text.starts_with(&start.display().to_string()), "{text}");
        assert_eq!(journal.locked().count, 1, "one file at a time needs one slot");
        assert_eq!(sweep_journal(&file).expect("swept"), Swept::default());
        assert!(root.join("a/1").exists() && root.join("a/2").exists());
    }
}
