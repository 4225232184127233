//! Walks the folders below a root and lists what lies there, page by page, about as fast as the kernel can.
//!
//! Names come from `getdents` in large pieces, with the kind of each, so that no file is looked at by itself. A folder is
//! read at most [`BATCH`] names at a time. These are sorted and listed, and the folders among them are walked, before more of
//! the folder is read. So memory is bounded by the depth, not by the number of files.

use std::{
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use euterpe_actors::storage::{Dates, ListedProblem, Page, is_hidden, is_key, name_as_text};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir};
use rustix::io::Errno;

use super::error::LocalError;
use super::links::{Links, Target};
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
    /// Objects with their times: each is looked at by itself, which takes a microsecond or two.
    Dated,
    /// Temporary files, which writers that died left behind.
    Leftovers,
}

/// A folder on the way down.
struct Level {
    /// Its path, with a slash at the end; empty for the root.
    path: String,
    /// Open while there is more to read in it.
    rest: Option<OwnedFd>,
    /// The folders in it that are still to be walked, in reverse order, and whether each is a link.
    folders: Vec<(String, bool)>,
    /// Whether a link led here.
    linked: bool,
    /// When the latest of the links came that lead here, in nanoseconds after the Unix epoch: what they lead to came with them.
    since: u64,
}

/// The state of one walk.
struct Walk<'w> {
    root: &'w Root,
    wanted: Wanted,
    names: NameBatch,
    read: Vec<MaybeUninit<u8>>,
    page: Page,
    links: Links,
    /// The folder that the prefix names, with a slash at its end; empty for the root.
    start: &'w str,
    /// What the names in it start with.
    leaf: &'w str,
}

/// Sends the paths that start with the text `prefix` to `send`, in order within each folder; `send` returns whether to go on.
///
/// A folder that the prefix names may be a link. A link to a folder further down is followed if its files are listed under
/// no other name. A link that leaves the root is listed with its problem, unless the root allows it; so is one to a folder of
/// `outputs`. Folders of the system that may not be read, such as `lost+found`, are listed with theirs.
pub(super) fn walk(
    root: &Root,
    outputs: &[PathBuf],
    prefix: &str,
    wanted: Wanted,
    mut send: impl FnMut(Page) -> bool,
) -> Result<(), LocalError> {
    root.check_listing(prefix)?;
    let began = root.replacements();
    let (start, leaf) = prefix.split_at(prefix.rfind('/').map_or(0, |slash| slash + 1));
    let path = start.strip_suffix('/').unwrap_or("");
    if !start.is_empty() && (!is_key(path) || path.split('/').any(|name| is_reserved(name.as_bytes()))) {
        return Ok(()); // no key starts so
    }
    let mut walk = Walk {
        root,
        wanted,
        names: NameBatch::default(),
        read: vec![MaybeUninit::uninit(); READ],
        page: Page::default(),
        links: Links::beside(outputs),
        start,
        leaf,
    };
    let mut levels = Vec::new();
    if let Some(first) = walk.open(path, OFlags::empty())? {
        match walk.links.begin(root, &first, path) {
            Ok(linked) => {
                let since = if wanted == Wanted::Dated { links_came(&root.path().join(path)) } else { 0 };
                levels.push(Level { path: start.to_owned(), rest: Some(first), folders: Vec::new(), linked, since });
            }
            Err(problem) => walk.page.push_parts(path, "", Some(problem)),
        }
    }
    while let Some(level) = levels.last_mut() {
        if let Some((name, is_link)) = level.folders.pop() {
            let path = format!("{}{name}", level.path);
            let linked = level.linked || is_link;
            let own = if is_link && wanted == Wanted::Dated { link_came(&root.path().join(&path)) } else { 0 };
            let since = level.since.max(own);
            let flags = if is_link { OFlags::empty() } else { OFlags::NOFOLLOW };
            let Some(rest) = walk.open(&path, flags)? else { continue };
            match if linked { walk.links.enter(root, &rest, &path, is_link) } else { Ok(()) } {
                Ok(()) => levels.push(Level { path: path + "/", rest: Some(rest), folders: Vec::new(), linked, since }),
                Err(problem) => walk.page.push_parts(&path, "", Some(problem)),
            }
        } else if level.rest.is_some() {
            walk.read_batch(level)?;
            if walk.page.len() >= PAGE && !send(std::mem::take(&mut walk.page)) {
                return Ok(());
            }
        } else {
            levels.pop();
        }
    }
    let more = walk.page.is_empty() || send(walk.page);
    // What was unmounted meanwhile was passed over like a folder that somebody removed.
    if more {
        root.check_listing(prefix)?;
    }
    if root.replacements() == began { Ok(()) } else { Err(exchanged(root)) }
}

/// Neither of the two folders was listed as a whole.
fn exchanged(root: &Root) -> LocalError {
    LocalError::Root(format!(
        "another folder took the place of {} while it was listed; list it again",
        root.path().display()
    ))
}

impl Walk<'_> {
    /// Opens a folder; `None` if it is gone, or no longer a folder, or one of the system that may not be read.
    fn open(&mut self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, LocalError> {
        let below = if path.is_empty() { "." } else { path };
        match self.root.open_below(below, OFlags::RDONLY | OFlags::DIRECTORY | flags) {
            Ok(folder) => {
                self.root.note_folder(below, folder.as_fd())?;
                Ok(Some(folder))
            }
            Err(LocalError::Io(error)) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                Some(Errno::ACCESS | Errno::PERM) if self.is_hidden(path) => {
                    self.page.push_parts(path, "", Some(ListedProblem::Unreadable));
                    Ok(None)
                }
                _ => Err(LocalError::Folder(path.to_owned(), error)),
            },
            Err(error) => Err(error),
        }
    }

    /// Whether a folder, or one on the way to it from the start, is of nobody's catalogue. What the prefix itself names is
    /// wanted, whatever its name.
    fn is_hidden(&self, path: &str) -> bool {
        let Some(below) = path.strip_prefix(self.start) else { return false };
        below.split('/').skip(usize::from(!self.leaf.is_empty())).any(is_hidden)
    }

    /// Reads up to a batch of names; adds the files to the page and the folders to the level.
    fn read_batch(&mut self, level: &mut Level) -> Result<(), LocalError> {
        let Some(folder) = level.rest.take() else { return Ok(()) };
        let leaf = if level.path == self.start { self.leaf.as_bytes() } else { b"" };
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
            add_entry(self.root, &folder, level, &mut self.page, &self.links, self.wanted, name, kind)?;
        }
        level.folders.reverse();
        level.rest = (!ended).then_some(folder);
        Ok(())
    }
}

fn wants(wanted: Wanted, name: &[u8], kind: FileType) -> bool {
    match wanted {
        Wanted::Objects | Wanted::Dated => !(name[0] == b'.' && is_reserved(name)),
        Wanted::Leftovers if kind == FileType::Directory => name != STATE_FOLDER.as_bytes(),
        Wanted::Leftovers => name.starts_with(TEMP_PREFIX.as_bytes()),
    }
}

/// When a file was written, and when it got its place; of a link the later of its own times and those of the file.
fn dates(folder: &OwnedFd, name: &str, is_link: bool) -> Dates {
    let of = |flags| {
        // One that is gone, or that may not be looked at, has none.
        let stat = rustix::fs::statat(folder, name, flags).ok()?;
        let nanos =
            |seconds: i64, nanos: u64| u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(nanos);
        let written = nanos(stat.st_mtime, stat.st_mtime_nsec)?;
        Some(Dates { written, arrived: written.max(nanos(stat.st_ctime, stat.st_ctime_nsec)?) })
    };
    let own = of(AtFlags::SYMLINK_NOFOLLOW).unwrap_or_default();
    match is_link.then(|| of(AtFlags::empty())) {
        None => own,
        Some(Some(file)) => Dates { written: file.written, arrived: file.arrived.max(own.arrived) },
        Some(None) => Dates::default(),
    }
}

/// When a link came, in nanoseconds after the Unix epoch; 0 for what is none.
fn link_came(path: &Path) -> u64 {
    let Ok(metadata) = path.symlink_metadata() else { return 0 };
    match metadata.is_symlink() {
        true => u64::try_from(metadata.ctime()).unwrap_or(0) * 1_000_000_000 + metadata.ctime_nsec() as u64,
        false => 0,
    }
}

/// When the latest of the links on the way to a folder came.
fn links_came(folder: &Path) -> u64 {
    folder.ancestors().map(link_came).max().unwrap_or(0)
}

/// Adds one entry to the page or to the level.
#[allow(clippy::too_many_arguments)] // the parts of a walk, of which one is borrowed apart
fn add_entry(
    root: &Root,
    folder: &OwnedFd,
    level: &mut Level,
    page: &mut Page,
    links: &Links,
    wanted: Wanted,
    name: &[u8],
    kind: FileType,
) -> Result<(), LocalError> {
    let since = level.since;
    let dates = |name, is_link| match wanted {
        Wanted::Dated => {
            let dates = dates(folder, name, is_link);
            // One of unknown time stays so.
            Dates { arrived: if dates.arrived == 0 { 0 } else { dates.arrived.max(since) }, ..dates }
        }
        Wanted::Objects | Wanted::Leftovers => Dates::default(),
    };
    let Ok(text) = std::str::from_utf8(name) else {
        if !matches!(kind, FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice) {
            let is_folder = kind == FileType::Directory;
            let problem = if is_folder { ListedProblem::FolderNotUtf8 } else { ListedProblem::NotUtf8 };
            page.push_parts(&level.path, &name_as_text(name), Some(problem));
        }
        return Ok(());
    };
    match kind {
        FileType::RegularFile => page.push_dated(&level.path, text, None, dates(text, false)),
        FileType::Directory => level.folders.push((text.to_owned(), false)),
        FileType::Symlink => add_link(root, level, page, links, text, || dates(text, true))?,
        FileType::Unknown => match rustix::fs::statat(folder, text, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let kind = FileType::from_raw_mode(stat.st_mode);
                // Not `Unknown` again, so this ends.
                add_entry(root, folder, level, page, links, wanted, name, kind)?;
            }
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        },
        _ => page.push_parts(&level.path, text, Some(ListedProblem::NoFile)),
    }
    Ok(())
}

/// Adds a link: to a file, to a folder that is to be walked, or one that is listed with its problem.
fn add_link(
    root: &Root,
    level: &mut Level,
    page: &mut Page,
    links: &Links,
    name: &str,
    dates: impl FnOnce() -> Dates,
) -> Result<(), LocalError> {
    let problem = match links.target(root, &format!("{}{name}", level.path))? {
        Target::File => None,
        Target::Folder => {
            level.folders.push((name.to_owned(), true));
            return Ok(());
        }
        Target::Problem(problem) => Some(problem),
    };
    page.push_dated(&level.path, name, problem, dates());
    Ok(())
}
