//! Sources that were replaced, touched, taken away; those that are asked for, and those that need not be there.

use super::case::{Case, case};
use super::change::Change::*;
use super::setup::ALL;

const T2: &str = "in/t2.txt";
const OTHER: &str = "{\"k\": \"another sound, and longer\"}";
const OF_T2: &[(&str, &str)] = &[("a 1 two 1 d 1 m 1 pair 1", "x of a replaced")];
const REPLACED: &str = "is out of date, and would be made anew: `x` of `a` was replaced since it was made";
const LATER: [super::change::Change; 7] = [
    Put(T2, OTHER),
    Touched("out/a/t2.txt"),
    Touched("out/one/t2.txt"),
    Touched("out/other/t2.txt"),
    Touched("out/d/t2.txt"),
    Touched("out/m/t2.json"),
    Touched("out/pair/t1+t2.txt"),
];
const NOTE: &str = "notes/t2.json";
const NOTED: [super::change::Change; 2] = [Put(NOTE, "{\"n\": 1}"), Called("run g.yaml --only m t2", 0)];

/// Sources that are others now.
pub const REPLACED_SOURCES: &[Case] = &[
    case("nothing", &[]).explains("pair t1,t2", "is there, made by run"),
    case("a source is replaced", &[Put(T2, OTHER)])
        .makes_all(OF_T2)
        .explains("d t2", REPLACED)
        .holds("out/one/t2.txt", "{\"K\": \"ANOTHER SOUND, AND LONGER\"}"),
    case("a source is replaced by one of the same size", &[Put(T2, "{\"k\": \"SOUND of tX\"}")])
        .makes_all(OF_T2)
        .explains("m t2", REPLACED),
    case("a source is replaced by an older file (`cp -p`)", &[Copied(T2, OTHER)])
        .makes_all(OF_T2)
        .explains("pair t1,t2", REPLACED)
        .holds("out/d/t2.txt", "{\"K\": \"ANOTHER SOUND, AND LONGER\"}{\"K\": \"ANOTHER SOUND, AND LONGER\"}for all"),
    case("an older file of the same size is moved into its place (`mv`)", &[Moved(T2, "{\"k\": \"SOUND of tX\"}")])
        .makes_all(OF_T2)
        .explains("a t2", REPLACED),
    case("a source is replaced by one of the same size and time", &[Disguised(T2, "{\"k\": \"SOUND of tX\"}")])
        .makes_all(OF_T2)
        .explains("a t2", REPLACED)
        .only_in_a_bucket(),
    case("a source is replaced, and the same comes of it", &[Put(T2, "{\"K\": \"sound of t2\"}")])
        .makes(OF_T2, "a 1")
        .explains("two t2", REPLACED),
    case("a source is replaced by the same bytes", &[Rewritten(T2)])
        .makes(OF_T2, "a 1")
        .explains("a t2", REPLACED)
        .only_in_folders(),
    case("a source is touched", &[Touched(T2)]).makes(OF_T2, "a 1").explains("a t2", REPLACED).only_in_folders(),
    case("a source is replaced by the same bytes, and keeps its time (`rsync -t`)", &[PutBack(T2)]),
    case("a source that many outputs are made of is replaced", &[Put("set/all.txt", "for all of today")])
        .makes_all(&[("d 3 pair 2", "set of d replaced")])
        .explains("pair t1,t2", "`set` of `d` was replaced since it was made"),
    case("one part of a pair is replaced", &[Put("in/t3.txt", OTHER)])
        .asked("--job pair --bottom-up t1,t3")
        .makes_all(&[("a 1 two 1 d 1 pair 1", "x of a replaced")])
        .explains("pair t1,t3", REPLACED),
    case("a source is replaced, and only some jobs are asked for (`--only`)", &[Put(T2, OTHER)])
        .asked("--only a,two t2")
        .makes_all(&[("a 1 two 1", "x of a replaced")])
        .explains("two t2", REPLACED),
    case(
        "a source is replaced, and the graph file says `refresh: never`",
        &[Put(T2, OTHER), Graph("defaults:", "refresh: never\ndefaults:")],
    )
    .looks_at_nothing()
    .holds("out/one/t2.txt", "{\"K\": \"SOUND OF T2\"}"),
    case("a source is replaced, and outputs are touched after that", &LATER)
        .explains_then("a t2", REPLACED, REPLACED)
        .hidden(),
    case("a source is replaced, outputs are touched after that, and each output is looked at (`--exact`)", &LATER)
        .asked("--exact --only a,two,d,m,pair --ids ids")
        .makes_all(OF_T2)
        .explains("a t2", REPLACED),
];

/// Sources that come, go, or lie elsewhere.
pub const OTHER_SOURCES: &[Case] = &[
    case(
        "a source comes",
        &[Put("in/t4.txt", "{\"k\": \"sound of t4\"}"), Beside("ids", "t1\nt2\nt3\nt4\nt1,t2\nt1,t3\n")],
    )
    .makes_all(&[("a 1 two 1 d 1 m 1", "missing")])
    .explains("d t4", "would be made, after a(t4), two(t4)"),
    case("a source is removed", &[Gone(T2)]),
    case("a file comes that no job reads", &[Put("in/t2.bak", "x")]),
    case(
        "sources are moved within their store, and the graph file follows",
        &[
            Renamed("in/t1.txt", "in/sub/t1.txt"),
            Renamed(T2, "in/sub/t2.txt"),
            Renamed("in/t3.txt", "in/sub/t3.txt"),
            Graph("in:{id}.txt", "in:sub/{id}.txt"),
        ],
    ),
    case("a source comes that need not be there", &[Put(NOTE, "{\"n\": 1}")])
        .makes_all(&[("m 1", "note of m came")])
        .explains("m t2", "`note` of `m` came since it was made")
        .holds("out/m/t2.json", "{\n  \"entity\": \"t2\",\n  \"j\": {\n    \"K\": \"SOUND OF T2\"\n  },\n  \"note\": {\n    \"n\": 1\n  }\n}\n"),
    case("a source that need not be there is removed", &[NOTED[0], NOTED[1], Gone(NOTE)])
        .explains_then("m t2", "`note` of `m` is gone since", "`note` of `m` is gone since")
        .hidden(),
    case("a source that need not be there is removed, and its entity is named", &[NOTED[0], NOTED[1], Gone(NOTE)])
        .asked("--only m t2")
        .asked_again(ALL)
        .makes_all(&[("m 1", "note of m went")])
        .explains("m t2", "`note` of `m` is gone since it was made"),
    case(
        "a source cannot be used, and is then repaired",
        &[Put(T2, "bad"), Called("run g.yaml --only a,two,d,m,pair --ids ids", 4), Put(T2, OTHER)],
    )
    .makes_all(OF_T2)
    .explains("d t2", REPLACED),
    case(
        "a source cannot be used, and is given up",
        &[Put(T2, "bad"), Called("run g.yaml --only a,two,d,m,pair --ids ids", 4), Called("dead drop g.yaml t2", 0)],
    )
    .skips()
    .explains_then("a t2", "is skipped (dropped)", "is skipped (dropped)"),
    case(
        "a source is given up, and then replaced",
        &[
            Put(T2, "bad"),
            Called("run g.yaml --only a,two,d,m,pair --ids ids", 4),
            Called("dead drop g.yaml t2", 0),
            Called("run g.yaml --only a,two,d,m,pair --ids ids", 0),
            Put(T2, OTHER),
        ],
    )
    .makes_all(OF_T2)
    .explains("a t2", REPLACED),
];
