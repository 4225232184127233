//! Counts the catalogue again and again, on a thread and with a session of its own, while somebody looks.

use std::fs;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use euterpe_actors::blocking_threads::runtime;
use euterpe_engine::Session;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::shared::Shared;
use crate::snapshot::Snapshot;

/// The rest between two counts, at the least and at the most.
const REST: Duration = Duration::from_millis(1500);
const MOST_REST: Duration = Duration::from_secs(300);
/// How many times as long as a count the rest behind it is: counting costs at most a tenth of a core.
const SHARE: u32 = 9;
/// How often it is asked whether somebody looks.
const IDLE: Duration = Duration::from_secs(3600);

/// Starts the thread.
///
/// # Errors
/// Where none can be started.
pub(crate) fn start(
    shared: Arc<Shared>,
    #[cfg(feature = "amqp")] dial: Option<euterpe_amqp::ConnectionSettings>,
) -> anyhow::Result<()> {
    let runtime = runtime().context("no thread to count the catalogue on")?;
    let count = move || {
        actix::System::with_tokio_rt(|| runtime).block_on(async {
            #[cfg(feature = "amqp")]
            if let Some(dial) = dial {
                *crate::locks::locked(&shared.broker) = Some(crate::broker::BrokerView::default());
                actix::spawn(crate::listening::follow(shared.clone(), dial));
            }
            go_on(&shared).await;
        });
    };
    std::thread::Builder::new().name("survey".into()).spawn(count).context("no thread to count the catalogue on")?;
    Ok(())
}

async fn go_on(shared: &Arc<Shared>) {
    let (mut graph, mut is_told) = (Graph::default(), false);
    loop {
        let begun = Instant::now();
        // What is passed over is logged once, and not each time.
        let made = match is_told {
            false => graph.snapshot(shared).await,
            true => graph.snapshot(shared).with_subscriber(NoSubscriber::default()).await,
        };
        is_told = made.is_ok();
        shared.publish(made.map_err(|error| format!("{error:#}")));
        let rest = (begun.elapsed() * SHARE).clamp(REST, MOST_REST);
        let hurry = shared.hurry.notified();
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = hurry => continue,
        }
        while !shared.is_looked_at() {
            tokio::select! {
                () = tokio::time::sleep(IDLE) => {}
                () = shared.hurry.notified() => break,
            }
        }
    }
}

/// When the graph file was written, and how long it is; none where it is not there.
type Version = Option<(SystemTime, u64)>;

/// A session of the graph as its file is now.
#[derive(Default)]
pub(crate) struct Graph {
    opened: Option<(Version, Rc<Session>)>,
}

impl Graph {
    /// The session; another one once the graph file was changed, and while there is no run yet.
    ///
    /// # Errors
    /// A graph file that is not valid, a store that is not there.
    pub(crate) fn session(&mut self, shared: &Shared) -> anyhow::Result<Rc<Session>> {
        let file = fs::metadata(&shared.graph_file).ok();
        let now = file.and_then(|file| Some((file.modified().ok()?, file.len())));
        // A state that was not there when it was looked for is found when it is looked for again.
        let has_runs = shared.newest().snapshot.is_some_and(|snapshot| !snapshot.runs.is_empty());
        if let Some((then, session)) = &self.opened
            && *then == now
            && has_runs
        {
            return Ok(session.clone());
        }
        let session = Rc::new(shared.open()?);
        self.opened = Some((now, session.clone()));
        Ok(session)
    }

    async fn snapshot(&mut self, shared: &Shared) -> anyhow::Result<Snapshot> {
        let session = self.session(shared)?;
        let made = Snapshot::of(&session).await;
        if made.is_err() {
            // A store that was away may have another identity when it is back.
            self.opened = None;
        }
        made
    }
}
