//! The person at the terminal: sees a run go on, and stops it.

use std::convert::Infallible;

use async_trait::async_trait;
use euterpe_engine::{Notice, Running, Watch};

use super::Output;
use super::progress::Progress;
use super::signals;
use crate::telemetry;

/// Shows a run, and stops it on ctrl-c and SIGTERM.
pub struct Terminal {
    /// How it is shown.
    pub out: Output,
}

#[async_trait(?Send)]
impl Watch for Terminal {
    async fn watch(&self, running: &Running) {
        let says = if running.is_over_broker() { signals::ELSEWHERE } else { signals::HERE };
        let mut progress = Progress::new(running, self.out);
        let never: Infallible = tokio::select! {
            never = progress.show() => never,
            never = signals::stop_on(|| running.stopping(), |how| running.stop(how), says) => never,
        };
        match never {}
    }

    fn notice(&self, notice: Notice) {
        match notice {
            Notice::TooManyDead(most) => telemetry::say(&format!("stopping: {most} dead letters (--max-dead)")),
            Notice::GraphChanged => {
                telemetry::say("the graph has changed since this run; going on by the graph as it is today");
            }
        }
    }
}
