//! A script that changes while a run works by it: what is made goes by the code of one moment.

use std::os::unix::fs::PermissionsExt;

use super::Bench;

#[test]
fn a_run_in_one_process_does_no_work_by_a_script_that_changed_in_the_meantime() {
    let graph = r#"
version: 1
graph: code
stores: {out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [./tool.sh, "{id}", "{output}"]}, out: "out:{id}.txt", pool: {workers: 1}}
"#;
    let bench = Bench::new(graph);
    bench.write(
        "tool.sh",
        "#!/bin/sh\nprintf v1 > \"$2\"\nif [ \"$1\" = b ]; then\n  \
         cp -p \"$0\" new; sed -i s/v1/v2/ new; mv new \"$0\"\nfi\n",
    );
    std::fs::set_permissions(bench.path("tool.sh"), std::fs::Permissions::from_mode(0o755)).expect("set");
    let said = bench.call("run g.yaml a b c d").ends(1).err;
    let why = "jobs.a: the code of `./tool.sh {id} {output}` changed since this process began; start it anew";
    assert_eq!(said.matches(why).count(), 1, "{said}");
    let made = bench.files("out");
    assert!(!bench.has("out/b.txt"), "it was made while the script changed");
    assert!(made.len() <= 1 && made.iter().all(|file| bench.read(&format!("out/{file}")) == "v1"), "{made:?}");
    assert!(bench.call("dead ls g.yaml").ends(0).out.contains("no dead letters"), "a change is nobody's failure");
    bench.write("tool.sh", "#!/bin/sh\nprintf v2 > \"$2\"\n");
    bench.call("runs resume g.yaml last").ends(0);
    assert!(bench.files("out").len() == 4 && bench.read("out/d.txt") == "v2");
}
