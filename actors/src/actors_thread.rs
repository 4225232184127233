//! A mark on the thread that runs the actors, while it runs them: a debug build refuses what would hold up all of them.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    static RUNS_ACTORS: Cell<bool> = const { Cell::new(false) };
}

/// A future of the actors' thread.
struct Marked<F>(Pin<Box<F>>);

/// Restores the mark, also after a panic.
struct Before(bool);

/// The future of work on the actors' thread: while it is polled, [`assert_may_block`] refuses.
pub fn on_actors_thread<F: Future>(work: F) -> impl Future<Output = F::Output> {
    Marked(Box::pin(work))
}

impl<F: Future> Future for Marked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _before = Before(RUNS_ACTORS.replace(true));
        self.0.as_mut().poll(context)
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        RUNS_ACTORS.set(self.0);
    }
}

/// Says that what follows waits for a disk, or reads many files. In a debug build this panics on the actors' thread: there it
/// belongs into [`on_blocking_thread`](crate::blocking_threads::on_blocking_thread).
///
/// # Panics
/// In a debug build, on the actors' thread.
#[track_caller]
pub fn assert_may_block(what: &str) {
    debug_assert!(!RUNS_ACTORS.get(), "the actors' thread must not wait: {what}; use on_blocking_thread");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocking_threads::on_blocking_thread;

    #[tokio::test]
    async fn what_blocks_is_refused_on_the_actors_thread_and_nowhere_else() {
        assert_may_block("before");
        let refused = on_actors_thread(async {
            tokio::task::yield_now().await;
            let elsewhere = on_blocking_thread(|| assert_may_block("elsewhere")).await;
            (elsewhere.is_ok(), std::panic::catch_unwind(|| assert_may_block("here")).is_err())
        });
        assert_eq!(refused.await, (true, cfg!(debug_assertions)));
        assert_may_block("after");
    }
}
