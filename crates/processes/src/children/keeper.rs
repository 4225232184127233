//! Ends what child processes have started when the node is killed.
//!
//! A child dies with its node by [`super::tethered`], and what the child started is in its process group; but a killed
//! node cannot end that group any more. One small process of this binary can: it is told of every group over a pipe, and
//! when the pipe ends it kills those that are left.

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

/// The hidden verb by which this binary serves as the keeper.
pub const VERB: &str = "__keep";

static ENABLED: AtomicBool = AtomicBool::new(false);
static KEEPER: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// From now on groups are kept: for programs whose binary knows the verb.
pub fn enable() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// A process group that ends with this process, however that ends. Dropped, it is somebody else's business.
pub(crate) struct Kept(Option<Pid>);

impl Kept {
    /// Of the group of this leader.
    pub(crate) fn group(leader: Option<Pid>) -> Self {
        let leader = leader.filter(|_| ENABLED.load(Ordering::Relaxed));
        if let Some(leader) = leader {
            tell('+', leader);
        }
        Self(leader)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            tell('-', leader);
        }
    }
}

fn tell(what: char, leader: Pid) {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    let line = format!("{what}{}\n", leader.as_raw_nonzero());
    let told = match &mut *keeper {
        Some(pipe) => pipe.write_all(line.as_bytes()),
        None => start().and_then(|mut pipe| {
            pipe.write_all(line.as_bytes())?;
            *keeper = Some(pipe);
            Ok(())
        }),
    };
    if let Err(error) = told {
        *keeper = None; // the next group gets a fresh one
        tracing::warn!(%error, "processes that a transform starts may outlive this one if it is killed");
    }
}

/// In a group of its own: a ctrl-c at the terminal is for the node.
fn start() -> io::Result<ChildStdin> {
    let mut command = Command::new("/proc/self/exe");
    command.arg(VERB).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().ok_or_else(|| io::Error::other("the keeper has no pipe"))?;
    writeln!(pipe, "={}", Mark::of_all().text())?;
    Ok(pipe)
}

/// Serves as the keeper until the node is gone, and ends what it left.
///
/// # Errors
/// Where the pipe cannot be read, or a group cannot be killed.
pub fn keep() -> io::Result<()> {
    let (mut groups, mut mark) = (BTreeSet::new(), None);
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (what, number) = line.split_at_checked(1).unwrap_or_default();
        if what == "=" {
            mark = Some(Mark::told(number));
            continue;
        }
        let number: i32 = number.parse().map_err(io::Error::other)?;
        match what {
            "+" => groups.insert(number),
            _ => groups.remove(&number),
        };
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        match kill_process_group(group, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(mark) = mark {
        mark.kill();
    }
    Ok(())
}
