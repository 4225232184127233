//! Tells one mount from another.

use std::{io, path::Path};

use rustix::fs::{AtFlags, CWD, StatxFlags};

/// By what the kernel tells one mount from another. A file system that is unmounted and mounted again is another mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The number of its device.
    pub device: u64,
    /// Its own number: two folders of one device may be mounted apart. None where the kernel does not tell (before 5.8).
    pub number: Option<u64>,
}

impl Mount {
    /// The mount on which a file or a folder lies; links are followed.
    ///
    /// # Errors
    /// If there is nothing at `path`, or it cannot be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        let device = rustix::fs::stat(path)?.st_dev;
        let told = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok();
        let told = told.filter(|told| told.stx_mask & StatxFlags::MNT_ID.bits() != 0);
        Ok(Self { device, number: told.map(|told| told.stx_mnt_id) })
    }
}
