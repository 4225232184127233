//! The Python package `euterpe`, which the binary carries and writes to a folder where a child's Python finds it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::Fault;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../python/src/euterpe/", $name)))),*]
    };
}

/// The files of the package.
const FILES: &[(&str, &str)] = &files![
    "__init__.py",
    "audio.py",
    "binding.py",
    "context.py",
    "decorator.py",
    "faults.py",
    "forms.py",
    "frames.py",
    "jsontext.py",
    "lines.py",
    "load.py",
    "options.py",
    "outputs.py",
    "prepared.py",
    "py.typed",
    "readers.py",
    "results.py",
    "signature.py",
    "testing.py",
    "traces.py",
    "worker.py",
];

/// A name for the package of this binary, different for every content.
pub(super) fn digest() -> String {
    let mut digest = blake3::Hasher::new();
    for (name, text) in FILES {
        digest.update(name.as_bytes()).update(text.as_bytes());
    }
    digest.finalize().to_hex()[..16].to_owned()
}

/// The folder that holds the package of this binary, below the folder `shared`. What is not there, or holds something else
/// than it should, is written.
///
/// # Errors
/// It cannot be written.
pub(super) fn unpacked(shared: &Path) -> Result<PathBuf, Fault> {
    let folder = shared.join("python").join(digest());
    let trouble = |error: io::Error| {
        Fault::of_io(format!("could not lay out the Python package in {}", folder.display()), &error)
    };
    let folder = std::path::absolute(&folder).map_err(trouble)?;
    if folder.is_dir() {
        mend(&folder.join("euterpe")).map_err(trouble)?;
        return Ok(folder);
    }
    // Written beside its place and moved there, so that another process sees all of it or nothing.
    fs::create_dir_all(shared.join("python")).map_err(trouble)?;
    let new = tempfile::tempdir_in(shared.join("python")).map_err(trouble)?;
    let package = new.path().join("euterpe");
    fs::create_dir(&package).map_err(trouble)?;
    for (name, text) in FILES {
        fs::write(package.join(name), text).map_err(trouble)?;
    }
    match fs::rename(new.path(), &folder) {
        Err(_) if folder.is_dir() => Ok(folder), // another process was first
        moved => moved.map(|()| folder.clone()).map_err(trouble),
    }
}

/// Writes the files of a package that are not what they should be: a machine that lost its power may have left them empty.
fn mend(package: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let file = package.join(name);
        if fs::read(&file).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        fs::create_dir_all(package)?;
        let mut new = tempfile::NamedTempFile::new_in(package)?;
        io::Write::write_all(&mut new, text.as_bytes())?;
        new.persist(&file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_carries_every_file_of_the_package() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/src/euterpe");
        let there = fs::read_dir(folder).expect("the package").map(|entry| entry.expect("an entry").file_name());
        let mut there: Vec<String> = there.filter_map(|name| name.into_string().ok()).collect();
        there.retain(|name| name.contains('.') && !name.ends_with(".egg-info"));
        there.sort();
        let mut carried: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        carried.sort_unstable();
        assert_eq!(carried, there);
    }

    #[test]
    fn the_package_is_laid_out_once() {
        let shared = tempfile::tempdir().expect("a temporary folder");
        let folder = unpacked(shared.path()).expect("laid out");
        assert_eq!(
            fs::read_to_string(folder.join("euterpe/worker.py")).expect("there"),
            FILES.iter().find(|(name, _)| *name == "worker.py").expect("carried").1
        );
        assert_eq!(unpacked(shared.path()).expect("there already"), folder);
        assert_eq!(fs::read_dir(shared.path().join("python")).expect("listed").count(), 1, "nothing is left over");
    }

    #[test]
    fn a_file_of_the_package_that_lost_its_content_is_written_again() {
        let shared = tempfile::tempdir().expect("a temporary folder");
        let package = unpacked(shared.path()).expect("laid out").join("euterpe");
        fs::write(package.join("worker.py"), "").expect("emptied");
        fs::remove_file(package.join("faults.py")).expect("removed");
        unpacked(shared.path()).expect("mended");
        for (name, text) in FILES {
            assert_eq!(fs::read_to_string(package.join(name)).expect("there"), *text, "{name}");
        }
        assert_eq!(fs::read_dir(&package).expect("listed").count(), FILES.len());
    }
}
