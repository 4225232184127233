//! The file that keeps what is logged of a run: what transforms print and measure, failed tries, troubles.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// The most that is kept of one run, in bytes. Of one entity the log has at most 64 KiB.
const MOST: u64 = 64 << 20;

static OPEN: Mutex<Option<Open>> = Mutex::new(None);

struct Open {
    path: PathBuf,
    file: File,
    left: u64,
}

fn open() -> MutexGuard<'static, Option<Open>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what is logged from now on in the file at `path`, after what it holds already. The folders above it are made.
///
/// # Errors
/// Where the file cannot be written to.
pub fn begin_run_log(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).append(true).open(path)?;
    let left = MOST.saturating_sub(file.metadata()?.len());
    *open() = Some(Open { path: path.to_owned(), file, left });
    Ok(())
}

/// Ends the file of a run. Its path, if there is one.
pub fn end_run_log() -> Option<PathBuf> {
    open().take().map(|open| open.path)
}

/// Writes lines to the file of the run, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept;

impl<'w> MakeWriter<'w> for Kept {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        *self
    }
}

impl Write for Kept {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut kept = open();
        let Some(log) = kept.as_mut() else { return Ok(line.len()) };
        let size = line.len() as u64;
        let written = match log.left >= size {
            true => log.file.write_all(line),
            false if log.left > 0 => writeln!(log.file, "the log of this run has {MOST} bytes; the rest is not kept"),
            false => Ok(()),
        };
        log.left = log.left.saturating_sub(size);
        if let Err(error) = written {
            // Not by way of the log, which would come here again.
            let path = log.path.display().to_string();
            *kept = None;
            drop(kept);
            super::aside::say(&format!("the log of the run at {path} cannot be written, and ends here: {error}"));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_s_log_is_appended_to_and_ends_at_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("runs/1/log.txt");
        begin_run_log(&path).expect("begun");
        Kept.write_all(b"one\n").expect("written");
        assert_eq!(end_run_log().as_deref(), Some(path.as_path()));
        Kept.write_all(b"of no run\n").expect("written");
        begin_run_log(&path).expect("begun again");
        Kept.write_all(b"two\n").expect("written");
        open().as_mut().expect("open").left = 5;
        for _ in 0..3 {
            Kept.write_all(b"too long\n").expect("written");
        }
        end_run_log();
        let text = std::fs::read_to_string(&path).expect("a log");
        assert_eq!(text, format!("one\ntwo\nthe log of this run has {MOST} bytes; the rest is not kept\n"));
    }
}
