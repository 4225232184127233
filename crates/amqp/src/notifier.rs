//! Wakes workers from the thread of the connections, many with one wake-up of their runtime.
//!
//! Waking a task of another thread is a system call, and may wake that thread as well. So notices go into one queue, and a
//! task on the workers' own runtime wakes each of them there, which costs next to nothing.

use std::sync::Arc;

use euterpe_actors::broker::BrokerError;
use tokio::sync::{mpsc, oneshot};

use super::prefetch::PrefetchBuffer;

/// How many notices are handed over before the workers have their turn.
const AT_ONCE: usize = 128;

/// What a worker waits for.
pub(super) enum Notice {
    /// Deliveries of a job arrived.
    Arrived(Arc<PrefetchBuffer>),
    /// The messages of a batch are confirmed, or never will be.
    Published(oneshot::Sender<Result<(), BrokerError>>, Result<(), BrokerError>),
}

impl Notice {
    fn hand_over(self) {
        match self {
            Notice::Arrived(buffer) => buffer.wake_reader(),
            // A worker that no longer waits was drained: its delivery is back in its queue.
            Notice::Published(waiting, result) => waiting.send(result).unwrap_or_default(),
        }
    }
}

/// Sends notices to the runtime of the workers.
#[derive(Clone)]
pub(super) struct Notifier(mpsc::UnboundedSender<Notice>);

impl Notifier {
    /// A notifier of the workers on the current runtime.
    pub fn to_this_runtime() -> Self {
        let (notifier, mut waiting) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut notices = Vec::with_capacity(AT_ONCE);
            while waiting.recv_many(&mut notices, AT_ONCE).await > 0 {
                notices.drain(..).for_each(Notice::hand_over);
            }
        });
        Self(notifier)
    }

    /// Sends a notice. Where the runtime of the workers is gone, it is handed over on this thread.
    pub fn notify(&self, notice: Notice) {
        if let Err(unsent) = self.0.send(notice) {
            unsent.0.hand_over();
        }
    }
}
