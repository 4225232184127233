//! What `node --health` asks: a small file of each node on this machine, which the node writes for as long as it serves.
//!
//! ```text
//! TMPDIR/euterpe-nodes-USER/PROCESS      one word; locked for as long as the process lives, however it ends
//! ```
//!
//! The word is written every second by the thread on which the node's workers are told what to do. So a node that hangs,
//! one that has lost its broker and one that was killed are told apart.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use rustix::fs::FlockOperation;

use crate::cli::Exit;
use crate::cli::page::Output;

/// How old the word of a node may be.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a node says of itself. All words are equally long, so that each overwrites the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is not at its queues yet.
    Starts,
    /// It is connected and works.
    Serves,
    /// It has lost its broker, and tries to reach it again.
    Waits,
}

impl Word {
    const ALL: [Word; 3] = [Word::Starts, Word::Serves, Word::Waits];

    fn written(self) -> &'static str {
        match self {
            Word::Starts => "starts\n",
            Word::Serves => "serves\n",
            Word::Waits => "waits \n",
        }
    }
}

/// The file of this node. Dropped, it is removed.
#[derive(Debug)]
pub struct HealthFile {
    path: PathBuf,
    file: File,
}

impl HealthFile {
    /// Makes it in the folder of this user's nodes.
    ///
    /// # Errors
    /// Where it cannot be made, or the folder is another user's.
    pub fn make() -> io::Result<Self> {
        Self::make_in(&folder(), &std::process::id().to_string())
    }

    fn make_in(folder: &Path, name: &str) -> io::Result<Self> {
        own_folder(folder)?;
        let path = folder.join(name);
        loop {
            let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
            // Between the two, somebody who asked may have removed what a dead process of the same number left.
            let same = |there: Metadata| file.metadata().is_ok_and(|ours| ours.ino() == there.ino());
            if fs::metadata(&path).is_ok_and(same) {
                let made = Self { path, file };
                made.say(Word::Starts)?;
                return Ok(made);
            }
        }
    }

    /// Says how the node is, now.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn say(&self, word: Word) -> io::Result<()> {
        self.file.write_all_at(word.written().as_bytes(), 0)
    }
}

impl Drop for HealthFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "could not remove the file by which this node tells its health");
        }
    }
}

/// Answers for all nodes of this user on this machine: 0 if there are some and each of them serves, else 1. Where it is only
/// asked whether they are `alive`, one that starts or waits for its broker is well, too.
///
/// # Errors
/// Which node does not serve, or that there is none.
pub fn answer(alive: bool, out: Output) -> anyhow::Result<Exit> {
    let well = well(&folder(), SystemTime::now(), alive)?;
    let (fact, verb) = if alive { ("alive", "are alive; all are") } else { ("serving", "serve; all do") };
    match out.json {
        true => out.fact(&serde_json::json!({ (fact): well }))?,
        false => out.text(&format!("{well} of this machine's nodes {verb}"))?,
    }
    Ok(Exit::Ok)
}

/// How many nodes have their files in `folder`, where each of them serves, or is `alive`.
fn well(folder: &Path, now: SystemTime, alive: bool) -> anyhow::Result<usize> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(none(folder)),
        Err(error) => return Err(error).with_context(|| format!("could not read {}", folder.display())),
    };
    let mut well = 0;
    for file in files {
        let path = file.with_context(|| format!("could not read {}", folder.display()))?.path();
        let reading = || format!("could not read {}", path.display());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // its node has ended
            Err(error) => return Err(error).with_context(reading),
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(error) => return Err(error).with_context(reading),
            // Nobody holds it: the node was killed.
            Ok(()) => {
                fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
                continue;
            }
        }
        let said = fs::read_to_string(&path).with_context(reading)?;
        let at = file.metadata().and_then(|about| about.modified()).with_context(reading)?;
        let age = now.duration_since(at).unwrap_or_default();
        let node = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Word::ALL.into_iter().find(|word| word.written() == said) {
            // It says so once, and may wait for its broker for long.
            Some(Word::Starts) if alive => well += 1,
            Some(Word::Starts) => {
                bail!("the node in process {node} does not serve yet, {} s after it began", age.as_secs())
            }
            _ if age > PATIENCE => bail!("the node in process {node} has said nothing for {} s", age.as_secs()),
            Some(Word::Serves) => well += 1,
            Some(Word::Waits) if alive => well += 1,
            Some(Word::Waits) => bail!("the node in process {node} has lost its broker and tries to reach it again"),
            None => bail!("{} holds something else than the word of a node", path.display()),
        }
    }
    if well == 0 { bail!(none(folder)) } else { Ok(well) }
}

fn none(folder: &Path) -> String {
    format!("no node of this user runs on this machine: {} names none", folder.display())
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("euterpe-nodes-{}", rustix::process::getuid().as_raw()))
}

/// Makes a folder that is this user's alone.
fn own_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let about = fs::symlink_metadata(folder)?; // a link of another user's would lead elsewhere
    match about.is_dir() && about.uid() == rustix::process::getuid().as_raw() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{} is not a folder of this user", folder.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &Path, later: Duration) -> String {
        asked(folder, later, false)
    }

    fn asked(folder: &Path, later: Duration, alive: bool) -> String {
        match well(folder, SystemTime::now() + later, alive) {
            Ok(count) => count.to_string(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_node_is_alive_while_it_starts_or_waits_and_not_when_it_hangs() {
        let folder = tempfile::tempdir().expect("a folder");
        let nodes = folder.path().join("nodes");
        let alive = |later| asked(&nodes, Duration::from_secs(later), true);
        assert!(alive(0).contains("no node"), "before the first one");
        let node = HealthFile::make_in(&nodes, "7").expect("made");
        assert_eq!((alive(0).as_str(), alive(3600).as_str()), ("1", "1"), "it may build an environment for long");
        node.say(Word::Waits).expect("said");
        assert_eq!(alive(0), "1", "to start it again would not bring its broker back");
        assert!(alive(30).contains("process 7 has said nothing"), "it hangs");
        node.say(Word::Serves).expect("said");
        assert_eq!(alive(0), "1");
        assert!(alive(30).contains("process 7 has said nothing"), "it hangs");
    }

    #[test]
    fn a_node_is_well_while_it_says_that_it_serves() {
        let folder = tempfile::tempdir().expect("a folder");
        let nodes = folder.path().join("nodes");
        assert!(at(&nodes, Duration::ZERO).contains("no node"), "before the first one");
        let node = HealthFile::make_in(&nodes, "7").expect("made");
        assert!(at(&nodes, Duration::ZERO).contains("does not serve yet"));
        node.say(Word::Serves).expect("said");
        assert_eq!(at(&nodes, Duration::ZERO), "1");
        assert!(at(&nodes, Duration::from_secs(30)).contains("process 7 has said nothing"), "it hangs");
        node.say(Word::Waits).expect("said");
        assert!(at(&nodes, Duration::ZERO).contains("lost its broker"));
        let other = HealthFile::make_in(&nodes, "8").expect("made");
        other.say(Word::Serves).expect("said");
        assert!(at(&nodes, Duration::ZERO).contains("lost its broker"), "one of two");
        drop(node);
        assert_eq!(at(&nodes, Duration::ZERO), "1", "the other one");
    }

    #[test]
    fn the_file_of_a_killed_node_counts_for_nothing_and_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let nodes = folder.path().join("nodes");
        drop(HealthFile::make_in(&nodes, "7").expect("made"));
        fs::write(nodes.join("9"), "serves\n").expect("written"); // locked by nobody
        assert!(at(&nodes, Duration::ZERO).contains("no node"));
        assert!(!nodes.join("9").exists());
        let again = HealthFile::make_in(&nodes, "9").expect("made anew");
        again.say(Word::Serves).expect("said");
        assert_eq!(at(&nodes, Duration::ZERO), "1");
    }

    #[test]
    fn a_folder_that_is_a_link_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("nodes");
        std::os::unix::fs::symlink(folder.path(), &link).expect("a link");
        let refused = HealthFile::make_in(&link, "7").expect_err("not a folder");
        assert!(refused.to_string().contains("is not a folder of this user"), "{refused}");
    }
}
