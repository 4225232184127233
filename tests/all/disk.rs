//! Small disks of their own, for tests of a disk that is full, or not mounted.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Leaves such tests out on a machine that may not mount; nothing else does.
const LEAVE_OUT: &str = "EUTERPE_TESTS_MAY_NOT_MOUNT";

/// A small disk of its own. Dropped, it is gone.
pub struct Disk(PathBuf);

impl Disk {
    /// One of so many MiB, mounted at a folder; none where this machine may not mount, and such tests are to be left out.
    pub fn at(folder: &Path, mib: usize) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("made");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(folder).output();
        let why = match mounted {
            Ok(mounted) if mounted.status.success() => return Some(Self(folder.to_owned())),
            Ok(mounted) => String::from_utf8_lossy(&mounted.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(
            std::env::var_os(LEAVE_OUT).is_some(),
            "this test needs a disk of its own, and this machine may not mount one: {why}\nrun it as root, or set {LEAVE_OUT}=1 to leave it out"
        );
        eprintln!("LEFT OUT, for {LEAVE_OUT} is set: nothing is known of a disk that is full or away");
        None
    }

    /// The folder at which it is mounted.
    pub fn place(&self) -> &Path {
        &self.0
    }

    /// Shows it at another folder, too, with all that it holds.
    pub fn show_at(&self, folder: &Path) {
        let shown = Command::new("mount").arg("--bind").args([&self.0, folder]).status();
        assert!(shown.expect("mount").success(), "{} is not shown at {}", self.0.display(), folder.display());
    }

    /// Unmounts what a folder shows, even while files of it are open.
    pub fn unmount(folder: &Path) {
        let gone = Command::new("umount").arg("-l").arg(folder).status();
        assert!(gone.expect("umount").success(), "{} is still mounted", folder.display());
    }

    /// Writes until there is no room, again and again, for so long; then makes room.
    pub fn fill_for(&self, time: Duration) {
        let path = self.0.join("filler");
        let mut file = File::create(&path).expect("a file");
        let until = Instant::now() + time;
        while Instant::now() < until {
            while file.write_all(&[7; 4096]).is_ok() {}
            std::thread::sleep(Duration::from_millis(5)); // a fault that lasts, against a real process
        }
        std::fs::remove_file(path).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("-l").arg(&self.0).status();
        if !gone.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.display());
        }
    }
}
