//! A folder with a graph and its ids, the real binary working in it, and what can be seen there afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use euterpe_actors::state::{LetterFilter, StateStore};
use euterpe_actors::storage::{Storage, Wholeness, check_whole};
use euterpe_storage::local::{LocalSettings, LocalStorage};

/// A folder with a graph, its ids, its state and its outputs.
pub struct World {
    folder: tempfile::TempDir,
}

/// What lies in the stores: what must be the same however often the process was killed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The outputs with their content.
    pub outputs: BTreeMap<String, String>,
    /// Job and entity of each dead letter, as many times as there are letters.
    pub letters: Vec<(String, String)>,
    /// The keys of the skip records.
    pub skips: Vec<String>,
}

/// A diamond, what follows it, and a job that is made of two entities; some of them fail, once or for good.
pub fn diamond(slow_ms: u64) -> String {
    format!(
        r#"version: 1
graph: diamond
stores: {{out: ./out}}
defaults: {{backoff: 5ms, timeout: 30s, retries: 1}}
jobs:
  base:
    use: test.faulty
    with: {{slow_ms: {slow_ms}, fail_on: [t-003], skip_on: [t-005], fail_once_on: [t-006]}}
    out: "out:base/{{id}}.txt"
  left:  {{use: test.faulty, with: {{slow_ms: {slow_ms}}}, in: {{b: base}}, out: "out:left/{{id}}.txt"}}
  right: {{use: test.faulty, with: {{slow_ms: {slow_ms}, panic_on: [t-007]}}, in: {{b: base}}, out: "out:right/{{id}}.txt"}}
  join:  {{use: test.faulty, with: {{fail_on: [t-008]}}, in: {{l: left, r: right}}, out: "out:join/{{id}}.txt"}}
  tail:  {{use: test.faulty, in: {{j: join}}, out: "out:tail/{{id}}.txt"}}
  pair:
    use: test.faulty
    entity: "{{a}},{{b}}"
    in: {{a: {{from: base, id: "{{a}}"}}, b: {{from: left, id: "{{b}}"}}}}
    out: "out:pair/{{id}}.txt"
"#
    )
}

/// Some pairs, whose parents are then missing, and so many single ids.
pub fn ids(count: usize) -> Vec<String> {
    let pairs = (0..count / 5).map(|n| format!("t-{:03},t-{:03}", n * 2 % count, (n * 3 + 1) % count));
    let pairs: BTreeSet<String> = pairs.collect();
    pairs.into_iter().chain((0..count).map(|n| format!("t-{n:03}"))).collect()
}

impl World {
    pub fn new(graph: &str, ids: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("graph.yaml"), graph).expect("written");
        fs::write(folder.path().join("ids"), ids.join("\n") + "\n").expect("written");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the graph's manifests and letters lie: under its name.
    fn state_folder(&self) -> PathBuf {
        let graph = fs::read_to_string(self.path("graph.yaml")).expect("a graph");
        let name = graph.lines().find_map(|line| line.strip_prefix("graph: ")).expect("a name");
        self.path(".euterpe").join(name)
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_euterpe"));
        command.args(args).current_dir(self.folder.path()).env("EUTERPE_LEDGER", self.path("ledger"));
        command.env("RUST_BACKTRACE", "0").envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Calls the binary and waits for its end.
    pub fn call(&self, args: &[&str], env: &[(&str, &str)]) -> ExitStatus {
        self.command(args, env).status().expect("the binary")
    }

    /// Calls the binary.
    pub fn start(&self, args: &[&str]) -> Child {
        let said = fs::File::create(self.path("said")).expect("a file");
        self.command(args, &[]).stderr(said).spawn().expect("the binary")
    }

    /// What the binary that was started last printed on standard error.
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// Calls the binary and says how it ended and what it printed.
    pub fn ask(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(args, &[]);
        let said = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("the binary");
        let text = [said.stdout, said.stderr].concat();
        (said.status.code(), String::from_utf8_lossy(&text).into_owned())
    }

    /// How to go on after a kill: the run is resumed where it has noted all of its ids, else it is started again.
    pub fn goes_on_by(&self) -> &'static [&'static str] {
        if self.has_read_all() { RESUME } else { RUN }
    }

    fn has_read_all(&self) -> bool {
        wait_for(async {
            let state = self.state();
            let Some(last) = state.runs().await.expect("listed").last().copied() else { return false };
            state.has_all_entities(last).await.expect("looked")
        })
    }

    /// Resumes the run: it ends with `code`, or with 1 where it was killed before it noted that it had read all of its ids.
    pub fn resumes(&self, code: i32, what: &str) {
        let expected = if self.has_read_all() { code } else { 1 };
        let (code, said) = self.ask(RESUME);
        assert_eq!(code, Some(expected), "{what}: {said}");
    }

    pub fn state(&self) -> StateStore {
        let settings = LocalSettings { create: true, ..LocalSettings::default() };
        StateStore::new(std::sync::Arc::new(LocalStorage::open(self.state_folder(), settings).expect("opened")))
    }

    pub fn outputs(&self) -> LocalStorage {
        let settings = LocalSettings { create: true, ..LocalSettings::default() };
        LocalStorage::open(self.path("out"), settings).expect("opened")
    }

    /// Looks at everything, and that each object is whole.
    pub fn look(&self) -> Seen {
        wait_for(async {
            let (store, state) = (self.outputs(), self.state());
            let mut keys = Vec::new();
            let mut page = |page: &euterpe_actors::storage::Page| {
                keys.extend(page.iter().map(|listed| listed.path.to_owned()));
                true
            };
            store.list("", &mut page).await.expect("listed");
            let mut seen = Seen::default();
            for key in keys {
                assert!(!key.contains(".euterpe-tmp-"), "a temporary file is listed: {key}");
                assert_eq!(check_whole(&store, &key).await.expect("checked"), Wholeness::Whole, "{key}");
                let content = store.open(&key).await.expect("opened").content.read().expect("read");
                seen.outputs.insert(key, String::from_utf8_lossy(&content).into_owned());
            }
            for (_, letter) in state.letters(&LetterFilter::default()).await.expect("letters") {
                seen.letters.push((letter.job.to_string(), letter.entity));
            }
            seen.letters.sort();
            seen.skips = state.keys("skipped/").await.expect("listed");
            seen
        })
    }

    /// The temporary files in the folder and below.
    pub fn half_written(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => walk(&path, found),
                    false if path.to_string_lossy().contains(".euterpe-tmp-") => found.push(path),
                    false => {}
                }
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        found
    }

    /// How often work was started that was neither the first for its (job, entity) nor after a failed try.
    pub fn extra_starts(&self) -> usize {
        let starts = self.starts();
        let unfailed = starts.iter().filter(|(target, _)| !self.failed().contains_key(*target));
        unfailed.map(|(_, starts)| starts - 1).sum()
    }

    /// How often work was started, by job and entity.
    pub fn starts(&self) -> BTreeMap<(String, String), usize> {
        self.ledger("start")
    }

    fn failed(&self) -> BTreeMap<(String, String), usize> {
        self.ledger("fail")
    }

    fn ledger(&self, kind: &str) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for line in fs::read_to_string(self.path("ledger")).unwrap_or_default().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 5, "a line of the ledger: {line}");
            if fields[0] == kind {
                *counts.entry((fields[1].to_owned(), fields[2].to_owned())).or_default() += 1;
            }
        }
        counts
    }
}

/// A run over all ids.
pub const RUN: &[&str] = &["run", "graph.yaml", "--ids", "ids", "-j2"];

/// Takes up the newest run.
pub const RESUME: &[&str] = &["runs", "resume", "graph.yaml", "last", "-j2"];

/// The workers of [`diamond`] with `-j2`: what may be in hand when a process is killed.
pub const WORKERS: usize = 6 * 2;

/// Waits for a future that uses stores.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// The processes that do work for the node `parent`.
pub fn children_of(parent: u32) -> Vec<u32> {
    let words = [b"__transform".as_slice(), parent.to_string().as_bytes(), b""].map(<[u8]>::to_vec);
    processes(|line| line.split(|byte| *byte == 0).skip(1).eq(words.iter().map(Vec::as_slice)))
}

/// The processes whose command line, each word of it with a NUL behind, is as asked.
pub fn processes(is_meant: impl Fn(&[u8]) -> bool) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if is_meant(&fs::read(entry.path().join("cmdline")).unwrap_or_default()) {
            found.push(pid);
        }
    }
    found
}

/// Waits until something is so; fails after a minute.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited a minute until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
