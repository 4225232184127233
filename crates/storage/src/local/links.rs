//! Where the links of a listing lead, so that each folder is walked once.

use std::{
    fs,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use euterpe_actors::storage::{ListedProblem, is_hidden};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::error::LocalError;
use super::open_path::path_of;
use super::root::Root;

/// What a link leads to.
pub(super) enum Target {
    File,
    /// A folder that is listed under no other name so far.
    Folder,
    Problem(ListedProblem),
}

/// The folders that a listing walks: the one that it began with, and those that links led to.
#[derive(Debug, Default)]
pub(super) struct Links {
    walked: Vec<PathBuf>,
    /// The folders that no link leads into: as they are named, and as they really are.
    outputs: Vec<(PathBuf, PathBuf)>,
}

impl Links {
    /// No folder yet; none of `outputs` is entered by a link.
    pub(super) fn beside(outputs: &[PathBuf]) -> Self {
        // One that is not there leads nowhere.
        let real = |folder: &PathBuf| Some((folder.clone(), fs::canonicalize(folder).ok()?));
        Self { walked: Vec::new(), outputs: outputs.iter().filter_map(real).collect() }
    }

    /// Begins with the folder that the prefix names; whether a link led there.
    ///
    /// The error is why it is not walked.
    pub(super) fn begin(&mut self, root: &Root, folder: &OwnedFd, path: &str) -> Result<bool, ListedProblem> {
        let Some(real) = path_of(folder.as_fd()) else { return Ok(false) };
        if self.is_output(root, &real, path) {
            return Err(ListedProblem::IsOutput);
        }
        let linked = real != root.real().join(path);
        self.walked.push(real);
        Ok(linked)
    }

    /// Enters a folder below a link. A folder that a link leads to is walked from now on.
    ///
    /// The error is why it is not walked: it is under another name, or it is what the graph writes.
    pub(super) fn enter(
        &mut self,
        root: &Root,
        folder: &OwnedFd,
        path: &str,
        is_link: bool,
    ) -> Result<(), ListedProblem> {
        let real = path_of(folder.as_fd()).ok_or(ListedProblem::ListedElsewhere)?; // without /proc no loop can be seen
        if self.is_output(root, &real, path) {
            return Err(ListedProblem::IsOutput);
        }
        // Below a link, the start of another walk is the folder that the listing began with, or another link's.
        let is_known = if is_link { self.is_walked(&real) } else { self.walked.contains(&real) };
        if is_known {
            return Err(ListedProblem::ListedElsewhere);
        }
        if is_link {
            self.walked.push(real);
        }
        Ok(())
    }

    /// Whether a folder is one of the outputs, or lies in one, although its path does not say so.
    fn is_output(&self, root: &Root, real: &Path, path: &str) -> bool {
        let named = root.path().join(path);
        self.outputs.iter().any(|(output, really)| real.starts_with(really) && !named.starts_with(output))
    }

    /// Where the link at `path` leads.
    pub(super) fn target(&self, root: &Root, path: &str) -> Result<Target, LocalError> {
        let nowhere = Ok(Target::Problem(ListedProblem::LeadsNowhere));
        match root.open_below(path, OFlags::PATH) {
            Ok(target) => {
                let stat = rustix::fs::fstat(&target)?;
                Ok(match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => {
                        root.note_object(path, target.as_fd(), stat.st_dev);
                        Target::File
                    }
                    FileType::Directory if path_of(target.as_fd()).is_some_and(|real| !self.is_walked(&real)) => {
                        Target::Folder
                    }
                    FileType::Directory => Target::Problem(ListedProblem::ListedElsewhere),
                    _ => Target::Problem(ListedProblem::NoFile),
                })
            }
            Err(LocalError::Key(_)) => match fs::metadata(root.path().join(path)) {
                Ok(target) if target.is_file() || target.is_dir() => Ok(Target::Problem(ListedProblem::LeavesStore)),
                Ok(_) => Ok(Target::Problem(ListedProblem::NoFile)),
                Err(_) => nowhere,
            },
            Err(LocalError::Io(error)) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR) => root.check_mounts(path).and(nowhere),
                Some(Errno::LOOP | Errno::ACCESS) => nowhere,
                _ => Err(error.into()),
            },
            Err(error) => Err(error),
        }
    }

    /// Whether the files of a folder are listed under another name: a walked folder holds it, and nothing hidden lies
    /// between.
    fn is_walked(&self, real: &Path) -> bool {
        self.walked.iter().any(|walked| match real.strip_prefix(walked) {
            Ok(below) => !below.iter().any(|name| name.to_str().is_some_and(is_hidden)),
            Err(_) => false,
        })
    }
}
