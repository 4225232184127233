//! A mark in the environment of a child and of all that it starts, by which they are found wherever they have gone: a
//! process that leaves its group and outlives its parent is nobody's child any more.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// The variable that holds it.
const VARIABLE: &str = "EUTERPE_CHILD_OF";

/// How often the processes are looked through: a process that just begins is seen the next time, and what never ceases
/// to begin others is let go in the end.
const MOST_LOOKS: usize = 100;
/// The fields of `/proc/…/stat`, counted from one.
const MEMORY: usize = 23;
const ENVIRONMENT_END: usize = 51;

/// What all marks of this process begin with.
static OURS: LazyLock<String> = LazyLock::new(|| {
    use std::hash::{BuildHasher, RandomState};
    format!("{}-{:016x}", getpid().as_raw_nonzero(), RandomState::new().hash_one(0))
});
static CHILDREN: AtomicU64 = AtomicU64::new(0);

/// The mark of one child.
#[derive(Clone, Debug)]
pub(in crate::transform) struct Mark(String);

impl Mark {
    /// A new one, set in the environment of `command`.
    pub(in crate::transform) fn on(command: &mut tokio::process::Command) -> Self {
        let mark = format!("{}/{}/", *OURS, CHILDREN.fetch_add(1, Ordering::Relaxed));
        command.env(VARIABLE, &mark);
        Self(mark)
    }

    /// Of all children of this process.
    pub(super) fn of_all() -> Self {
        Self(format!("{}/", *OURS))
    }

    /// One that was told.
    pub(super) fn told(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it is told.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Kills every process that has it, with what such a process starts meanwhile.
    pub(in crate::transform) fn kill(&self) {
        let wanted = format!("{VARIABLE}={}", self.0);
        let mut killed = BTreeSet::new();
        for _ in 0..MOST_LOOKS {
            let (mut more, mut began) = (false, false);
            for process in running() {
                match has(process, wanted.as_bytes()) {
                    Some(true) if killed.insert(process) => {
                        end(process);
                        more = true;
                    }
                    Some(_) => {}
                    None => began = true,
                }
            }
            if !(more || began) {
                return;
            }
            std::thread::yield_now();
        }
        tracing::debug!(killed = killed.len(), "there was always one more process that had just begun");
    }
}

fn running() -> impl Iterator<Item = i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a variable of its environment begins so; `None` where that cannot be seen yet, for it is just becoming another
/// program: it has memory then, but no environment.
fn has(process: i32, wanted: &[u8]) -> Option<bool> {
    // What is somebody else's cannot be read, and what has ended reads as nothing.
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    if !environment.is_empty() {
        return Some(environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(wanted)));
    }
    let told = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    (!begins(&told)).then_some(false)
}

/// Whether this line of `/proc/…/stat` is of a process that has memory and no place for its environment; proc(5).
fn begins(stat: &str) -> bool {
    // The second field is a name in parentheses, and may hold anything.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let field = |number: usize| fields.get(number - 3).copied();
    field(MEMORY).is_some_and(|bytes| bytes != "0") && field(ENVIRONMENT_END) == Some("0")
}

fn end(process: i32) {
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
    use std::time::Duration;

    use tokio::{process::Child, time::timeout};

    use super::*;

    /// In a session of its own, with a mark.
    fn started(script: &str) -> (Child, Mark) {
        let mut command = tokio::process::Command::new("setsid");
        command.args(["sh", "-c", script, "sh", script]);
        let mark = Mark::on(&mut command);
        (command.kill_on_drop(true).spawn().expect("it starts"), mark)
    }

    async fn ended_by_force(mut child: Child) -> bool {
        let ended = timeout(Duration::from_secs(20), child.wait()).await.expect("it was killed").expect("waited for");
        !ended.success()
    }

    #[tokio::test]
    async fn what_has_the_mark_is_killed_wherever_it_has_gone_and_nothing_else() {
        let ((one, mark), (mut other, others)) = (started("sleep 1000; true"), started("sleep 1000; true"));
        mark.kill();
        assert!(ended_by_force(one).await);
        assert!(other.try_wait().expect("looked at").is_none());
        others.kill();
        assert!(ended_by_force(other).await);
    }

    #[tokio::test]
    async fn what_is_just_becoming_another_program_is_killed_too() {
        for _ in 0..100 {
            let (child, mark) = started(r#"exec "$0" -c "$1" "$0" "$1""#);
            mark.kill();
            assert!(ended_by_force(child).await);
        }
    }

    #[test]
    fn only_a_process_with_memory_and_no_place_for_an_environment_is_just_beginning() {
        let stat = |memory: &str, end: &str| {
            let zeros = |many: usize| "0 ".repeat(many);
            format!("7 (a ) b) R {}{memory} {}{end} 0\n", zeros(19), zeros(27))
        };
        assert!(begins(&stat("4096", "0")));
        assert!(!begins(&stat("4096", "140720")), "its environment is empty");
        assert!(!begins(&stat("0", "0")), "it has ended, or is the kernel's");
        assert!(!begins(""));
        let mine = fs::read_to_string("/proc/self/stat").expect("readable");
        assert!(!begins(&mine));
        assert_eq!(mine.rsplit_once(')').expect("a name").1.split_whitespace().count(), 50, "fields 3 to 52");
    }
}
