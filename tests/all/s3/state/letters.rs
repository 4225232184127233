//! Many dead letters in a bucket: what is asked of it to list them, and to try those of one reason again.

use std::collections::BTreeMap;
use std::sync::Arc;

use euterpe_actors::state::StateStore;
use euterpe_testkit::letters::{FEW_REASON, REASONS, letters};

use super::super::run::Studio;
use super::super::server::{BUCKET, Server};
use super::keys;

const LETTERS: usize = 5_000;
const FEW: usize = 40;

/// A graph of one job in a bucket with these letters of it, and the sources of the few.
async fn studio() -> Studio {
    let graph = format!(
        "version: 1\ngraph: g\nstores: {{in: \"s3://{BUCKET}/in\", out: \"s3://{BUCKET}/out\"}}\njobs:\n  \
         mel: {{use: command, with: {{argv: [cp, \"{{input}}\", \"{{output}}\"]}}, in: {{x: \"in:{{id}}.txt\"}}, \
         out: \"out:mel/{{id}}.txt\"}}\n"
    );
    let studio = Studio::new(Server::memory(), &graph);
    studio.server.tell(&format!("seed in/t-0 .txt {FEW}"));
    studio.server.tell("seed in/x .txt 1");
    call(&studio, "run g.yaml x000000").ends(0); // finds out what the bucket promises
    studio.server.tell(&format!("letters state/g/ mel {LETTERS} {FEW}"));
    // One is kept as nodes do it, with the records that go with letters.
    let state = StateStore::new(Arc::new(studio.server.store("state/g")));
    state.keep_letter(&letters("mel", LETTERS, FEW).next().expect("one")).await.expect("kept");
    studio.server.tell("forget");
    studio
}

fn call(studio: &Studio, words: &str) -> crate::cli::Called {
    studio.call(&format!("{words} --state s3://{BUCKET}/state"))
}

/// How many pages of listings were asked for, and how many requests of other kinds.
fn counted(asked: &BTreeMap<String, u64>) -> (usize, usize) {
    let pages = asked.get("ListObjectsV2").copied().unwrap_or(0);
    (pages as usize, (asked.values().sum::<u64>() - pages) as usize)
}

const PAGES: usize = LETTERS.div_ceil(1000);

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_letters_takes_a_request_for_a_thousand_and_reads_its_examples() {
    let studio = studio().await;
    let told = call(&studio, "dead ls g.yaml").ends(0).out;
    assert!(told.contains(&format!("mel: {FEW} {FEW_REASON}")), "{told}");
    let asked = studio.server.asked();
    let (pages, others) = counted(&asked);
    let read = studio.server.touched("state/g/dead/").len();
    assert_eq!(read, 3 * REASONS.len(), "three examples of each reason");
    // A page is of the outputs, of which there is one; six requests are to begin, three of them about the bucket itself.
    assert!(pages <= PAGES + 2 && others <= read + 10, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_one_reason_asks_for_no_letter_of_another() {
    let studio = studio().await;
    let mut before = keys(&studio.server, "state/g/dead").await;
    before.sort_unstable();
    let end = format!("~{FEW_REASON}.json");
    let (few, others): (Vec<String>, Vec<String>) = before.into_iter().partition(|key| key.ends_with(&end));
    assert_eq!((few.len(), others.len()), (FEW, LETTERS - FEW));
    studio.server.tell("forget");
    let told = call(&studio, &format!("dead retry g.yaml --reason {FEW_REASON}")).ends(0).out;
    assert!(told.contains(&format!("{FEW} jobs of entities tried again")), "{told}");
    let (asked, touched) = (studio.server.asked(), studio.server.touched("state/g/dead/"));
    let prefixed = |keys: &[String]| keys.iter().map(|key| format!("state/g/dead/{key}")).collect::<Vec<_>>();
    assert_eq!(touched, prefixed(&few), "other letters, or not all of these");
    assert_eq!(studio.server.touched("out/mel/").len(), FEW);
    // All letters of the run are listed to find these, and before and after the work. Of the work for each, six are looks at keys, two
    // at the bucket, since a look that finds nothing does not say whether the bucket is there.
    let (pages, requests) = counted(&asked);
    assert!(pages <= 3 * PAGES + 5 && requests <= 14 * FEW + 10, "{asked:?}");
    let mut left = keys(&studio.server, "state/g/dead").await;
    left.sort_unstable();
    assert!(left == others, "{} letters are left of {}", left.len(), others.len());
}
