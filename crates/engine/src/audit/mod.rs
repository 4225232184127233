//! The audit of a graph: what is valid and will bite all the same, each with its place and remedy.
//!
//! A rule is a file here. Rules look at the plan, at the files of environments, at what the state remembers of former runs,
//! and, where a broker is named, at the broker and its nodes. Nothing is written, and no store is opened.

#[cfg(feature = "amqp")]
mod broker;
mod consumer_timeout;
mod durability;
mod gpu_memory;
mod hangs;
mod kind;
mod packages;
mod past;
mod pins;
mod suffixes;
mod threads;
mod versions;

use euterpe_graph_file::{Plan, Problem};
use serde::Serialize;

#[cfg(feature = "amqp")]
pub use broker::audit_broker;

use crate::workspace::{Opening, open_state};
use past::Past;

/// One thing that will bite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The rule that found it, a word of the documentation.
    pub rule: &'static str,
    /// Where, what, and what to do.
    #[serde(flatten)]
    pub problem: Problem,
}

impl Warning {
    /// A warning about the key at `path` of the graph file.
    fn new(rule: &'static str, plan: &Plan, path: &str, message: String) -> Self {
        Self { rule, problem: Problem { position: plan.places.near(path), path: path.to_owned(), message } }
    }
}

/// What an audit found.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// In the order of the file.
    pub warnings: Vec<Warning>,
    /// What could not be looked at, and why.
    pub left_out: Vec<String>,
}

impl Audit {
    /// Both together, in the order of the file.
    pub fn and(mut self, other: Self) -> Self {
        self.warnings.extend(other.warnings);
        self.left_out.extend(other.left_out);
        self.warnings.sort_by(|a, b| {
            (a.problem.position, &a.problem.path, a.rule).cmp(&(b.problem.position, &b.problem.path, b.rule))
        });
        self
    }
}

/// Looks at the graph of `plan` as this machine would run it, and at what its state remembers.
pub async fn audit(plan: &Plan, opening: &Opening) -> Audit {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut warnings = threads::warnings(plan, cores, &|name| std::env::var(name).ok());
    warnings.extend(gpu_memory::warnings(plan));
    warnings.extend(suffixes::warnings(plan));
    warnings.extend(pins::warnings(plan));
    warnings.extend(durability::warnings(plan));
    let mut left_out = Vec::new();
    let past = async { Past::read(&open_state(plan, opening)?).await };
    match past.await {
        Ok(past) => {
            warnings.extend(hangs::warnings(plan, &past));
            left_out.extend(past.unread.into_iter().map(|what| format!("former runs in part: {what}")));
        }
        Err(error) => left_out.push(format!("former runs: {error:#}")),
    }
    Audit { warnings, left_out }.and(Audit::default())
}

/// What an audit says of a broker where none is named.
pub fn audit_without_broker(plan: &Plan) -> Audit {
    let left_out = "a broker and its nodes: none is named (--broker, EUTERPE_BROKER)".to_owned();
    Audit { warnings: consumer_timeout::without_broker(plan), left_out: vec![left_out] }
}
