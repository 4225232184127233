//! A claim: a lease that is renewed until its holder releases it.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tracing::Instrument;

use super::lease::Lease;

/// What is done when a claim is lost while it is held: another node took it over, or it ran out because it could not be
/// renewed. At most once for each claim.
pub type OnLost = Box<dyn FnOnce() + Send>;

/// The right to work on a target, among all nodes. A claim that is dropped is released a moment later.
#[derive(Debug)]
pub struct Claim {
    held: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Claim {
    /// Renews `lease`, which lasts for `ttl`, three times within it, on a task of its own.
    pub fn keep(lease: Box<dyn Lease>, ttl: Duration, on_lost: OnLost) -> Self {
        let (held, let_go) = oneshot::channel();
        Self { held, keeper: tokio::spawn(keep(lease, ttl, let_go, on_lost).in_current_span()) }
    }

    /// Releases the claim and waits until all nodes can see that.
    pub async fn release(self) {
        drop(self.held);
        if let Err(error) = self.keeper.await {
            tracing::debug!(%error, "a claim was not released and runs out by itself");
        }
    }
}

/// A failure to renew or release is logged and counted, and does not end the work: it can cost work, and nothing else.
async fn keep(mut lease: Box<dyn Lease>, ttl: Duration, mut let_go: oneshot::Receiver<()>, on_lost: OnLost) {
    let mut on_lost = Some(on_lost);
    let mut lost = || on_lost.take().into_iter().for_each(|on_lost| on_lost());
    let mut renewed = Instant::now();
    while timeout(ttl / 3, &mut let_go).await.is_err() {
        let asked = Instant::now();
        match lease.renew().await {
            Ok(true) => renewed = asked,
            Ok(false) => {
                tracing::warn!("a claim was taken over by another node: this one was held up for too long");
                return lost();
            }
            Err(error) if renewed.elapsed() < ttl => tracing::warn!(%error, "a claim could not be renewed"),
            Err(error) => {
                tracing::warn!(%error, "a claim could not be renewed and has run out: another node may take it");
                lost();
            }
        }
    }
    if let Err(error) = lease.release().await {
        tracing::debug!(%error, "a claim could not be released and runs out by itself");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::claims::{Claimed, Claims, Leased, TTL, memory::MemoryClaims};
    use crate::message::Target;
    use crate::storage::{StorageError, StorageErrorKind};

    fn target() -> Target {
        Target { job: "mel".parse().expect("a name"), entity: "t-1".parse().expect("an id") }
    }

    async fn claimed(claims: &MemoryClaims) -> Option<Claim> {
        match claims.claim(&target(), Box::new(|| {})).await.expect("memory answers") {
            Claimed::Yours(claim) => Some(claim),
            Claimed::Held { .. } => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_kept_for_as_long_as_the_work_takes_and_is_free_when_it_ends() {
        let first = MemoryClaims::new("a", TTL);
        let second = first.seen_by("b");
        let claim = claimed(&first).await.expect("held by nobody");
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_secs(6)).await;
            assert!(claimed(&second).await.is_none(), "work of an hour lost its claim");
        }
        claim.release().await;
        drop(claimed(&second).await.expect("it was released"));
        tokio::task::yield_now().await;
        assert!(claimed(&first).await.is_some(), "a dropped claim stayed");
    }

    /// How often a claim was lost, and what counts it.
    fn counted() -> (Arc<AtomicUsize>, OnLost) {
        let losses = Arc::new(AtomicUsize::new(0));
        let counting = losses.clone();
        let count = move || {
            counting.fetch_add(1, Ordering::Relaxed);
        };
        (losses, Box::new(count))
    }

    /// Another node's, whatever the one that asks believes.
    struct Lost;

    #[async_trait::async_trait]
    impl Lease for Lost {
        async fn renew(&mut self) -> Result<bool, crate::storage::StorageError> {
            Ok(false)
        }
        async fn release(self: Box<Self>) -> Result<(), crate::storage::StorageError> {
            panic!("released what is another's")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_was_taken_over_is_let_alone() {
        let (losses, on_lost) = counted();
        let claim = Claim::keep(Box::new(Lost), TTL, on_lost);
        tokio::time::sleep(Duration::from_secs(6)).await;
        let ended = timeout(TTL, claim.keeper).await.expect("its keeper ended when it found out");
        ended.expect("and released nothing");
        assert_eq!(losses.load(Ordering::Relaxed), 1);
    }

    /// Cannot be renewed from now on, except at the times of this list.
    struct Unreachable(Vec<bool>);

    #[async_trait::async_trait]
    impl Lease for Unreachable {
        async fn renew(&mut self) -> Result<bool, crate::storage::StorageError> {
            let answers = !self.0.is_empty() && self.0.remove(0);
            let why = || StorageError::new(StorageErrorKind::Unavailable, "renew", "a claim", "away");
            answers.then_some(true).ok_or_else(why)
        }
        async fn release(self: Box<Self>) -> Result<(), crate::storage::StorageError> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_is_not_renewed_for_its_whole_time_is_lost_once() {
        for (answers, after, lost) in [
            (vec![], TTL - Duration::from_secs(1), 0),
            (vec![], TTL, 1),
            (vec![], TTL * 9, 1),
            (vec![false, false, true, false, false], TTL * 2 - Duration::from_secs(1), 0),
            (vec![false, false, true, false, false, false], TTL * 2 + Duration::from_secs(1), 1),
        ] {
            let (losses, on_lost) = counted();
            let claim = Claim::keep(Box::new(Unreachable(answers.clone())), TTL, on_lost);
            tokio::time::sleep(after + Duration::from_millis(1)).await;
            claim.release().await;
            assert_eq!(losses.load(Ordering::Relaxed), lost, "{answers:?} {after:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_dies_is_succeeded_when_its_ttl_has_passed() {
        let first = MemoryClaims::new("a", TTL);
        let Leased::Yours(lease) = first.lease(&target()).await.expect("memory answers") else { panic!("held") };
        drop(lease); // as with the whole process
        tokio::time::sleep(TTL - Duration::from_millis(1)).await;
        assert!(claimed(&first).await.is_none());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(claimed(&first).await.is_some());
    }
}
