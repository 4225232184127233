//! A graph in a folder of its own, served by node processes: this bench's own binary as a program with its transforms.

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime};
use std::{fs, thread};

use euterpe::app::App;
use euterpe_actors::transform::blocking::{Compute, blocking};
use euterpe_actors::transform::{Product, Work, inline};
use tempfile::TempDir;

/// Says that this process is the program and no bench.
const PROGRAM: &str = "EUTERPE_BENCH_PROGRAM";
/// How long `bench.wait` waits.
pub const WAIT: Duration = Duration::from_millis(50);

/// Whether this process was started as the program.
pub fn is_program() -> bool {
    std::env::var_os(PROGRAM).is_some()
}

/// The program, with two transforms more: one that does nothing, one that waits.
pub fn program() -> ExitCode {
    let wait = |_: &Work| {
        thread::sleep(WAIT);
        Ok(Product::bytes(&b"x"[..]))
    };
    let wait = blocking("wait", move || Ok(Box::new(wait) as Box<dyn Compute>));
    App::new()
        .transform("bench.nothing", inline(|_| Ok(Product::bytes(&b"x"[..]))))
        .transform("bench.wait", wait)
        .main()
}

/// A folder with a graph of one job.
pub struct Place {
    folder: TempDir,
    broker: String,
}

/// A node that serves it. Dropped, it is killed.
pub struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // One that has ended is as good.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Node {
    /// Its resident set now and at its highest, in bytes.
    pub fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a figure");
            line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().expect("a number") * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

impl Place {
    /// A graph of one job that runs `transform` with so many workers. The folder lies in memory where the machine has such a
    /// place: what is compared is nodes and not disks, and on ext4 what one round removes makes each file of the next one dearer.
    pub fn new(broker: String, graph: &str, transform: &str, workers: usize) -> Self {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
        let text = format!(
            "version: 1\ngraph: {graph}\nstores: {{out: {{url: ./out, fsync: false}}}}\njobs:\n  \
             work: {{use: {transform}, out: \"out:{{id}}\", pool: {{workers: {workers}}}}}\n"
        );
        fs::write(folder.path().join("g.yaml"), text).expect("written");
        Self { folder, broker }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(args).env(PROGRAM, "1").env("EUTERPE_BROKER", &self.broker);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Publishes so many ids.
    pub fn publish(&self, count: usize) {
        let ids: String = (0..count).map(|n| format!("t-{n:07}\n")).collect();
        fs::write(self.folder.path().join("ids"), ids).expect("written");
        let published = self.command(&["publish", "g.yaml", "--ids", "ids"]).output().expect("this binary");
        assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    }

    /// Starts a node and waits until it serves.
    pub fn node(&self, name: &str) -> Node {
        let log = self.folder.path().join(format!("{name}.log"));
        let file = fs::File::create(&log).expect("a log");
        let mut command = self.command(&["node", "g.yaml", "--name", name]);
        let node = Node(command.stdout(Stdio::null()).stderr(file).spawn().expect("this binary"));
        while !fs::read_to_string(&log).expect("a log").contains(" serves graph ") {
            thread::sleep(Duration::from_millis(10));
        }
        node
    }

    /// When each output was made that is there, in order.
    pub fn made(&self) -> Vec<SystemTime> {
        let entries = fs::read_dir(self.folder.path().join("out")).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| entry.metadata().ok()).filter(|metadata| metadata.is_file());
        let mut times: Vec<SystemTime> = files.filter_map(|metadata| metadata.modified().ok()).collect();
        times.sort_unstable();
        times
    }

    /// Waits until so many outputs are there.
    pub fn wait_for(&self, outputs: usize) {
        while self.made().len() < outputs {
            thread::sleep(Duration::from_millis(200));
        }
    }
}
