//! Where a table goes: a file that takes its name when it is whole, or what takes bytes as they come.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use euterpe_engine::Mistake;
use tempfile::{NamedTempFile, TempPath};

use crate::cli::Exit;
use crate::cli::page::interrupts::when_interrupted;
use crate::telemetry;

/// Where a table is written to.
pub enum Destination {
    /// A file that takes the name `path` when it is whole; until then whatever lay there stays.
    File { to: BufWriter<File>, unfinished: Unfinished, path: PathBuf },
    /// Standard output, a device, or a pipe with a name: what is written there is gone.
    Stream(Box<dyn Write + Send>),
}

impl Destination {
    /// Opens standard output for `-`, else what `path` names; behind a symbolic link the file that it leads to.
    ///
    /// # Errors
    /// [`Mistake`] for a folder, and a link that leads nowhere; a folder or a file that may not be written to.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let problem = |what| Mistake(format!("`{}` {what}", path.display()));
        let written = || format!("could not write {}", path.display());
        if path.as_os_str() == "-" {
            return Ok(Destination::Stream(Box::new(BufWriter::new(io::stdout()))));
        }
        let there = match fs::metadata(path) {
            Ok(there) if there.is_dir() => bail!(problem("is a folder; name a file in it")),
            Ok(there) if !there.is_file() => {
                let stream = OpenOptions::new().write(true).open(path).with_context(written)?;
                return Ok(Destination::Stream(Box::new(BufWriter::new(stream))));
            }
            Ok(there) => Some(there),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(written),
            Err(_) if is_link(path) => bail!(problem("is a symbolic link to what is not there")),
            Err(_) => None,
        };
        let target = if there.is_some() { fs::canonicalize(path).with_context(written)? } else { path.to_owned() };
        let unfinished = Unfinished::default();
        unfinished.remove_when_interrupted(format!("interrupted; {} is as it was", path.display()))?;
        let (to, beside) = beside(&target, there.as_ref()).with_context(written)?.into_parts();
        *unfinished.lock() = Some(beside);
        Ok(Destination::File { to: BufWriter::new(to), unfinished, path: target })
    }

    /// The table is whole: gives its file the name.
    ///
    /// # Errors
    /// What is left cannot be written; the file cannot take the name.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Destination::Stream(mut stream) => stream.flush(),
            Destination::File { to, unfinished, path } => {
                to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                match unfinished.lock().take() {
                    Some(beside) => beside.persist(path).map_err(|error| error.error),
                    None => Err(io::Error::other("it was removed")),
                }
            }
        }
    }
}

/// The path of a file that is not whole yet; none before it is made, and when it has its name. Dropped, the file is removed.
#[derive(Default)]
pub struct Unfinished(Arc<Mutex<Option<TempPath>>>);

impl Unfinished {
    fn lock(&self) -> MutexGuard<'_, Option<TempPath>> {
        locked(&self.0)
    }

    /// Where somebody asks this process to stop before the file has its name, it is removed, and the process ends with what is `said`: it
    /// waits for nobody, for a thread may read what another program has not written yet.
    fn remove_when_interrupted(&self, said: String) -> io::Result<()> {
        let unfinished = self.0.clone();
        when_interrupted(move || {
            let Some(path) = locked(&unfinished).take() else { return };
            if let Err(error) = path.close() {
                telemetry::say(&format!("could not remove what was begun: {error}"));
            }
            telemetry::say(&said);
            process::exit(Exit::Interrupted.code().into());
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(self.lock().take());
    }
}

fn locked(path: &Mutex<Option<TempPath>>) -> MutexGuard<'_, Option<TempPath>> {
    path.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink())
}

/// A new file in the folder of `path`, with the permissions of the one that it will take the place of.
fn beside(path: &Path, there: Option<&Metadata>) -> anyhow::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if there.is_some() {
        // A file that may not be written to is not to be replaced either.
        File::options().write(true).open(path)?;
    }
    // What the user's mask takes away is taken away when it is made.
    let permissions = Permissions::from_mode(0o666);
    let file = tempfile::Builder::new().prefix(".euterpe-export-").permissions(permissions).tempfile_in(folder);
    let file = file.with_context(|| format!("could not write into {}", folder.display()))?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    Ok(file)
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Destination::File { to, .. } => to.write(bytes),
            Destination::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Destination::File { to, .. } => to.flush(),
            Destination::Stream(stream) => stream.flush(),
        }
    }
}
