//! The limit of file sizes (`ulimit -f`): a write beyond it is an error in this process, and not its end without a word.

use std::io;

use rustix::process::Signal;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

/// From now on a write beyond the limit of file sizes fails with an error. The programs that this process starts have the
/// default again, as a handler does not outlive `exec`.
pub fn survive_large_files() {
    if let Err(error) = handle() {
        tracing::warn!(%error, "a file that grows beyond `ulimit -f` will end this process");
    }
}

/// A handler stays when the runtime that set it is gone.
fn handle() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _context = runtime.enter();
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}
