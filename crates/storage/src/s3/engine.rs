//! The threads on which S3 is spoken, apart from a node's own: signing, hashing and copying take time there only.

use std::{future::Future, io, sync::LazyLock};

use tokio::runtime::{Builder, Runtime};

use super::trouble::Trouble;

/// Connections live as long as the runtime that opened them, so all stores of a process share one that is never dropped.
static ENGINE: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    Builder::new_multi_thread().worker_threads(threads).thread_name("euterpe-s3").enable_all().build()
});

/// Does the work there, to its end even if nobody waits for it.
pub(super) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
) -> Result<T, Trouble> {
    match &*ENGINE {
        Ok(runtime) => runtime.spawn(work).await.unwrap_or_else(|error| Err(Trouble::unavailable(error))),
        Err(error) => Err(Trouble::unavailable(format!("no threads for S3: {error}"))),
    }
}

/// Begins work there that nobody waits for; whether there are threads for it.
pub(super) fn begin(work: impl Future<Output = ()> + Send + 'static) -> bool {
    match &*ENGINE {
        Ok(runtime) => {
            runtime.spawn(work);
            true
        }
        Err(_) => false,
    }
}

/// Waits for calls of buckets where nothing else can be done meanwhile: before a verb has a runtime of its own.
///
/// # Errors
/// Where there are no threads for them, or the work panicked.
pub fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    let runtime = ENGINE.as_ref().map_err(|error| io::Error::other(format!("no threads for S3: {error}")))?;
    let (send, done) = std::sync::mpsc::channel();
    // Nobody is there to be told only where this thread is gone.
    runtime.spawn(async move { send.send(work.await).ok() });
    done.recv().map_err(io::Error::other)
}
