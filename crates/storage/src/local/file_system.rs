//! On which file system a folder lies, and where that is mounted. One that is mounted again has other numbers and the same place.

use std::{
    io,
    path::{Path, PathBuf},
};

use euterpe_actors::storage::{Mount, is_hidden};

/// On which file system a folder lies, and where that is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileSystem {
    mount: Mount,
    mounted_at: PathBuf,
}

impl FileSystem {
    /// That of the folder `real`, a path without links.
    pub(super) fn of(real: &Path) -> io::Result<Self> {
        let mount = Mount::of(real)?;
        let mut mounted_at = real;
        while let Some(parent) = mounted_at.parent()
            && Mount::of(parent).is_ok_and(|parents| parents == mount)
        {
            mounted_at = parent;
        }
        Ok(Self { mount, mounted_at: mounted_at.to_owned() })
    }

    /// Its device.
    pub(super) fn device(&self) -> u64 {
        self.mount.device
    }

    /// The folder at which it is mounted.
    pub(super) fn mounted_at(&self) -> &Path {
        &self.mounted_at
    }

    /// Whether both are one mount.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.mount == other.mount
    }

    /// Whether the folder `real`, which lies on this file system, may be the one that lay on `former`: something is mounted
    /// there again. Where what was mounted is gone, the file system of a folder further up shows.
    pub(super) fn is_mounted_like(&self, former: &Self, real: &Path) -> bool {
        self.is(former) || self.mounted_at == former.mounted_at || self.mounted_at == real
    }

    /// One with another device that is mounted at `place`.
    #[cfg(test)]
    pub(super) fn other_device(&self, place: &Path) -> Self {
        let mount = Mount { device: self.mount.device + 1, ..self.mount };
        Self { mount, mounted_at: place.to_owned() }
    }
}

/// Whether a folder holds nothing but what is of nobody's catalogue.
pub(super) fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        if entry?.file_name().to_str().is_none_or(|name| !is_hidden(name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(device: u64, number: u64, place: &str) -> FileSystem {
        FileSystem { mount: Mount { device, number: Some(number) }, mounted_at: place.into() }
    }

    #[test]
    fn a_folder_is_mounted_again_where_another_file_system_is_mounted_at_its_place() {
        let (nas, root) = (mounted(7, 30, "/mnt/nas"), mounted(1, 20, "/"));
        let cases = [
            ("mounted again", &nas, mounted(8, 31, "/mnt/nas"), true),
            ("mounted again from the same device", &nas, mounted(7, 31, "/mnt/nas"), true),
            ("gone, and the disk below shows", &nas, root.clone(), false),
            ("gone, as what was bound from the disk below", &mounted(1, 30, "/mnt/nas"), root.clone(), false),
            ("mounted only now", &root, mounted(7, 30, "/mnt/nas/music"), true),
            ("a link that leads to another disk", &root, mounted(7, 30, "/data"), false),
            ("nothing changed", &root, root.clone(), true),
        ];
        for (what, former, now, fits) in cases {
            assert_eq!(now.is_mounted_like(former, Path::new("/mnt/nas/music")), fits, "{what}");
        }
    }

    #[test]
    fn a_file_system_is_mounted_where_its_uppermost_folder_is() {
        let proc = FileSystem::of(Path::new("/proc/self/task")).expect("there");
        let real = std::fs::canonicalize("/proc/self/task").expect("there");
        assert_eq!(FileSystem::of(&real).expect("there").mounted_at, Path::new("/proc"));
        assert!(proc.is(&FileSystem::of(Path::new("/proc")).expect("there")));
        assert_eq!(FileSystem::of(Path::new("/")).expect("there").mounted_at, Path::new("/"));
    }

    #[test]
    fn what_systems_leave_behind_does_not_fill_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["lost+found", ".euterpe", "@eaDir"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        assert!(is_empty(folder.path()).expect("read"));
        std::fs::write(folder.path().join("t-1.flac"), "x").expect("written");
        assert!(!is_empty(folder.path()).expect("read"));
    }
}
