//! `dead`: what failed for good, looked at, tried again or given up.

mod drop;
mod ls;
mod retry;
mod show;

use anyhow::bail;
use euterpe_actors::ids::EntityId;
use euterpe_actors::outcome::Reason;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Letter, LetterGroups, Mistake, Session, by_target};

use crate::cli::Exit;
use crate::cli::args::Place;
use crate::cli::page::Output;
use crate::cli::page::words::{count, name};

/// Look at what failed for good; try it again or give it up.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List dead letters, grouped by job and reason.
    Ls(ls::Args),
    /// Show dead letters in full: the message, the reason, what the transform printed.
    Show(Which),
    /// Try again what failed, and follow it and what waits for it to the end.
    Retry(retry::Args),
    /// Give up what failed: it counts as skipped from now on.
    Drop(drop::Args),
}

/// Which dead letters are meant; without any of these, all.
#[derive(Clone, Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    place: Place,

    /// Of these entities only.
    #[arg(value_name = "ID")]
    entities: Vec<String>,

    /// Of this run only: its id, the unique start of one, or `last`; or `inbox`, of messages by others that name no run.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,

    /// Of this job only.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,

    /// With this reason only.
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
}

/// Does what the further verb says.
///
/// # Errors
/// A run, job or reason that is not there; what keeps the state store from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::Ls(args) => ls::run(args, registry, out),
        Verb::Show(which) => show::run(which, registry, out),
        Verb::Retry(args) => retry::run(args, registry, out),
        Verb::Drop(args) => drop::run(args, registry, out),
    }
}

impl Which {
    /// Whether nothing narrows it down.
    fn is_all(&self) -> bool {
        self.entities.is_empty() && self.run.is_none() && self.job.is_none() && self.reason.is_none()
    }

    /// The letters that are meant, in the order of run, job and entity.
    ///
    /// # Errors
    /// A run, job or reason that is not there; the stores' own.
    async fn letters(&self, session: &Session) -> anyhow::Result<Vec<Letter>> {
        session.letters(&self.meant()?).await
    }

    /// The same as numbers for each job and reason, with some examples.
    ///
    /// # Errors
    /// As [`Which::letters`].
    async fn groups(&self, session: &Session, examples: usize) -> anyhow::Result<LetterGroups> {
        session.letter_groups(&self.meant()?, examples).await
    }

    fn meant(&self) -> Result<euterpe_engine::Which, Mistake> {
        let reason = self.reason.as_deref().map(reason).transpose()?;
        let Self { entities, run, job, .. } = self.clone();
        Ok(euterpe_engine::Which { entities, run, job, reason })
    }

    /// The same for verbs that change something: each id that was named must have a letter, else nothing is done.
    ///
    /// # Errors
    /// As [`Which::letters`]; the ids that have none.
    async fn known_letters(&self, session: &Session) -> anyhow::Result<Vec<Letter>> {
        let letters = self.letters(session).await?;
        let has = |id: &String| letters.iter().any(|found| is_called(&found.letter.entity, id));
        let missing: Vec<&String> = self.entities.iter().filter(|id| !has(id)).collect();
        if missing.is_empty() {
            return Ok(letters);
        }
        let known = session.entities_with_letters(&Which { entities: Vec::new(), ..self.clone() }.meant()?).await?;
        let missing: Vec<String> =
            missing.into_iter().map(|id| format!("`{}`{}", name(id), did_you_mean(id, &known))).collect();
        let narrowed = self.run.is_some() || self.job.is_some() || self.reason.is_some();
        let of = if narrowed { "of this run, job or reason " } else { "" };
        bail!(Mistake(format!(
            "there is no dead letter {of}of {}; nothing was done. `euterpe dead ls {} --all` lists them",
            missing.join(", nor of "),
            self.place.typed()
        )))
    }
}

/// Whether a letter of this entity is meant by an id as people write it.
fn is_called(entity: &str, id: &str) -> bool {
    entity == id || EntityId::of_name(id).is_ok_and(|of_name| of_name.as_str() == entity)
}

/// How alike two ids are, at least, from 0 to 1, for one to be meant by the other.
const ALIKE: f64 = 0.7;

fn did_you_mean(id: &str, known: &[String]) -> String {
    let alike = |other: &String| strsim::normalized_damerau_levenshtein(&id.to_lowercase(), &other.to_lowercase());
    let near = known.iter().map(|other| (alike(other), other)).filter(|(alike, _)| *alike >= ALIKE);
    let near = near.max_by(|(one, _), (other, _)| one.total_cmp(other));
    near.map_or_else(String::new, |(_, near)| format!(" (did you mean `{}`?)", name(near)))
}

/// How many dead letters these are, one for each job and entity, as every verb counts and lists them; and how many records
/// hold them, where several speak of the same.
fn letters(found: &[Letter]) -> String {
    let letters = by_target(found).len();
    let text = count(letters as u64, "dead letter", "dead letters");
    if found.len() > letters { format!("{text} (in {} records)", found.len()) } else { text }
}

/// How many dead letters were passed over because they cannot be read.
fn unreadable(session: &Session) -> u64 {
    let is_letter = |key: &&String| key.starts_with("dead/") && key.ends_with(".json");
    session.workspace().state.unreadable().keys().filter(is_letter).count() as u64
}

/// A line about those, where there are any.
fn unreadable_letters(session: &Session) -> String {
    match unreadable(session) {
        0 => String::new(),
        some => format!("{} passed over, since unreadable\n", count(some, "other record", "other records")),
    }
}

fn reason(name: &str) -> Result<Reason, Mistake> {
    let known: Result<Reason, _> = serde_json::from_value(serde_json::Value::String(name.to_owned()));
    known.map_err(|_| {
        let text = "the reasons are failed, panicked, timeout, killed_worker, fatal, bad_input, source_missing, \
                    source_ambiguous, input_unreadable, absent, bad_id, bad_key, too_deep, unknown_job, \
                    unknown_version, malformed, given_up_by_broker";
        Mistake(format!("no reason `{}`; {text}", name.escape_debug()))
    })
}
