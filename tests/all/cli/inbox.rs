//! Dead letters of messages by others: shown, tried again, given up, counted.

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, GraphDigest, Target, Wave};
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::DeadLetter;

use super::{Bench, chain};

fn letter(job: &str, entity: &str, reason: Reason, message: Option<EntityMessage>) -> DeadLetter {
    DeadLetter {
        run: message.as_ref().map(|message| message.run),
        job: JobName::new(job).expect("a name"),
        entity: entity.into(),
        reason,
        text: "it says so".into(),
        stderr: String::new(),
        tries: 1,
        millis: 1_795_415_412_345,
        node: "n".into(),
        about: None,
        body: message.is_none().then(|| "{\"entity\": 1}".into()),
        source: None,
        times: 1,
        content_type: message.is_none().then(|| "application/json".into()),
        envelope: None,
        message,
    }
}

/// The chain, with `b(y)` failed for a message by others, and another that could not be read, as a node leaves them.
fn with_letters() -> Bench {
    let bench = chain();
    let target = Target { job: JobName::new("b").expect("a name"), entity: EntityId::new("y").expect("an id") };
    let wave = Wave { id: 1, origins: vec![target.job.clone()], only: None };
    let run = RunId::inbox_at(1_795_415_412_345);
    let message = EntityMessage::new(1, run, target, GraphDigest(0), Base::Down(wave.into()));
    let letters = [
        letter("b", "y", Reason::Failed, Some(message)),
        letter("b", "unreadable 00112233aabbccdd", Reason::Malformed, None),
    ];
    for letter in letters {
        let text = serde_json::to_string(&letter).expect("JSON");
        bench.write(&format!(".euterpe/chain/{}", letter.key()), &text);
    }
    bench
}

#[test]
fn the_inbox_has_no_manifest_and_its_letters_are_counted() {
    let bench = chain();
    let empty = bench.call("runs check g.yaml inbox").ends(0).out;
    assert!(empty.contains("no manifest") && empty.contains("it has no dead letters"), "{empty}");
    let bench = with_letters();
    let check = bench.call("runs check g.yaml inbox").ends(4).out;
    assert!(check.contains("2 dead letters (1 failed, 1 malformed)") && check.contains("--run inbox"), "{check}");
    let facts = bench.call("runs check g.yaml inbox --json").ends(4).last();
    assert_eq!((&facts["run"], &facts["dead"], &facts["reasons"]["failed"]), (&"inbox".into(), &2.into(), &1.into()));
    for words in ["runs show g.yaml inbox", "runs resume g.yaml inbox"] {
        let said = bench.call(words).ends(2).err;
        assert!(said.contains("the inbox has no manifest") && said.contains("runs check"), "{words}: {said}");
    }
}

#[test]
fn letters_of_the_inbox_are_shown_as_such_and_apart_from_those_of_runs() {
    let bench = with_letters();
    bench.call("run g.yaml").ends(4);
    let all = bench.call("dead ls g.yaml --all").ends(0).out;
    assert!(all.contains("inbox"), "{all}");
    let facts = bench.call("dead ls g.yaml --run inbox --json").ends(0).facts();
    assert_eq!(
        (facts.len(), &facts[0]["run"], &facts[0]["entity"]),
        (3, &"inbox".into(), &"unreadable 00112233aabbccdd".into())
    );
    let shown = bench.call("dead show g.yaml --run inbox").ends(0).out;
    for part in ["run     inbox", "type    application/json", "body    {\"entity\": 1}", "came down from b"] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    let of_the_run = bench.call("dead show g.yaml --run last").ends(0).out;
    assert!(of_the_run.contains("b(y)") && !of_the_run.contains("inbox"), "{of_the_run}");
    let unknown = bench.call("dead ls g.yaml --run 20261123-063012.345-1a2b3c4d").ends(0).out;
    assert!(unknown.contains("no dead letters"), "{unknown}");
    bench.call("dead ls g.yaml --run nonsense").ends(2);
}

#[test]
fn letters_of_the_inbox_are_tried_again_or_given_up() {
    let bench = with_letters();
    let again = bench.call("dead retry g.yaml --run inbox").ends(4).out;
    assert!(again.contains("b(y): failed") && again.contains("1 letter cannot be tried again"), "{again}");
    bench.call("runs check g.yaml inbox").ends(4);
    bench.write("fix/y", "fixed");
    bench.call("dead retry g.yaml --run inbox").ends(4);
    assert!(bench.has("out/c/y.txt"), "what comes below was not made");
    bench.call("dead drop g.yaml --run inbox").ends(0);
    bench.call("runs check g.yaml inbox").ends(0);
    let bench = with_letters();
    bench.call("run g.yaml --only a").ends(0); // a skip is of the inputs that were there
    bench.call("dead drop g.yaml --run inbox").ends(0);
    bench.call("runs check g.yaml inbox").ends(0);
    assert!(bench.call("explain g.yaml y b").out.contains("is skipped (dropped)"));
}

#[test]
fn how_often_one_unreadable_body_came_to_all_nodes_is_told() {
    let bench = with_letters();
    let entity = "unreadable 00112233aabbccdd";
    let of =
        |node: &str, times| DeadLetter { node: node.into(), times, ..letter("b", entity, Reason::Malformed, None) };
    for letter in [of("n", 4), of("m", 3)] {
        bench.write(&format!(".euterpe/chain/{}", letter.key()), &serde_json::to_string(&letter).expect("JSON"));
    }
    for words in ["dead ls g.yaml", "dead ls g.yaml --all"] {
        assert!(bench.call(words).ends(0).out.contains("it says so (came 7 times)"), "{words}");
    }
    let listed = bench.call("dead ls g.yaml --reason malformed --json").facts();
    assert_eq!((&listed[0]["times"], &listed[1]["dead"]), (&7.into(), &1.into()));
    let check = bench.call("runs check g.yaml inbox").ends(4).out;
    assert!(check.contains("2 dead letters of 8 messages (1 failed, 1 malformed)"), "{check}");
    assert_eq!(bench.call("runs check g.yaml inbox --json").last()["messages"], 8);
    assert!(bench.call("dead show g.yaml --reason malformed").out.contains("came    4 times"));
    assert!(bench.call("dead drop g.yaml --reason malformed").out.contains("gave up 1 dead letter (in 2 records)"));
}
