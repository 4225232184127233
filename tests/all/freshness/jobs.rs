//! Jobs that were changed: their options, their code, what they read, where they write.

use super::case::{Case, case};
use super::change::Change::{self, *};
use super::setup::ALL;

const CODE: &str = "its code, or what it was given as variables, was another";
/// Job `two` with another option, of which the same comes.
const OPTION: Change = Graph("cat $0 > $1; cat", "cat < $0 > $1; cat");
const OPTION_BACK: Change = Graph("cat < $0 > $1; cat", "cat $0 > $1; cat");
/// The same with one of which another comes.
const OTHER_OPTION: Change = Graph("cat $0 > $2", "rev < $0 > $2");
const SCRIPT: Change = Beside("upper.sh", "#!/bin/sh\ntr a-z A-Z < $1 | sed s/SOUND/NOISE/ > $2\n");
const FOLLOWS: Change = Graph("defaults:", "refresh: [sources, recipe]\ndefaults:");
const OF_TWO: &[(&str, &str)] = &[("two 3 d 3 pair 2", "two recipe")];
const WAS_CHANGED: &str = "was changed since it was made: ";

/// Jobs whose options, version or code are others now.
pub const CHANGED_JOBS: &[Case] = &[
    case("an option is changed", &[OPTION]).leaves(&[("two 3", "`argv` was [")]).explains_then(
        "two t2",
        "was changed since it was made: `argv` was [",
        WAS_CHANGED,
    ),
    case("an option is changed, and the job is refreshed (`--refresh=JOB`)", &[OPTION])
        .asked("--only a,two,d,m,pair --ids ids --refresh=two")
        .makes(OF_TWO, "two 3")
        .explains("two t2", WAS_CHANGED),
    case("an option is changed, another comes of it, and the job is refreshed", &[OTHER_OPTION])
        .asked("--only a,two,d,m,pair --ids ids --refresh=two")
        .makes_all(OF_TWO)
        .explains("two t2", WAS_CHANGED),
    case(
        "an option is changed, and changed back after a run",
        &[OPTION, Called("run g.yaml --only a,two,d,m,pair --ids ids", 0), OPTION_BACK],
    ),
    case(
        "an option is changed, one output is made by it, and it is changed back",
        &[OPTION, Called("run g.yaml --only two --force=two t2", 0), OPTION_BACK],
    )
    .leaves(&[("two 1", "`argv` was [")])
    .explains_then("two t2", WAS_CHANGED, WAS_CHANGED),
    case(
        "an option is changed, and what was made is accepted (`accept JOB`)",
        &[OPTION, Called("accept g.yaml two", 0)],
    )
    .asked("--only a,two,d,m,pair --ids ids --refresh"),
    case("an option is changed, and the graph file says `refresh: [sources, recipe]`", &[OPTION, FOLLOWS])
        .makes(OF_TWO, "two 3")
        .explains("d t2", "is out of date, and would be made anew: `two` was changed since it was made"),
    case("an option is changed, and the job is forced", &[OTHER_OPTION])
        .asked("--only two --force=two t2")
        .asked_again("--only a,two t1 t2 t3")
        .makes_all(&[("two 1", "missing")])
        .explains("two t2", WAS_CHANGED),
    case("an option is changed, and a source is replaced", &[OPTION, Put("in/t2.txt", "{}")])
        .makes_all(&[("a 1 two 1 d 1 m 1 pair 1", "x of a replaced")])
        .leaves(&[("two 2", "`argv` was [")])
        .explains("two t2", "`x` of `a` was replaced since it was made"),
    case("an option is changed, and another job of the entity is out of date", &[OPTION, Put("notes/t2.json", "{}")])
        .makes_all(&[("m 1", "note of m came")])
        .leaves(&[("two 3", "`argv` was [")])
        .explains_then("two t2", WAS_CHANGED, WAS_CHANGED),
    case(
        "an option is changed, the job is refreshed, and it is changed back",
        &[OPTION, Called("run g.yaml --only a,two,d,m,pair --ids ids --refresh=two", 0), OPTION_BACK],
    )
    .leaves(&[("two 3", "`argv` was [")])
    .explains_then("two t2", WAS_CHANGED, WAS_CHANGED),
    case("a script that a job names is changed", &[SCRIPT]).leaves(&[("a 3", CODE)]).explains_then("a t2", CODE, CODE),
    case("a script that a job names is changed, and the job is refreshed", &[SCRIPT])
        .asked("--only a,two,d,m,pair --ids ids --refresh=a")
        .makes_all(&[("a 3 two 3 d 3 m 3 pair 2", "a recipe")])
        .explains("d t2", "is there, made by run"),
    case("a comment in another file is changed", &[Beside("other.sh", "# another comment\n")]),
    case("`version:` is set", &[Graph("in: {x: a}", "version: \"2\"\n    in: {x: a}")])
        .leaves(&[("two 3", "`version` was not set and is `2`")])
        .explains_then("two t2", "`version` was not set and is `2`", WAS_CHANGED),
    case("retries and timeouts are changed", &[Graph("retries: 0", "retries: 3, timeout: 1m")]),
];

/// Jobs that read something else now, write elsewhere, or have another name.
pub const CHANGED_EDGES: &[Case] = &[
    case("a job has an input more", &[Graph("r: a, set:", "r: a, more: two, set:")])
        .makes(&[("d 3 pair 2", "more of d input_added")], "d 3")
        .explains("pair t1,t2", "`more` of `d` became an input since it was made"),
    case(
        "a job has an input less",
        &[
            Graph("cat $0 $1 $2 > $3", "cat $0 $1 > $2"),
            Graph("\"{input.r}\", \"{input.set}\"", "\"{input.r}\""),
            Graph("r: a, set: \"set:all.txt\"", "r: a"),
        ],
    )
    .makes_all(&[("d 3 pair 2", "set of d input_removed")])
    .explains("d t2", "`set`, from which it was made, is no input of `d` any more")
    .holds("out/d/t2.txt", "{\"K\": \"SOUND OF T2\"}{\"K\": \"SOUND OF T2\"}"),
    case("a job reads another output with the same bytes", &[Graph("l: two.other", "l: two.one")]),
    case("a job reads another output with other bytes", &[Graph("l: two.other", "l: m")])
        .makes_all(&[("d 3 pair 2", "l of d made_anew")])
        .explains("d t2", "`l` of `d` has another content since it was made"),
    case(
        "a job reads other sources",
        &[
            Put("set/t1.txt", "{\"k\": 1}"),
            Put("set/t2.txt", "{\"k\": 2}"),
            Put("set/t3.txt", "{\"k\": 3}"),
            Graph("in:{id}.txt", "set:{id}.txt"),
        ],
    )
    .makes_all(&[("a 3 two 3 d 3 m 3 pair 2", "x of a replaced")])
    .explains("pair t1,t2", "`x` of `a` was replaced since it was made"),
    case("a job writes elsewhere", &[Graph("out:m/", "out:n/")])
        .makes_all(&[("m 3", "missing")])
        .explains("m t2", "would be made: all of its inputs are there"),
    case("a job has another name", &[Graph("  m: {use", "  n: {use")])
        .asked("--only a,two,d,n,pair --ids ids")
        .explains("n t2", "is there, made by run"),
    case(
        "a job comes at the end",
        &[Graph("  m: {use", "  n: {use: json.merge, in: {j: m}, out: \"out:n/{id}.json\"}\n  m: {use")],
    )
    .asked("--only a,two,d,m,n,pair --ids ids")
    .asked_again(ALL)
    .makes_all(&[("n 3", "missing")])
    .explains("n t2", "would be made: all of its inputs are there"),
];
