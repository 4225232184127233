//! A real file system that does not tell case, on a loop device: exFAT, or ext4 with `casefold`.
//!
//! Needs root, loop devices, and `mkfs.exfat` with `mount.exfat-fuse`; tries `mkfs.ext4` too, for which the kernel must know
//! Unicode. With `EUTERPE_TESTS_MAY_NOT_MOUNT` set it is left out where nothing can be mounted.

use std::path::Path;
use std::process::Command;

use super::{GRAPH, content, corpus::names, counts};
use crate::cli::Bench;

/// A file system in a file, mounted until this is gone.
struct Mounted {
    folder: tempfile::TempDir,
    device: String,
}

impl Mounted {
    /// Makes a file system of 64 MiB with `make`, and mounts it with `mount`; why not, if that cannot be.
    fn new(make: &[&str], mount: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (image, place) = (folder.path().join("image"), folder.path().join("place"));
        std::fs::create_dir(&place).map_err(|error| error.to_string())?;
        let file = std::fs::File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(64 << 20).map_err(|error| error.to_string())?;
        call(make, &[&image])?;
        let device = call(&["losetup", "--find", "--show"], &[&image])?.trim().to_owned();
        let mounted = Self { folder, device };
        call(mount, &[Path::new(&mounted.device), &place])?;
        Ok(mounted)
    }

    fn place(&self) -> std::path::PathBuf {
        self.folder.path().join("place")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let place = self.place();
        for (words, of) in [(&["umount"][..], &*place), (&["losetup", "--detach"], Path::new(&self.device))] {
            if let Err(error) = call(words, &[of]) {
                eprintln!("left behind: {error}");
            }
        }
    }
}

fn call(words: &[&str], more: &[&Path]) -> Result<String, String> {
    let ended = Command::new(words[0]).args(&words[1..]).args(more).output();
    let ended = ended.map_err(|error| format!("{}: {error}", words[0]))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match ended.status.success() {
        true => Ok(said(&ended.stdout)),
        false => Err(format!("{}: {}{}", words[0], said(&ended.stdout), said(&ended.stderr))),
    }
}

/// All that can be mounted here.
fn mounted() -> Vec<(&'static str, Mounted)> {
    let exfat = Mounted::new(&["mkfs.exfat"], &["mount.exfat-fuse"]);
    let ext4 = Mounted::new(&["mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding=utf8"], &["mount"]);
    let mut found = Vec::new();
    for (name, mounted) in [("exFAT", exfat), ("ext4 with casefold", ext4)] {
        match mounted {
            Ok(mounted) => found.push((name, mounted)),
            Err(why) => eprintln!("NOT TRIED on {name}: {why}"),
        }
    }
    let left_out = std::env::var_os("EUTERPE_TESTS_MAY_NOT_MOUNT").is_some();
    assert!(left_out || !found.is_empty(), "nothing could be mounted; EUTERPE_TESTS_MAY_NOT_MOUNT=1 leaves this out");
    found
}

#[test]
fn names_are_told_apart_and_found_again_on_a_real_file_system_without_case() {
    for (name, mounted) in mounted() {
        let out = mounted.place().join("out");
        std::fs::create_dir(&out).expect("made");
        if name.starts_with("ext4") {
            call(&["chattr", "+F"], &[&out]).expect("casefold");
        }
        let graph = GRAPH.replace("SRC", "./src").replace("OUT", &format!("{{url: {}, fsync: false}}", out.display()));
        let bench = Bench::new(&graph);
        let twins =
            ["TWIN/x", "twin/x", "Twin/X", "Straße", "STRASSE", "strasse", "aux", "con.x", "Inc.", "Inc", "ǅ", "ǆ"];
        let names: Vec<String> = names().into_iter().chain(twins.map(str::to_owned)).collect();
        for name in &names {
            bench.write(&format!("src/{name}.json"), &content(name));
        }
        let all = 2 * names.len() as u64;
        assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [all, 0, 0], "{name}");
        assert!(out.join(".euterpe/names-without-case").exists(), "{name} was not found out");
        assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [0, 0, 0], "{name}");
        bench.call("runs check g.yaml last --hashes").ends(0);
        let planned = bench.call("--json plan g.yaml").ends(0).last();
        assert_eq!(planned["work"], 0, "{name}: {planned}");
        // Forced for one of them, the others stay.
        assert_eq!(counts(&bench.call("--json run g.yaml --force=a,b T").ends(0)), [2, 0, 0], "{name}");
        assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [0, 0, 0], "{name}");
        let told = bench.call("verify g.yaml").out;
        assert!(told.contains("takes `T` and `t` for one name"), "{name}: {told}");
        // Two templates that are one there.
        bench.write("g.yaml", &graph.replace("out:b/{id}", "out:A/{id}"));
        assert!(bench.call("plan g.yaml").ends(2).err.contains("may be the same key as"), "{name}");
    }
}

#[test]
fn outputs_of_a_former_version_on_such_a_file_system_are_those_of_the_name_that_they_have() {
    for (name, mounted) in mounted().into_iter().filter(|(name, _)| *name == "exFAT") {
        let out = mounted.place().join("out");
        let bench = Bench::new(&GRAPH.replace("SRC", "./src").replace("OUT", out.to_str().expect("text")));
        for name in ["T", "t"] {
            bench.write(&format!("src/{name}.json"), &content(name));
        }
        for job in ["a", "b"] {
            std::fs::create_dir_all(out.join(job)).expect("made");
            std::fs::write(out.join(job).join("T.json"), content("T")).expect("written");
        }
        // `T` is there. `t` has its name to this file system, and is refused rather than taken for it.
        assert_eq!(counts(&bench.call("--json run g.yaml").ends(4)), [0, 2, 0], "{name}");
        let letters = bench.call("dead ls g.yaml --all").ends(0).out;
        assert!(letters.contains("takes both names for one"), "{name}: {letters}");
        assert_eq!(std::fs::read_to_string(out.join("b/T.json")).expect("read"), content("T"));
    }
}
