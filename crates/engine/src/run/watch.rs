//! How a caller sees a run, and stops it.

use std::future::pending;

use async_trait::async_trait;

use super::running::Running;

/// Something that the caller may want to tell a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The run stops because so many entities have become dead letters.
    TooManyDead(u64),
    /// The graph is not what it was when the run began; the run goes on by the graph as it is now.
    GraphChanged,
}

/// Watches a run from outside.
#[async_trait(?Send)]
pub trait Watch {
    /// Is told of the run before anything of it happens.
    fn begins(&self, running: &Running) {
        tracing::debug!(run = %running.run(), "a run begins");
    }

    /// Watches beside the run, which may be stopped by [`Running::stop`]. Dropped when the run has ended; the run does not
    /// end because this returns.
    async fn watch(&self, running: &Running);

    /// Takes notice of something.
    fn notice(&self, notice: Notice) {
        tracing::info!(?notice, "a run goes on");
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

#[async_trait(?Send)]
impl Watch for Unwatched {
    async fn watch(&self, _: &Running) {
        pending().await
    }
}
