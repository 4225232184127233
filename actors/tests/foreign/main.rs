//! What other programs publish, brought to its end by a real node over the embedded broker.

mod bench;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::Ordering;

use bench::{job, key, with_node};
use euterpe_actors::broker::ForeignProperties;
use euterpe_actors::ids::RunId;
use euterpe_actors::outcome::{Outcome, Reason};
use euterpe_actors::state::{LetterFilter, LetterOwner};

const RUN: &str = "20261123-063012.345-1a2b3c4d";

#[test]
fn text_makes_what_the_job_needs_and_what_comes_below_and_nothing_beside() {
    with_node(|bench| async move {
        bench.text("mel", "artist/t-1\n").await;
        assert_eq!(bench.outputs().await, ["card/artist/t-1", "mel/artist/t-1", "pcm/artist/t-1"]);
        assert_eq!((bench.started("mel"), bench.started("loudness")), (1, 0));
        assert!(bench.runs("card").iter().all(|run| run.is_inbox()));
        assert!(bench.letters().await.is_empty());
    });
}

#[test]
fn json_makes_one_output_from_the_bottom_or_limits_how_far_it_is_passed_on() {
    with_node(|bench| async move {
        bench.json("mel", r#"{"entity": "t-1", "mode": "bottom_up"}"#).await;
        assert_eq!(bench.outputs().await, ["mel/t-1", "pcm/t-1"]);
        bench.json("pcm", r#"{"entity": "t-2", "only": ["loudness"]}"#).await;
        assert_eq!(bench.outputs().await, ["loudness/t-2", "mel/t-1", "pcm/t-1", "pcm/t-2"]);
        bench.json("pcm", r#"{"entity": "t-3", "ping": true}"#).await;
        assert_eq!(bench.ended("card"), [Outcome::Ping]);
        assert_eq!(bench.outputs().await.len(), 4, "a ping did work");
    });
}

#[test]
fn a_forced_message_redoes_this_job_from_the_bottom_and_what_it_reaches_from_the_top() {
    with_node(|bench| async move {
        bench.text("pcm", "t-1").await;
        bench.json("mel", r#"{"entity": "t-1", "mode": "bottom_up", "force": true}"#).await;
        assert_eq!(["pcm", "mel", "card", "loudness"].map(|name| bench.started(name)), [1, 2, 1, 1]);
        bench.json("mel", r#"{"entity": "t-1", "force": true}"#).await;
        assert_eq!(["pcm", "mel", "card", "loudness"].map(|name| bench.started(name)), [1, 3, 2, 1]);
        bench.json("card", r#"{"entity": "t-1", "mode": "bottom_up", "force": ["pcm", "mel"]}"#).await;
        assert_eq!(["pcm", "mel", "card", "loudness"].map(|name| bench.started(name)), [2, 4, 3, 1]);
        bench.json("card", r#"{"entity": "t-1", "mode": "bottom_up", "force": "all"}"#).await;
        assert_eq!(["pcm", "mel", "card", "loudness"].map(|name| bench.started(name)), [3, 5, 4, 1]);
        bench.json("mel", r#"{"entity": "t-1", "force": false}"#).await;
        assert_eq!(bench.started("mel"), 5);
    });
}

#[test]
fn the_same_body_published_again_makes_again_what_was_deleted_since_at_any_depth() {
    with_node(|bench| async move {
        for said in [
            ForeignProperties::default(),
            ForeignProperties { id: Some("always the same".into()), ..ForeignProperties::default() },
        ] {
            bench.publish("pcm", "t-1", said.clone()).await;
            let whole = bench.outputs().await;
            assert_eq!(whole.len(), 4);
            bench.ended("card");
            bench.publish("pcm", "t-1", said.clone()).await;
            assert_eq!(bench.ended("card"), [Outcome::Exists], "the children were not told");
            for gone in ["card/t-1", "mel/t-1", "pcm/t-1"] {
                bench.delete(gone).await;
                bench.publish("pcm", "t-1", said.clone()).await;
                assert_eq!(bench.outputs().await, whole, "{gone} was not made again");
            }
        }
        assert_eq!(["pcm", "mel", "card", "loudness"].map(|name| bench.started(name)), [3, 3, 3, 1]);
    });
}

#[test]
fn what_a_later_run_saw_does_not_answer_a_message_of_the_inbox() {
    with_node(|bench| async move {
        let later = RunId::new(32_000_000_000_000, 1);
        for path in ["pcm/t-1", "mel/t-1", "card/t-1", "loudness/t-1"] {
            bench.presence.learn(&key(path), later); // and was deleted since
            assert!(bench.presence.knows(&key(path), later));
        }
        bench.text("pcm", "t-1").await;
        assert_eq!(bench.outputs().await, ["card/t-1", "loudness/t-1", "mel/t-1", "pcm/t-1"]);
    });
}

#[test]
fn a_forced_message_that_is_delivered_again_is_worked_on_once() {
    with_node(|bench| async move {
        bench.text("mel", "t-1").await;
        bench.ended("mel");
        bench.forgets.store(true, Ordering::SeqCst);
        let body = r#"{"entity": "t-1", "mode": "bottom_up", "force": true}"#;
        bench.json("mel", body).await;
        // The envelope was taken and not confirmed, so the body came again, and with it a second envelope of that run.
        let mut ended = bench.ended("mel");
        ended.sort();
        assert_eq!(ended, [Outcome::Done, Outcome::Exists, Outcome::HandedOver]);
        assert_eq!(bench.started("mel"), 2, "the redelivery was worked on too");
        bench.json("mel", body).await;
        let runs = bench.runs("mel");
        assert_eq!(runs.len(), 3, "what was published again was taken for the first");
        assert!(runs[0] < runs[1] && runs[1] < runs[2], "{runs:?}");
    });
}

#[test]
fn a_forced_message_that_its_publisher_repeats_under_one_name_is_worked_on_once() {
    with_node(|bench| async move {
        let said =
            |id: &str| ForeignProperties { content_type: "application/json".into(), run: None, id: Some(id.into()) };
        let body = r#"{"entity": "t-1", "mode": "bottom_up", "force": true}"#;
        for _ in 0..3 {
            bench.publish("mel", body, said("m-1")).await;
        }
        assert_eq!(bench.started("mel"), 1);
        bench.publish("mel", body, said("m-2")).await;
        assert_eq!(bench.started("mel"), 2);
    });
}

#[test]
fn a_forced_message_that_names_a_run_is_worked_on_once_in_that_run() {
    with_node(|bench| async move {
        let said = ForeignProperties { content_type: "application/json".into(), run: Some(RUN.into()), id: None };
        let body = r#"{"entity": "t-1", "mode": "bottom_up", "force": true}"#;
        for _ in 0..3 {
            bench.publish("mel", body, said.clone()).await;
        }
        assert_eq!(bench.runs("mel"), [RUN.parse().expect("a run")]);
        assert!(!bench.ended("mel").contains(&Outcome::HandedOver));
    });
}

#[test]
fn a_run_of_the_future_is_refused_and_one_that_is_a_little_ahead_is_not() {
    with_node(|bench| async move {
        let said = |run: &str| ForeignProperties { run: Some(run.into()), ..ForeignProperties::default() };
        bench.publish("mel", "t-1", said("29261123-063012.345-1a2b3c4d")).await;
        bench.json("mel", r#"{"entity": "t-1", "run": "29261123-063012.345-1a2b3c4d"}"#).await;
        assert_eq!(bench.ended("mel"), [Outcome::Malformed; 2]);
        let letters = bench.letters().await;
        assert!(letters.len() == 2 && bench.outputs().await.is_empty(), "{letters:?}");
        for (key, letter) in letters {
            assert!(key.starts_with("dead/inbox/") && letter.text.contains("is in the future"), "{key} {letter:?}");
        }
        let soon = RunId::new(bench::now() + 3_000_000, 7);
        bench.publish("mel", "t-1", said(&soon.to_string())).await;
        assert_eq!(bench.runs("mel"), [soon]);
    });
}

#[test]
fn what_is_forced_is_redone_over_a_stamp_of_the_future_once_and_with_a_stamp_of_its_own() {
    with_node(|bench| async move {
        let future: RunId = "29261123-063012.345-1a2b3c4d".parse().expect("a run");
        for (ahead, force) in [(future, "true"), (RunId::new(bench::now() + 7_200_000, 7), r#""all""#)] {
            for name in ["pcm", "mel"] {
                bench.stamp(name, ahead).await;
            }
            let before = bench.started("mel");
            bench.json("mel", r#"{"entity": "t-1", "mode": "bottom_up"}"#).await;
            assert_eq!(bench.started("mel"), before, "nothing was forced");
            let body = format!(r#"{{"entity": "t-1", "mode": "bottom_up", "force": {force}}}"#);
            bench.json("mel", &body).await;
            assert_eq!(bench.started("mel"), before + 1, "forced over {ahead}");
            let stamped = bench.stamped("mel").await.expect("a stamp");
            assert!(stamped.is_inbox() && stamped < ahead, "{stamped}");
            for name in ["pcm", "mel"] {
                bench.delete(&format!("{name}/t-1")).await;
            }
        }
    });
}

#[test]
fn what_cannot_be_read_ends_as_a_letter_with_its_start_its_type_and_the_reason() {
    with_node(|bench| async move {
        let long = format!("../{}", "x".repeat(5000));
        bench.text("mel", &long).await;
        bench
            .publish(
                "mel",
                "\u{89}PNG",
                ForeignProperties { content_type: "image/png".into(), ..ForeignProperties::default() },
            )
            .await;
        bench.json("card", r#"{"entity": "t-1", "mood": "bottom_up"}"#).await;
        let run = ForeignProperties { content_type: "application/json".into(), run: Some(RUN.into()), id: None };
        bench.publish("card", "{", run).await;
        assert_eq!(
            (bench.ended("mel"), bench.ended("card")),
            (vec![Outcome::Malformed; 2], vec![Outcome::Malformed; 2])
        );
        let of = |origin| LetterFilter { run: Some(origin), ..LetterFilter::default() };
        let inbox = bench.state.letters(&of(LetterOwner::Inbox)).await.expect("memory answers");
        assert_eq!(inbox.len(), 3);
        assert!(inbox.iter().all(|(key, letter)| {
            key.starts_with("dead/inbox/") && letter.reason == Reason::Malformed && letter.message.is_none()
        }));
        let mood =
            inbox.iter().find(|(_, letter)| letter.job == job("card")).map(|(_, letter)| letter).expect("a letter");
        assert!(mood.text.starts_with("`mood`: no such key"), "{}", mood.text);
        assert_eq!(mood.content_type.as_deref(), Some("application/json"));
        let start = inbox.iter().filter_map(|(_, letter)| letter.body.as_ref()).map(String::len).max();
        assert_eq!(start, Some(1024));
        let named =
            bench.state.letters(&of(LetterOwner::Run(RUN.parse().expect("a run")))).await.expect("memory answers");
        assert_eq!(named.len(), 1, "it named a run");
        assert!(bench.outputs().await.is_empty());
    });
}

#[test]
fn what_failed_for_good_is_tried_anew_when_it_is_published_again_and_leaves_one_letter() {
    with_node(|bench| async move {
        bench.fails.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            bench.text("loudness", "t-1").await;
        }
        assert_eq!(bench.started("loudness"), 3);
        let letters = bench.letters().await;
        assert_eq!(letters.len(), 1, "{letters:#?}");
        assert!(letters[0].0.starts_with("dead/inbox/loudness/") && letters[0].0.contains("/t-1~"), "{}", letters[0].0);
        bench.fails.store(false, Ordering::SeqCst);
        bench.text("loudness", "t-1").await;
        assert_eq!(bench.outputs().await, ["loudness/t-1", "pcm/t-1"]);
    });
}
