//! The file that keeps what is logged of a run: what transforms print and measure, failed tries, troubles.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Level;

use super::json_lines::sentence;

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

/// Whether a run keeps a log now.
pub(super) fn is_kept() -> bool {
    open().is_some()
}

/// Writes a line, with its end, to the file of the run, if there is one.
pub(super) fn keep(line: &str) {
    let mut kept = open();
    let Some(log) = kept.as_mut() else { return };
    let size = line.len() as u64;
    let full = || sentence(Level::WARN, &format!("the log of this run has {MOST} bytes; the rest is not kept"));
    let written = match log.left >= size {
        true => log.file.write_all(line.as_bytes()),
        false if log.left > 0 => log.file.write_all(full().as_bytes()),
        false => Ok(()),
    };
    // Once something had no room nothing has: the log has no gap but at its end.
    log.left = log.left.saturating_sub(size);
    if let Err(error) = written {
        // Not by way of the log, which would come here again.
        let path = log.path.display().to_string();
        *kept = None;
        drop(kept);
        super::aside::say(&format!("the log of the run at {path} cannot be written, and ends here: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_s_log_is_appended_to_and_ends_at_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("runs/1/log.jsonl");
        begin_run_log(&path).expect("begun");
        keep("one\n");
        assert_eq!(end_run_log().as_deref(), Some(path.as_path()));
        keep("of no run\n");
        begin_run_log(&path).expect("begun again");
        keep("two\n");
        open().as_mut().expect("open").left = 5;
        for _ in 0..3 {
            keep("too long\n");
        }
        end_run_log();
        let text = std::fs::read_to_string(&path).expect("a log");
        let (lines, last) = text.trim_end().rsplit_once('\n').expect("lines");
        assert_eq!(lines, "one\ntwo");
        assert!(last.starts_with('{') && last.contains("the rest is not kept"), "{last}");
    }
}
