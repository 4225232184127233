//! A mark in the environment of a child and of all that it starts, by which they are found wherever they have gone: a
//! process that leaves its group and outlives its parent is nobody's child any more.

use std::{
    fs,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// The variable that holds it.
const VARIABLE: &str = "EUTERPE_CHILD_OF";

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

    /// Kills every process that has it.
    pub(in crate::transform) fn kill(&self) {
        let wanted = format!("{VARIABLE}={}", self.0);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        for process in numbers.filter_map(Pid::from_raw) {
            // What is somebody else's cannot be read, and what has ended reads as nothing.
            let environment = fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
            if !environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(wanted.as_bytes())) {
                continue;
            }
            match kill_process(process, Signal::KILL) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => {
                    tracing::warn!(process = %process.as_raw_nonzero(), %error, "could not kill what a child started");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_the_mark_is_killed_wherever_it_has_gone_and_nothing_else() {
        let start = || {
            let mut command = tokio::process::Command::new("setsid");
            command.args(["sh", "-c", "sleep 1000; true"]);
            let mark = Mark::on(&mut command);
            (command.kill_on_drop(true).spawn().expect("it starts"), mark)
        };
        let ((mut one, mark), (mut other, others)) = (start(), start());
        // The environment is there once the program is.
        let wanted = format!("{VARIABLE}={}", mark.text());
        let path = format!("/proc/{}/environ", one.id().expect("a number"));
        while !fs::read_to_string(&path).unwrap_or_default().contains(&wanted) {
            tokio::task::yield_now().await;
        }
        mark.kill();
        assert!(!one.wait().await.expect("ended").success());
        assert!(other.try_wait().expect("looked at").is_none());
        others.kill();
        assert!(!other.wait().await.expect("ended").success());
    }
}
