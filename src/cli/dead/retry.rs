//! `dead retry`: what failed is tried again, with all who waited for it.
//!
//! A letter stays until everything that it stands for came to its end: then it is removed where its output is there, and
//! a further failure has written it anew under the same key. So dying at any moment leaves the letter, and at worst work
//! that is already done is found done by the next retry.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use euterpe_actors::ids::EntityId;
use euterpe_actors::memory::Presence;
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::{LetterFilter, Manifest, Selection};
use serde_json::json;

use super::Which;
use super::found::{self, Found, is_made_good};
use crate::cli::broker::BrokerArgs;
use crate::cli::cache::CacheArgs;
use crate::cli::place::wait_for;
use crate::cli::run::{Following, REMEMBERED, follow};
use crate::cli::words::{count, plain};
use crate::cli::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Opened, salt};
use euterpe_engine::run::feed::{Feeder, Line};
use euterpe_engine::run::ids::Passed;
use euterpe_engine::run::remote::Over;

/// Try again what failed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,

    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    broker: BrokerArgs,

    /// Only say what would be tried again.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// How a retry ended.
struct Retried {
    /// Jobs of entities that were tried again, and what cannot be.
    targets: usize,
    hopeless: Vec<Found>,
    /// Letters that are gone, and those that are still there or new.
    good: usize,
    left: Vec<Found>,
    complete: bool,
}

/// Tries dead letters again, and follows them to the end: exit 0 if all were made good, 4 if letters remain.
///
/// # Errors
/// A run, job or reason that is not there; what keeps the records from being kept.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.which.place;
    let opened = match place.open(registry, out, args.jobs, args.broker.access(args.dry_run), args.cache.bytes)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let retried = wait_for(async {
        let found = found::find(&opened, &args.which).await?;
        if args.dry_run {
            return say_what_would(&opened, &found, out);
        }
        let over = args.broker.over(&opened, "retry").await?;
        if over.is_none() {
            opened.prepare(|_| true).await?;
        }
        let retried = retry(&opened, found, over, out).await?;
        retried.show(&place.typed(), out)
    })?;
    Ok(retried)
}

fn say_what_would(opened: &Opened, found: &[Found], out: Output) -> anyhow::Result<Exit> {
    let targets = found::by_target(found);
    for ((job, entity), found) in &targets {
        let can = found.can_retry(opened);
        let good = found.made_good;
        if out.json {
            out.fact(&json!({"job": job, "entity": entity, "can_retry": can, "made_good": good}))?;
        } else {
            let note = match (can, good) {
                (false, _) => "  cannot be tried again: no message, or no such job in the graph",
                (true, true) => "  made good since: who waited is told",
                (true, false) => "",
            };
            out.text(&format!("{job}({}){note}", plain(entity, false)))?;
        }
    }
    if !out.json {
        out.text(&format!("would try again {}", count(targets.len() as u64, "job of an entity", "jobs of entities")))?;
    }
    Ok(Exit::Ok)
}

async fn retry(opened: &Opened, found: Vec<Found>, over: Option<Over>, out: Output) -> anyhow::Result<Retried> {
    let (meant, hopeless): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|found| found.can_retry(opened));
    let targets = found::by_target(&meant).len();
    if meant.is_empty() {
        return Ok(Retried { targets, hopeless, good: 0, left: Vec::new(), complete: true });
    }
    let origins: BTreeSet<_> = meant.iter().map(|found| found.letter.owner()).collect();
    let mut before: HashSet<String> = HashSet::new();
    for origin in &origins {
        before.extend(opened.state.letter_keys(&LetterFilter { run: Some(*origin), ..LetterFilter::default() }).await?);
    }
    let messages = meant.iter().filter_map(|found| found.letter.message.clone()).collect();
    // Not a run of its own: the messages keep theirs, and only borrow this one's workers.
    let manifest = Manifest {
        run: opened.next_run().await?,
        graph: opened.plan.graph.clone(),
        digest: opened.nodes.digest,
        selection: Selection::default(),
        wave: salt(),
        resolved: serde_json::Value::Null,
    };
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    let borrowed = manifest.run;
    // What killed a process once may do so again.
    let isolate = meant.iter().any(|found| found.letter.reason == euterpe_actors::outcome::Reason::KilledWorker);
    let way = Following { manifest, presence, max_dead: None, isolate, over };
    let (ended, _) = follow(opened, way, Letters { messages }, out).await?;
    opened.state.reopen_run(borrowed).await?; // there is no such run, so it has no end record either
    let (mut good, mut left) = (0, Vec::new());
    for found in meant {
        if !ended.complete {
            left.push(found);
        } else if is_settled(opened, &found).await? {
            opened.state.remove(&found.key).await?;
            good += 1;
        } else {
            left.push(found);
        }
    }
    for origin in origins {
        for key in opened.state.letter_keys(&LetterFilter { run: Some(origin), ..LetterFilter::default() }).await? {
            if !before.contains(&key)
                && let Some(letter) = opened.state.letter(&key).await?
            {
                left.push(Found { key, letter, made_good: false });
            }
        }
    }
    Ok(Retried { targets, hopeless, good, left, complete: ended.complete })
}

/// Whether a letter's target came to another end: its output is there, or the transform declined it.
async fn is_settled(opened: &Opened, found: &Found) -> anyhow::Result<bool> {
    if is_made_good(opened, &found.letter).await? {
        return Ok(true);
    }
    let (Some(at), Ok(entity)) = (opened.nodes.find(found.letter.job.as_str()), EntityId::new(&found.letter.entity))
    else {
        return Ok(false);
    };
    let job = opened.nodes.job(at);
    let target = Target { job: job.name.clone(), entity };
    Ok(opened.state.skip_of(&target, job.settings).await?.is_some())
}

impl Retried {
    fn show(&self, file: &str, out: Output) -> anyhow::Result<Exit> {
        let exit = match (self.complete, self.left.is_empty() && self.hopeless.is_empty()) {
            (false, _) => Exit::Interrupted,
            (true, true) => Exit::Ok,
            (true, false) => Exit::DeadLetters,
        };
        if out.json {
            let left: Vec<_> = self
                .left
                .iter()
                .map(|f| json!({"job": f.letter.job, "entity": f.letter.entity, "reason": f.letter.reason}))
                .collect();
            out.fact(&json!({
                "event": "summary", "retried": self.targets, "made_good": self.good, "left": left,
                "cannot_retry": self.hopeless.len(), "complete": self.complete,
            }))?;
            return Ok(exit);
        }
        let mut text = match self.targets {
            0 => "nothing to try again\n".to_owned(),
            targets => format!("{} tried again\n", count(targets as u64, "job of an entity", "jobs of entities")),
        };
        for ((job, entity), found) in &found::by_target(&self.left) {
            let (reason, why) = (found.letter.reason, plain(&found.letter.text, false));
            text += &format!("  {job}({}): {reason}: {why}\n", plain(entity, false));
        }
        if !self.hopeless.is_empty() {
            let letters = count(self.hopeless.len() as u64, "letter", "letters");
            text += &format!(
                "{letters} cannot be tried again: no message was ever made, or the graph has no such job any more; run \
                 what it should have been, then `euterpe dead drop {file} --reason {}`\n",
                self.hopeless[0].letter.reason
            );
        }
        text += match exit {
            Exit::Ok => "all is made good\n",
            Exit::Interrupted => "stopped; the dead letters are kept, retry goes on where this stopped\n",
            _ => "dead letters remain\n",
        };
        out.text(&text)?;
        Ok(exit)
    }
}

/// Feeds the messages of dead letters again.
struct Letters {
    messages: Vec<EntityMessage>,
}

#[async_trait(?Send)]
impl Feeder for Letters {
    async fn feed(&mut self, line: &Line) -> anyhow::Result<Passed> {
        // All of an entity together: what was asked for by several is tried once, and tells them all.
        let mut entities: BTreeMap<EntityId, Vec<EntityMessage>> = BTreeMap::new();
        for message in std::mem::take(&mut self.messages) {
            entities.entry(message.target.entity.clone()).or_default().push(again(message, line.next_id()));
        }
        for (entity, messages) in entities {
            let jobs: BTreeSet<JobIx> = messages.iter().flat_map(|message| concerned(&line.plan, message)).collect();
            let jobs: Vec<JobIx> = jobs.into_iter().collect();
            line.tracker.expect(&jobs);
            line.send(&entity, &jobs, &messages).await?;
        }
        Ok(Passed::default())
    }
}

/// The message as somebody who saw its output missing would send it now: nobody owes it a wake-up any more.
fn again(message: EntityMessage, id: u64) -> EntityMessage {
    EntityMessage { id, attempt: 0, from: None, waiting: None, absent: 0, resumed: true, ..message }
}

/// The jobs of the message's entity that it brings to their end: its own, those who wait, and what a wave reaches below.
fn concerned(plan: &NodePlan, message: &EntityMessage) -> Vec<JobIx> {
    let entity = &message.target.entity;
    let waiters = message.frames.iter().map(|frame| &frame.to);
    let mut jobs: BTreeSet<JobIx> = BTreeSet::new();
    for target in waiters.chain([&message.target]).filter(|target| target.entity == *entity) {
        jobs.extend(plan.find(target.job.as_str()));
    }
    let outermost = message.frames.first().map_or(&message.target, |frame| &frame.to);
    if let (Base::Down(wave), true) = (&message.base, outermost.entity == *entity) {
        let below = Wave { id: 0, origins: vec![outermost.job.clone()], only: wave.only.clone() };
        jobs.extend(plan.reach(&below));
    }
    jobs.into_iter().collect()
}
