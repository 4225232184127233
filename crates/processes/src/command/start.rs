//! Why a program cannot be started: it never was there, it is away for now, or the machine is out of something.

use std::{
    io,
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::Fault;

use super::options::Command;
use crate::programs::{find_program, without_interpreter};

/// Where a program is sought, and whether it could be started when the graph was opened.
pub(super) struct Sought {
    program: String,
    /// The `PATH` of its own, where it has one.
    path: Option<String>,
    /// The graph's folder.
    folder: PathBuf,
    was_there: bool,
}

impl Sought {
    /// The program of a command of a graph file in `folder`.
    pub(super) fn new(options: &Command, folder: &Path) -> Self {
        let program = options.argv.first().cloned().unwrap_or_default();
        let (path, folder) = (options.env.get("PATH").cloned(), folder.to_owned());
        let mut sought = Self { program, path, folder, was_there: false };
        sought.was_there = sought.is_there();
        sought
    }

    fn is_there(&self) -> bool {
        find_program(&self.program, self.path.as_deref(), &self.folder).is_ok()
    }

    /// Whether the program that could not be started for this reason can be started now, as one that was installed anew in
    /// that moment.
    pub(super) fn is_back_after(&self, error: &io::Error) -> bool {
        is_about_the_file(error) && self.was_there && self.is_there()
    }

    /// The fault where the program, which sentences call `name`, could not be started in `scratch`.
    pub(super) fn could_not_start(&self, name: &str, scratch: &Path, error: &io::Error) -> Fault {
        if error.kind() == io::ErrorKind::ExecutableFileBusy {
            return Fault::node_trouble(format!(
                "`{name}` is being written ({error}); the work goes on when it may be started"
            ));
        }
        // Without the folder that it is to work in, a program seems to be missing as well.
        let is_away = is_about_the_file(error) && self.was_there && !self.is_there() && scratch.is_dir();
        match is_away {
            true => Fault::node_trouble(format!(
                "{}; it could be started when this process began: put it back, and the work goes on",
                without_interpreter(Path::new(name))
                    .unwrap_or_else(|| format!("`{name}` is not there any more, or may not be run ({error})"))
            )),
            false => could_not_start(name, error),
        }
    }
}

/// Whether the error is about the program's file, and not about what the machine is out of.
fn is_about_the_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

fn could_not_start(program: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::fatal(without_interpreter(Path::new(program)).unwrap_or_else(|| {
            format!("there is no program `{program}`; install it, or correct the first element of argv")
        })),
        io::ErrorKind::PermissionDenied => Fault::fatal(format!(
            "`{program}` may not be run; make it executable, or correct the first element of argv"
        )),
        _ => Fault::of_io(format!("could not start `{program}`"), error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use euterpe_actors::outcome::FaultKind;
    use rustix::io::Errno;
    use serde_json::json;

    use super::*;

    fn sought(program: &str, folder: &Path) -> Sought {
        let options = serde_json::from_value(json!({"argv": [program, "{output}"]})).expect("options");
        Sought::new(&options, folder)
    }

    #[test]
    fn a_machine_that_can_start_no_program_is_told_from_a_program_that_is_not_there() {
        let nowhere = sought("no-such-program-anywhere", Path::new("/"));
        let fault = |errno: Errno| nowhere.could_not_start("sox", Path::new("/"), &errno.into());
        for errno in [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM, Errno::NOSPC, Errno::TXTBSY] {
            assert_eq!(fault(errno).kind, FaultKind::NodeTrouble, "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS] {
            assert_eq!(fault(errno).kind, FaultKind::Fatal, "{errno}");
        }
        assert_eq!(fault(Errno::NOEXEC).kind, FaultKind::Failed);
        let text = fault(Errno::MFILE).text;
        assert!(text.contains("`sox`") && text.contains("ulimit -n"), "{text}");
    }

    #[test]
    fn a_program_that_was_there_and_is_away_is_trouble_and_one_that_is_there_all_the_same_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (tool, away) = (folder.path().join("tool"), folder.path().join("away"));
        fs::write(&tool, "#!/bin/sh\n").expect("written");
        let allow = |mode| fs::set_permissions(&tool, fs::Permissions::from_mode(mode)).expect("set");
        allow(0o755);
        let sought = sought("./tool", folder.path());
        let kind = |errno: Errno, scratch: &Path| sought.could_not_start("./tool", scratch, &errno.into()).kind;
        assert!(sought.is_back_after(&Errno::NOENT.into()) && !sought.is_back_after(&Errno::MFILE.into()));
        assert_eq!(kind(Errno::NOENT, folder.path()), FaultKind::Fatal, "its loader is missing, and will be");
        allow(0o644);
        assert!(!sought.is_back_after(&Errno::ACCESS.into()));
        assert_eq!(kind(Errno::ACCESS, folder.path()), FaultKind::NodeTrouble);
        fs::rename(&tool, &away).expect("renamed");
        assert_eq!(kind(Errno::NOENT, folder.path()), FaultKind::NodeTrouble);
        let text = sought.could_not_start("./tool", folder.path(), &Errno::NOENT.into()).text;
        assert!(text.contains("`./tool` is not there any more") && text.contains("put it back"), "{text}");
        assert_eq!(kind(Errno::NOENT, &tool), FaultKind::Fatal, "its scratch folder is gone");
    }
}
