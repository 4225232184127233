//! Reads from `/proc` whether a process has a variable in its environment, also while it becomes another program.

use std::fs;

use euterpe_actors::actors_thread::assert_may_block;

/// The fields of `/proc/…/stat`, counted from one; proc(5).
const START_TIME: usize = 22;
const MEMORY: usize = 23;
const CODE_START: usize = 26;
const ENVIRONMENT_START: usize = 50;
const ENVIRONMENT_END: usize = 51;

/// The numbers of all processes that can be seen.
pub(super) fn processes() -> impl Iterator<Item = i32> {
    assert_may_block("a search through all processes");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// When a process was started, in clock ticks since the machine was; 0 if it is gone.
pub(super) fn start_time(process: i32) -> u64 {
    Stat::of(process).field(START_TIME)
}

/// The ticks of [`start_time`] that have passed by now.
pub(super) fn ticks_now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let nanoseconds = now.tv_sec as u128 * 1_000_000_000 + now.tv_nsec as u128;
    (nanoseconds * u128::from(rustix::param::clock_ticks_per_second()) / 1_000_000_000) as u64
}

/// Whether a variable of the environment of `process` satisfies `wanted`, which is given `NAME=value`. `None` if not all of
/// the environment can be seen yet, because the process is just becoming another program.
pub(super) fn has_variable(process: i32, wanted: impl Fn(&[u8]) -> bool) -> Option<bool> {
    // An environment that cannot be read belongs to somebody else's process, or to one that has ended.
    let Ok(environment) = fs::read(format!("/proc/{process}/environ")) else { return Some(false) };
    if environment.split(|byte| *byte == 0).any(wanted) {
        return Some(true);
    }
    Stat::of(process).has_environment_of(environment.len()).then_some(false)
}

/// The text of `/proc/…/stat`; empty if the process is gone.
struct Stat(String);

impl Stat {
    fn of(process: i32) -> Self {
        Self(fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default())
    }

    /// A number, or 0 if there is none.
    fn field(&self, number: usize) -> u64 {
        // The second field is a name in parentheses, and may hold anything.
        let rest = self.0.rsplit_once(')').map_or("", |(_, rest)| rest);
        rest.split_whitespace().nth(number - 3).and_then(|field| field.parse().ok()).unwrap_or(0)
    }

    /// Whether so many bytes are the whole environment.
    ///
    /// A process that becomes another program gets memory first, then the place of an environment, then its bytes; when
    /// those are complete, the kernel writes down where the code begins. Reading the former environment then stops short.
    fn has_environment_of(&self, bytes: usize) -> bool {
        let [memory, code, start, end] =
            [MEMORY, CODE_START, ENVIRONMENT_START, ENVIRONMENT_END].map(|number| self.field(number));
        let has_ended = memory == 0; // or it is one of the kernel's own
        has_ended || code > 0 && end.checked_sub(start) == Some(bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn an_environment_is_whole_when_it_is_complete_and_as_long_as_its_place() {
        let stat = |memory: &str, code: &str, start: &str, end: &str| {
            let zeros = |many: usize| "0 ".repeat(many);
            Stat(format!("7 (a ) b) R {}{memory} 0 0 {code} {}{start} {end} 0\n", zeros(19), zeros(23)))
        };
        assert!(!stat("4096", "0", "0", "0").has_environment_of(0), "its place is not known");
        assert!(!stat("4096", "0", "7000", "7000").has_environment_of(0), "its place is not filled");
        assert!(!stat("4096", "64", "7000", "7080").has_environment_of(0), "it has one by now");
        assert!(!stat("4096", "64", "7000", "7080").has_environment_of(32), "its end was read too late");
        assert!(stat("4096", "64", "7000", "7080").has_environment_of(80));
        assert!(stat("4096", "64", "7000", "7000").has_environment_of(0), "it was started without one");
        assert!(stat("0", "0", "0", "0").has_environment_of(0), "it has ended, or is the kernel's");
        assert!(Stat(String::new()).has_environment_of(0), "it is gone");
    }

    #[test]
    fn the_fields_of_a_real_process_are_where_they_are_read() {
        let before = ticks_now();
        let child = std::process::Command::new("sleep").arg("1000").env_clear().env("A", "b").spawn();
        let mut child = child.expect("it starts");
        let process = child.id() as i32;
        let began = Instant::now();
        let memory = loop {
            let stat = Stat::of(process);
            let [memory, code, start, end] =
                [MEMORY, CODE_START, ENVIRONMENT_START, ENVIRONMENT_END].map(|number| stat.field(number));
            // Until it is another program it shows what we have.
            if code > 0 && end - start == 4 {
                break memory;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "`A=b` and a zero were not found");
        };
        let (started, after) = (start_time(process), ticks_now());
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(memory > 0);
        assert!((before..=after).contains(&started), "{before} {started} {after}");
    }
}
