//! How a process ended, as the end of a sentence.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

/// "was killed by SIGSEGV", "ended by itself with exit code 3".
pub(crate) fn how_it_ended(status: ExitStatus) -> String {
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
        31 => "SIGSYS",
        _ => return format!("was killed by signal {signal}"),
    };
    format!("was killed by {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_told_with_the_name_of_its_signal_or_its_exit_code() {
        assert_eq!(how_it_ended(ExitStatus::from_raw(6)), "was killed by SIGABRT");
        assert_eq!(how_it_ended(ExitStatus::from_raw(40)), "was killed by signal 40");
        assert_eq!(how_it_ended(ExitStatus::from_raw(3 << 8)), "ended by itself with exit code 3");
    }
}
