//! A mark in the environment of a child and of all that it starts, by which they are found wherever they have gone.
//!
//! A process that leaves its group and outlives its parent is nobody's child any more; its environment is what it keeps.

use std::{
    collections::BTreeSet,
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use euterpe_actors::blocking_threads::on_blocking_thread_soon;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::{process::Command, sync::oneshot};

use super::environ::{has_variable, processes, ticks_now};
use super::start_times::started_since;

/// The variable that holds the mark.
const VARIABLE: &str = "EUTERPE_CHILD_OF";

/// How long a search goes on where processes are just becoming other programs, or start ever more.
const PATIENCE: Duration = Duration::from_secs(2);

/// The beginning of all marks that this process sets.
static OURS: LazyLock<String> = LazyLock::new(|| {
    use std::hash::{BuildHasher, RandomState};
    format!("{}-{:016x}/", getpid().as_raw_nonzero(), RandomState::new().hash_one(0))
});
static CHILDREN: AtomicU64 = AtomicU64::new(0);

/// The mark of one child, or of all children of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    text: String,
    /// In clock ticks since the machine was started: no process that has the mark was started before.
    since: u64,
}

impl Mark {
    /// A new one, set in the environment of `command`, which is about to be spawned.
    pub(super) fn on(command: &mut Command) -> Self {
        let text = format!("{}{}/", *OURS, CHILDREN.fetch_add(1, Ordering::Relaxed));
        command.env(VARIABLE, &text);
        Self { text, since: ticks_now() }
    }

    /// The beginning of the marks of all children of this process.
    pub(super) fn of_all() -> &'static str {
        &OURS
    }

    /// The mark of this text, which another process has set.
    pub(super) fn read(text: &str) -> Self {
        Self { text: text.to_owned(), since: 0 }
    }

    /// Kills every process that has the mark, with what such a process starts meanwhile; returns when that is done.
    pub(super) async fn kill(&self) {
        self.request().await.ok(); // a search always answers
    }

    /// As [`Mark::kill`], but returns at once.
    pub(super) fn kill_soon(&self) {
        drop(self.request());
    }

    /// As [`Mark::kill`], on this thread.
    pub(super) fn kill_here(&self) {
        kill_all(std::slice::from_ref(self));
    }

    /// Has a thread for blocking work search for this mark and all others that were requested meanwhile: a search reads a
    /// file of every process of the machine, and costs the same for one mark as for many.
    fn request(&self) -> oneshot::Receiver<()> {
        let (done, receiver) = oneshot::channel();
        let mut requests = requests();
        requests.waiting.push((self.clone(), done));
        let first = !std::mem::replace(&mut requests.served, true);
        drop(requests);
        if first {
            on_blocking_thread_soon(|| drop(Search));
        }
        receiver
    }
}

/// The requests for searches of this process.
struct Requests {
    waiting: Vec<(Mark, oneshot::Sender<()>)>,
    /// Whether a [`Search`] exists, which will serve them.
    served: bool,
}

static REQUESTS: Mutex<Requests> = Mutex::new(Requests { waiting: Vec::new(), served: false });

fn requests() -> MutexGuard<'static, Requests> {
    REQUESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves the requests when it is dropped: a runtime that ends drops what it has not begun, and that must be done too.
struct Search;

impl Drop for Search {
    fn drop(&mut self) {
        loop {
            let mut requests = requests();
            let waiting = std::mem::take(&mut requests.waiting);
            if waiting.is_empty() {
                requests.served = false;
                return;
            }
            drop(requests);
            let (marks, done): (Vec<Mark>, Vec<oneshot::Sender<()>>) = waiting.into_iter().unzip();
            kill_all(&marks);
            for done in done {
                done.send(()).ok(); // nobody waits where the request was for soon
            }
        }
    }
}

/// Kills every process that has one of the marks.
fn kill_all(marks: &[Mark]) {
    let since = marks.iter().map(|mark| mark.since).min().unwrap_or(0);
    let until = Instant::now() + PATIENCE;
    let mut killed = BTreeSet::new();
    loop {
        let before = killed.len();
        // Most of them were there before.
        let mut unknown = started_since(processes(), since);
        loop {
            unknown.retain(|process| match has_one_of(marks, *process) {
                Some(true) => {
                    if killed.insert(*process) {
                        kill(*process);
                    }
                    false
                }
                Some(false) => false,
                None => true,
            });
            if unknown.is_empty() || Instant::now() >= until {
                break;
            }
            std::thread::sleep(Duration::from_millis(1)); // most often one is enough for a program to begin
        }
        // The killed may have started others after the processes were listed.
        if killed.len() == before {
            break;
        }
        if Instant::now() >= until {
            tracing::warn!(killed = killed.len(), "what a child started starts ever more; some of it may be left");
            break;
        }
    }
}

fn has_one_of(marks: &[Mark], process: i32) -> Option<bool> {
    has_variable(process, |variable| {
        let value = variable.strip_prefix(VARIABLE.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        value.is_some_and(|value| marks.iter().any(|mark| value.starts_with(mark.text.as_bytes())))
    })
}

fn kill(process: i32) {
    let Some(process) = Pid::from_raw(process) else { return };
    match kill_process(process, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => {
            tracing::warn!(process = %process.as_raw_nonzero(), %error, "could not kill what a child started");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{process::Child, time::timeout};

    use super::*;

    /// A deadline against real processes.
    const MOST: Duration = Duration::from_secs(20);

    /// In a session of its own, with a mark that can be seen: until a child is another program it shows what we have.
    async fn started(script: &str) -> (Child, Mark) {
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", script, "sh", script]);
        let mark = Mark::on(&mut command);
        let child = command.kill_on_drop(true).spawn().expect("it starts");
        let process = child.id().expect("a number") as i32;
        let seen = async {
            while has_one_of(std::slice::from_ref(&mark), process) != Some(true) {
                tokio::task::yield_now().await;
            }
        };
        timeout(MOST, seen).await.expect("its mark was seen");
        (child, mark)
    }

    async fn ended_by_force(mut child: Child) -> bool {
        let ended = timeout(MOST, child.wait()).await.expect("it was killed").expect("waited for");
        !ended.success()
    }

    #[tokio::test]
    async fn what_has_the_mark_is_killed_wherever_it_has_gone_and_nothing_else() {
        let (one, mark) = started("sleep 1000; true").await;
        let (mut other, others) = started("sleep 1000; true").await;
        mark.kill().await;
        assert!(ended_by_force(one).await);
        assert!(other.try_wait().expect("looked at").is_none());
        others.kill_soon();
        assert!(ended_by_force(other).await);
    }

    #[tokio::test]
    async fn what_is_just_becoming_another_program_is_killed_too() {
        for _ in 0..100 {
            let (child, mark) = started(r#"exec "$0" -c "$1" "$0" "$1""#).await;
            mark.kill().await;
            assert!(ended_by_force(child).await);
        }
    }

    #[tokio::test]
    async fn many_marks_are_searched_for_at_once_and_not_by_the_thread_that_asks() {
        let marks: Vec<Mark> = (0..100).map(|_| Mark::on(&mut Command::new("none"))).collect();
        let began = Instant::now();
        for mark in &marks {
            mark.kill().await;
        }
        let one_by_one = began.elapsed();
        let began = Instant::now();
        let all: Vec<_> = marks.iter().map(Mark::request).collect();
        let asked = began.elapsed();
        for done in all {
            done.await.expect("answered");
        }
        let at_once = began.elapsed();
        assert!(at_once < one_by_one / 4, "{at_once:?} at once, {one_by_one:?} one by one");
        assert!(asked < one_by_one / 4, "{asked:?} for asking, {one_by_one:?} for searching");
    }

    #[test]
    fn what_was_to_be_killed_is_killed_although_the_runtime_ends() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let first = runtime();
        let (child, mark) = first.block_on(started("sleep 1000; true"));
        let other = runtime();
        other.block_on(async { mark.kill_soon() });
        drop(other);
        assert!(first.block_on(ended_by_force(child)));
    }
}
