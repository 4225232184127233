//! Runtimes with a thread for work that waits for a disk, which is there from the start and stays.
//!
//! tokio starts such threads when they are needed and lets them go after ten seconds. Where there is none and none can be
//! started (`ulimit -u`, `pids.max`, no memory), it panics. With one thread at the least, work waits for its turn instead.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures::FutureExt;
use tokio::{
    io::AsyncWriteExt,
    runtime::{Builder, Handle, Runtime},
    task::{JoinHandle, spawn_blocking},
};
use tracing::Span;

/// A runtime on one thread, with a thread for blocking work.
///
/// # Errors
/// Where no thread can be started, or no descriptors are left.
pub fn runtime() -> io::Result<Runtime> {
    with_thread(&mut Builder::new_current_thread())
}

/// The runtime of `builder`, with a thread for blocking work.
///
/// # Errors
/// As [`runtime`].
pub fn with_thread(builder: &mut Builder) -> io::Result<Runtime> {
    // Threads that came with a burst of work stay, too: an idle one takes some 10 KiB.
    let builder = builder.enable_all().thread_keep_alive(Duration::MAX);
    // A runtime of several threads panics where they cannot be started.
    let runtime = catch_unwind(AssertUnwindSafe(|| builder.build())).map_err(|_| no_thread())??;
    let context = runtime.enter();
    start_thread()?;
    drop(context);
    Ok(runtime)
}

/// Has the runtime of this context start a thread for blocking work.
fn start_thread() -> io::Result<()> {
    // Of all that tokio does on such a thread, only a write to a file says by an error that there is none, and it does so
    // at once: the bytes are taken when the thread is there.
    let mut nothing = tokio::fs::File::from_std(File::options().write(true).open("/dev/null")?);
    match nothing.write_all(b"\n").now_or_never() {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => Err(no_thread()),
    }
}

/// Does work that waits for a disk on a thread for it. What it logs is of the caller's span. It is done to its end even if the future is dropped.
///
/// # Errors
/// Where no thread can be started, as trouble of the machine ([`crate::node_trouble`]); where the work panicked.
pub async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    begin_blocking(work)?.await.map_err(io::Error::other)
}

/// Does work that nobody waits for on a thread for it, or here where there is no runtime. Work that must be done belongs into
/// the `Drop` of what `work` holds: a runtime that ends drops what it has not begun.
pub fn on_blocking_thread_soon(work: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        // Without a thread the work waits for the next one that is started, or for the end of the runtime.
        Ok(_) => drop(begin_blocking(work)),
        Err(_) => work(),
    }
}

/// Starts work: an error in place of tokio's panic where a runtime that is not ours has no thread.
pub fn begin_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    let span = Span::current();
    #[allow(clippy::disallowed_methods)] // here its panic is caught
    let begun = catch_unwind(AssertUnwindSafe(|| spawn_blocking(move || span.in_scope(work))));
    begun.map_err(|_| no_thread())
}

fn no_thread() -> io::Error {
    io::Error::new(io::ErrorKind::WouldBlock, "no further thread can be started")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node_trouble::remedy;

    /// No address space holds this, so no thread with such a stack starts.
    const TOO_MUCH: usize = 1 << 60;

    #[test]
    fn a_runtime_whose_threads_cannot_start_is_an_error_with_its_remedy() {
        let error = with_thread(Builder::new_current_thread().thread_stack_size(TOO_MUCH)).expect_err("started");
        assert!(remedy(&error).is_some_and(|remedy| remedy.contains("ulimit -u")), "{error}");
    }

    #[test]
    fn work_without_a_thread_is_an_error_and_no_panic() {
        let runtime = Builder::new_current_thread().thread_stack_size(TOO_MUCH).build().expect("no thread yet");
        let error = runtime.block_on(on_blocking_thread(|| ())).expect_err("done");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        runtime.block_on(async { on_blocking_thread_soon(|| ()) });
    }

    #[test]
    fn a_thread_that_stays_for_ever_does_what_comes_while_it_is_idle() {
        let runtime = runtime().expect("a thread");
        for number in 0..100 {
            assert_eq!(runtime.block_on(on_blocking_thread(move || number)).expect("done"), number);
        }
    }
}
