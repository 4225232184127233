//! Serving: this process works on the queues of a graph until it is told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use euterpe_actors::actors_thread::on_actors_thread;
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::Unobserved;
use euterpe_actors::ids::JobName;
use euterpe_actors::memory::{ListedDates, Presence};
use euterpe_actors::refresh::Refresh;
use euterpe_actors::setup::Setup;
use futures::FutureExt;
use tokio::sync::watch;

use super::{REMEMBERED, Session};
use crate::logs::ring::LogRing;
use crate::logs::speak::Speaking;
use crate::run::former::{histories, in_order};
use crate::run::over::Over;
use crate::run::reporter::Packages;
use crate::run::running::Stop;
use crate::run::serve::{Beat, Serving, serve};
use crate::run::survey::{list_outputs, list_sources};
use crate::run::walk::Walk;

/// How long a node lists what exists before it begins to work.
const LISTING: Duration = Duration::from_secs(30);

/// How often a node looks whether its stores are still those that it began with.
const LOOK: Duration = Duration::from_secs(10);

/// How a node serves.
pub struct NodeRequest {
    /// Its name, for people.
    pub name: String,
    /// The jobs that it serves, or all.
    pub jobs: Option<Vec<JobName>>,
    /// How long what is in hand may take once the node is told to stop; what takes longer goes back to its queue.
    pub grace: Duration,
    /// Says when to stop.
    pub stop: watch::Receiver<Stop>,
    /// Is told every second whether the node is connected to its broker, by the thread that its work depends on.
    pub beat: Beat,
    /// Where its log lines are kept for those that ask, where they are.
    pub logs: Option<Arc<LogRing>>,
}

impl Session {
    /// Serves the queues of the graph until it is told to stop.
    ///
    /// # Errors
    /// Claims that cannot be kept; workers of a job that cannot begin any more; a store in whose place there is another one.
    pub async fn serve(&self, request: NodeRequest, over: Over) -> anyhow::Result<()> {
        let NodeRequest { name, jobs, grace, stop, beat, logs } = request;
        let workspace = &self.workspace;
        let presence = Arc::new(Presence::up_to(REMEMBERED));
        // What former recipes made is looked at as each run asks for it.
        let recipes = in_order(&workspace.nodes, &histories(workspace).await?.0);
        let dates = ListedDates::up_to(REMEMBERED, true).of(&workspace.nodes);
        let dates = Arc::new(dates.with_recipes(&workspace.nodes, recipes, &Refresh::default()));
        let cache = workspace.cache.clone();
        let spared = Arc::new(move || cache.as_ref().map_or(0, |cache| cache.spared()));
        let launchers = workspace.launchers.clone();
        let packages: Packages =
            Arc::new(move |job| launchers.get(job).map(|launcher| launcher.packages()).unwrap_or_default());
        let observer = Arc::new(Unobserved); // the reporter takes its place
        let settings = NodeSettings {
            name: name.as_str().into(),
            served: jobs,
            claims: workspace.claims(&name)?,
            setup: Some(over.setup.clone()),
            dates: workspace.nodes.refresh().inputs.then(|| dates.clone()),
            ..workspace.node(over.amqp.clone(), observer, presence.clone()).await?
        };
        let mut stopped = stop.clone();
        let own = over.setup.clone();
        let (metrics, traces) = (workspace.metrics.clone(), workspace.traces.clone());
        let logs = logs.map(|ring| Speaking { ring, dial: over.dial, graph: workspace.plan.graph.clone() });
        let serving = Serving { amqp: over.amqp, spared, packages, grace, stop, beat, metrics, traces, logs };
        let listing = self.warm(&presence, &dates).fuse();
        tokio::pin!(listing);
        let work = async {
            // A catalogue may be so large that work should not wait for all of it, and the end of the node not at all.
            tokio::select! {
                () = &mut listing => {}
                () = tokio::time::sleep(LISTING) => {
                    tracing::info!("what exists is still being listed; work begins meanwhile");
                }
                () = Stop::Drain.is_told(&mut stopped) => {}
            }
            let listed = async {
                listing.await;
                std::future::pending::<Infallible>().await
            };
            tokio::select! {
                () = on_actors_thread(serve(settings, serving)) => {}
                never = listed => match never {},
            }
        };
        tokio::select! {
            () = work => Ok(()),
            why = workspace.broken() => bail!("{why}"),
            why = self.replaced(&own.setup) => bail!("{why}"),
        }
    }

    /// Waits until a store or the records are another place than `own` says. What this node knows of the one that is gone is
    /// worth nothing, and the runs of the new one would not find it.
    async fn replaced(&self, own: &Setup) -> String {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Some(why) = self.workspace.replaced(own).await {
                return format!("{why}; start the node again");
            }
        }
    }

    /// Learns what exists by listing it, as of the newest run: what that run or an earlier one has queued is then not
    /// looked for one by one. Later runs look for themselves.
    async fn warm(&self, presence: &Arc<Presence>, dates: &Arc<ListedDates>) {
        let workspace = &self.workspace;
        let listed = async {
            let Some(run) = workspace.state.runs().await?.last().copied() else { return anyhow::Ok(()) };
            let (nodes, stores) = (&workspace.nodes, &workspace.stores);
            let dates = nodes.refresh().inputs.then(|| dates.clone());
            let walk = Walk::in_memory(nodes, presence.clone(), dates.clone(), run);
            if let Some(dates) = dates {
                // The sources first: that an output is there is known only when it is known which came after it.
                dates.begins_as_of(run);
                list_sources(nodes, stores, &walk, &[]).await?;
            }
            list_outputs(nodes, stores, &walk).await?;
            tracing::info!(outputs = presence.len(), most = REMEMBERED, "what exists is known");
            Ok(())
        };
        if let Err(error) = listed.await {
            tracing::warn!("what exists could not be listed, and is looked for one by one: {error:#}");
        }
    }
}
