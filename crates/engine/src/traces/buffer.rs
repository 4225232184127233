//! Spans on their way from the workers to the one who sends them, up to a bound: what is beyond it is dropped and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::span::Span;

/// How many spans wait at the most: some ten MB.
const MOST: usize = 16 * 1024;

/// Spans that wait to be sent. To put one in takes no time: nobody's work waits for a collector.
#[derive(Debug, Default)]
pub struct SpanBuffer {
    waiting: Mutex<VecDeque<Span>>,
    lost: AtomicU64,
    enough: Notify,
}

impl SpanBuffer {
    /// How many spans are sent together at the most.
    pub const BATCH: usize = 512;

    /// Puts spans in, or drops them where there is no room.
    pub(super) fn put(&self, spans: impl IntoIterator<Item = Span>) {
        let mut waiting = self.waiting();
        for span in spans {
            if waiting.len() < MOST {
                waiting.push_back(span);
            } else {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        if waiting.len() >= Self::BATCH {
            self.enough.notify_one();
        }
    }

    /// The next spans, the oldest first.
    pub fn take(&self) -> Vec<Span> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(Self::BATCH);
        waiting.drain(..count).collect()
    }

    /// Waits until there are enough for a batch.
    pub async fn is_full(&self) {
        self.enough.notified().await;
    }

    /// Takes note of spans that were taken and did not arrive.
    pub fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// How many spans did not arrive.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Span>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use euterpe_actors::trace::TraceContext;

    use super::*;
    use crate::traces::SpanKind;

    #[test]
    fn what_is_beyond_the_bound_is_counted_and_the_oldest_go_first() {
        let buffer = SpanBuffer::default();
        let now = SystemTime::now();
        let span = |number: usize| Span {
            context: TraceContext { trace: 1, span: number as u64 + 1, sampled: true },
            parent: None,
            name: "mel".into(),
            kind: SpanKind::Consumer,
            start: now,
            end: now,
            attributes: Vec::new(),
            error: None,
        };
        buffer.put((0..MOST + 7).map(span));
        assert_eq!(buffer.lost(), 7);
        let first = buffer.take();
        assert_eq!((first.len(), first[0].context.span), (SpanBuffer::BATCH, 1));
        buffer.lose(first.len() as u64);
        assert_eq!(buffer.lost(), 7 + SpanBuffer::BATCH as u64);
        let left = std::iter::from_fn(|| Some(buffer.take()).filter(|batch| !batch.is_empty())).flatten().count();
        assert_eq!(left, MOST - SpanBuffer::BATCH);
    }
}
