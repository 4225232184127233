//! The reaper: a small process of this binary that ends what the children of a killed node have started.
//!
//! A child dies with its node by its parent-death signal, and what the child started is in the child's process group; but a
//! killed node cannot end that group any more. The reaper is told of every group over a pipe. When the pipe ends, the node
//! is dead, and the reaper kills the groups that are left and what has left them.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, Write},
    os::unix::process::CommandExt,
    process::{ChildStdin, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::mark::Mark;

/// The hidden verb by which this binary serves as the reaper.
pub const REAPER_VERB: &str = "__keep";

/// The first character of a line on the pipe; a mark or the number of a group follows.
const MARK: &str = "=";
const STARTED: &str = "+";
const ENDED: &str = "-";

static ENABLED: AtomicBool = AtomicBool::new(false);
static REAPER: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// From now on this process has a reaper. For programs whose binary knows [`REAPER_VERB`].
pub fn enable_reaper() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// A process group that the reaper knows of. Dropped, it is forgotten: this process has ended the group itself.
pub(super) struct Registration(Option<Pid>);

impl Registration {
    /// Of the group of this leader.
    pub(super) fn of(leader: Option<Pid>) -> Self {
        let leader = leader.filter(|_| ENABLED.load(Ordering::Relaxed));
        if let Some(leader) = leader {
            tell(STARTED, leader);
        }
        Self(leader)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            tell(ENDED, leader);
        }
    }
}

fn tell(event: &str, leader: Pid) {
    let mut reaper = REAPER.lock().unwrap_or_else(PoisonError::into_inner);
    let line = format!("{event}{}\n", leader.as_raw_nonzero());
    let told = match &mut *reaper {
        Some(pipe) => pipe.write_all(line.as_bytes()),
        None => start().and_then(|mut pipe| {
            pipe.write_all(line.as_bytes())?;
            *reaper = Some(pipe);
            Ok(())
        }),
    };
    if let Err(error) = told {
        *reaper = None; // the next group starts another one
        tracing::warn!(%error, "processes that a transform starts may outlive this one if it is killed");
    }
}

/// Starts the reaper in a group of its own: a ctrl-c at the terminal is for the node.
fn start() -> io::Result<ChildStdin> {
    let mut command = Command::new("/proc/self/exe");
    command.arg(REAPER_VERB).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().ok_or_else(|| io::Error::other("the reaper has no pipe"))?;
    writeln!(pipe, "{MARK}{}", Mark::of_all())?;
    Ok(pipe)
}

/// Serves as the reaper until the node is gone, and ends what it left.
///
/// # Errors
/// The pipe cannot be read, or a group cannot be killed.
pub fn serve_reaper() -> io::Result<()> {
    let (mut groups, mut mark) = (BTreeSet::new(), None);
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (event, rest) = line.split_at_checked(1).unwrap_or_default();
        if event == MARK {
            mark = Some(Mark::read(rest));
            continue;
        }
        let group: i32 = rest.parse().map_err(io::Error::other)?;
        match event {
            STARTED => groups.insert(group),
            _ => groups.remove(&group),
        };
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        match kill_process_group(group, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(mark) = mark {
        mark.kill_here();
    }
    Ok(())
}
