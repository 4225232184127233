//! Outputs that are missing, made anew, put there by others, or of a former version.

use super::case::{Case, case};
use super::change::Change::*;
use super::setup::ALL;

const T2: &str = "in/t2.txt";
const OTHER: &str = "{\"k\": \"another sound, and longer\"}";
const OF_T2: &[(&str, &str)] = &[("a 1 two 1 d 1 m 1 pair 1", "x of a replaced")];
const REPLACED: &str = "is out of date, and would be made anew: `x` of `a` was replaced since it was made";
const A: &str = "out/a/t2.txt";
const ONE: &str = "out/one/t2.txt";
const SECOND: &str = "out/other/t2.txt";
const D: &str = "out/d/t2.txt";
const M: &str = "out/m/t2.json";
const PAIR: &str = "out/pair/t1+t2.txt";
const MINE: &str = "{\"my\": \"own, and longer than what was there\"}";
const MISSING: &str = "would be made: all of its inputs are there";
/// What is made of another output of `a`, where that stays.
const BELOW_A: &[(&str, &str)] = &[("two 1 d 1 pair 1", "x of two made_anew"), ("m 1", "j of m made_anew")];
const ANEW: &str = "`x` of `two` has another content since it was made";

/// Outputs that are missing.
pub const MISSING_OUTPUTS: &[Case] = &[
    case("an output between is removed", &[Gone(A)]).makes_all(&[("a 1", "missing")]).explains("a t2", MISSING),
    case("an output at the end is removed", &[Gone(PAIR)])
        .makes_all(&[("pair 1", "missing")])
        .explains("pair t1,t2", MISSING),
    case("the first of two outputs is removed", &[Gone(ONE)])
        .makes_all(&[("two 1", "missing")])
        .explains("two t2", MISSING),
    case("the second of two outputs is removed", &[Gone(SECOND)])
        .makes_all(&[("two 1", "missing")])
        .explains("two t2", MISSING),
    case("the second of two outputs is removed, and the source replaced", &[Gone(SECOND), Put(T2, OTHER)])
        .makes_all(OF_T2)
        .explains("two t2", REPLACED),
    case("an output between is removed, and its source replaced", &[Gone(A), Put(T2, OTHER)])
        .makes(&[("two 1 d 1 m 1 pair 1", "x of a newer"), ("a 1", "missing")], "a 1 two 1 d 1 m 1 pair 1")
        .explains("pair t1,t2", "`x` of `a` is newer than what was made from it, and what lay between is gone"),
];

/// Outputs that were made anew, and by whom.
pub const MADE_ANEW: &[Case] = &[
    case("a job is forced under `--only`, and the same comes of it", &[Called("run g.yaml --only a --force=a t2", 0)])
        .explains("two t2", "is there, made by run"),
    case(
        "a job is forced under `--only`, and another comes of it",
        &[
            Beside("upper.sh", "#!/bin/sh\nsed s/sound/NOISE/ < $1 > $2\n"),
            Called("run g.yaml --only a --force=a t2", 0),
            Beside("upper.sh", super::setup::UPPER),
        ],
    )
    .makes(BELOW_A, "two 1 d 1 m 1 pair 1")
    .leaves(&[("a 1", "its code, or what it was given as variables, was another")])
    .explains("two t2", ANEW),
    case(
        "a source is replaced, and a run makes the first job alone (`--only`)",
        &[Put(T2, OTHER), Called("run g.yaml --only a t2", 0)],
    )
    .makes(BELOW_A, "two 1 d 1 m 1 pair 1")
    .explains("d t2", ANEW),
    case("a job is forced, and all that hangs below", &[])
        .asked("--only a,two,d,m,pair --force=a t2")
        .asked_again(ALL)
        .makes_all(&[("a 1 two 1 d 1 m 1", "missing")]),
];

/// Outputs that others put there, and those of a former version.
pub const FOREIGN: &[Case] = &[
    case("somebody puts a file in the place of an output between", &[Foreign(A, MINE)])
        .makes(BELOW_A, "two 1 d 1 m 1 pair 1")
        .explains_then("a t2", "was not made by this program", "was not made by this program")
        .holds(ONE, MINE),
    case("somebody puts a file in the place of an output at the end", &[Foreign(PAIR, MINE)])
        .explains_then("pair t1,t2", "was not made by this program", "was not made by this program")
        .holds(PAIR, MINE),
    case("somebody writes over an output between", &[Put(A, MINE)])
        .makes(BELOW_A, "two 1 d 1 m 1 pair 1")
        .explains("two t2", ANEW)
        .holds(ONE, MINE),
    case(
        "somebody puts a file with the same bytes in the place of an output between",
        &[Foreign(A, "{\"K\": \"SOUND OF T2\"}")],
    )
    .makes(BELOW_A, "two 1 d 1 m 1")
    .explains("two t2", ANEW),
    case("the output of another entity is copied over one", &[Copy("out/a/t3.txt", A)])
        .explains_then("a t2", "it was moved or copied, and counts as missing", "counts as missing")
        .hidden(),
    case("the output of another entity is copied over one, and its entity is named", &[Copy("out/a/t3.txt", A)])
        .asked("--only a,two,d,m t2")
        .asked_again(ALL)
        .makes_all(&[("a 1", "missing")])
        .explains("a t2", "it was moved or copied, and counts as missing"),
    case(
        "somebody puts files in the place of all outputs of an entity, and the source is replaced",
        &[
            Foreign(A, MINE),
            Foreign(ONE, MINE),
            Foreign(SECOND, MINE),
            Foreign(D, MINE),
            Foreign(M, MINE),
            Foreign(PAIR, MINE),
            Put(T2, OTHER),
        ],
    )
    .explains_then("d t2", "was not made by this program", "was not made by this program"),
    case("outputs are of a version that noted nothing", &[OfBefore(A), OfBefore(D)]),
    case("an output is of a version that noted nothing, and its source is replaced", &[OfBefore(A), Put(T2, OTHER)]),
    case(
        "an output between is of a version that noted nothing, and the source is replaced",
        &[OfBefore(ONE), OfBefore(SECOND), Put(T2, OTHER)],
    )
    .makes_all(&[("a 1 d 1 m 1 pair 1", "x of a replaced")])
    .explains("d t2", REPLACED),
    case(
        "an output of a version that noted nothing is forced, after its source was replaced",
        &[OfBefore(A), Put(T2, OTHER), Called("run g.yaml --only a --force=a t2", 0)],
    )
    .makes(BELOW_A, "two 1 d 1 m 1 pair 1")
    .explains("d t2", ANEW),
];
