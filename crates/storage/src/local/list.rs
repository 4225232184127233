//! Walks the folders below a root and lists what lies there, page by page, about as fast as the kernel can.
//!
//! Names come from `getdents` in large pieces, with the kind of each, so that no file is looked at by itself. A folder is
//! read at most [`BATCH`] names at a time. These are sorted and listed, and the folders among them are walked, before more of
//! the folder is read. So memory is bounded by the depth, not by the number of files.

use std::{mem::MaybeUninit, os::fd::OwnedFd};

use euterpe_actors::storage::{ListedProblem, Page, is_key};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir};
use rustix::io::Errno;

use super::error::LocalError;
use super::name_batch::NameBatch;
use super::reserved::{STATE_FOLDER, TEMP_PREFIX, is_reserved};
use super::root::Root;

/// How many names of one folder are held and sorted at a time.
const BATCH: usize = if cfg!(test) { 1_000 } else { 65_536 };

/// How many lines a page has at the least before it is sent, except for the last one.
const PAGE: usize = 4_096;

/// How many bytes of names the kernel is asked for at a time.
const READ: usize = if cfg!(test) { 8 << 10 } else { 256 << 10 };

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Objects.
    Objects,
    /// Temporary files, which writers that died left behind.
    Leftovers,
}

/// A folder on the way down.
struct Level {
    /// Its path, with a slash at the end; empty for the root.
    path: String,
    /// Open while there is more to read in it.
    rest: Option<OwnedFd>,
    /// The folders in it that are still to be walked, in reverse order.
    folders: Vec<String>,
}

/// The state of one walk.
struct Walk<'w> {
    root: &'w Root,
    wanted: Wanted,
    names: NameBatch,
    read: Vec<MaybeUninit<u8>>,
    page: Page,
}

/// Sends the paths that start with the text `prefix` to `send`, in order within each folder; `send` returns whether to go on.
///
/// A folder that the prefix names may be a link. Links to folders further down are not followed; links to files are
/// listed if they stay below the root. The folder `lost+found` at the top, which only the administrator may read, is
/// passed over.
pub(super) fn walk(
    root: &Root,
    prefix: &str,
    wanted: Wanted,
    mut send: impl FnMut(Page) -> bool,
) -> Result<(), LocalError> {
    root.was_replaced()?; // a folder that was removed while it was open reads as empty
    let (path, leaf) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    let is_top = !prefix.contains('/');
    if !is_top && (!is_key(path) || path.split('/').any(|name| is_reserved(name.as_bytes()))) {
        return Ok(()); // no key starts so
    }
    let mut walk = Walk {
        root,
        wanted,
        names: NameBatch::default(),
        read: vec![MaybeUninit::uninit(); READ],
        page: Page::default(),
    };
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
            if walk.page.len() >= PAGE && !send(std::mem::take(&mut walk.page)) {
                return Ok(());
            }
        } else {
            levels.pop();
        }
    }
    if !walk.page.is_empty() {
        send(walk.page);
    }
    Ok(())
}

impl Walk<'_> {
    /// Opens a folder; `None` if it is gone, or no longer a folder.
    fn open(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, LocalError> {
        let path = if path.is_empty() { "." } else { path };
        match self.root.open_below(path, OFlags::RDONLY | OFlags::DIRECTORY | flags) {
            Ok(folder) => Ok(Some(folder)),
            Err(LocalError::Io(error)) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                Some(Errno::ACCESS) if path == "lost+found" => Ok(None),
                _ => Err(LocalError::Folder(path.to_owned(), error)),
            },
            Err(error) => Err(error),
        }
    }

    /// Reads up to a batch of names; adds the files to the page and the folders to the level.
    fn read_batch(&mut self, level: &mut Level, leaf: &[u8]) -> Result<(), LocalError> {
        let Some(folder) = level.rest.take() else { return Ok(()) };
        self.names.clear();
        let mut entries = RawDir::new(&folder, &mut self.read);
        let ended = loop {
            // Stop only at the end of the buffer: the names left in it would be lost.
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
            add_entry(self.root, &folder, level, &mut self.page, name, kind)?;
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

/// Adds one entry to the page or to the level.
fn add_entry(
    root: &Root,
    folder: &OwnedFd,
    level: &mut Level,
    page: &mut Page,
    name: &[u8],
    kind: FileType,
) -> Result<(), LocalError> {
    let Ok(text) = std::str::from_utf8(name) else {
        if !matches!(kind, FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice) {
            page.push_parts(&level.path, &String::from_utf8_lossy(name), Some(ListedProblem::NotUtf8));
        }
        return Ok(());
    };
    match kind {
        FileType::RegularFile => page.push_parts(&level.path, text, None),
        FileType::Directory => level.folders.push(text.to_owned()),
        FileType::Symlink => add_link(root, level, page, text)?,
        FileType::Unknown => match rustix::fs::statat(folder, text, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let kind = FileType::from_raw_mode(stat.st_mode);
                // Not `Unknown` again, so this ends.
                add_entry(root, folder, level, page, name, kind)?;
            }
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        },
        _ => {} // pipes, sockets, devices
    }
    Ok(())
}

/// Adds a link: to a file within the store it is an object, to a file outside it is a problem. Other links are passed over.
fn add_link(root: &Root, level: &Level, page: &mut Page, name: &str) -> Result<(), LocalError> {
    match root.open_below(&format!("{}{name}", level.path), OFlags::PATH) {
        Ok(target) => {
            if FileType::from_raw_mode(rustix::fs::fstat(target)?.st_mode).is_file() {
                page.push_parts(&level.path, name, None);
            }
        }
        Err(LocalError::Key(_)) => {
            let target = std::fs::metadata(root.path().join(&level.path).join(name));
            if target.is_ok_and(|target| target.is_file()) {
                page.push_parts(&level.path, name, Some(ListedProblem::LeavesStore));
            }
        }
        Err(LocalError::Io(error)) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
            _ => return Err(error.into()),
        },
        Err(error) => return Err(error),
    }
    Ok(())
}
