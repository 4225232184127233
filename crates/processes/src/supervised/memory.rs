//! How much memory a child process and all that it started have resident, and when that is too much.

use std::{fs, future::pending, time::Duration};

use euterpe_actors::actors_thread::assert_may_block;
use euterpe_actors::blocking_threads::begin_blocking;
use rustix::process::Pid;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// How often the memory of a child at work is measured.
const INTERVAL: Duration = Duration::from_millis(200);

/// The memory that a child may have resident with all that it started.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    /// In bytes; `None` is no limit.
    most: Option<u64>,
    next: Instant,
    /// Kept here, so that a measurement goes on when the future that waits for it is dropped.
    measuring: Option<JoinHandle<u64>>,
}

/// Memory that a child takes beyond its limit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    /// Resident memory of the child and of all that it started.
    pub(crate) taken: u64,
    /// The limit.
    pub(crate) most: u64,
}

impl MemoryLimit {
    /// A limit in bytes, or none.
    pub(crate) fn of(most: Option<u64>) -> Self {
        Self { most, next: Instant::now() + INTERVAL, measuring: None }
    }

    /// Waits until `process` takes more; for ever if there is no limit.
    pub(super) async fn exceeded_by(&mut self, process: Option<Pid>) -> Excess {
        let (Some(most), Some(process)) = (self.most, process) else { return pending().await };
        loop {
            let measuring = match &mut self.measuring {
                Some(measuring) => measuring,
                none => {
                    sleep_until(self.next).await;
                    // Not on this thread, which is the actors': a tree of processes takes a while to read.
                    match begin_blocking(move || resident_of_tree(process)) {
                        Ok(measuring) => none.insert(measuring),
                        Err(_) => {
                            self.next = Instant::now() + INTERVAL; // no thread for it now
                            continue;
                        }
                    }
                }
            };
            let taken = measuring.await.unwrap_or(0);
            self.measuring = None;
            self.next = Instant::now() + INTERVAL;
            if taken > most {
                return Excess { taken, most };
            }
        }
    }

    /// Whether `process` alone takes four fifths of what it may: then the next entity had better find a fresh one.
    pub(super) fn is_nearly_reached_by(&self, process: Option<Pid>) -> bool {
        self.most.zip(process).is_some_and(|(most, process)| resident(process) > most / 5 * 4)
    }
}

/// The resident memory of one process, in bytes; 0 if it is gone.
fn resident(process: Pid) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{}/statm", process.as_raw_nonzero())).unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// The resident memory of a process and of all that it started, in bytes. Pages that several share count for each of them.
fn resident_of_tree(process: Pid) -> u64 {
    assert_may_block("a walk through a tree of processes");
    let mut tree = vec![process];
    let mut at = 0;
    while at < tree.len() && tree.len() < 10_000 {
        tree.extend(children(tree[at]));
        at += 1;
    }
    tree.into_iter().map(resident).sum()
}

/// The resident memory of all that this process started, in bytes. Pages that several share count for each of them.
///
/// Reads a file for each child process: not on the thread of the actors.
pub fn resident_of_children() -> u64 {
    children(rustix::process::getpid()).into_iter().map(resident_of_tree).sum()
}

fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).into_iter().flatten().flatten();
    let listed = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    listed.flat_map(|list| list.split_whitespace().filter_map(pid).collect::<Vec<_>>()).collect()
}

/// The processes that a process started and that have not ended.
pub(crate) fn children_of(process: u32) -> Vec<u32> {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let children = process.map(children).unwrap_or_default();
    children.into_iter().map(|child| child.as_raw_nonzero().get().unsigned_abs()).collect()
}

fn pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpid;

    #[test]
    fn a_child_counts_with_its_parent_and_a_process_that_is_gone_counts_nothing() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a child");
        let pid = Pid::from_raw(child.id() as i32).expect("a number");
        let (own, both) = (resident(getpid()), resident_of_tree(getpid()));
        let of_child = resident(pid);
        assert!(resident_of_children() >= of_child);
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(own > 1 << 20, "{own}");
        assert!(of_child > 0 && both >= own / 2 + of_child, "{both} is not {own} and {of_child}");
        assert_eq!(resident(pid), 0);
    }

    #[tokio::test]
    async fn a_limit_is_exceeded_only_by_more() {
        let excess = MemoryLimit::of(Some(1)).exceeded_by(Some(getpid())).await;
        assert!(excess.taken > 1 << 20 && excess.most == 1, "{excess:?}");
        let mut high = MemoryLimit::of(Some(u64::MAX));
        assert!(tokio::time::timeout(3 * INTERVAL, high.exceeded_by(Some(getpid()))).await.is_err());
    }

    #[tokio::test]
    async fn a_future_that_is_dropped_again_and_again_still_measures() {
        let mut limit = MemoryLimit::of(Some(1));
        loop {
            tokio::select! {
                biased;
                excess = limit.exceeded_by(Some(getpid())) => break assert!(excess.taken > 1),
                () = tokio::time::sleep(INTERVAL / 100) => {}
            }
        }
    }
}
