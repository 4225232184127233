//! The CPU that processes took, and the most memory that a child had that has ended.

use std::iter::Sum;
use std::ops::Sub;

use serde::{Deserialize, Serialize};

/// CPU in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// In the program's own code.
    pub user: f64,
    /// In the kernel on its behalf.
    pub system: f64,
}

impl Cpu {
    /// Both.
    pub fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Sub for Cpu {
    type Output = Self;
    fn sub(self, before: Self) -> Self {
        Self { user: (self.user - before.user).max(0.0), system: (self.system - before.system).max(0.0) }
    }
}

impl Sum for Cpu {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self { user: a.user + b.user, system: a.system + b.system })
    }
}

/// What this process has taken so far.
pub fn own_cpu() -> Cpu {
    cpu_of(&usage(libc::RUSAGE_SELF))
}

/// What the children of this process took that have ended and were waited for, with what these waited for.
pub fn ended_children_cpu() -> Cpu {
    cpu_of(&usage(libc::RUSAGE_CHILDREN))
}

/// The most memory that one of these children had resident, in bytes. What a child takes between its fork and its program
/// counts: that is up to the memory of this process.
pub fn ended_children_peak() -> u64 {
    u64::try_from(usage(libc::RUSAGE_CHILDREN).ru_maxrss).unwrap_or(0) * 1024
}

fn cpu_of(usage: &libc::rusage) -> Cpu {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Cpu { user: seconds(usage.ru_utime), system: seconds(usage.ru_stime) }
}

#[allow(unsafe_code)] // the kernel tells this in no file
fn usage(whose: libc::c_int) -> libc::rusage {
    // SAFETY: a `rusage` is numbers, all of which may be zero; the kernel writes into it and keeps no reference. It refuses
    // only an unknown `whose`, and then the zeros stay.
    unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(whose, &raw mut usage);
        usage
    }
}

/// What a process that runs has taken so far, with its children that have ended, to a hundredth of a second. `None` if it is
/// gone.
pub fn process_cpu(process: u32) -> Option<Cpu> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is a name in parentheses, and may hold anything; user and system time are the 14th to the 17th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let second = rustix::param::clock_ticks_per_second() as f64;
    Some(Cpu { user: (ticks(14)? + ticks(16)?) / second, system: (ticks(15)? + ticks(17)?) / second })
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_child_took_is_told_while_it_runs_and_after_it_has_ended() {
        let before = ended_children_cpu();
        // It computes for a while, says that it has, and waits.
        let script = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; echo; read end";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        child.stdout.take().expect("piped").read_exact(&mut [0]).expect("it has computed");
        let running = process_cpu(child.id()).expect("it runs").total();
        assert_eq!((ended_children_cpu() - before).total(), 0.0, "it has not ended");
        child.wait().expect("ended"); // which closes its input
        let took = (ended_children_cpu() - before).total();
        assert!(running > 0.1 && (took - running).abs() < 0.05, "{took} after it has ended, {running} before");
        assert!(ended_children_peak() > 100 << 10);
        assert_eq!(process_cpu(child.id()), None);
        assert!(own_cpu().total() > 0.0);
    }
}
