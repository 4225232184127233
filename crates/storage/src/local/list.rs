//! Walks the folders below a root and tells what lies there, page by page, about as fast as the kernel can.
//!
//! Names come from `getdents` in large pieces, with the kind of each, so that no file is looked at by itself. A folder is
//! read at most [`BATCH`] names at a time, which are sorted before they are told, and its folders are walked before
//! more of it is read: memory is bounded by the depth, not by the number of files.

use std::{mem::MaybeUninit, os::fd::OwnedFd};

use euterpe_actors::storage::{ListedProblem, Page, is_key};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir};
use rustix::io::Errno;

use super::{STATE_FOLDER, TEMP_PREFIX, is_reserved, names::Names, root::Root, trouble::Trouble};

/// How many names of one folder are held and sorted at a time.
const BATCH: usize = if cfg!(test) { 1_000 } else { 65_536 };

/// How many lines a page has before it is told, if the next folder does not add more at once.
const PAGE: usize = 4_096;

/// How many bytes of names the kernel is asked for at a time.
const READ: usize = if cfg!(test) { 8 << 10 } else { 256 << 10 };

/// What to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What is stored.
    Objects,
    /// What writers that died left behind.
    Leftovers,
}

/// A folder on the way down.
struct Level {
    /// Its path, with a slash at the end; empty for the root.
    path: String,
    /// Open while there is more to read in it.
    rest: Option<OwnedFd>,
    /// The folders in it that are still to be walked, the last first.
    folders: Vec<String>,
}

/// What stands for one walk.
struct Walk<'w> {
    root: &'w Root,
    wanted: Wanted,
    names: Names,
    read: Vec<MaybeUninit<u8>>,
    page: Page,
}

/// Tells `tell` what lies under the text `prefix`, in order within each folder; `tell` says whether to go on.
///
/// A folder that the prefix names may be a link; links to folders further down are not followed, links to files are
/// told if they stay below the root. The folder `lost+found` at the top, which only the administrator may read, is
/// passed over.
pub(super) fn walk(
    root: &Root,
    prefix: &str,
    wanted: Wanted,
    mut tell: impl FnMut(Page) -> bool,
) -> Result<(), Trouble> {
    root.was_replaced()?; // a folder that was removed while it was open reads as empty
    let (path, leaf) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    let is_top = !prefix.contains('/');
    if !is_top && (!is_key(path) || path.split('/').any(|name| is_reserved(name.as_bytes()))) {
        return Ok(()); // no key starts so
    }
    let mut walk =
        Walk { root, wanted, names: Names::default(), read: vec![MaybeUninit::uninit(); READ], page: Page::default() };
    let Some(first) = walk.open(path, OFlags::empty())? else { return Ok(()) };
    let path = if is_top { String::new() } else { format!("{path}/") };
    let mut levels = vec![Level { path, rest: Some(first), folders: Vec::new() }];
    while let Some(level) = levels.last_mut() {
        if let Some(name) = level.folders.pop() {
            let path = format!("{}{name}", level.path);
            if let Some(rest) = walk.open(&path, OFlags::NOFOLLOW)? {
                levels.push(Level { path: path + "/", rest: Some(rest), folders: Vec::new() });
            }
        } else if level.rest.is_some() {
            let leaf = if levels.len() == 1 { leaf } else { "" };
            let level = levels.last_mut().expect("the loop's condition");
            walk.read_batch(level, leaf.as_bytes())?;
            if walk.page.len() >= PAGE && !tell(std::mem::take(&mut walk.page)) {
                return Ok(());
            }
        } else {
            levels.pop();
        }
    }
    if !walk.page.is_empty() {
        tell(walk.page);
    }
    Ok(())
}

impl Walk<'_> {
    /// Opens a folder; none if it is gone, or no longer a folder.
    fn open(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, Trouble> {
        let path = if path.is_empty() { "." } else { path };
        match self.root.open_below(path, OFlags::RDONLY | OFlags::DIRECTORY | flags) {
            Ok(folder) => Ok(Some(folder)),
            Err(Trouble::Io(error)) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                Some(Errno::ACCESS) if path == "lost+found" => Ok(None),
                _ => Err(Trouble::Folder(path.to_owned(), error)),
            },
            Err(trouble) => Err(trouble),
        }
    }

    /// Reads up to a batch of names, puts files on the page and folders on the level.
    fn read_batch(&mut self, level: &mut Level, leaf: &[u8]) -> Result<(), Trouble> {
        let Some(folder) = level.rest.take() else { return Ok(()) };
        self.names.clear();
        let mut entries = RawDir::new(&folder, &mut self.read);
        let ended = loop {
            // What was read is told before the buffer goes, or its names would be lost.
            if self.names.len() >= BATCH && entries.is_buffer_empty() {
                break false;
            }
            match entries.next() {
                None => break true,
                Some(Err(Errno::NOENT)) => break true, // removed while it is read
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(entry)) => {
                    let name = entry.file_name().to_bytes();
                    if matches!(name, b"." | b"..")
                        || !name.starts_with(leaf)
                        || !wants(self.wanted, name, entry.file_type())
                    {
                        continue;
                    }
                    self.names.push(name, entry.file_type());
                }
            }
        };
        self.names.sort();
        for at in 0..self.names.len() {
            let (name, kind) = self.names.get(at);
            tell_entry(self.root, &folder, level, &mut self.page, name, kind)?;
        }
        level.folders.reverse();
        level.rest = (!ended).then_some(folder);
        Ok(())
    }
}

fn wants(wanted: Wanted, name: &[u8], kind: FileType) -> bool {
    match wanted {
        Wanted::Objects => !(name[0] == b'.' && is_reserved(name)),
        Wanted::Leftovers if kind == FileType::Directory => name != STATE_FOLDER.as_bytes(),
        Wanted::Leftovers => name.starts_with(TEMP_PREFIX.as_bytes()),
    }
}

/// Puts one entry where it belongs.
fn tell_entry(
    root: &Root,
    folder: &OwnedFd,
    level: &mut Level,
    page: &mut Page,
    name: &[u8],
    kind: FileType,
) -> Result<(), Trouble> {
    let Ok(text) = std::str::from_utf8(name) else {
        if !matches!(kind, FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice) {
            page.push_parts(&level.path, &String::from_utf8_lossy(name), Some(ListedProblem::NotUtf8));
        }
        return Ok(());
    };
    match kind {
        FileType::RegularFile => page.push_parts(&level.path, text, None),
        FileType::Directory => level.folders.push(text.to_owned()),
        FileType::Symlink => tell_link(root, level, page, text)?,
        FileType::Unknown => match rustix::fs::statat(folder, text, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let kind = FileType::from_raw_mode(stat.st_mode);
                // Not `Unknown` again, so this ends.
                tell_entry(root, folder, level, page, name, kind)?;
            }
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        },
        _ => {} // pipes, sockets, devices
    }
    Ok(())
}

/// A link to a file within the store is an object; one that leads out is told as a problem; others are nothing.
fn tell_link(root: &Root, level: &Level, page: &mut Page, name: &str) -> Result<(), Trouble> {
    match root.open_below(&format!("{}{name}", level.path), OFlags::PATH) {
        Ok(target) => {
            if FileType::from_raw_mode(rustix::fs::fstat(target)?.st_mode).is_file() {
                page.push_parts(&level.path, name, None);
            }
        }
        Err(Trouble::Key(_)) => {
            let target = std::fs::metadata(root.path().join(&level.path).join(name));
            if target.is_ok_and(|target| target.is_file()) {
                page.push_parts(&level.path, name, Some(ListedProblem::LeavesStore));
            }
        }
        Err(Trouble::Io(error)) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
            _ => return Err(error.into()),
        },
        Err(trouble) => return Err(trouble),
    }
    Ok(())
}
