//! Where the stamp of a file is kept: on the file itself, or beside it where that cannot be.
//!
//! On the file it is the extended attribute `user.euterpe.stamp`. Where the file system has none (FAT, some network
//! file systems), or has too little room for a long stamp, it is a small JSON file in the stamp folder, named by the
//! hash of the key. Such a file lists the version in place and the one about to be, each told by size and time of
//! change, and is written before the rename: whichever version a crash leaves in place, it has its own stamp or none.

use std::{
    fs,
    io::ErrorKind,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use euterpe_actors::storage::Stamp;
use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{
    Placed,
    disk::{Disk, Temp},
    trouble::Trouble,
};

/// The name of the attribute.
const ATTRIBUTE: &str = "user.euterpe.stamp";

/// Stands in the attribute of a file whose stamp did not fit and lies beside it.
const ASIDE: &[u8] = b"aside";

/// Where stamps are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StampsIn {
    /// As attributes of the files, and beside them only where that cannot be.
    #[default]
    Attributes,
    /// Always in files beside.
    Files,
}

/// What is known of the stamp of an open file.
pub(super) enum Known {
    /// Its stamp, or that it has none.
    For(Option<Stamp>),
    /// Stamps lie beside for other versions only: a foreign file, or one that was replaced since it was opened.
    OtherVersions,
}

/// Reads and writes stamps.
#[derive(Debug)]
pub(super) struct Stamps {
    kept_in: StampsIn,
    folder: PathBuf,
    fsync: bool,
}

/// The stamps of one key, beside its file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Aside {
    key: String,
    versions: Vec<Version>,
}

/// One version of a file, told from others by its size and the time of its last change.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    print: Print,
    stamp: Stamp,
}

/// Size in bytes, and seconds since 1970 in steps of two: FAT knows no finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Print {
    size: i64,
    changed: i64,
}

impl Print {
    fn of(stat: &Stat) -> Self {
        Self { size: stat.st_size, changed: stat.st_mtime & !1 }
    }
}

impl Stamps {
    pub(super) fn new(kept_in: StampsIn, folder: PathBuf, fsync: bool) -> Self {
        Self { kept_in, folder, fsync }
    }

    /// The folder of the stamps that lie beside.
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// The stamp of the open file that lies at `key`. One that cannot be read as a stamp counts as none.
    pub(super) fn of(&self, file: BorrowedFd<'_>, stat: &Stat, key: &str) -> Result<Known, Trouble> {
        if self.kept_in == StampsIn::Attributes {
            let mut short = [0_u8; 1024];
            let long;
            let text = match rustix::fs::fgetxattr(file, ATTRIBUTE, &mut short[..]) {
                Ok(length) => Some(&short[..length]),
                Err(Errno::RANGE) => {
                    let mut room = vec![0_u8; 64 << 10]; // the most that Linux allows
                    let length = rustix::fs::fgetxattr(file, ATTRIBUTE, &mut room[..])?;
                    room.truncate(length);
                    long = room;
                    Some(&long[..])
                }
                Err(Errno::NODATA) => return Ok(Known::For(None)),
                Err(Errno::NOTSUP) => None,
                Err(error) => return Err(error.into()),
            };
            match text {
                Some(text) if text != ASIDE => return Ok(Known::For(Stamp::from_text(text))),
                _ => {}
            }
        }
        let print = Print::of(stat);
        let versions = self.read_aside(key)?.versions;
        if versions.is_empty() {
            return Ok(Known::For(None));
        }
        let this = versions.into_iter().find(|version| version.print == print);
        Ok(this.map_or(Known::OtherVersions, |version| Known::For(Some(version.stamp))))
    }

    /// Gives a file that is not yet in place its stamp. Whether it has to go beside it, by [`Stamps::announce`].
    pub(super) fn attach(&self, temp: &Temp<'_>, stamp: Option<&Stamp>) -> Result<bool, Trouble> {
        if self.kept_in == StampsIn::Files {
            return Ok(true);
        }
        let Some(stamp) = stamp else {
            // Nothing to attach; where there are no attributes, an older stamp beside must not pass for this file's.
            return Ok(rustix::fs::fgetxattr(temp.file(), ATTRIBUTE, &mut [0_u8; 1][..]) == Err(Errno::NOTSUP));
        };
        match temp.set_attribute(ATTRIBUTE, stamp.to_text().as_bytes()) {
            Ok(()) => Ok(false),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOTSUP) => Ok(true),
                // Also what ext4 says when the attributes of one file exceed a block: the disk need not be full.
                Some(Errno::TOOBIG | Errno::RANGE | Errno::NOSPC | Errno::DQUOT) => {
                    temp.set_attribute(ATTRIBUTE, ASIDE)?;
                    Ok(true)
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Writes beside what the next version of `key` will be stamped with, keeping the stamp of the one in place.
    ///
    /// To be called in the turn of the key, right before the rename.
    pub(super) fn announce(
        &self,
        disk: &Disk,
        key: &str,
        temp: &Temp<'_>,
        stamp: Option<&Stamp>,
        placed: Option<&Placed>,
    ) -> Result<(), Trouble> {
        let old = placed.map(|placed| Print::of(&placed.stat));
        let mut new = Print::of(&rustix::fs::fstat(temp.file())?);
        if old == Some(new) {
            // Written within two seconds and as long as the old: two seconds on, so that they can be told apart.
            let changed = u64::try_from(new.changed).unwrap_or(0) + 2;
            temp.file().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(changed))?;
            new = Print::of(&rustix::fs::fstat(temp.file())?);
        }
        let kept =
            placed.and_then(|placed| Some(Version { print: Print::of(&placed.stat), stamp: placed.stamp.clone()? }));
        let coming = stamp.map(|stamp| Version { print: new, stamp: stamp.clone() });
        let aside = Aside { key: key.to_owned(), versions: coming.into_iter().chain(kept).collect() };
        if aside.versions.is_empty() {
            return self.forget(key);
        }
        let path = self.path_of(key);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let folder = rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut temp = disk.new_temp(folder)?;
        temp.write(&serde_json::to_vec(&aside).map_err(std::io::Error::other)?)?;
        if self.fsync {
            temp.sync()?;
        }
        let folder = temp.place(&file_name(key))?;
        if self.fsync {
            disk.sync_folder(folder.as_fd())?;
        }
        Ok(())
    }

    /// Removes the stamp that lies beside, if there is one.
    pub(super) fn forget(&self, key: &str) -> Result<(), Trouble> {
        match fs::remove_file(self.path_of(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn read_aside(&self, key: &str) -> Result<Aside, Trouble> {
        match fs::read(self.path_of(key)) {
            Ok(text) => {
                let aside: Aside = serde_json::from_slice(&text).unwrap_or_default();
                Ok(if aside.key == key { aside } else { Aside::default() })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Aside::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// In folders of their own by the first two letters, so that none grows too large.
    fn path_of(&self, key: &str) -> PathBuf {
        let name = file_name(key);
        self.folder.join(&name[..2]).join(name)
    }
}

fn file_name(key: &str) -> String {
    let mut name = blake3::hash(key.as_bytes()).to_hex().to_string();
    name.push_str(".json");
    name
}
