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

/// When the first of many letters was written, in milliseconds after the Unix epoch.
pub const BEGAN: u64 = 1_795_415_412_345;

/// Of which reason a few of many letters are.
pub const FEW_REASON: Reason = Reason::Timeout;

/// Letters of one run: of the first few of `count` entities, `t-0000000` and so on, those of [`FEW_REASON`]; of the others, those
/// of the other six reasons in turn.
pub fn letters(job: &str, count: usize, few: usize) -> impl Iterator<Item = DeadLetter> {
    let others: Vec<Reason> = REASONS.into_iter().filter(|reason| *reason != FEW_REASON).collect();
    (0..count).map(move |n| {
        let reason = if n < few { FEW_REASON } else { others[n % others.len()] };
        dead_letter(RunId::new(BEGAN, 1), job, &format!("t-{n:07}"), reason, BEGAN + n as u64)
    })
}

/// The text of a letter's record, as a state keeps it.
pub fn record(letter: &DeadLetter) -> Vec<u8> {
    let mut record = serde_json::to_value(letter).expect("a letter has a JSON form");
    record["format"] = 2.into();
    serde_json::to_vec_pretty(&record).expect("a letter has a JSON form")
}
