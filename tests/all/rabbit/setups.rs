//! Runs and nodes that mean something else by the same graph's name: nobody calls done what is not there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use super::cluster::{Cluster, Said};
use super::{Vhost, soon};

/// A graph whose one job copies texts.
const COPY: &str = r#"version: 1
graph: catalogue
stores: {src: ./src, d: ./d}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input.x}", "{output}"]}, in: {x: "src:{id}.txt"}, out: "d:a/{id}.txt"}
"#;

/// A folder of its own with a graph and three texts.
fn copying(graph: &str, vhost: &Vhost, who: &str) -> Cluster {
    let cluster = Cluster::new(graph, vhost);
    fs::create_dir(cluster.path("src")).expect("made");
    for n in 1..=3 {
        fs::write(cluster.path(&format!("src/t{n}.txt")), format!("{who} {n}")).expect("written");
    }
    cluster
}

/// A run that was started, and what it says on standard error, line by line.
struct Started {
    run: Child,
    says: mpsc::Receiver<String>,
}

impl Started {
    fn new(cluster: &Cluster, args: &[&str]) -> Self {
        let mut run = cluster.start(args);
        let (said, says) = mpsc::channel();
        let lines = BufReader::new(run.stderr.take().expect("piped")).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| said.send(line)));
        Self { run, says }
    }

    /// Waits for a line that holds this.
    #[track_caller]
    fn says(&self, what: &str) {
        let mut said = Vec::new();
        loop {
            match self.says.recv_timeout(Duration::from_secs(30)) {
                Ok(line) if line.contains(what) => return,
                Ok(line) => said.push(line),
                Err(_) => panic!("it did not say `{what}`: {said:#?}"),
            }
        }
    }

    fn end(self) -> Said {
        Said::from(self.run.wait_with_output().expect("ended"))
    }
}

fn text(cluster: &Cluster, path: &str) -> String {
    fs::read_to_string(cluster.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_node_of_another_folder_leaves_the_work_to_one_that_fits_and_every_verb_says_why() {
    let vhost = Vhost::new();
    let (mut mine, mut theirs) = (copying(COPY, &vhost, "mine"), copying(COPY, &vhost, "theirs"));
    theirs.node(&[]);
    let run = Started::new(&mine, &["run", "g.yaml"]);
    run.says("no node can work on it: node `node-0` has other records: ");
    let status = mine.call(&["status", "g.yaml"]).ends(1);
    assert!(status.out.contains("a: no node can work on it: "), "{status:?}");
    let verified = mine.call(&["verify", "g.yaml"]).ends(1);
    assert!(verified.out.contains("BAD nodes for a: no node can work on it: "), "{verified:?}");
    let published = mine.call(&["publish", "g.yaml", "t1"]).ends(0);
    assert!(published.out.contains("another place for `d`"), "{published:?}");
    mine.node(&[]);
    let ended = run.end().ends(0);
    assert!(!theirs.path("d/a/t1.txt").exists(), "{ended:?}");
    assert_eq!(text(&mine, "d/a/t3.txt"), "mine 3");
    mine.call(&["runs", "check", "g.yaml", "last"]).ends(0);
    theirs.kill(0);
    soon("verify finds nothing wrong once the other node is silent", Duration::from_secs(30), || {
        mine.call(&["verify", "g.yaml"]).code == Some(0)
    });
}

#[test]
fn a_node_that_read_the_graph_file_before_it_was_changed_does_no_work_for_what_it_says_now() {
    let other_code = COPY.replace("[cp, ", "[./copy.sh, ");
    let cases: [(&str, &str, String, &str); 3] = [
        ("another template", COPY, COPY.replace("d:a/", "d:v2/"), "another graph: `a` differs"),
        ("other options", COPY, COPY.replace("[cp, ", "[cp, -p, "), "another `a`"),
        ("other code", &other_code, other_code.clone(), "another `a`"),
    ];
    for (what, before, after, why) in cases {
        let vhost = Vhost::new();
        let mut cluster = copying(before, &vhost, "mine");
        let script = |text: &str| {
            use std::os::unix::fs::PermissionsExt;
            fs::write(cluster.path("copy.sh"), format!("#!/bin/sh\n{text}\ncp \"$1\" \"$2\"\n")).expect("written");
            fs::set_permissions(cluster.path("copy.sh"), fs::Permissions::from_mode(0o755)).expect("set");
        };
        script("# as it was");
        cluster.node(&[]);
        cluster.change(&after);
        fs::write(cluster.path("copy.sh"), "#!/bin/sh\n# as it is\ncp \"$1\" \"$2\"\n").expect("written");
        let run = Started::new(&cluster, &["run", "g.yaml"]);
        run.says(why);
        assert!(!cluster.path("d").join("a").exists() && !cluster.path("d/v2").exists(), "{what}: it worked");
        cluster.node(&[]);
        run.end().ends(0);
        cluster.call(&["runs", "check", "g.yaml", "last"]).ends(0);
    }
}

#[test]
fn a_store_that_only_the_run_names_is_no_store_of_the_node() {
    let vhost = Vhost::new();
    let mut cluster = copying(COPY, &vhost, "mine");
    cluster.node(&[]);
    let run = Started::new(&cluster, &["run", "g.yaml", "--store", "d=./other"]);
    run.says("another place for `d`");
    assert!(!cluster.path("d/a").exists() && !cluster.path("other/a").exists());
    run.end_now().ends(130); // what is queued stays
    // At the place that the nodes have, the run can go on.
    cluster.call(&["runs", "resume", "g.yaml", "last", "--store", "d=./d"]).ends(0);
    assert_eq!(text(&cluster, "d/a/t1.txt"), "mine 1");
    soon("what was queued for the other place is let go", Duration::from_secs(60), || {
        cluster.call(&["--json", "status", "g.yaml"]).last()["jobs"]["a"]["ready"].as_u64() == Some(0)
    });
}

impl Started {
    /// Ends the run by its first signal: what it published stays.
    fn end_now(self) -> Said {
        let pid = rustix::process::Pid::from_child(&self.run);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
        self.end()
    }
}

#[test]
fn what_nodes_report_as_done_and_is_not_there_is_open() {
    let vhost = Vhost::new();
    // The second job removes what the first one made.
    let graph = format!(
        "{COPY}  b: {{use: command, with: {{argv: [sh, -c, 'cp \"$1\" \"$2\" && rm d/a/{{id}}.txt', x, \"{{input.x}}\", \
         \"{{output}}\"]}}, in: {{x: a}}, out: \"d:b/{{id}}.txt\"}}\n"
    );
    let mut cluster = copying(&graph, &vhost, "mine");
    let root = cluster.folder.path().display().to_string();
    cluster.change(&graph.replace("rm d/", &format!("rm {root}/d/")));
    cluster.node(&[]);
    let ran = cluster.call(&["run", "g.yaml"]).ends(1);
    assert!(ran.err.contains("reported as ended, and neither an output nor a record is in the stores: a(t"), "{ran:?}");
    let checked = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(1).last();
    assert_eq!(checked["open"].as_u64(), Some(3), "{checked}");
}

#[test]
fn a_node_ends_when_its_outputs_were_removed_and_made_anew_by_others() {
    let vhost = Vhost::new();
    let mut cluster = copying(COPY, &vhost, "mine");
    let node = cluster.node(&[]);
    cluster.call(&["run", "g.yaml"]).ends(0);
    fs::remove_dir_all(cluster.path("d")).expect("removed");
    let run = Started::new(&cluster, &["run", "g.yaml"]);
    run.says("another place for `d`");
    assert_eq!(cluster.ended(node).0, Some(1));
    let log = cluster.log(node);
    assert!(
        log.contains("store `d` is another one than when this node began") && log.contains("start the node again"),
        "{log}"
    );
    cluster.start_node(node, &[]);
    run.end().ends(0);
    assert_eq!(text(&cluster, "d/a/t1.txt"), "mine 1");
}

#[test]
fn a_node_ends_when_its_outputs_were_removed_and_their_folder_made_anew() {
    let vhost = Vhost::new();
    let mut cluster = copying(COPY, &vhost, "mine");
    let node = cluster.node(&[]);
    cluster.call(&["run", "g.yaml"]).ends(0);
    fs::remove_dir_all(cluster.path("d")).expect("removed");
    fs::create_dir(cluster.path("d")).expect("made");
    assert_eq!(cluster.ended(node).0, Some(1));
    let log = cluster.log(node);
    assert!(log.contains("store `d` is another one than when this node began"), "{log}");
    assert!(log.contains("is not the one that was opened, and empty") && log.contains("start the node again"), "{log}");
    cluster.start_node(node, &[]);
    cluster.call(&["run", "g.yaml"]).ends(0);
    assert_eq!(text(&cluster, "d/a/t1.txt"), "mine 1");
}
