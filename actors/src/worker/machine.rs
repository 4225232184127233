//! Whether a failed try is the machine's fault and not the work's: its disk is full, or it starts no more processes.
//!
//! Transforms that know say so themselves (`FaultKind::NodeTrouble`). Others just fail: a program says in its own words that
//! there is no room, or says nothing. So this node looks itself.

use crate::disk_room::{NO_ROOM, Room};
use crate::node_trouble::{limits_file_size, says_no_files};
use crate::outcome::{Fault, FaultKind};
use crate::transform::{Scratch, scratch_problem};

/// How programs say that they could not start another.
const NO_PROCESS: [&str; 4] =
    ["Cannot fork", "fork: Resource temporarily unavailable", "fork: retry", "fork: Cannot allocate memory"];

/// How programs say that a file grew beyond the limit of this process, which is theirs as well.
const TOO_LARGE: [&str; 4] = ["File too large", "(os error 27)", "SIGXFSZ", "File size limit exceeded"];

/// The fault of a try whose files are in `scratch`, as trouble of the node where that is what it is.
pub(super) fn judged(fault: Fault, scratch: &Scratch) -> Fault {
    if !matches!(fault.kind, FaultKind::Failed | FaultKind::Panicked | FaultKind::Killed | FaultKind::Fatal) {
        return fault;
    }
    // A program without its folder fails in many ways, also as if there were no such program.
    if let Err(error) = scratch.check() {
        return as_trouble(fault, &scratch_problem(scratch.place(), &error));
    }
    if fault.kind == FaultKind::Fatal {
        return fault;
    }
    let says = |texts: &[&str]| texts.iter().any(|text| fault.text.contains(text) || fault.stderr.contains(text));
    let scratch = scratch.place();
    let why = match Room::around(scratch) {
        Some(room) if room.is_full() || (room.is_scarce() && says(&NO_ROOM)) => {
            let place = scratch.display();
            format!("the disk of {place} is full; free some room")
        }
        _ if says(&NO_PROCESS) => {
            "no more processes may be started; raise the limit (`ulimit -u`, `pids.max`)".to_owned()
        }
        _ if says_no_files(&fault.text) => {
            let limit = "raise the limit of open files (`ulimit -n`), lower `workers`, or set `pool.recycle_after`";
            format!("{limit} where the code leaves files open")
        }
        _ if says(&TOO_LARGE) && limits_file_size() => "raise the limit of file sizes (`ulimit -f`)".to_owned(),
        _ => return fault,
    };
    as_trouble(fault, &why)
}

fn as_trouble(fault: Fault, why: &str) -> Fault {
    Fault { kind: FaultKind::NodeTrouble, text: format!("{}; {why}, and the work goes on", fault.text), ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_could_start_no_other_failed_because_of_the_machine() {
        let scratch = &Scratch::at("/".into());
        let failed = Fault::failed("`sh` ended with exit code 2").with_stderr(b"sh: 1: Cannot fork\n");
        assert_eq!(judged(failed, scratch).kind, FaultKind::NodeTrouble);
        let own = Fault::failed("`sh` ended with exit code 2").with_stderr(b"no such tune");
        assert_eq!(judged(own.clone(), scratch), own);
        let said = Fault::bad_input("a story about: Cannot fork");
        assert_eq!(judged(said.clone(), scratch), said);
    }

    #[test]
    fn a_program_whose_scratch_folder_is_gone_failed_because_of_the_machine() {
        let around = tempfile::tempdir().expect("a temporary folder");
        let scratch = Scratch::at(around.path().join("work"));
        let faults = [Fault::failed("`cp` ended with exit code 1"), Fault::fatal("there is no program `cp`")];
        let path = scratch.path().expect("made").to_owned();
        for fault in &faults {
            assert_eq!(judged(fault.clone(), &scratch), *fault);
        }
        std::fs::remove_dir(&path).expect("removed");
        for fault in faults {
            let judged = judged(fault.clone(), &scratch);
            assert_eq!(judged.kind, FaultKind::NodeTrouble);
            let place = path.display().to_string();
            assert!(judged.text.starts_with(&fault.text) && judged.text.contains(&place), "{judged}");
        }
        std::fs::create_dir(path).expect("as it was");
    }

    #[test]
    fn a_file_beyond_the_limit_of_this_process_is_no_failure_of_the_work() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let before = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(1 << 50), maximum: before.maximum }).expect("set");
        let killed = Fault::new(FaultKind::Killed, "`cp` was killed by SIGXFSZ");
        let said = Fault::failed("`cp` ended with exit code 1").with_stderr(b"cp: error writing 'x': File too large");
        let by_shell = Fault::failed("`sh` ended with exit code 153: File size limit exceeded");
        for fault in [killed, said, by_shell] {
            let judged = judged(fault, &Scratch::at("/".into()));
            assert!(judged.kind == FaultKind::NodeTrouble && judged.text.contains("ulimit -f"), "{judged}");
        }
        setrlimit(Resource::Fsize, before).expect("set");
    }
}
