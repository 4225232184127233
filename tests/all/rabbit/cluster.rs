//! A graph in a folder of its own, and node processes that serve it over a broker.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::Vhost;
use super::network::Machine;

const EUTERPE: &str = env!("CARGO_BIN_EXE_euterpe");

/// A folder with a graph and the nodes that serve it. Dropped, the nodes are killed.
pub struct Cluster {
    pub folder: Arc<TempDir>,
    broker: String,
    nodes: Vec<Option<Child>>,
    /// Nodes that run on machines of their own, and where the broker is for them.
    elsewhere: BTreeMap<usize, (Machine, String)>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The last line of standard output, as JSON.
    pub fn last(&self) -> serde_json::Value {
        let line = self.out.lines().last().unwrap_or_else(|| panic!("nothing was printed: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The call, where it ended with `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Cluster {
    /// A folder with this graph, for nodes that meet at a virtual host.
    pub fn new(graph: &str, vhost: &Vhost) -> Self {
        Self::at(graph, vhost.url())
    }

    /// The same for nodes that meet at a URL.
    pub fn at(graph: &str, broker: String) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        fs::write(folder.path().join("g.yaml"), graph).expect("written");
        Self { folder, broker, nodes: Vec::new(), elsewhere: BTreeMap::new() }
    }

    /// The same folder for verbs that reach the broker another way; nodes are this one's own.
    pub fn beside(&self, broker: String) -> Self {
        Self { folder: self.folder.clone(), broker, nodes: Vec::new(), elsewhere: BTreeMap::new() }
    }

    /// Changes the graph; nodes that run go on with what they read.
    pub fn change(&self, graph: &str) {
        fs::write(self.path("g.yaml"), graph).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes ids, one a line.
    pub fn ids(&self, ids: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = ids.into_iter().collect();
        fs::write(self.path("ids"), lines.join("\n") + "\n").expect("written");
    }

    /// Lets a node run on a machine from its next start on, where the broker is at `broker`.
    pub fn move_to(&mut self, number: usize, machine: Machine, broker: String) {
        self.elsewhere.insert(number, (machine, broker));
    }

    /// Another program, called as ours are.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        self.set_up(Command::new(program))
    }

    fn set_up(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).env("EUTERPE_BROKER", &self.broker);
        command
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(EUTERPE);
        command.args(args).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        command
    }

    /// Calls the binary with `EUTERPE_BROKER` and waits for its end.
    pub fn call(&self, args: &[&str]) -> Said {
        self.command(args).output().expect("the binary").into()
    }

    /// The same with further variables.
    pub fn call_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        self.command(args).envs(variables.iter().copied()).output().expect("the binary").into()
    }

    /// The same in its own process, without a broker.
    pub fn alone(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.command(args);
        command.envs(variables.iter().copied()).env_remove("EUTERPE_BROKER").output().expect("the binary").into()
    }

    /// Starts the binary and leaves it running.
    pub fn start(&self, args: &[&str]) -> Child {
        self.start_with(args, &[])
    }

    /// The same with further variables.
    pub fn start_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Child {
        let mut command = self.command(args);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary")
    }

    /// Starts a node with further arguments, and returns its number when it serves.
    pub fn node(&mut self, args: &[&str]) -> usize {
        self.started_with(args, &[])
    }

    /// Starts a node with further arguments and variables.
    pub fn started_with(&mut self, args: &[&str], variables: &[(&str, &str)]) -> usize {
        let number = self.nodes.len();
        self.nodes.push(None);
        self.start_node_with(number, args, variables);
        number
    }

    /// Starts a node again under its number.
    pub fn start_node(&mut self, number: usize, args: &[&str]) {
        self.start_node_with(number, args, &[]);
    }

    /// The same with further variables.
    pub fn start_node_with(&mut self, number: usize, args: &[&str], variables: &[(&str, &str)]) {
        let name = format!("node-{number}");
        let log = fs::File::options().append(true).create(true).open(self.path(&format!("{name}.log"))).expect("a log");
        let before = log.metadata().expect("a log").len();
        let mut command = match self.elsewhere.get(&number) {
            None => self.program(EUTERPE),
            Some((machine, broker)) => {
                let mut command = self.set_up(machine.program(EUTERPE));
                command.env("EUTERPE_BROKER", broker).env("EUTERPE_ALLOW_PLAINTEXT", "1");
                command
            }
        };
        command
            .args(["node", "g.yaml", "--name", &name])
            .args(args)
            .stdin(Stdio::null())
            .env("RUST_BACKTRACE", "0")
            .envs(variables.iter().copied())
            .env("EUTERPE_LEDGER", self.path(&format!("ledger-{number}")));
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the binary");
        self.nodes[number] = Some(child);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let said = fs::read(self.path(&format!("{name}.log"))).unwrap_or_default();
            if String::from_utf8_lossy(&said[before as usize..]).contains(" serves graph ") {
                return;
            }
            if let Some(status) = self.nodes[number].as_mut().and_then(|node| node.try_wait().expect("asked")) {
                panic!("{name} ended with {status}: {}", self.log(number));
            }
            assert!(Instant::now() < until, "{name} did not start: {}", self.log(number));
            std::thread::sleep(Duration::from_millis(20)); // a deadline against a real process
        }
    }

    /// Starts so many nodes.
    pub fn nodes(&mut self, count: usize, args: &[&str]) {
        (0..count).for_each(|_| {
            self.node(args);
        });
    }

    /// What a node printed.
    pub fn log(&self, number: usize) -> String {
        fs::read_to_string(self.path(&format!("node-{number}.log"))).unwrap_or_default()
    }

    /// The process of a node, if it has not ended.
    pub fn running(&mut self, number: usize) -> Option<u32> {
        let node = self.nodes[number].as_mut()?;
        node.try_wait().expect("asked").is_none().then(|| node.id())
    }

    /// Sends a signal to a node.
    pub fn signal(&self, number: usize, signal: rustix::process::Signal) {
        let node = self.nodes[number].as_ref().expect("it runs");
        let pid = rustix::process::Pid::from_raw(node.id() as i32).expect("a process");
        rustix::process::kill_process(pid, signal).expect("signalled");
    }

    /// Kills a node, as a machine dies.
    pub fn kill(&mut self, number: usize) {
        if let Some(mut node) = self.nodes[number].take() {
            node.kill().expect("killed");
            node.wait().expect("waited for");
        }
    }

    /// Waits for the end of a node that was told to stop, and says how and after how long it ended.
    pub fn ended(&mut self, number: usize) -> (Option<i32>, Duration) {
        let (start, mut node) = (Instant::now(), self.nodes[number].take().expect("it runs"));
        let status = node.wait().expect("waited for");
        (status.code(), start.elapsed())
    }

    /// How often each job was started for each entity, over all nodes; failed tries are taken off.
    pub fn starts(&self) -> BTreeMap<(String, String), i64> {
        let mut starts: BTreeMap<(String, String), i64> = BTreeMap::new();
        for number in 0..self.nodes.len() {
            let ledger = fs::read_to_string(self.path(&format!("ledger-{number}"))).unwrap_or_default();
            for line in ledger.lines() {
                let mut words = line.split('\t');
                let (what, job, entity) = (words.next(), words.next(), words.next());
                let (Some(job), Some(entity)) = (job, entity) else { continue };
                let change = match what {
                    Some("start") => 1,
                    Some("fail") => -1,
                    _ => continue,
                };
                *starts.entry((job.to_owned(), entity.to_owned())).or_default() += change;
            }
        }
        starts
    }

    /// How many lines of a node's ledger start so.
    pub fn count_of(&self, number: usize, start: &str) -> usize {
        let ledger = fs::read_to_string(self.path(&format!("ledger-{number}"))).unwrap_or_default();
        ledger.lines().filter(|line| line.starts_with(start)).count()
    }

    /// The same over all nodes.
    pub fn count(&self, start: &str) -> usize {
        (0..self.nodes.len()).map(|number| self.count_of(number, start)).sum()
    }

    /// Work that was done more than once.
    pub fn twice(&self) -> i64 {
        self.starts().values().map(|count| (count - 1).max(0)).sum()
    }

    /// How many messages nodes passed on.
    pub fn passed_on(&self) -> u64 {
        let ledgers = (0..self.nodes.len()).map(|n| self.path(&format!("ledger-{n}")));
        let text: String = ledgers.filter_map(|ledger| fs::read_to_string(ledger).ok()).collect();
        text.lines().filter_map(|line| line.strip_prefix("pass\t")?.split('\t').nth(2)?.parse::<u64>().ok()).sum()
    }

    /// The names of all files below a folder, but for those by which its stores say which ones they are.
    pub fn names(&self, below: &str) -> BTreeSet<String> {
        let (root, mut names) = (self.path(below), BTreeSet::new());
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let entry = entry.expect("an entry");
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && entry.file_name() == ".euterpe" => {}
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => drop(names.insert(entry.path().strip_prefix(&root).expect("below").display().to_string())),
                }
            }
        }
        names
    }

    /// Every file below a folder with its content.
    pub fn files(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(below);
        let read = |name: String| match fs::read(root.join(&name)) {
            Ok(content) => Some((name, content)),
            // A node that is at work has put it in its place since, under another name.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("{name}: {error}"),
        };
        self.names(below).into_iter().filter_map(read).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in self.nodes.iter_mut().flatten() {
            // One that has ended is as good.
            node.kill().ok();
            node.wait().ok();
        }
    }
}
