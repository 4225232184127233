//! The digest of the files that hold a job's code: the same on every machine that has the same files around the graph file.

use std::{
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use euterpe_actors::actors_thread::assert_may_block;

/// A digest of files that are named from a folder.
///
/// What a relative path leads to counts, also beside the folder; an absolute path only where it leads below the folder.
/// Files elsewhere belong to the machine and may differ from those of another machine. A file is known by its place below
/// the folder, or by its name alone if it lies elsewhere, and not by how its path is written.
#[derive(Debug)]
pub(crate) struct CodeDigest {
    folder: PathBuf,
    digest: blake3::Hasher,
    files: Vec<PathBuf>,
}

/// What the files of a job's code were when they were read.
#[derive(Debug)]
pub(crate) struct Code {
    /// The digest of all of them.
    pub(crate) digest: String,
    /// Those that were read.
    pub(crate) files: Vec<PathBuf>,
}

impl CodeDigest {
    /// A digest of no files yet, for files that are named from `folder`.
    pub(crate) fn from(folder: &Path) -> Self {
        Self { folder: normalised(folder), digest: blake3::Hasher::new(), files: Vec::new() }
    }

    /// Adds the files that these words name. A word that names no file is passed over: it is an option; so is an absolute path
    /// that leads elsewhere: it is a program of the machine.
    pub(crate) fn add(&mut self, words: impl IntoIterator<Item = impl AsRef<Path>>) {
        let words: Vec<_> = words.into_iter().filter(|word| !is_of_the_machine(&self.folder, word.as_ref())).collect();
        self.add_files(words);
    }

    /// Adds these files, wherever they lie. One that is not there is passed over.
    pub(crate) fn add_files(&mut self, files: impl IntoIterator<Item = impl AsRef<Path>>) {
        assert_may_block("reading the code of a job");
        for file in files {
            let path = normalised(&self.folder.join(file));
            if !path.is_file() {
                continue;
            }
            // Where a file beside the folder lies may differ between machines, and changes nothing.
            let name =
                path.strip_prefix(&self.folder).ok().map(Path::as_os_str).or(path.file_name()).unwrap_or_default();
            let name = name.as_encoded_bytes().to_owned();
            match self.add_file(&name, &path) {
                Ok(()) => self.files.push(path),
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "a file of a job's code cannot be read, so a change in it is not seen");
                }
            }
        }
    }

    /// Adds a file: the length of its name, its name, the length of its content, its content. Without the lengths a byte
    /// could move from one to the next unseen.
    fn add_file(&mut self, name: &[u8], path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        self.digest.update(&(name.len() as u64).to_le_bytes()).update(name).update(&length.to_le_bytes());
        self.digest.update_reader(file.by_ref().take(length))?;
        Ok(())
    }

    /// The digest of all that was added.
    pub(crate) fn finish(&self) -> String {
        self.digest.finalize().to_hex()[..32].to_owned()
    }

    /// The digest of all that was added, with the files.
    pub(crate) fn code(self) -> Code {
        Code { digest: self.finish(), files: self.files }
    }
}

/// The files that these words name, seen from `folder`: those that are code of the job.
pub fn named_files(folder: &Path, words: impl IntoIterator<Item = impl AsRef<Path>>) -> Vec<PathBuf> {
    let folder = normalised(folder);
    let words = words.into_iter().filter(|word| !is_of_the_machine(&folder, word.as_ref()));
    words.map(|word| normalised(&folder.join(word))).filter(|path| path.is_file()).collect()
}

/// Whether a word is an absolute path that does not lead below the folder.
fn is_of_the_machine(folder: &Path, word: &Path) -> bool {
    word.is_absolute() && !normalised(word).starts_with(folder)
}

/// The path without `.` and `..`, and absolute. Links are not followed: where they lead may differ between machines.
pub(crate) fn normalised(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn digest(folder: &Path, words: &[&str]) -> String {
        let mut digest = CodeDigest::from(folder);
        digest.add(words);
        digest.finish()
    }

    #[test]
    fn what_a_relative_path_names_counts_and_of_absolute_ones_what_lies_below_the_folder() {
        let around = tempfile::tempdir().expect("a folder");
        let folder = around.path().join("graph");
        fs::create_dir_all(folder.join("bin")).expect("made");
        for (name, text) in [("beside", "1"), ("graph/bin/tool", "2"), ("graph/plain", "3")] {
            fs::write(around.path().join(name), text).expect("written");
        }
        let none = digest(&folder, &[]);
        let absolute = around.path().join("beside");
        for word in [absolute.to_str().expect("text"), "--option", "bin", "/bin/sh", "no/such/file"] {
            assert_eq!(digest(&folder, &[word]), none, "{word}");
        }
        let beside = digest(&folder, &["../beside"]);
        assert_ne!(beside, none);
        assert_eq!(digest(&folder, &["bin/../../beside"]), beside);
        let tool = digest(&folder, &["bin/tool"]);
        assert!(tool != none && tool != beside);
        let absolute = folder.join("bin/tool");
        for word in ["./bin/tool", "bin/../bin/tool", "../graph/bin/tool", absolute.to_str().expect("text")] {
            assert_eq!(digest(&folder, &[word]), tool, "{word}");
        }
        let named_otherwise = around.path().join("x/../graph");
        assert_eq!(digest(&named_otherwise, &["bin/tool"]), tool, "the folder is named in another way");
        assert_ne!(digest(&folder, &["plain"]), none);
        let moved = around.path().join("moved");
        fs::rename(&folder, &moved).expect("renamed");
        assert_eq!(digest(&moved, &["bin/tool"]), tool, "where the folder lies is the machine's business");
        assert_eq!(digest(&moved, &["../beside"]), beside, "so for what lies beside it");
    }

    #[test]
    fn no_byte_moves_from_one_file_to_the_next_or_from_a_name_to_a_content_unseen() {
        let put = |files: &[(&str, &str)]| {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text) in files {
                fs::write(folder.path().join(name), text).expect("written");
            }
            digest(folder.path(), &files.iter().map(|(name, _)| *name).collect::<Vec<_>>())
        };
        let all = [
            put(&[("a", "xy"), ("b", "z")]),
            put(&[("a", "x"), ("b", "yz")]),
            put(&[("a", "xybz")]),
            put(&[("ax", "y"), ("b", "z")]),
            put(&[("b", "z"), ("a", "xy")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "number {at} is met again: {all:?}");
        }
    }
}
