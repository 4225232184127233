//! One node: starts its pools children first, so that every message finds a worker, and drains them parents first.

use std::sync::Arc;

use actix::prelude::*;

use crate::context::{NodeContext, NodeSettings};
use crate::dedupe::Dedupe;
use crate::ids::JobName;
use crate::parent_trigger::ParentTrigger;
use crate::plan::JobIx;
use crate::pool::{Drain, Pool, PoolState, Snapshot};

/// The actors of one node. One for each process; in a simulation several.
pub struct Node {
    context: Arc<NodeContext>,
    /// The jobs that this node serves, with their pools, parents first.
    pools: Vec<(JobIx, Addr<Pool>)>,
}

/// Asks for the state of all pools of a node, parents first.
#[derive(Debug, Message)]
#[rtype(result = "Vec<(JobIx, PoolState)>")]
pub struct NodeSnapshot;

impl Node {
    /// Starts a node with all its actors on the current arbiter.
    pub fn start(settings: NodeSettings) -> Addr<Node> {
        let dedupe = Dedupe::new(settings.stores.clone()).start();
        let parent_trigger = ParentTrigger::new(settings.broker.clone()).start();
        let context = Arc::new(NodeContext::new(settings, dedupe, parent_trigger));
        Actor::start(Node { context, pools: Vec::new() })
    }
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        let served = &self.context.settings.served;
        let is_served = |job: &JobName| served.as_ref().is_none_or(|served| served.contains(job));
        let plan = self.context.plan();
        for at in plan.job_indices().rev().filter(|at| is_served(&plan.job(*at).name)) {
            self.pools.push((at, Pool::new(self.context.clone(), at).start()));
        }
        self.pools.reverse();
    }
}

impl Handler<Drain> for Node {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain { grace }: Drain, _: &mut Self::Context) -> Self::Result {
        let pools = self.pools.clone();
        let until = tokio::time::Instant::now() + grace;
        Box::pin(async move {
            // Told parents first. Then all are waited for together, within one grace.
            let grace = until.saturating_duration_since(tokio::time::Instant::now());
            let drained = pools.iter().map(|(_, pool)| pool.send(Drain { grace }));
            for result in futures::future::join_all(drained).await {
                if let Err(gone) = result {
                    tracing::warn!(%gone, "a pool was gone before it was drained");
                }
            }
        })
    }
}

impl Handler<NodeSnapshot> for Node {
    type Result = ResponseFuture<Vec<(JobIx, PoolState)>>;

    fn handle(&mut self, NodeSnapshot: NodeSnapshot, _: &mut Self::Context) -> Self::Result {
        let pools = self.pools.clone();
        Box::pin(async move {
            let mut states = Vec::with_capacity(pools.len());
            for (at, pool) in pools {
                let gone = PoolState { live: 0, degraded: true };
                states.push((at, pool.send(Snapshot).await.unwrap_or(gone)));
            }
            states
        })
    }
}
