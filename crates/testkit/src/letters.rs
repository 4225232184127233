//! Dead letters that no node wrote.

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{DeadLetter, GivenUp};

/// Some reasons for which work is given up.
pub const REASONS: [Reason; 7] = [
    Reason::Failed,
    Reason::Timeout,
    Reason::BadInput,
    Reason::KilledWorker,
    Reason::SourceMissing,
    Reason::Fatal,
    Reason::Panicked,
];

/// The letter of an entity that was given up in a run, at a time in milliseconds after the Unix epoch.
pub fn dead_letter(run: RunId, job: &str, entity: &str, reason: Reason, millis: u64) -> DeadLetter {
    let job = JobName::new(job).expect("a name");
    let target = Target { job: job.clone(), entity: EntityId::new(entity).expect("an id") };
    let message = EntityMessage::new(1, run, target, Default::default(), Base::Stop);
    DeadLetter::of_work(&message, GivenUp { job: &job, node: "n", millis, reason, text: format!("{entity} is bad") })
}
