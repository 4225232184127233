//! What `deploy print` refuses, each time with the remedy, and what it warns of.

use super::{GRAPH, PLACES, bench, print};

#[test]
fn what_pods_cannot_share_is_refused_all_at_once_with_the_remedy() {
    let bench = bench();
    let refused = print(&bench, "--image i").ends(2);
    assert_eq!(refused.out, "");
    let says = |words: &str| assert!(refused.err.contains(words), "{words}: {}", refused.err);
    says("the state would lie beside the graph file, in each pod; give --state s3://BUCKET/PREFIX, or mount a volume");
    says("store `music` is the folder ");
    says(
        "give --store music=s3://BUCKET/PREFIX, or mount a volume that all pods write to (ReadWriteMany) over it: --volume",
    );
    assert!(!refused.err.contains("derived"), "a bucket is shared: {}", refused.err);
    let beside = "--image i --state /srv/media/state --store music=/srv/media2 --volume media=/srv/media";
    let refused = print(&bench, beside).ends(2).err;
    assert!(refused.contains("store `music` is the folder /srv/media2") && !refused.contains("the state"), "{refused}");
}

#[test]
fn code_that_a_config_map_cannot_hold_is_refused_with_the_remedy() {
    let bench = bench();
    let refused = |graph: &str| {
        bench.write("g.yaml", graph);
        let refused = print(&bench, PLACES).ends(2).err;
        assert!(refused.contains("build an image") && refused.contains("--in-image FOLDER"), "{refused}");
        print(&bench, &format!("{PLACES} --in-image /srv/graph")).ends(0);
        refused
    };
    std::fs::write(bench.path("tools/words.sh"), b"\xff").expect("written");
    assert!(refused(GRAPH).contains("tools/words.sh: it is no text"));
    bench.write("tools/words.sh", &"#\n".repeat(600_000));
    assert!(refused(GRAPH).contains("and a ConfigMap holds 1048576"));
    bench.write("tools/words.sh", "exit 0\n");
    let venv = refused(&GRAPH.replace("requirements: transforms/requirements.txt", "venv: .venv"));
    assert!(venv.contains("job `mood`: the environment ") && venv.contains("`env: {requirements: FILE}`"), "{venv}");
    let outside = "version: 1\ngraph: g\nstores: {d: \"s3://studio/d\"}\njobs:\n  a: {use: command, with: {argv: [sh, ../above.sh, \
                   \"{output}\"]}, out: \"d:{id}.txt\"}\n";
    bench.write("above.sh", "exit 0\n");
    bench.write("below/g.yaml", outside);
    let refused = bench.call("deploy print below/g.yaml --image i --state s3://studio/state").ends(2).err;
    assert!(
        refused.contains("/above.sh: it does not lie below the folder of the graph file; build an image"),
        "{refused}"
    );
}

#[test]
fn secrets_are_named_and_never_written() {
    let bench = bench();
    let variables = [
        ("S3_ENDPOINT", "http://canary-7.example:9000"),
        ("AWS_SECRET_ACCESS_KEY", "canary-8"),
        ("EUTERPE_BROKER", "amqps://u:canary-9@broker.example/v"),
    ];
    let with = |more: &str| bench.call_with(&format!("deploy print g.yaml {PLACES} {more}"), &variables);
    let refused = with("").ends(2).err;
    assert!(
        refused.contains("reads the variable `S3_ENDPOINT`, which nodes do not get; give --env S3_ENDPOINT"),
        "{refused}"
    );
    let page = with("--secret-env S3_ENDPOINT=media/endpoint").ends(0).out;
    assert!(!page.contains("canary"), "{page}");
    assert!(page.contains("secretName: euterpe-broker") && page.contains("secretName: euterpe-s3"), "{page}");
    assert!(
        with("--env S3_ENDPOINT").ends(0).out.contains("value: http://canary-7.example:9000"),
        "as it was asked for"
    );
    let refused = with("--env AWS_SECRET_ACCESS_KEY").ends(2).err;
    assert!(refused.contains("use --secret-env AWS_SECRET_ACCESS_KEY=SECRET/KEY"), "{refused}");
}

#[test]
fn variables_of_the_shell_that_nodes_will_miss_are_told() {
    let bench = bench();
    bench.write("g.yaml", &GRAPH.replace("requirements: transforms/requirements.txt", "inherit: [MODELS]"));
    let with = |more: &str| {
        let variables = [("AWS_ENDPOINT_URL_S3", "http://store.example:9000")];
        bench.call_with(&format!("deploy print g.yaml {PLACES} {more}"), &variables).ends(0).err
    };
    let told = with("");
    assert!(told.contains("`AWS_ENDPOINT_URL_S3` is set here, and nodes do not get it"), "{told}");
    assert!(told.contains("job `mood` inherits `MODELS`, which nodes do not get"), "{told}");
    let told = with("--env AWS_ENDPOINT_URL_S3 --env MODELS=/srv/media/models");
    assert!(!told.contains("AWS_ENDPOINT_URL_S3") && !told.contains("MODELS"), "{told}");
}

#[test]
fn groups_that_leave_no_clear_answer_are_refused() {
    let bench = bench();
    for (groups, why) in [
        ("--group a=mood --group b=card,mood", "job `mood` is in the groups `a` and `b`"),
        ("--group a=mood --group a=card", "two groups are called `a`"),
        ("--group nodes=mood", "`nodes` is the group of all jobs that no --group names"),
        ("--group a=modo", "the graph has no job `modo`"),
        ("--replicas 11", "--replicas 11 is more than --max-replicas 10"),
        ("--group A=mood", "small letters"),
        ("--volume x=srv", "write an absolute path"),
    ] {
        let refused = print(&bench, &format!("{PLACES} {groups}")).ends(2).err;
        assert!(refused.contains(why), "{groups}: {refused}");
    }
}
