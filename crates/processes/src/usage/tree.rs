//! The memory of processes, as `/proc` tells it.

use std::fs;

use crate::supervised::memory::children_of;
use crate::supervised::reaper::REAPER_VERB;

/// The memory of one process in bytes; zeros if it is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident: u64,
    /// The most that was resident since the process began its program.
    pub peak: u64,
}

impl Memory {
    /// The memory of a process.
    pub fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        Self { resident: field("VmRSS:"), peak: field("VmHWM:") }
    }
}

/// The children of this process that do its work: the reaper is none.
pub fn own_children() -> Vec<u32> {
    working(children_of(std::process::id()))
}

/// A process, if `with_root`, and all that it started.
pub(super) fn tree(root: u32, with_root: bool) -> Vec<u32> {
    let mut all = working(children_of(root));
    let mut at = 0;
    while at < all.len() && all.len() < 10_000 {
        all.extend(children_of(all[at]));
        at += 1;
    }
    // Until it begins its program, a process is a copy of the one that started it, with that one's memory and words.
    let words = |process: u32| fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let own = words(root);
    all.retain(|process| words(*process) != own);
    if with_root {
        all.insert(0, root);
    }
    all
}

fn working(mut children: Vec<u32>) -> Vec<u32> {
    children.retain(|child| {
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        !line.split(|byte| *byte == 0).any(|word| word == REAPER_VERB.as_bytes())
    });
    children
}
