//! What stops a run or a node early: ctrl-c, SIGTERM, and the end of its terminal (SIGHUP).

use std::convert::Infallible;

use futures::{StreamExt, stream::FuturesUnordered};
use rustix::process::Signal as Signals;
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// Stops at the first signal when what is in hand is finished, at the second one now. The end of the terminal is told by the
/// kernel and often by the shell as well: it counts once.
///
/// Each is answered with its sentence.
pub async fn stop_on(stopping: impl Fn() -> Stop, stop: impl Fn(Stop), says: [&str; 2]) -> Infallible {
    let (Ok(mut interrupts), Ok(mut terms)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        tracing::warn!("signals cannot be watched; ctrl-c ends the program at once");
        return std::future::pending().await;
    };
    let mut hangups = hangups();
    loop {
        let hung_up = tokio::select! {
            _ = interrupts.recv() => false,
            _ = terms.recv() => false,
            () = next(&mut hangups) => true,
        };
        let (next, text) = match stopping() {
            Stop::No => (Stop::Drain, says[0]),
            Stop::Drain | Stop::Now if hung_up => continue,
            Stop::Drain | Stop::Now => (Stop::Now, says[1]),
        };
        telemetry::say(text);
        stop(next);
    }
}

/// Further signals that end a process which does not wait for them: a person sends them, or a limit of the machine.
const OTHERS: [Signals; 9] = [
    Signals::QUIT,
    Signals::ABORT,
    Signals::ALARM,
    Signals::USR1,
    Signals::USR2,
    Signals::VTALARM,
    Signals::PROF,
    Signals::XCPU,
    Signals::IO,
];

/// Waits for the first signal that would end this process and leave behind what it is about to remove: from now on, and not only
/// once this is awaited. SIGKILL cannot be waited for, and what the process does wrong itself (SIGSEGV and the like) must not be.
pub fn interrupted() -> impl Future<Output = ()> {
    let usual = [SignalKind::interrupt(), SignalKind::terminate()].into_iter();
    let others = OTHERS.iter().map(|other| SignalKind::from_raw(other.as_raw()));
    // One that cannot be watched does what it always did.
    let watched = usual.chain(others).filter_map(|kind| signal(kind).ok()).chain(hangups());
    let mut first: FuturesUnordered<_> = watched.map(async |mut signal| signal.recv().await).collect();
    async move {
        if first.next().await.is_none() {
            std::future::pending().await
        }
    }
}

/// The ends of the terminal; none where whoever started this process wants it to outlive that (`nohup`), or nobody can tell.
fn hangups() -> Option<Signal> {
    let kind = SignalKind::hangup();
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    if ignores(&status, kind.as_raw_value())? { None } else { signal(kind).ok() }
}

/// Whether a process ignores a signal, by its `/proc/PID/status`.
fn ignores(status: &str, signal: i32) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (signal - 1) & 1 == 1)
}

async fn next(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_read_from_the_mask_of_the_process() {
        let status = |mask: &str| format!("Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        let hangup = |mask| ignores(&status(mask), SignalKind::hangup().as_raw_value());
        assert_eq!((hangup("0000000000001001"), hangup("0000000000001000")), (Some(true), Some(false)));
        assert_eq!((hangup("nonsense"), ignores("Name:\tx\n", 1)), (None, None));
    }
}
