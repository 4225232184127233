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

/// The folder that holds the package of this binary. If it is not there, it is written below the folder `shared`.
///
/// # Errors
/// It cannot be written.
pub(super) fn unpacked(shared: &Path) -> Result<PathBuf, Fault> {
    let folder = shared.join("python").join(digest());
    let trouble = |error: io::Error| {
        Fault::failed(format!("could not lay out the Python package in {}: {error}", folder.display()))
    };
    let folder = std::path::absolute(&folder).map_err(trouble)?;
    if folder.is_dir() {
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
}
