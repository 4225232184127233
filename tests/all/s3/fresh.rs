//! What was made of objects that are others now: what `plan` says, what `run` makes, and that nothing is left to do then.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::run::Studio;
use super::server::{BUCKET, Server};
use crate::counts::{counted, numbers};
use euterpe_actors::storage::{Content, Storage};

fn graph() -> String {
    let cat =
        |name: &str, argv: &str, rest: &str| format!("  {name}: {{use: command, with: {{argv: [{argv}]}}, {rest}}}\n");
    let jobs = cat(
        "a",
        r#"sh, -c, "tr a-z A-Z < $0 > $1", "{input}", "{output}""#,
        r#"in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt""#,
    ) + &cat(
        "b",
        r#"sh, -c, "cp $0 $1; cp $0 $2", "{input}", "{output.one}", "{output.two}""#,
        r#"in: {x: a}, outputs: {one: "out:b/{id}.txt", two: "out:b2/{id}.txt"}"#,
    ) + &cat(
        "pair",
        r#"sh, -c, "cat $0 $1 > $2", "{input.l}", "{input.r}", "{output}""#,
        r#"entity: "{l},{r}", in: {l: {from: b.two, id: "{l}"}, r: {from: b, id: "{r}"}}, out: "out:pair/{l}+{r}.txt""#,
    ) + r#"  m: {use: json.merge, in: {j: "in:{id}.json", note: {from: "notes:{id}.json", optional: true}}, out: "out:m/{id}.json"}
"#;
    let store = |name: &str| format!("{name}: \"s3://{BUCKET}/{name}\"");
    let stores = ["in", "notes", "out"].map(store).join(", ");
    format!("version: 1\ngraph: g\nstores: {{{stores}}}\ndefaults: {{retries: 0}}\njobs:\n{jobs}")
}

/// What happens to objects, each by the name of its store and its key.
enum Change {
    Put(&'static str, &'static str, &'static str),
    Remove(&'static str, &'static str),
}

use Change::{Put, Remove};

/// The jobs `a`, `b` and `pair`, whose ids are in a file.
const ALL: &str = "--only a,b,pair --ids ids";

/// A name, what changes, what is planned, and what a run then makes.
const CASES: &[(&str, &[Change], &str, &str)] = &[
    ("nothing", &[], "", ""),
    ("another sound", &[Put("in", "t1.txt", "a new sound, longer")], "a 1 b 1 pair 1", "a 1 b 1 pair 1"),
    ("another sound of the same length", &[Put("in", "t3.txt", "SOUND of tX")], "a 1 b 1", "a 1 b 1"),
    ("the same sound, uploaded anew", &[Put("in", "t1.txt", "sound of t1")], "", ""),
    ("other letters, of which the same comes", &[Put("in", "t2.txt", "sOUND OF t2")], "a 1 b 1 pair 1", "a 1"),
    ("an output of a parent removed", &[Remove("out", "a/t1.txt")], "a 1", "a 1"),
    ("an output at the end removed", &[Remove("out", "pair/t1+t2.txt")], "pair 1", "pair 1"),
    ("a primary output removed", &[Remove("out", "b/t3.txt")], "b 1", "b 1"),
    ("a second output removed", &[Remove("out", "b2/t3.txt")], "b 1", "b 1"),
    ("an output of a parent that somebody put there", &[Put("out", "a/t1.txt", "own")], "b 1 pair 1", "b 1 pair 1"),
    ("a source removed", &[Remove("in", "t3.txt")], "", ""),
    (
        "an output between removed and its source replaced",
        &[Remove("out", "a/t1.txt"), Put("in", "t1.txt", "a new sound")],
        "a 1 b 1 pair 1",
        "a 1 b 1 pair 1",
    ),
    (
        "a second output removed and its source replaced",
        &[Remove("out", "b2/t1.txt"), Put("in", "t1.txt", "a new sound")],
        "a 1 b 1 pair 1",
        "a 1 b 1 pair 1",
    ),
    (
        "all sources",
        &[Put("in", "t1.txt", "new t1"), Put("in", "t2.txt", "new t2"), Put("in", "t3.txt", "new t3")],
        "a 3 b 3 pair 1",
        "a 3 b 3 pair 1",
    ),
];

fn done(studio: &Studio, selection: &str) -> BTreeMap<String, u64> {
    counted(&studio.call(&format!("run g.yaml --json {selection}")).ends(0).last()["jobs"], "done")
}

fn planned(studio: &Studio, selection: &str) -> BTreeMap<String, u64> {
    counted(&studio.call(&format!("plan g.yaml --json {selection}")).ends(0).last()["jobs"], "make")
}

fn settled(studio: &Studio) {
    let said = studio.call(&format!("run g.yaml {ALL}")).ends(0).out;
    assert!(said.starts_with("nothing to do"), "{said}");
}

async fn put(studio: &Studio, store: &str, key: &str, text: &str) {
    let text = Content::Bytes(text.to_owned().into());
    studio.server.store(store).store(key, text, None).await.expect("stored");
}

async fn text(studio: &Studio, key: &str) -> String {
    let object = studio.server.store("out").open(key).await.expect("opened");
    String::from_utf8(object.content.read().expect("read").to_vec()).expect("text")
}

/// Three tracks and a pair, all made, and nothing to do.
async fn made() -> Studio {
    let studio = Studio::new(Server::memory(), &graph());
    // Not in the second of their outputs: whether they came before those could not be told.
    let before = SystemTime::UNIX_EPOCH.elapsed().expect("a clock") - Duration::from_secs(60);
    studio.server.tell(&format!("clock-millis {}", before.as_millis()));
    for id in ["t1", "t2", "t3"] {
        put(&studio, "in", &format!("{id}.txt"), &format!("sound of {id}")).await;
    }
    put(&studio, "in", "t1.json", "{\"k\": 1}").await;
    studio.server.tell("clock-millis 0");
    std::fs::write(studio.path("ids"), "t1\nt2\nt3\nt1,t2\n").expect("written");
    assert_eq!(done(&studio, ALL), numbers("a 3 b 3 pair 1"));
    settled(&studio);
    studio
}

#[tokio::test]
async fn whatever_was_replaced_in_a_bucket_is_planned_and_made_anew_and_nothing_else() {
    for (name, changes, plan, makes) in CASES {
        let studio = made().await;
        for change in *changes {
            match change {
                Put(store, key, text) => put(&studio, store, key, text).await,
                Remove(store, key) => studio.server.store(store).remove(key).await.expect("removed"),
            }
        }
        assert_eq!(planned(&studio, ALL), numbers(plan), "{name}: what is planned");
        assert_eq!(done(&studio, ALL), numbers(makes), "{name}: what is made");
        settled(&studio);
        studio.call("runs check g.yaml last").ends(0);
    }
}

#[tokio::test]
async fn objects_that_are_asked_for_by_name_are_followed_too_and_so_are_optional_ones() {
    let studio = made().await;
    put(&studio, "in", "t1.txt", "a new sound").await;
    assert_eq!(done(&studio, "--job pair --bottom-up t1,t2"), numbers("a 1 b 1 pair 1"));
    assert_eq!(text(&studio, "pair/t1+t2.txt").await, "A NEW SOUNDSOUND OF T2");
    assert_eq!(done(&studio, "--job m t1"), numbers("m 1"));
    put(&studio, "notes", "t1.json", "{\"note\": 1}").await;
    assert_eq!(done(&studio, "--job m t1"), numbers("m 1"));
    assert!(text(&studio, "m/t1.json").await.contains("note"));
    assert_eq!(done(&studio, "--job m t1"), numbers(""));
    // What is forced above is seen below by the next run.
    put(&studio, "in", "t2.txt", "a newer sound").await;
    assert_eq!(done(&studio, "--only a --force=a t2"), numbers("a 1"));
    assert_eq!(done(&studio, ALL), numbers("b 1 pair 1"));
}

#[tokio::test]
async fn a_changed_job_is_told_over_a_bucket_and_made_anew_where_that_is_asked_for() {
    let studio = made().await;
    let change = |argv: &str| {
        let text = graph().replace("tr a-z A-Z < $0 > $1", argv);
        std::fs::write(studio.path("g.yaml"), text).expect("written");
    };
    change("rev < $0 > $1");
    let said = studio.call(&format!("run g.yaml {ALL}")).ends(0).out;
    assert!(said.contains("made before a job was changed, and left as it is\n  a: 3, such as `t1`: "), "{said}");
    assert_eq!(done(&studio, &format!("{ALL} --refresh=a")), numbers("a 3 b 3 pair 1"));
    assert_eq!(text(&studio, "b2/t1.txt").await, "1t fo dnuos");
    settled(&studio);
    // Back again: nothing that is there is of this job any more.
    change("tr a-z A-Z < $0 > $1");
    assert_eq!(planned(&studio, &format!("{ALL} --refresh")), numbers("a 3 b 3 pair 1"));
    studio.call("accept g.yaml a").ends(0);
    assert_eq!(done(&studio, &format!("{ALL} --refresh")), numbers(""));
}
