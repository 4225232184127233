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
