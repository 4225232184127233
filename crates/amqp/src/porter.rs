//! Brings news from the thread of the connections to the thread of the workers, many at once.
//!
//! To wake a task on another thread is a system call, and may wake that thread. So news goes into one queue, and a task
//! beside the workers tells each of them there, which costs next to nothing.

use std::sync::Arc;

use euterpe_actors::broker::BrokerError;
use tokio::sync::{mpsc, oneshot};

use super::feed::Feed;

/// How much news is told before the workers have their turn.
const AT_ONCE: usize = 128;

/// What a worker waits for.
pub(super) enum News {
    /// Deliveries came for a job.
    Arrived(Arc<Feed>),
    /// What was handed in is confirmed, or never will be.
    Published(oneshot::Sender<Result<(), BrokerError>>, Result<(), BrokerError>),
}

impl News {
    fn tell(self) {
        match self {
            News::Arrived(feed) => feed.announce(),
            // Who is gone was drained: its delivery is back in its queue.
            News::Published(waiting, result) => waiting.send(result).unwrap_or_default(),
        }
    }
}

/// The way to the workers.
#[derive(Clone)]
pub(super) struct Porter(mpsc::UnboundedSender<News>);

impl Porter {
    /// A porter to whoever works on the current runtime.
    pub fn to_here() -> Self {
        let (porter, mut waiting) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut brought = Vec::with_capacity(AT_ONCE);
            while waiting.recv_many(&mut brought, AT_ONCE).await > 0 {
                brought.drain(..).for_each(News::tell);
            }
        });
        Self(porter)
    }

    /// Brings news. Where the runtime of the workers is gone it is told from here, to whoever may hear it.
    pub fn bring(&self, news: News) {
        if let Err(back) = self.0.send(news) {
            back.0.tell();
        }
    }
}
