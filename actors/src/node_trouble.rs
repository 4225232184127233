//! Trouble of the machine, told from a failure of the work: it is out of room, descriptors, processes or memory.

use std::{error::Error, io, io::ErrorKind};

use rustix::process::{Resource, getrlimit};

/// The error number of too many open files in this process; the standard library has no kind for it.
const MANY_FILES: i32 = 24;
/// The error number of too many open files on the whole machine.
const MANY_FILES_OF_ALL: i32 = 23;

/// Whether an error says that this machine is out of something, so that other work would fail here as well.
pub fn is_node_trouble(error: &io::Error) -> bool {
    remedy(error).is_some()
}

/// What to do about an error that says that this machine is out of something; none for any other error.
pub fn remedy(error: &io::Error) -> Option<&'static str> {
    let here = match (error.kind(), error.raw_os_error()) {
        (_, Some(MANY_FILES)) => Some("raise the limit of open files (`ulimit -n`), or lower `workers`"),
        (_, Some(MANY_FILES_OF_ALL)) => Some("raise the machine's limit of open files (`fs.file-max`)"),
        (ErrorKind::StorageFull, _) => Some("free some room on the disk, or put the state on another one (--state)"),
        (ErrorKind::QuotaExceeded, _) => Some("free some of the disk quota, or put the state elsewhere (--state)"),
        (ErrorKind::ReadOnlyFilesystem, _) => Some("mount the file system so that it can be written to"),
        (ErrorKind::FileTooLarge, _) if limits_file_size() => Some("raise the limit of file sizes (`ulimit -f`)"),
        (ErrorKind::OutOfMemory, _) => Some("free some memory, or lower `workers`"),
        (ErrorKind::WouldBlock, _) => {
            Some("raise the limit of processes and threads (`ulimit -u`, `pids.max`), or lower `workers`")
        }
        _ => None,
    };
    here.or_else(|| causes(error.get_ref()?).find_map(|cause| remedy(cause.downcast_ref::<io::Error>()?)))
}

/// How transforms say that their process has no descriptors, where they hand on the words of the system: in Rust, in Python.
const NO_FILES: [&str; 4] = ["(os error 23)", "(os error 24)", "[Errno 23]", "[Errno 24]"];

/// Whether a sentence says that a process has no descriptors.
pub fn says_no_files(text: &str) -> bool {
    NO_FILES.iter().any(|words| text.contains(words))
}

/// Whether this process and its children may make files up to a size only. Without such a limit, what is too large is too
/// large for the file system.
pub(crate) fn limits_file_size() -> bool {
    getrlimit(Resource::Fsize).current.is_some()
}

/// What to do about an error with such a cause.
pub fn remedy_of_cause(error: &(dyn Error + 'static)) -> Option<&'static str> {
    causes(error).find_map(|cause| remedy(cause.downcast_ref::<io::Error>()?))
}

/// An error and what caused it.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;
    use rustix::process::{Rlimit, setrlimit};

    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_the_machines_fault_where_it_limits_files() {
        let error = io::Error::from(Errno::FBIG);
        let limit = |current| setrlimit(Resource::Fsize, Rlimit { current, maximum: None }).expect("set");
        let before = getrlimit(Resource::Fsize).current;
        assert_eq!(remedy(&error).is_some(), before.is_some());
        limit(Some(1 << 50));
        assert!(remedy(&error).is_some_and(|remedy| remedy.contains("ulimit -f")));
        limit(before);
    }

    #[test]
    fn what_the_machine_is_out_of_is_told_from_what_is_wrong_with_the_work() {
        let out_of = [
            Errno::NOSPC,
            Errno::DQUOT,
            Errno::ROFS,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::AGAIN, // no further process or thread
        ];
        for errno in out_of {
            let error = io::Error::from(errno);
            assert!(is_node_trouble(&error), "{error}");
            assert!(is_node_trouble(&io::Error::other(error)), "hidden behind another");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::ISDIR, Errno::PIPE, Errno::NAMETOOLONG, Errno::INVAL] {
            assert!(!is_node_trouble(&errno.into()), "{errno}");
        }
        assert!(!is_node_trouble(&ErrorKind::UnexpectedEof.into()));
    }
}
