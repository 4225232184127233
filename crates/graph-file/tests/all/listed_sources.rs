//! Jobs that list one source say the same of which names they take.

use crate::broken_graphs::jobs;
use crate::graph_file::check;

fn graph(first: &str, second: &str) -> String {
    jobs(&format!(
        "  a: {{use: audio.loudness, in: {{audio: {first}}}, out: \"d:a/{{id}}.json\"}}\n  \
           b: {{use: audio.loudness, {second}, out: \"d:b/{{id}}.json\"}}"
    ))
}

#[test]
fn what_one_job_leaves_out_of_a_source_no_other_may_bring() {
    let (plain, without) = ("\"m:{id}.ogg\"", "{from: \"m:{id}.ogg\", exclude: demos}");
    for (first, second) in [
        (without, format!("in: {{audio: {plain}}}")),
        (plain, format!("in: {{audio: {without}}}")),
        (without, "in: {audio: {from: \"m:{id}.ogg\", exclude: [demos, live]}}".to_owned()),
        (without, "in: {audio: {from: \"m:{id}.ogg\", include: demos}}".to_owned()),
        (without, "in: {audio: \"m:{id}.{ext}\"}".to_owned()),
    ] {
        let problems = check(&graph(first, &second)).expect_err("refused").to_string();
        assert!(problems.contains("1 problem\n"), "{problems}");
        assert!(problems.contains("jobs.b.in.audio") && problems.contains("`a` lists the same source"), "{problems}");
    }
    for (first, second) in [
        (plain, format!("in: {{audio: {plain}}}")),
        (without, format!("in: {{audio: {without}}}")),
        (without, "in: {audio: \"m:more/{id}.ogg\"}".to_owned()),
        (without, "in: {audio: \"m:{id}.flac\"}".to_owned()),
    ] {
        check(&graph(first, &second)).unwrap_or_else(|problems| panic!("{problems}"));
    }
    // Ids of another form go to other jobs.
    let pairs = graph(without, "entity: \"{a},{b}\", in: {audio: \"m:{id}.ogg\"}").replace("d:b/{id}", "d:b/{a}+{b}");
    check(&pairs).unwrap_or_else(|problems| panic!("{problems}"));
}
