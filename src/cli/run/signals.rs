//! What stops a run early: ctrl-c, SIGTERM, too many dead letters.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::telemetry;
use euterpe_engine::run::{Stop, Tracker};

/// What a run says that works in this process.
pub const HERE: [&str; 2] = [
    "stopping: finishing what is in hand (once more to stop now)",
    "stopping now; what was in hand is left for the next run",
];
/// What a run says whose work is done elsewhere.
pub const ELSEWHERE: [&str; 2] = ["stopping to follow the run; its nodes go on", "stopping now"];
/// What a node says.
pub const NODE: [&str; 2] = [
    "stopping: finishing what is in hand, giving back the rest (once more to stop now)",
    "stopping now; what was in hand goes back to its queue",
];

/// Stops at the first signal when what is in hand is finished, at the second one now.
///
/// Each is answered with its sentence.
pub async fn stop_on(stopper: &watch::Sender<Stop>, says: [&str; 2]) -> Infallible {
    let (Ok(mut interrupts), Ok(mut terms)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        tracing::warn!("signals cannot be watched; ctrl-c ends the program at once");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terms.recv() => {}
        }
        let (next, text) = match *stopper.borrow() {
            Stop::No => (Stop::Drain, says[0]),
            Stop::Drain | Stop::Now => (Stop::Now, says[1]),
        };
        telemetry::say(text);
        stopper.send_replace(next);
    }
}

/// Stops when there are `most` dead letters.
pub async fn stop_at(most: Option<u64>, tracker: &Arc<Tracker>, stopper: &watch::Sender<Stop>) -> Infallible {
    let Some(most) = most else { return std::future::pending().await };
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let tally = tracker.tally();
        if tally.letters() + tally.bad_names >= most {
            telemetry::say(&format!("stopping: {most} dead letters (--max-dead)"));
            stopper.send_replace(Stop::Drain);
            return std::future::pending().await;
        }
    }
}
