//! A graph opened for work, and a method for everything that can be done with it.

mod account;
mod copies;
mod explain;
mod forecast;
mod gc;
mod given;
mod letters;
mod log_file;
#[cfg(feature = "amqp")]
mod logs;
#[cfg(feature = "amqp")]
mod node;
mod other_file;
#[cfg(feature = "amqp")]
mod publish;
mod resume;
mod retry;
mod run;
mod runs;
mod select;
mod similar;
#[cfg(feature = "amqp")]
mod status;
mod story;
mod test;
mod verify;

use std::sync::Arc;

use euterpe_actors::ids::RunId;
use euterpe_actors::memory::Presence;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::Plan;

pub use account::{Account, Hashes, Standings};
pub use forecast::{Forecast, Group, Row};
pub use gc::{Garbage, GarbageKind};
pub use given::GivenStores;
pub use letters::{Letter, Which, by_target, times};
pub use log_file::RunLog;
#[cfg(feature = "amqp")]
pub use logs::LogView;
#[cfg(feature = "amqp")]
pub use node::NodeRequest;
#[cfg(feature = "amqp")]
pub use publish::{PublishRequest, Published};
pub use resume::Resumed;
pub use retry::Retried;
pub use run::{RunEnded, RunRequest};
pub use runs::{RunRecord, is_inbox};
pub use select::{ForceNames, IdsFrom};
#[cfg(feature = "amqp")]
pub use status::{JobStatus, Status, StatusView};
pub use story::{Decision, Story, StoryInput, StoryLetter, StoryOutput};
pub use test::run_case;
#[cfg(feature = "python")]
pub use test::{PythonTests, python_tests};
pub use verify::Finding;

use crate::run::survey::{REMEMBERED, known};
use crate::workspace::{Opening, Workspace};

/// Opens graphs.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

impl Engine {
    /// Opens the graph that `plan` describes, with the transforms of `registry`.
    ///
    /// # Errors
    /// A store that is not there, a state that another process has, a transform that cannot be opened.
    pub fn open(plan: Plan, registry: &Registry, opening: &Opening) -> anyhow::Result<Session> {
        Ok(Session { workspace: Workspace::open(plan, registry, opening)? })
    }
}

/// A graph opened for work. Its methods are the verbs of the program.
pub struct Session {
    workspace: Workspace,
}

impl Session {
    /// What was opened: stores, state, jobs.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Lists what exists, as of `run`.
    async fn survey(&self, run: RunId) -> anyhow::Result<Arc<Presence>> {
        known(&self.workspace, run).await
    }
}
