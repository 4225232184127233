//! Records of the state that cannot be read: named, passed over, kept, and never taken for something done.

mod support;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, SetupDigest, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{
    DeadLetter, GivenUp, IdSum, LetterFilter, RunEnd, Selection, SkipRecord, StateStore, chunk_key, manifest_key,
};
use euterpe_actors::storage::{Content, Object, Storage, StorageError, StorageErrorKind, memory::MemoryStorage};
use support::wrapped::{Change, Wrapped};

const RUN: RunId = RunId::new(5, 0);

fn target(entity: &str) -> Target {
    Target { job: JobName::new("mel").expect("a name"), entity: EntityId::new(entity).expect("an id") }
}

fn letter(entity: &str, reason: Reason) -> DeadLetter {
    let message = EntityMessage::new(1, RUN, target(entity), Default::default(), Base::Stop);
    let why = GivenUp { job: &target(entity).job, node: "n", millis: 1, reason, text: "no".into() };
    DeadLetter::of_work(&message, why)
}

fn state() -> (StateStore, Arc<MemoryStorage>) {
    let storage = Arc::new(MemoryStorage::default());
    (StateStore::new(storage.clone()), storage)
}

async fn put(storage: &MemoryStorage, key: &str, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    storage.store(key, Content::Bytes(bytes), None).await.expect("stored");
}

fn entities(state: &[(String, DeadLetter)]) -> Vec<&str> {
    state.iter().map(|(_, letter)| letter.entity.as_str()).collect()
}

#[tokio::test]
async fn a_letter_that_cannot_be_read_hides_no_other_and_stays() {
    for text in ["", "{\"run\":", "{\"reason\": \"cosmic_ray\"}", "[]"] {
        let (state, storage) = state();
        let torn = state.keep_letter(&letter("t-1", Reason::Failed)).await.expect("kept");
        state.keep_letter(&letter("t-2", Reason::Failed)).await.expect("kept");
        put(&storage, &torn, text).await;
        put(&storage, "dead/stray.txt", "a note").await;
        let found = state.letters(&LetterFilter::default()).await.expect("read");
        assert_eq!(entities(&found), ["t-2"], "{text:?}");
        assert_eq!(state.unreadable().keys().collect::<Vec<_>>(), [&torn, "dead/stray.txt"], "{text:?}");
        assert!(state.has(&torn).await.expect("looked"), "it was removed");
    }
}

#[tokio::test]
async fn every_kind_of_record_that_cannot_be_read_is_found_and_none_is_taken_for_another_answer() {
    let (state, storage) = state();
    let skip = SkipRecord {
        run: RUN,
        job: target("t-1").job,
        entity: target("t-1").entity,
        reason: Reason::Dropped,
        text: "no".into(),
        settings: 1,
        recipe: None,
        inputs: None,
        millis: 1,
    };
    let skip = state.keep_skip(&skip).await.expect("kept");
    let end = RunEnd { millis: 1, complete: true, entities: 1, jobs: Default::default(), slowest: Vec::new() };
    state.end_run(RUN, &end).await.expect("kept");
    state.add_entities(RUN, 0, &[target("t-1").entity]).await.expect("kept");
    let whole = state.find_unreadable().await.expect("read");
    assert!(whole.is_empty(), "{whole:?}");
    let torn = [manifest_key(RUN), format!("runs/{RUN}/end.json"), chunk_key(RUN, 0), skip];
    for key in &torn {
        put(&storage, key, "{").await;
    }
    assert_eq!(state.manifest(RUN).await.expect("passed over"), None);
    assert_eq!(state.run_end(RUN).await.expect("passed over"), None);
    assert_eq!(state.skip_of(&target("t-1"), 1).await.expect("passed over"), None);
    assert_eq!(state.runs().await.expect("listed"), [RUN], "it is no run any more");
    let mut torn = torn.to_vec();
    torn.sort_unstable();
    assert_eq!(state.find_unreadable().await.expect("read").into_keys().collect::<Vec<_>>(), torn);
}

#[tokio::test]
async fn a_record_of_a_newer_format_is_named_passed_over_and_kept_although_it_would_parse() {
    let (state, storage) = state();
    let mut keys = vec![state.keep_letter(&letter("t-1", Reason::Failed)).await.expect("kept")];
    let end = RunEnd { millis: 1, complete: true, entities: 1, jobs: Default::default(), slowest: Vec::new() };
    state.end_run(RUN, &end).await.expect("kept");
    state.close_entities(RUN, 1, IdSum::default()).await.expect("kept");
    state.keep_name(&target("t-1").entity, "t-1\u{200e}").await.expect("kept");
    keys.extend([format!("runs/{RUN}/end.json"), format!("runs/{RUN}/read.json"), "names/t-1.json".into()]);
    let mut newer = Vec::new();
    for (key, format) in keys.iter().zip(["3", "3", "18446744073709551616", "\"two\""]) {
        let Content::Bytes(bytes) = storage.open(key).await.expect("there").content else { panic!("held in memory") };
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let own = if key.starts_with("dead/") { 2 } else { 1 };
        assert!(text.starts_with(&format!("{{\n  \"format\": {own},")), "{key}: {text}");
        newer.push(text.replace(&format!("\"format\": {own}"), &format!("\"format\": {format}")));
        put(&storage, key, newer.last().expect("one")).await;
    }
    assert!(state.letters(&LetterFilter::default()).await.expect("read").is_empty());
    assert_eq!(state.run_end(RUN).await.expect("read"), None);
    assert!(!state.has_all_entities(RUN).await.expect("read"));
    state.keep_name(&target("t-1").entity, "t-1\u{200f}").await.expect("noted");
    let found = state.find_unreadable().await.expect("read");
    assert_eq!(found.keys().collect::<BTreeSet<_>>(), keys.iter().collect::<BTreeSet<_>>());
    let why = format!("could not read `{}`: written by a newer euterpe (format 3), this one reads up to 2", keys[0]);
    assert_eq!(found[&keys[0]], why);
    for (key, text) in keys.iter().zip(newer) {
        let Content::Bytes(bytes) = storage.open(key).await.expect("there").content else { panic!("held in memory") };
        assert_eq!(bytes, text.as_bytes(), "{key} was written over");
    }
}

#[tokio::test]
async fn what_a_former_version_wrote_without_a_format_is_read() {
    let (state, storage) = state();
    let text = serde_json::to_string(&letter("t-1", Reason::Failed)).expect("JSON");
    put(&storage, &format!("dead/{RUN}/mel/t-1/0123456789abcdef.json"), &text).await;
    put(&storage, &format!("runs/{RUN}/entities/00000000.txt"), "t-1\nt-2\n").await;
    put(&storage, &format!("runs/{RUN}/read.json"), "{\"entities\": 1}").await;
    let superseded = serde_json::json!([SetupDigest::default().to_string()]).to_string();
    put(&storage, &format!("runs/{RUN}/superseded.json"), &superseded).await;
    assert_eq!(entities(&state.letters(&LetterFilter::default()).await.expect("read")), ["t-1"]);
    let chunks = state.chunks(RUN).await.expect("listed");
    assert_eq!(state.chunk(&chunks[0]).await.expect("read"), [target("t-1").entity, target("t-2").entity]);
    assert!(state.has_all_entities(RUN).await.expect("read"));
    assert!(state.is_superseded(RUN, SetupDigest::default()).await.expect("read"));
    assert!(state.unreadable().is_empty(), "{:?}", state.unreadable());
}

#[tokio::test]
async fn every_message_of_one_body_that_cannot_be_read_is_counted() {
    let (state, _) = state();
    let unreadable = |node: &'static str, body: &[u8]| {
        let why = GivenUp { job: &target("t").job, node, millis: 1, reason: Reason::Malformed, text: "no".into() };
        DeadLetter::of_unreadable(body, None, None, why)
    };
    let letters = [unreadable("n", b"{"), unreadable("n", b"{"), unreadable("m", b"{"), unreadable("n", b"}")];
    let kept = futures::future::join_all(letters.iter().map(|letter| state.keep_letter(letter))).await;
    assert!(kept.iter().all(Result::is_ok));
    let found = state.letters(&LetterFilter::default()).await.expect("read");
    let mut times: Vec<(&str, &str, u64)> = found
        .iter()
        .map(|(_, letter)| (letter.node.as_str(), letter.body.as_deref().unwrap_or_default(), letter.times))
        .collect();
    times.sort_unstable();
    assert_eq!(times, [("m", "{", 1), ("n", "{", 2), ("n", "}", 1)]);
}

#[tokio::test]
async fn a_chunk_that_was_cut_within_an_id_is_not_read_as_another_id() {
    let (state, storage) = state();
    let ids: Vec<EntityId> = (0..1000).map(|n| target(&format!("t-{n}")).entity).collect();
    state.add_entities(RUN, 0, &ids).await.expect("kept");
    let key = chunk_key(RUN, 0);
    assert_eq!(state.chunk(&key).await.expect("whole"), ids);
    let Content::Bytes(packed) = storage.open(&key).await.expect("there").content else { panic!("held in memory") };
    assert!(packed.len() < 3000, "{} bytes for 1,000 ids", packed.len());
    let former = key.trim_end_matches(".gz");
    let mut flipped = packed.to_vec();
    flipped[packed.len() / 2] ^= 1;
    let cut: [(&str, &[u8]); 6] = [
        (former, b"t-1\nt-2"),
        (former, b""),
        (former, b"t-1\n\nt-2\n"),
        (&key, b"t-1\nt-2\n"),
        (&key, &packed[..packed.len() - 1]),
        (&key, &flipped),
    ];
    for (key, cut) in cut {
        storage.store(key, Content::Bytes(Bytes::copy_from_slice(cut)), None).await.expect("stored");
        let error = state.chunk(key).await.expect_err("damaged");
        assert_eq!(error.kind, StorageErrorKind::Unreadable, "{key} {cut:?}: {error}");
        assert!(!error.is_trouble(), "nobody waits for it");
    }
}

#[tokio::test]
async fn killers_are_known_without_the_other_letters_also_those_of_a_former_version() {
    let (state, storage) = state();
    assert!(!state.has_killers().await.expect("known"));
    let killer = state.keep_letter(&letter("t-1", Reason::KilledWorker)).await.expect("kept");
    assert!(state.has_killers().await.expect("known"));
    // The same work fails otherwise now: another letter takes the place of that one.
    state.keep_letter(&letter("t-1", Reason::Failed)).await.expect("kept");
    assert!(!state.has(&killer).await.expect("looked") && !state.has_killers().await.expect("known"));
    let killer = state.keep_letter(&letter("t-1", Reason::KilledWorker)).await.expect("kept");
    assert!(state.has_killers().await.expect("known"));
    state.remove(&killer).await.expect("removed");
    assert!(!state.has_killers().await.expect("known"), "its letter is gone");
    // A former version kept letters and no marks.
    let former = letter("t-2", Reason::KilledWorker);
    let former_key = format!("dead/{RUN}/mel/t-2/0123456789abcdef.json");
    put(&storage, &former_key, &serde_json::to_string(&former).expect("text")).await;
    storage.remove("killed/known").await.expect("removed");
    assert!(state.has_killers().await.expect("known"), "a letter of a former version was not looked at");
    assert!(state.has_killers().await.expect("known"));
}

/// A state in which another node records something between a look at the record and the write.
#[derive(Debug)]
struct Met {
    within: Arc<MemoryStorage>,
    other: Mutex<Option<SkipRecord>>,
}

#[async_trait]
impl Change for Met {
    fn within(&self) -> &dyn Storage {
        &*self.within
    }
    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        let seen = self.within.open(path).await;
        let other = self.other.lock().expect("whole").take();
        if let Some(other) = other {
            StateStore::new(self.within.clone()).keep_skip(&other).await?;
        }
        seen
    }
}

#[tokio::test]
async fn a_skip_that_two_nodes_record_at_once_accounts_for_the_later_run() {
    let skip = |run: RunId| SkipRecord {
        run,
        job: target("t-1").job,
        entity: target("t-1").entity,
        reason: Reason::Declined,
        text: "no".into(),
        settings: 1,
        recipe: None,
        inputs: None,
        millis: 1,
    };
    let later = RunId::new(6, 0);
    let within = Arc::new(MemoryStorage::default());
    let state =
        StateStore::new(Arc::new(Wrapped(Met { within: within.clone(), other: Mutex::new(Some(skip(later))) })));
    let key = state.keep_skip(&skip(RUN)).await.expect("kept");
    let kept = state.skip_of(&target("t-1"), 1).await.expect("read").expect("it is there");
    assert_eq!(kept.run, later, "the later run has no account of the target any more");
    // A torn record under the stamp of a later run holds nobody up.
    let stamp = within.look(&key).await.expect("looked").and_then(|found| found.stamp);
    within.store(&key, Content::Bytes(Bytes::from_static(b"{")), stamp).await.expect("stored");
    state.keep_skip(&skip(RUN)).await.expect("kept");
    assert_eq!(state.skip_of(&target("t-1"), 1).await.expect("read").expect("it is there").run, later);
}

#[test]
fn what_a_selection_names_and_the_graph_has_no_more_is_named() {
    use euterpe_actors::accounting::{gone_jobs, is_taken};
    use euterpe_actors::message::Force;
    use euterpe_actors::plan::NodePlan;
    let plan = NodePlan::new(Vec::new());
    let job = |name: &str| JobName::new(name).expect("a name");
    let selection = Selection {
        job: Some(job("b")),
        only: Some(vec![job("c"), job("b")]),
        force: Force::Jobs(vec![job("a")]),
        ..Selection::default()
    };
    assert_eq!(gone_jobs(&plan, &selection), [job("a"), job("b"), job("c")]);
    assert!(!is_taken(&plan, &selection, &target("t-1").entity));
    assert!(!is_taken(&plan, &Selection::default(), &target("t-1").entity));
    assert!(gone_jobs(&plan, &Selection { ping: true, ..selection }).is_empty(), "a ping asks for no job");
}
