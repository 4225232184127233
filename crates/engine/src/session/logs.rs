//! The log lines of all nodes of a graph: asked for over the broker, and put in the order of their times.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use euterpe_amqp::{ConnectionSettings, ListenerEvent, Report, ReportSender, listen};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Session;
use crate::clock::salt;
use crate::logs::filter::LogFilter;
use crate::logs::gathering::{Gathering, LogNews, NodeLine};
use crate::logs::wire::{ASK_KEY, Ask, Told, told_key};
use crate::run::report::{NODE_KEY, NodeReport};

/// For how long nodes are listened to before it is known which there are: each speaks once a second.
const LISTEN: Duration = Duration::from_millis(1700);
/// How long a node that is heard may take to tell all that it has.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often nodes are asked until they have answered.
const ASK: Duration = Duration::from_secs(1);
/// How often they are asked by who follows, so that they go on; those that are new hear it then.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// For how long lines that come later are gathered, so that those of several nodes can be put in their order.
const GATHER: Duration = Duration::from_millis(300);

/// Gets the lines of logs as they are found.
pub trait LogView {
    /// Takes lines, in the order of their times, and what is worth telling beside them; whether to go on.
    ///
    /// # Errors
    /// Where they cannot be shown.
    fn show(&mut self, lines: &[NodeLine], news: &[LogNews]) -> anyhow::Result<bool>;
}

/// What arrives at who asks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Heard {
    Lines(Told),
    Node(Box<NodeReport>),
}

/// Asks all nodes, over one connection after the other.
struct Asking<'s> {
    dial: &'s ConnectionSettings,
    graph: &'s str,
    sender: Option<ReportSender>,
    ask: Report,
    at: Instant,
}

impl Asking<'_> {
    /// Asks once more; a broker that is away is asked the next time.
    async fn ask(&mut self, again: Duration) {
        self.at = Instant::now() + again;
        let asked = async {
            let sender = match self.sender.take() {
                Some(sender) => sender,
                None => ReportSender::open(self.dial, self.graph).await?,
            };
            sender.send(self.ask.clone()).await.map(|()| sender)
        };
        match asked.await {
            Ok(sender) => self.sender = Some(sender),
            Err(error) => tracing::info!("nodes could not be asked for their lines, and are asked again: {error}"),
        }
    }
}

impl Session {
    /// Shows the log lines that all nodes keep and `filter` takes, and with `follow` those that come later, for as long as
    /// `view` wants to go on.
    ///
    /// # Errors
    /// A broker that cannot be used; no node that is heard, where nothing is followed.
    pub async fn logs(
        &self,
        dial: &ConnectionSettings,
        filter: LogFilter,
        follow: bool,
        view: &mut dyn LogView,
    ) -> anyhow::Result<()> {
        let graph = self.workspace.plan.graph.as_str();
        let (token, tail) = (format!("{:x}", salt()), filter.tail);
        let mut gathering = Gathering::new(tail.is_none() && filter.since.is_none());
        let unusable = || format!("the broker at {} cannot be used", dial.url);
        let sender = Some(ReportSender::open(dial, graph).await.with_context(unusable)?);
        let key = told_key(&token);
        let keys = [NODE_KEY, key.as_str()];
        let ask = serde_json::to_vec(&Ask { token, filter, follow })?;
        let ask = Report { key: ASK_KEY.to_owned(), body: ask.into() };
        let mut asking = Asking { dial, graph, sender, ask, at: Instant::now() };
        let (reports, mut heard) = mpsc::unbounded_channel();
        let showing = async {
            first(&mut asking, &mut heard, &mut gathering).await?;
            let (mut lines, mut news) = gathering.take();
            lines.drain(..lines.len().saturating_sub(tail.unwrap_or(usize::MAX)));
            let why = "it did not answer; is it of another version?";
            news.extend(
                gathering.waits_for().map(|node| LogNews::Silent { node: node.to_owned(), why: why.to_owned() }),
            );
            let mut goes_on = view.show(&lines, &news)?;
            if !follow && gathering.nodes() == 0 {
                bail!(
                    "no node is heard; start one with `euterpe node`, or read what is recorded of a run with `--broker ''`"
                );
            }
            while follow && goes_on {
                let until = Instant::now() + GATHER;
                while let Ok(Some(event)) = tokio::time::timeout_at(until, heard.recv()).await {
                    take(&mut gathering, event);
                }
                let (lines, news) = gathering.take();
                if !(lines.is_empty() && news.is_empty()) {
                    goes_on = view.show(&lines, &news)?;
                }
                if asking.at <= Instant::now() {
                    asking.ask(ASK_AGAIN).await;
                }
            }
            anyhow::Ok(())
        };
        tokio::select! {
            shown = showing => shown,
            ended = listen(dial, graph, &keys, &reports) => match ended {
                Ok(never) => match never {},
                Err(error) => Err(anyhow!(error).context(unusable())),
            },
        }
    }
}

/// Gathers what nodes have by now: until all that are heard have told it, or do not for long.
async fn first(
    asking: &mut Asking<'_>,
    heard: &mut mpsc::UnboundedReceiver<ListenerEvent>,
    gathering: &mut Gathering,
) -> anyhow::Result<()> {
    let listening = tokio::time::timeout(PATIENCE, heard.recv()).await;
    if !matches!(listening, Ok(Some(ListenerEvent::Listening))) {
        bail!("the broker did not let this process listen within {PATIENCE:?}");
    }
    let began = Instant::now();
    loop {
        let took = began.elapsed();
        if took >= PATIENCE || (took >= LISTEN && gathering.waits_for().next().is_none()) {
            return Ok(());
        }
        if asking.at <= Instant::now() {
            asking.ask(ASK).await;
        }
        let until = asking.at.min(began + if took < LISTEN { LISTEN } else { PATIENCE });
        if let Ok(Some(event)) = tokio::time::timeout_at(until, heard.recv()).await {
            take(gathering, event);
        }
    }
}

fn take(gathering: &mut Gathering, event: ListenerEvent) {
    let ListenerEvent::Report(body) = event else { return };
    match serde_json::from_slice(&body) {
        Ok(Heard::Lines(told)) => gathering.told(told),
        Ok(Heard::Node(report)) => gathering.heard(report.node),
        Err(error) => tracing::warn!(%error, "a node told what cannot be read; is it of another version?"),
    }
}
