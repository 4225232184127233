//! What stops a run or a node early: ctrl-c and SIGTERM.

use std::convert::Infallible;

use tokio::signal::unix::{SignalKind, signal};

use crate::telemetry;
use euterpe_engine::Stop;

/// What a run says that works in this process.
pub const HERE: [&str; 2] = [
    "stopping: finishing what is in hand (once more to stop now)",
    "stopping now; what was in hand is left for the next run",
];
/// What a run says whose work is done elsewhere.
pub const ELSEWHERE: [&str; 2] = ["stopping to follow the run; its nodes go on", "stopping now"];
/// What a node says.
#[cfg(feature = "amqp")]
pub const NODE: [&str; 2] = [
    "stopping: finishing what is in hand, giving back the rest (once more to stop now)",
    "stopping now; what was in hand goes back to its queue",
];

/// Stops at the first signal when what is in hand is finished, at the second one now.
///
/// Each is answered with its sentence.
pub async fn stop_on(stopping: impl Fn() -> Stop, stop: impl Fn(Stop), says: [&str; 2]) -> Infallible {
    let (Ok(mut interrupts), Ok(mut terms)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        tracing::warn!("signals cannot be watched; ctrl-c ends the program at once");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terms.recv() => {}
        }
        let (next, text) = match stopping() {
            Stop::No => (Stop::Drain, says[0]),
            Stop::Drain | Stop::Now => (Stop::Now, says[1]),
        };
        telemetry::say(text);
        stop(next);
    }
}
