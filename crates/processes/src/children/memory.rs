//! How much memory processes have resident.

use std::fs;

use rustix::process::Pid;

/// What one process has resident, in bytes; 0 where it is gone.
pub(crate) fn resident(process: Pid) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{}/statm", process.as_raw_nonzero())).unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// What a process and all that it started have resident, in bytes. Pages that several share count for each of them.
pub(crate) fn resident_of_all(process: Pid) -> u64 {
    family(process).into_iter().map(resident).sum()
}

/// A process and all that it started and that are still below it.
fn family(process: Pid) -> Vec<Pid> {
    let mut family = vec![process];
    let mut at = 0;
    while at < family.len() && family.len() < 10_000 {
        family.extend(children(family[at]));
        at += 1;
    }
    family
}

fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).into_iter().flatten().flatten();
    let listed = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    listed.flat_map(|list| list.split_whitespace().filter_map(pid).collect::<Vec<_>>()).collect()
}

fn pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpid;

    #[test]
    fn a_child_counts_with_its_parent_and_who_is_gone_counts_nothing() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a child");
        let pid = Pid::from_raw(child.id() as i32).expect("a number");
        let (own, both) = (resident(getpid()), resident_of_all(getpid()));
        let of_child = resident(pid);
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(own > 1 << 20, "{own}");
        assert!(of_child > 0 && both >= own / 2 + of_child, "{both} is not {own} and {of_child}");
        assert_eq!(resident(pid), 0);
    }
}
