//! A claim: a lease that is renewed until its holder releases it.

use std::time::Duration;

use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use super::lease::Lease;

/// The right to work on a target, among all nodes. A claim that is dropped is released a moment later.
#[derive(Debug)]
pub struct Claim {
    held: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Claim {
    /// Renews `lease` each time that `every` has passed, on a task of its own.
    pub fn keep(lease: Box<dyn Lease>, every: Duration) -> Self {
        let (held, let_go) = oneshot::channel();
        Self { held, keeper: tokio::spawn(keep(lease, every, let_go)) }
    }

    /// Releases the claim and waits until all nodes can see that.
    pub async fn release(self) {
        drop(self.held);
        if let Err(error) = self.keeper.await {
            tracing::debug!(%error, "a claim was not released and runs out by itself");
        }
    }
}

/// A failure to renew or release is logged and not reported to the worker: it can cost work, and nothing else.
async fn keep(mut lease: Box<dyn Lease>, every: Duration, mut let_go: oneshot::Receiver<()>) {
    while timeout(every, &mut let_go).await.is_err() {
        match lease.renew().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("a claim was taken over by another node: this one was held up for too long");
                return;
            }
            Err(error) => tracing::warn!(%error, "a claim could not be renewed"),
        }
    }
    if let Err(error) = lease.release().await {
        tracing::debug!(%error, "a claim could not be released and runs out by itself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{Claimed, Claims, Leased, TTL, memory::MemoryClaims};
    use crate::message::Target;

    fn target() -> Target {
        Target { job: "mel".parse().expect("a name"), entity: "t-1".parse().expect("an id") }
    }

    async fn claimed(claims: &MemoryClaims) -> Option<Claim> {
        match claims.claim(&target()).await.expect("memory answers") {
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
        let claim = Claim::keep(Box::new(Lost), Duration::from_secs(5));
        tokio::time::sleep(Duration::from_secs(6)).await;
        let ended = timeout(TTL, claim.keeper).await.expect("its keeper ended when it found out");
        ended.expect("and released nothing");
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
