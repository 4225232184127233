//! The path under which the kernel knows a file that is open.

use std::{
    ffi::OsString,
    os::fd::{AsRawFd, BorrowedFd},
    os::unix::ffi::OsStringExt,
    path::PathBuf,
};

/// The path of an open file without links on the way, as the kernel tells it; none without `/proc`.
pub(super) fn path_of(file: BorrowedFd<'_>) -> Option<PathBuf> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let told = rustix::fs::readlink(link, Vec::new()).ok()?;
    Some(PathBuf::from(OsString::from_vec(told.into_bytes())))
}
