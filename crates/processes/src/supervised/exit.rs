//! How a child process ended, and the sentences for it that become reasons of dead letters.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use euterpe_actors::outcome::{Fault, FaultKind};

use super::memory::Excess;

/// The fault of `name` that ran into its timeout.
pub(crate) fn overdue(name: &str, timeout: Duration) -> Fault {
    let text = format!("`{name}` ran longer than its timeout of {timeout:?} and was ended");
    Fault::new(FaultKind::Timeout, text)
}

/// The fault of `name` that had more memory than it may have.
pub(crate) fn over_memory(name: &str, Excess { taken, most }: Excess) -> Fault {
    let [taken, most] = [taken, most].map(|bytes| bytes.div_ceil(1 << 20));
    let text = format!("`{name}` took {taken} MiB of memory, more than the {most} MiB of its pool, and was ended");
    Fault::new(FaultKind::Killed, text)
}

/// An exit as the end of a sentence: "was killed by SIGSEGV", "ended by itself with exit code 3".
pub(crate) fn describe_exit(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else {
        return format!("ended by itself with exit code {}", status.code().unwrap_or(-1));
    };
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL, perhaps for want of memory",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ: it wrote a file beyond the limit of file sizes (`ulimit -f`)",
        31 => "SIGSYS",
        _ => return format!("was killed by signal {signal}"),
    };
    format!("was killed by {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_with_the_name_of_its_signal_or_its_exit_code() {
        assert_eq!(describe_exit(ExitStatus::from_raw(6)), "was killed by SIGABRT");
        assert!(describe_exit(ExitStatus::from_raw(25)).contains("`ulimit -f`"));
        assert_eq!(describe_exit(ExitStatus::from_raw(40)), "was killed by signal 40");
        assert_eq!(describe_exit(ExitStatus::from_raw(3 << 8)), "ended by itself with exit code 3");
    }

    #[test]
    fn memory_is_told_in_mebibytes_and_rounded_up() {
        let fault = over_memory("x", Excess { taken: (5 << 20) + 1, most: 4 << 20 });
        assert_eq!(fault.text, "`x` took 6 MiB of memory, more than the 4 MiB of its pool, and was ended");
    }
}
