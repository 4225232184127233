//! Which process something belongs to, in words for people and for other processes of the same machine.

use std::{fs, sync::LazyLock};

use serde::{Deserialize, Serialize};

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine's name, for people.
    pub machine: String,
    /// The process's number there.
    pub pid: u32,
    /// What tells the machine, since it started, from every other, and from a container with numbers of its own.
    /// Empty where the system does not say.
    boot: String,
    /// When the process began, as the machine counts: numbers are given again.
    began: String,
}

impl Process {
    /// This one.
    pub fn own() -> Self {
        static OWN: LazyLock<Process> = LazyLock::new(|| {
            let pid = std::process::id();
            let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let began = Standing::of(pid).map_or_else(String::new, |now| now.began);
            Process { machine, pid, boot: boot(), began }
        });
        OWN.clone()
    }

    /// Whether it has ended for sure: it was one of this machine, and is there no more. Of others nobody knows.
    pub fn is_gone(&self) -> bool {
        if self.boot.is_empty() || self.began.is_empty() || self.boot != boot() {
            return false;
        }
        Standing::of(self.pid).is_none_or(|now| now.has_ended || now.began != self.began)
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.machine)
    }
}

fn boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let numbers = fs::read_link("/proc/self/ns/pid");
    match (boot, numbers) {
        (Ok(boot), Ok(numbers)) => format!("{} {}", boot.trim(), numbers.display()),
        _ => String::new(),
    }
}

/// What the system says of a process that it knows.
struct Standing {
    began: String,
    has_ended: bool,
}

impl Standing {
    fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything; behind it stands the state, and nineteen words later when the process began.
        let (_, rest) = stat.rsplit_once(") ")?;
        let began = rest.split(' ').nth(19)?.to_owned();
        Some(Self { began, has_ended: rest.starts_with(['Z', 'X']) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_this_machine_is_gone_when_it_ended_or_its_number_is_anothers() {
        let own = Process::own();
        assert!(!own.is_gone());
        assert!(Process { began: "1".into(), ..own.clone() }.is_gone(), "the number was given again");
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let pid = child.id();
        child.wait().expect("it ended");
        assert!(Process { pid, ..own }.is_gone());
    }

    #[test]
    fn of_a_process_elsewhere_nothing_is_known() {
        let elsewhere = Process { boot: "another machine".into(), began: "1".into(), ..Process::own() };
        assert!(!elsewhere.is_gone());
        assert!(!Process { boot: String::new(), began: "1".into(), ..Process::own() }.is_gone());
    }
}
