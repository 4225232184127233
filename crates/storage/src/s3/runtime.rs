//! The threads for S3, apart from a node's own, so that signing, hashing and copying do not delay the node.

use std::{
    future::Future,
    io,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use euterpe_actors::blocking_threads;
use tokio::runtime::{Builder, Runtime};
use tracing::Instrument;

use super::error::S3Error;

/// A connection lives as long as the runtime that opened it, so all stores of a process share one runtime, which is never
/// dropped.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, started by the first who asks. Where it cannot be started now, the next one tries again.
fn runtime() -> io::Result<&'static Runtime> {
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let threads = thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    try_threads(threads + 1)?;
    let mut builder = Builder::new_multi_thread();
    let started = blocking_threads::with_thread(builder.worker_threads(threads).thread_name("euterpe-s3"))?;
    Ok(RUNTIME.get_or_init(|| started))
}

/// Whether so many threads can be had at once: a runtime that does not get its threads says so on the terminal.
fn try_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let _closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = || drop(gate.lock());
        (0..count).try_for_each(|_| thread::Builder::new().spawn_scoped(scope, wait).map(drop))
    })
}

/// Runs work on these threads, to its end even if the future is dropped.
pub(super) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, S3Error>> + Send + 'static,
) -> Result<T, S3Error> {
    match runtime() {
        Ok(runtime) => {
            runtime.spawn(work.in_current_span()).await.unwrap_or_else(|error| Err(S3Error::unavailable(error)))
        }
        Err(error) => Err(S3Error::of_thread(&error)),
    }
}

/// Starts work that nobody waits for; whether there are threads for it.
pub(super) fn begin(work: impl Future<Output = ()> + Send + 'static) -> bool {
    match runtime() {
        Ok(runtime) => {
            runtime.spawn(work.in_current_span());
            true
        }
        Err(_) => false,
    }
}

/// Blocks until a call of a bucket is done, for programs that have no runtime of their own yet.
///
/// # Errors
/// Where there are no threads for them, or the work panicked.
pub fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    let runtime = runtime()?;
    let (send, done) = std::sync::mpsc::channel();
    // An error means that the waiting thread is gone, and needs no answer.
    runtime.spawn(async move { send.send(work.await).ok() });
    done.recv().map_err(io::Error::other)
}
