//! Which living processes hold a lock on a file, as the kernel lists them in `/proc/locks`.

use std::{fs, fs::File, os::unix::fs::MetadataExt, path::Path};

/// The living processes of this machine that hold a lock of `flock` on a file, as far as the kernel shows them.
pub(crate) fn living_holders(file: &File) -> Vec<u32> {
    let (Ok(locks), Ok(metadata)) = (fs::read_to_string("/proc/locks"), file.metadata()) else { return Vec::new() };
    holders_in(&locks, metadata.ino()).into_iter().filter(|pid| !is_dead(*pid)).collect()
}

/// The holders of locks on the file with a number, by lines such as `1: FLOCK  ADVISORY  WRITE 708 08:01:12345 0 EOF`. The
/// device is left out: what the kernel names there is not what a file system says of its files.
fn holders_in(locks: &str, inode: u64) -> Vec<u32> {
    let holder = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (kind, pid, place) = (words.next()?, words.nth(2)?, words.next()?); // of one who waits the kind is `->`
        let same = place.rsplit_once(':').is_some_and(|(_, number)| number.parse() == Ok(inode));
        if kind == "FLOCK" && same { pid.parse().ok() } else { None }
    };
    locks.lines().filter_map(holder).collect()
}

/// Whether a process has ended: it is gone, or is a zombie that its parent has not reaped.
pub(crate) fn is_dead(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The state stands behind the name, which may hold anything.
        Ok(stat) => stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X'])),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound && Path::new("/proc/self").exists(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_holds_a_lock_of_this_file_is_told() {
        let locks = "1: FLOCK  ADVISORY  WRITE 708 08:01:12345 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 709 08:01:12345 0 EOF\n\
                     2: POSIX  ADVISORY  READ 710 08:01:12345 0 EOF\n3: FLOCK  ADVISORY  READ 711 fe:00:99 0 EOF\n\
                     4: FLOCK  ADVISORY  READ 712 fe:00:12345 0 EOF\n";
        assert_eq!(holders_in(locks, 12345), [708, 712]);
        assert!(holders_in("", 1).is_empty());
    }
}
