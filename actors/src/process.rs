//! Identifies a process, for people and for other processes of the same machine.

use std::{fs, sync::LazyLock};

use serde::{Deserialize, Serialize};

/// One process of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine's name, for people.
    pub machine: String,
    /// The process's number there.
    pub pid: u32,
    /// Identifies one start of the machine, and the container if process numbers are its own. Empty where the system does
    /// not say.
    boot: String,
    /// When the process began, as the machine counts: process numbers are reused.
    began: String,
}

impl Process {
    /// The process that calls this.
    pub fn own() -> Self {
        static OWN: LazyLock<Process> = LazyLock::new(|| {
            let pid = std::process::id();
            let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let began = ProcStat::of(pid).map_or_else(String::new, |now| now.began);
            Process { machine, pid, boot: boot(), began }
        });
        OWN.clone()
    }

    /// Whether the process has certainly ended: it was one of this machine, and is gone. `false` for other machines.
    pub fn is_gone(&self) -> bool {
        if self.boot.is_empty() || self.began.is_empty() || self.boot != boot() {
            return false;
        }
        ProcStat::of(self.pid).is_none_or(|now| now.has_ended || now.began != self.began)
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

/// What `/proc/<pid>/stat` says of a process.
struct ProcStat {
    began: String,
    has_ended: bool,
}

impl ProcStat {
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
