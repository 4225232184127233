//! Servers that all tests of one run share: the first test that needs one starts it, and it ends with the run.
//!
//! nextest runs each test in a process of its own, and tells all of them the name of the run. A shared server is this test
//! binary again: it runs nothing but [`serves`], says in a file where it is, and ends when nextest has ended. Without
//! nextest nothing is shared: who asks gets nothing, and starts a server of its own.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{rabbit, s3};

/// Says in the environment of a server's process which one it is, until which process ends, and in which file it says
/// where it is.
const ROLE: &str = "EUTERPE_TEST_SHARED";

/// A run of many tests.
struct Run {
    folder: PathBuf,
    nextest: u32,
}

impl Run {
    /// The run that this test is part of.
    fn of_this_test() -> Option<Self> {
        let id = std::env::var("NEXTEST_RUN_ID").ok()?;
        let mut ancestor = std::process::id();
        while name_of(ancestor)? != "cargo-nextest" {
            ancestor = parent_of(ancestor)?;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shared-{id}"));
        fs::create_dir_all(&folder).expect("a folder in the target folder");
        Some(Self { folder, nextest: ancestor })
    }

    /// Starts a server and waits until it has said where it is.
    #[allow(clippy::zombie_processes)] // it ends with the run, and not with this test
    fn start(&self, name: &str, says: &Path) {
        let log = fs::File::create(self.folder.join(format!("{name}.log"))).expect("a log");
        let mut server = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "shared::serves", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, format!("{name} {} {}", self.nextest, says.display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .process_group(0) // it stays when this test is ended for taking too long
            .spawn()
            .expect("this binary runs");
        while !says.exists() {
            if let Some(status) = server.try_wait().expect("asked") {
                let log = fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
                panic!("the shared server `{name}` ended with {status}: {log}");
            }
            thread::sleep(Duration::from_millis(20)); // nextest ends who waits for too long
        }
    }
}

fn name_of(process: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/comm")).ok().map(|name| name.trim().to_owned())
}

fn parent_of(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Where the shared server of this name is, in its own words; nothing where tests share none.
pub fn place_of(name: &str) -> Option<String> {
    let run = Run::of_this_test()?;
    // One test starts it while the others wait.
    let turn = fs::File::create(run.folder.join(format!("{name}.lock"))).expect("a file in the target folder");
    turn.lock().expect("a lock");
    let says = run.folder.join(name);
    if !says.exists() {
        run.start(name, &says);
    }
    Some(fs::read_to_string(says).expect("it said where it is"))
}

/// Says where this server is, and serves until nextest has ended.
fn serve<S>((server, place): (S, String), nextest: &str, says: &Path) {
    let fresh = says.with_extension("fresh");
    fs::write(&fresh, place).and_then(|()| fs::rename(&fresh, says)).expect("said");
    while name_of(nextest.parse().expect("a process")).is_some_and(|name| name == "cargo-nextest") {
        thread::sleep(Duration::from_millis(200)); // another process's end cannot be waited for
    }
    drop(server);
    // The other server's process may have removed it.
    fs::remove_dir_all(says.parent().expect("a folder")).ok();
}

#[test]
#[ignore = "the process of a shared server; other tests start it"]
fn serves() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let [name, nextest, says] = role.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("not so: {role}") };
    match name {
        "rabbit" => serve(rabbit::shared(), nextest, Path::new(says)),
        "moto" => serve(s3::shared(), nextest, Path::new(says)),
        other => panic!("no such server: {other}"),
    }
}
