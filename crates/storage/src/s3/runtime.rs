//! The threads for S3, apart from a node's own, so that signing, hashing and copying do not delay the node.

use std::{future::Future, io, sync::LazyLock};

use tokio::runtime::{Builder, Runtime};

use super::error::S3Error;

/// A connection lives as long as the runtime that opened it, so all stores of a process share one runtime, which is never
/// dropped.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    Builder::new_multi_thread().worker_threads(threads).thread_name("euterpe-s3").enable_all().build()
});

/// Runs work on these threads, to its end even if the future is dropped.
pub(super) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, S3Error>> + Send + 'static,
) -> Result<T, S3Error> {
    match &*RUNTIME {
        Ok(runtime) => runtime.spawn(work).await.unwrap_or_else(|error| Err(S3Error::unavailable(error))),
        Err(error) => Err(S3Error::unavailable(format!("no threads for S3: {error}"))),
    }
}

/// Starts work that nobody waits for; whether there are threads for it.
pub(super) fn begin(work: impl Future<Output = ()> + Send + 'static) -> bool {
    match &*RUNTIME {
        Ok(runtime) => {
            runtime.spawn(work);
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
    let runtime = RUNTIME.as_ref().map_err(|error| io::Error::other(format!("no threads for S3: {error}")))?;
    let (send, done) = std::sync::mpsc::channel();
    // An error means that the waiting thread is gone, and needs no answer.
    runtime.spawn(async move { send.send(work.await).ok() });
    done.recv().map_err(io::Error::other)
}
