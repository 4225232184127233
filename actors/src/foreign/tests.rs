//! Bodies as other programs write them, well and badly.

use super::{ForeignMessage, PublishId, Unreadable, read};
use crate::broker::ForeignProperties;
use crate::ids::{JobName, RunId, StoreName};
use crate::message::{Base, Force, MAX_MESSAGE_BYTES};
use crate::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use crate::retry::RetryPolicy;
use crate::state::Selection;
use crate::template::{EntityForm, Template};
use crate::transform::{Product, inline};

/// pcm → mel → card, pcm → loudness.
fn plan() -> NodePlan {
    let form = EntityForm::default();
    let spec = |name: &str, parent: Option<usize>| JobSpec {
        name: JobName::new(name).expect("a name"),
        form: form.clone(),
        inputs: parent
            .map(|at| InputPlan {
                name: "in".parse().expect("a name"),
                from: Route::Job { job: JobIx(at), output: 0, entity: Mapping::Same },
            })
            .into_iter()
            .collect(),
        outputs: vec![OutputPlan {
            store: StoreName::new("m").expect("a name"),
            key: Template::parse(&format!("{name}/{{id}}"), &form).expect("a template"),
        }],
        transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
        workers: 1,
        timeout: std::time::Duration::from_secs(1),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    };
    NodePlan::new(vec![spec("pcm", None), spec("mel", Some(0)), spec("loudness", Some(0)), spec("card", Some(1))])
}

fn said(content_type: &str) -> ForeignProperties {
    ForeignProperties { content_type: content_type.into(), ..ForeignProperties::default() }
}

fn names(names: &[&str]) -> Vec<JobName> {
    names.iter().map(|name| JobName::new(name).expect("a name")).collect()
}

/// Reads a body in the queue of `mel`.
fn at_mel(body: &str, said: &ForeignProperties) -> Result<ForeignMessage, Unreadable> {
    read(body.as_bytes(), said, JobIx(1), &plan())
}

fn json(body: &str) -> Result<ForeignMessage, String> {
    at_mel(body, &said("application/json")).map_err(|bad| bad.text)
}

#[test]
fn text_is_an_id_with_at_most_one_line_break_whatever_parameters_its_type_has() {
    for (body, kind) in [
        ("t-1", "text/plain"),
        ("t-1\n", "text/plain; charset=utf-8"),
        ("t-1\r\n", "Text/PLAIN;charset=\"utf-8\""),
        ("t-1", ""),
    ] {
        let message = at_mel(body, &said(kind)).expect(body);
        assert_eq!((message.entity.as_str(), message.run), ("t-1", None));
        assert_eq!(message.selection, Selection { job: Some(names(&["mel"])[0].clone()), ..Selection::default() });
    }
    // The normal form, as of all names.
    for (body, id) in [("cafe\u{301}", "caf\u{e9}"), ("a\u{202E}b", "ab"), ("\u{FEFF}t-1", "t-1")] {
        assert_eq!(at_mel(body, &said("text/plain")).expect(body).entity.as_str(), id);
    }
    for body in ["", "\n", "t-1\n\n", "t-1\nt-2", "/x", "../t", "a\u{3164}b", "\u{FEFF}"] {
        let bad = at_mel(body, &said("text/plain")).expect_err(body);
        assert!(bad.text.starts_with("the text is not an id: "), "{body:?}: {}", bad.text);
    }
    let bad = read(&[0xff, 0xfe], &said(""), JobIx(1), &plan()).expect_err("no text");
    assert!(bad.text.starts_with("the text is not UTF-8"), "{}", bad.text);
}

#[test]
fn other_types_are_refused_with_those_that_are_read_and_what_is_too_large_is_not_looked_at() {
    let bad = at_mel("t-1", &said("image/png\u{1b}")).expect_err("a picture");
    let text = "the content type `image/png\\u{1b}` is not read; `text/plain` and `application/json` are";
    assert_eq!(bad.text, text);
    let huge = "[".repeat(MAX_MESSAGE_BYTES + 1);
    for kind in ["text/plain", "application/json", "x/y"] {
        let bad = at_mel(&huge, &said(kind)).expect_err("too large");
        assert_eq!(bad.text, "a message may have at most 65536 bytes, this one has 65537");
    }
}

#[test]
fn json_says_how_the_job_is_wanted() {
    let message = json(r#"{"entity": "t-1"}"#).expect("the least");
    assert_eq!(message.selection, super::message::starting_at(JobIx(1), &plan()));
    let message = json(r#"{"entity": "t-1", "mode": "bottom_up", "force": true, "ping": false}"#).expect("good");
    assert!(message.selection.bottom_up && message.selection.force == Force::Jobs(names(&["mel"])));
    let message = json(r#"{"entity": "t-1", "mode": "top_down", "force": true}"#).expect("good");
    assert_eq!(message.selection.force, Force::Jobs(names(&["mel", "card"])));
    let message = json(r#"{"force": true, "only": [], "entity": "t-1"}"#).expect("good");
    assert_eq!(message.selection.force, Force::Jobs(names(&["mel"])), "what `only` keeps out is not reached");
    let message = json(r#"{"entity": "t-1", "force": "all", "only": ["card", "card"]}"#).expect("good");
    assert_eq!((message.selection.force, message.selection.only), (Force::All, Some(names(&["card"]))));
    let message = json(r#"{"entity": "t-1", "force": ["pcm", "mel", "pcm"]}"#).expect("good");
    assert_eq!(message.selection.force, Force::Jobs(names(&["mel", "pcm"])));
    assert!(json(r#"{"entity": "t-1", "ping": true, "force": []}"#).expect("good").selection.ping);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let body =
        r#"{"entity": 1, "mode": "up", "force": "mel", "only": ["card", "crad"], "ping": null, "run": "x", "a\nb": 1}"#;
    let text = json(body).expect_err("seven problems");
    for part in [
        "`entity`: expected an id in quotes, got a number; ",
        "`mode`: expected \"top_down\" or \"bottom_up\", got \"up\"; ",
        "`force`: expected true, false, \"all\" or a list of jobs, got \"mel\"; ",
        "`only`: no job named `crad` in this graph; ",
        "`ping`: expected true or false, got null; ",
        "`run`: `x` is not a run id",
        "`a\\nb`: no such key; there are entity, mode, force, only, ping and run",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    for (body, problem) in [
        ("{}", "`entity` is missing"),
        ("[]", "an object such as"),
        ("nonsense", "not JSON as it is read"),
        (r#"{"entity": "t-1"} x"#, "trailing characters"),
        (r#"{"entity": "t-1", "entity": "t-2"}"#, "`entity` stands there twice"),
        (r#"{"entity": "t-1", "ping": true, "force": true}"#, "neither `bottom_up` nor `force`"),
        (r#"{"entity": "t-1", "ping": true, "mode": "bottom_up"}"#, "neither `bottom_up` nor `force`"),
        (r#"{"entity": "t-1", "only": [], "mode": "bottom_up"}"#, "passes nothing on"),
    ] {
        let text = json(body).expect_err(body);
        assert!(text.contains(problem), "{body}: {text}");
    }
    let many = (0..1000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",");
    assert!(json(&format!("{{{many}}}")).expect_err("unknown keys").ends_with("; and 993 more"));
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = format!("{{\"entity\": {}", "[".repeat(60_000));
    assert!(json(&deep).expect_err("too deep").contains("recursion limit"));
}

#[test]
fn the_header_names_the_run_and_a_body_that_names_another_is_refused() {
    let (one, other) = ("20261123-063012.345-1a2b3c4d", "20261123-063012.345-1a2b3c4e");
    let with = |header: &str, body: &str| {
        let said = ForeignProperties { content_type: "application/json".into(), run: Some(header.into()), id: None };
        at_mel(body, &said)
    };
    let body = format!("{{\"entity\": \"t-1\", \"run\": \"{one}\"}}");
    for message in [with(one, r#"{"entity": "t-1"}"#), with(one, &body), at_mel(&body, &said("application/json"))] {
        assert_eq!(message.expect("good").run, one.parse().ok());
    }
    let bad = with(other, &body).expect_err("two runs");
    assert_eq!(bad.text, format!("the header `run` says {other}, and the body says {one}"));
    let bad = with("yesterday", "{}").expect_err("two problems");
    assert!(bad.text.starts_with("the header `run`: `yesterday` is not a run id") && bad.text.contains("`entity` is"));
    assert_eq!(with(one, "{}").expect_err("no entity").run, one.parse().ok(), "a letter of that run");
}

#[test]
fn a_wish_is_a_message_like_that_of_a_run_which_starts_at_this_job() {
    let plan = plan();
    let publishing = PublishId { run: RunId::inbox_at(5), wave: 9 };
    let message = |body: &str| json(body).expect("good").message(&plan, publishing, 3).expect("a job of the graph");
    let down = message(r#"{"entity": "t-1", "only": ["card"]}"#);
    let Base::Down(wave) = &down.base else { panic!("{down:?}") };
    assert_eq!((wave.id, &wave.origins, &wave.only), (9, &names(&["mel"]), &Some(names(&["card"]))));
    assert_eq!((down.id, down.run, down.target.to_string()), (3, RunId::inbox_at(5), "mel(t-1)".to_owned()));
    let up = message(r#"{"entity": "t-1", "mode": "bottom_up", "run": "20261123-063012.345-1a2b3c4d"}"#);
    assert_eq!((up.base, up.run.to_string()), (Base::Stop, "20261123-063012.345-1a2b3c4d".to_owned()));
}

#[test]
fn only_what_is_forced_without_a_run_needs_one() {
    for (body, needs) in [
        (r#"{"entity": "t-1", "force": true}"#, true),
        (r#"{"entity": "t-1", "force": []}"#, false),
        (r#"{"entity": "t-1", "force": true, "run": "20261123-063012.345-1a2b3c4d"}"#, false),
        (r#"{"entity": "t-1"}"#, false),
    ] {
        assert_eq!(json(body).expect("good").needs_a_run(), needs, "{body}");
    }
}
