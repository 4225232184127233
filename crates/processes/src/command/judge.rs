//! Whether a program that ended has done its work: its exit, its outputs, and the last line that it said.

use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf, process::ExitStatus};

use euterpe_actors::outcome::{Fault, FaultKind};

use rustix::process::Signal;

use super::options::Stdout;
use crate::supervised::describe_exit;

/// A fault unless the program exited with code 0 and has written every output.
pub(super) fn judge(program: &str, status: ExitStatus, outputs: &[PathBuf], stdout: Stdout) -> Result<(), Fault> {
    if let Some(signal) = status.signal() {
        if signal == Signal::XFSZ.as_raw() {
            return Err(Fault::new(FaultKind::Killed, format!("`{program}` {}", describe_exit(status))));
        }
        return Err(Fault::new(FaultKind::Killed, format!("`{program}` was killed by signal {signal}")));
    }
    let code = status.code().unwrap_or(-1);
    if code != 0 {
        return Err(Fault::failed(format!("`{program}` ended with exit code {code}")));
    }
    for (index, output) in outputs.iter().enumerate() {
        let which = if outputs.len() == 1 { "its output".to_owned() } else { format!("its output {}", index + 1) };
        match fs::symlink_metadata(output) {
            Ok(found) if !found.is_file() => {
                return Err(Fault::failed(format!("`{program}` made {which} something else than a plain file")));
            }
            Ok(found) if index == 0 && stdout == Stdout::Output && found.len() == 0 => {
                return Err(Fault::failed(format!(
                    "`{program}` ended with exit code 0 but printed nothing as {which}"
                )));
            }
            Ok(_) => {}
            Err(_) => {
                return Err(Fault::failed(format!("`{program}` ended with exit code 0 but did not write {which}")));
            }
        }
    }
    Ok(())
}

/// Adds the last line on standard error to the text of the fault.
pub(super) fn with_last_line(mut fault: Fault, stderr: &[u8]) -> Fault {
    let text = String::from_utf8_lossy(stderr);
    if let Some(line) = text.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        fault.text = format!("{}: {}", fault.text, line.chars().take(300).collect::<String>());
    }
    fault
}
