//! What a run makes anew it says itself: nodes do as it says, whatever the graph file said when they read it.

use std::fs;

use super::Vhost;
use super::cluster::Cluster;

const GRAPH: &str = r#"version: 1
graph: catalogue
stores: {src: ./src, d: ./d}
refresh: sources
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input.x}", "{output}"]}, in: {x: "src:{id}.txt"}, out: "d:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input.x}", "{output}"]}, in: {x: a}, out: "d:b/{id}.txt"}
"#;

fn done(cluster: &Cluster, args: &[&str]) -> [u64; 2] {
    let ran = cluster.call(&[&["--json", "run", "g.yaml"], args].concat()).ends(0).last();
    ["a", "b"].map(|job| ran["jobs"][job]["done"].as_u64().unwrap_or_else(|| panic!("{ran}")))
}

fn replace(cluster: &Cluster, text: &str) {
    fs::write(cluster.path("src/t1.txt"), text).expect("written");
}

#[test]
fn nodes_make_anew_what_the_run_says_and_not_what_their_graph_file_said() {
    let never = GRAPH.replace("refresh: sources", "refresh: never");
    for (of_node, of_run, follows) in [(&*never, GRAPH, true), (GRAPH, &*never, false)] {
        let vhost = Vhost::new();
        let mut cluster = Cluster::new(of_node, &vhost);
        fs::create_dir(cluster.path("src")).expect("made");
        replace(&cluster, "old");
        fs::write(cluster.path("src/t2.txt"), "other").expect("written");
        cluster.node(&[]);
        assert_eq!(done(&cluster, &[]), [2, 2]);
        replace(&cluster, "new");
        // A node that listed the stores when it began, and one that began before.
        cluster.node(&[]);
        cluster.change(of_run);
        assert_eq!(done(&cluster, &[]), if follows { [1, 1] } else { [0, 0] });
        let now = fs::read_to_string(cluster.path("d/b/t1.txt")).expect("read");
        assert_eq!(now, if follows { "new" } else { "old" });
        // Asked for by its name: nothing is listed.
        replace(&cluster, "newest");
        let [_, b] = done(&cluster, &["--job", "b", "--bottom-up", "t1"]); // who made `a` may report it too late
        assert_eq!(b, u64::from(follows));
        let now = fs::read_to_string(cluster.path("d/b/t1.txt")).expect("read");
        assert_eq!(now, if follows { "newest" } else { "old" });
    }
}

#[test]
fn nodes_make_anew_what_a_job_made_before_it_was_changed_where_the_run_says_so() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(GRAPH, &vhost);
    fs::create_dir(cluster.path("src")).expect("made");
    for id in ["t1", "t2", "t3"] {
        fs::write(cluster.path(&format!("src/{id}.txt")), id).expect("written");
    }
    cluster.node(&[]);
    assert_eq!(done(&cluster, &[]), [3, 3]);
    cluster.change(&GRAPH.replacen("argv: [cp,", "argv: [cp, -f,", 1));
    cluster.kill(0);
    cluster.node(&[]);
    assert_eq!(done(&cluster, &[]), [0, 0]);
    assert_eq!(done(&cluster, &["--only", "a", "t2", "--force=a"]), [1, 0]);
    assert_eq!(done(&cluster, &["--refresh=b"]), [0, 0]);
    assert_eq!(done(&cluster, &["--refresh=a"]), [2, 0]);
    assert_eq!(done(&cluster, &["--refresh"]), [0, 0]);
}
