//! Keeps the stamp of a file: on the file itself, or beside it where that cannot be.
//!
//! On the file it is the extended attribute `user.euterpe.stamp`. Where the file system has no attributes (FAT, some network
//! file systems), or too little room for a long stamp, it is in a *stamp file*: a small JSON file in the stamp folder, named
//! by the hash of the key. A stamp file lists the stamps of the version in place and of the next one, each with the size and
//! the time of change of its version. It is written before the rename, so whichever version a crash leaves in place has its
//! own stamp or none.

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

use super::disk::{Disk, Temp};
use super::error::LocalError;
use super::in_place::InPlace;

/// The name of the attribute.
const ATTRIBUTE: &str = "user.euterpe.stamp";

/// The attribute of a file whose stamp did not fit and is in a stamp file.
const BESIDE: &[u8] = b"aside";

/// Where stamps are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StampsIn {
    /// As attributes of the files; in stamp files only where that cannot be.
    #[default]
    Attributes,
    /// Always in stamp files.
    Files,
}

/// The stamp that was found for an open file.
pub(super) enum FoundStamp {
    /// The stamp of the file; `None` for a foreign file.
    Known(Option<Stamp>),
    /// The stamp is of a file of another size: somebody wrote over it, or it was cut off.
    OfOtherBytes,
    /// The stamp file holds stamps of other versions only: this is a foreign file, or it was replaced since it was opened.
    OtherVersions,
}

/// Reads and writes stamps.
#[derive(Debug)]
pub(super) struct Stamps {
    kept_in: StampsIn,
    folder: PathBuf,
    fsync: bool,
}

/// The content of a stamp file: the stamps of one key.
#[derive(Debug, Default, Serialize, Deserialize)]
struct StampFile {
    key: String,
    versions: Vec<Version>,
}

/// The stamp of one version of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    #[serde(rename = "print")]
    fingerprint: Fingerprint,
    stamp: Stamp,
}

/// Tells versions of a file apart: the size in bytes, and the time of change in seconds since 1970, in steps of two because
/// FAT stores no finer times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    size: i64,
    changed: i64,
}

impl Fingerprint {
    fn of(stat: &Stat) -> Self {
        Self { size: stat.st_size, changed: stat.st_mtime & !1 }
    }
}

impl Stamps {
    pub(super) fn new(kept_in: StampsIn, folder: PathBuf, fsync: bool) -> Self {
        Self { kept_in, folder, fsync }
    }

    /// The folder of the stamp files.
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Finds the stamp of the open file at `key`. An attribute that cannot be read as a stamp counts as none.
    pub(super) fn of(&self, file: BorrowedFd<'_>, stat: &Stat, key: &str) -> Result<FoundStamp, LocalError> {
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
                Err(Errno::NODATA) => return Ok(FoundStamp::Known(None)),
                Err(Errno::NOTSUP) => None,
                Err(error) => return Err(error.into()),
            };
            match text {
                // Who writes over a file leaves its attributes: they tell of the bytes that were there.
                Some(text) if size_of(text).is_some_and(|size| size != stat.st_size) => {
                    return Ok(FoundStamp::OfOtherBytes);
                }
                Some(text) if text != BESIDE => return Ok(FoundStamp::Known(Stamp::from_text(text))),
                _ => {}
            }
        }
        let fingerprint = Fingerprint::of(stat);
        let versions = self.read_beside(key)?.versions;
        if versions.is_empty() {
            return Ok(FoundStamp::Known(None));
        }
        let this = versions.into_iter().find(|version| version.fingerprint == fingerprint);
        Ok(this.map_or(FoundStamp::OtherVersions, |version| FoundStamp::Known(Some(version.stamp))))
    }

    /// Sets the stamp of a file that is not yet in place. Returns whether it must go into a stamp file instead, by
    /// [`Stamps::write_beside`].
    pub(super) fn attach(&self, temp: &Temp<'_>, stamp: Option<&Stamp>) -> Result<bool, LocalError> {
        if self.kept_in == StampsIn::Files {
            return Ok(true);
        }
        let Some(stamp) = stamp else {
            // Nothing to set. But where there are no attributes, an older stamp in a stamp file must not pass for this file's.
            return Ok(rustix::fs::fgetxattr(temp.file(), ATTRIBUTE, &mut [0_u8; 1][..]) == Err(Errno::NOTSUP));
        };
        let size = rustix::fs::fstat(temp.file())?.st_size;
        match temp.set_attribute(ATTRIBUTE, with_size(&stamp.to_text(), size).as_bytes()) {
            Ok(()) => Ok(false),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOTSUP) => Ok(true),
                // Also what ext4 says when the attributes of one file exceed a block: the disk need not be full.
                Some(Errno::TOOBIG | Errno::RANGE | Errno::NOSPC | Errno::DQUOT) => {
                    temp.set_attribute(ATTRIBUTE, BESIDE)?;
                    Ok(true)
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Writes the stamp of the next version of `key` into its stamp file, and keeps there the stamp of the version in place.
    ///
    /// To be called with the name locked, right before the rename.
    pub(super) fn write_beside(
        &self,
        disk: &Disk,
        key: &str,
        temp: &Temp<'_>,
        stamp: Option<&Stamp>,
        in_place: Option<&InPlace>,
    ) -> Result<(), LocalError> {
        let old = in_place.map(|in_place| Fingerprint::of(&in_place.stat));
        let mut new = Fingerprint::of(&rustix::fs::fstat(temp.file())?);
        if old == Some(new) {
            // As long as the old version and written within two seconds of it: make it two seconds newer, so that the two differ.
            let changed = u64::try_from(new.changed).unwrap_or(0) + 2;
            temp.file().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(changed))?;
            new = Fingerprint::of(&rustix::fs::fstat(temp.file())?);
        }
        let kept = in_place.and_then(|in_place| {
            Some(Version { fingerprint: Fingerprint::of(&in_place.stat), stamp: in_place.stamp.clone()? })
        });
        let coming = stamp.map(|stamp| Version { fingerprint: new, stamp: stamp.clone() });
        let file = StampFile { key: key.to_owned(), versions: coming.into_iter().chain(kept).collect() };
        if file.versions.is_empty() {
            return self.remove_beside(key);
        }
        let path = self.path_of(key);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let folder = rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut temp = disk.new_temp(folder)?;
        temp.write(&serde_json::to_vec(&file).map_err(std::io::Error::other)?)?;
        if self.fsync {
            temp.sync()?;
        }
        let folder = temp.put_in_place(&file_name(key))?;
        if self.fsync {
            disk.sync_folder(folder.as_fd())?;
        }
        Ok(())
    }

    /// Removes the stamp file of `key`, if there is one.
    pub(super) fn remove_beside(&self, key: &str) -> Result<(), LocalError> {
        match fs::remove_file(self.path_of(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn read_beside(&self, key: &str) -> Result<StampFile, LocalError> {
        match fs::read(self.path_of(key)) {
            Ok(text) => {
                let found: StampFile = serde_json::from_slice(&text).unwrap_or_default();
                Ok(if found.key == key { found } else { StampFile::default() })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(StampFile::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Stamp files are spread over folders by the first two letters of their names, so that no folder grows too large.
    fn path_of(&self, key: &str) -> PathBuf {
        let name = file_name(key);
        self.folder.join(&name[..2]).join(name)
    }
}

/// How the text of an attribute begins: with the size of the file, as one more field of the stamp.
const SIZE: &str = "{\"size\":";

/// The text of a stamp with the size of its file, which former versions pass over.
fn with_size(stamp: &str, size: i64) -> String {
    format!("{SIZE}{size},{}", stamp.strip_prefix('{').unwrap_or(stamp))
}

/// The size of the file that a text was written for; none in those of former versions.
fn size_of(text: &[u8]) -> Option<i64> {
    let rest = text.strip_prefix(SIZE.as_bytes())?;
    let digits = rest.split(|byte| *byte == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn file_name(key: &str) -> String {
    let mut name = blake3::hash(key.as_bytes()).to_hex().to_string();
    name.push_str(".json");
    name
}
