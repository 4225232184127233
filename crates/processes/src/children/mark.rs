//! A mark in the environment of a child and of all that it starts, by which they are found wherever they have gone: a
//! process that leaves its group and outlives its parent is nobody's child any more.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// The variable that holds it.
const VARIABLE: &str = "EUTERPE_CHILD_OF";

/// How long processes are waited for that are just beginning, and looked for anew.
const PATIENCE: Duration = Duration::from_secs(2);
/// The fields of `/proc/…/stat`, counted from one.
const MEMORY: usize = 23;
const CODE_START: usize = 26;
const ENVIRONMENT_START: usize = 50;
const ENVIRONMENT_END: usize = 51;

/// What all marks of this process begin with.
static OURS: LazyLock<String> = LazyLock::new(|| {
    use std::hash::{BuildHasher, RandomState};
    format!("{}-{:016x}", getpid().as_raw_nonzero(), RandomState::new().hash_one(0))
});
static CHILDREN: AtomicU64 = AtomicU64::new(0);

/// The mark of one child.
#[derive(Clone, Debug)]
pub(crate) struct Mark(String);

impl Mark {
    /// A new one, set in the environment of `command`.
    pub(crate) fn on(command: &mut tokio::process::Command) -> Self {
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

    /// Kills every process that has it, with what such a process starts meanwhile. It may have to wait for one that is just
    /// beginning, most often a millisecond.
    pub(crate) fn kill(&self) {
        let wanted = format!("{VARIABLE}={}", self.0);
        let until = Instant::now() + PATIENCE;
        let mut killed = BTreeSet::new();
        loop {
            let before = killed.len();
            let mut left: Vec<i32> = running().collect();
            loop {
                left.retain(|process| match has(*process, wanted.as_bytes()) {
                    Some(true) => {
                        if killed.insert(*process) {
                            end(*process);
                        }
                        false
                    }
                    Some(false) => false,
                    None => true,
                });
                if left.is_empty() || Instant::now() >= until {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // What was killed may have started others after they were listed.
            if killed.len() == before {
                break;
            }
            if Instant::now() >= until {
                tracing::warn!(killed = killed.len(), "what a child started starts ever more; some of it may be left");
                break;
            }
        }
    }
}

fn running() -> impl Iterator<Item = i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a variable of its environment begins so; `None` where not all of it can be seen, for it is just becoming another
/// program.
fn has(process: i32, wanted: &[u8]) -> Option<bool> {
    // What cannot be read is somebody else's, or has ended.
    let Ok(environment) = fs::read(format!("/proc/{process}/environ")) else { return Some(false) };
    if environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(wanted)) {
        return Some(true);
    }
    let told = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    is_all(environment.len(), &told).then_some(false)
}

/// Whether so many bytes are the whole environment of a process of which `/proc/…/stat` tells this; proc(5).
///
/// Who becomes another program gets memory first, then the place of an environment, then what stands there, and when that is
/// complete the kernel writes down where the code begins. Who is reading the former one then finds that it ends.
fn is_all(bytes: usize, stat: &str) -> bool {
    // The second field is a name in parentheses, and may hold anything.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let [memory, code, start, end] = [MEMORY, CODE_START, ENVIRONMENT_START, ENVIRONMENT_END].map(field);
    let has_ended = memory == 0; // or it is one of the kernel's own
    has_ended || code > 0 && end.checked_sub(start) == Some(bytes as u64)
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
    use tokio::{process::Child, time::timeout};

    use super::*;

    /// A deadline against real processes.
    const MOST: Duration = Duration::from_secs(20);

    /// In a session of its own, with a mark that can be seen: until a child is another program it shows what we have.
    async fn started(script: &str) -> (Child, Mark) {
        let mut command = tokio::process::Command::new("setsid");
        command.args(["sh", "-c", script, "sh", script]);
        let mark = Mark::on(&mut command);
        let child = command.kill_on_drop(true).spawn().expect("it starts");
        let wanted = format!("{VARIABLE}={}", mark.text());
        let process = child.id().expect("a number") as i32;
        let seen = async {
            while has(process, wanted.as_bytes()) != Some(true) {
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
        mark.kill();
        assert!(ended_by_force(one).await);
        assert!(other.try_wait().expect("looked at").is_none());
        others.kill();
        assert!(ended_by_force(other).await);
    }

    #[tokio::test]
    async fn what_is_just_becoming_another_program_is_killed_too() {
        for _ in 0..100 {
            let (child, mark) = started(r#"exec "$0" -c "$1" "$0" "$1""#).await;
            mark.kill();
            assert!(ended_by_force(child).await);
        }
    }

    #[test]
    fn an_environment_is_all_there_when_it_is_complete_and_as_long_as_its_place() {
        let stat = |memory: &str, code: &str, start: &str, end: &str| {
            let zeros = |many: usize| "0 ".repeat(many);
            format!("7 (a ) b) R {}{memory} 0 0 {code} {}{start} {end} 0\n", zeros(19), zeros(23))
        };
        assert!(!is_all(0, &stat("4096", "0", "0", "0")), "its place is not known");
        assert!(!is_all(0, &stat("4096", "0", "7000", "7000")), "its place is not filled");
        assert!(!is_all(0, &stat("4096", "64", "7000", "7080")), "it has one by now");
        assert!(!is_all(32, &stat("4096", "64", "7000", "7080")), "its end was read too late");
        assert!(is_all(80, &stat("4096", "64", "7000", "7080")));
        assert!(is_all(0, &stat("4096", "64", "7000", "7000")), "it was started without one");
        assert!(is_all(0, &stat("0", "0", "0", "0")), "it has ended, or is the kernel's");
        assert!(is_all(0, ""), "it is gone");
    }

    #[test]
    fn where_the_environment_of_a_process_lies_is_told_where_it_is_looked_for() {
        let child = std::process::Command::new("sleep").arg("1000").env_clear().env("A", "b").spawn();
        let mut child = child.expect("it starts");
        let path = format!("/proc/{}/stat", child.id());
        let numbers = || {
            let told = fs::read_to_string(&path).expect("readable");
            let rest = told.rsplit_once(')').expect("a name").1;
            let field =
                |number: usize| rest.split_whitespace().nth(number - 3).expect("there").parse().expect("a number");
            [MEMORY, CODE_START, ENVIRONMENT_START, ENVIRONMENT_END].map(field)
        };
        let started = Instant::now();
        let [memory, ..]: [u64; 4] = loop {
            match numbers() {
                // Until it is another program it shows what we have.
                known @ [_, code, start, end] if code > 0 && end - start == 4 => break known,
                _ => assert!(started.elapsed() < MOST, "`A=b` and a zero are not told of"),
            }
        };
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(memory > 0);
    }
}
