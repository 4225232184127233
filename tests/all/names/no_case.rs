//! A store that takes names for one that differ in case or in composition alone, as folders of Macs and of SMB do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName, decomposed_form};
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored, memory::MemoryStorage,
};
use euterpe_actors::template::NameRules;
use euterpe_engine::{Access, Engine, ForceNames, IdsFrom, Opening, RunRequest, Tally, Unwatched, builtin};
use euterpe_graph_file::{Surroundings, check_text};

use super::{GRAPH, all_are_made, content, corpus::names};

/// Keeps objects under the folded names, and remembers the names that they were given.
#[derive(Debug, Default)]
struct Folding {
    inner: MemoryStorage,
    given: Mutex<BTreeMap<String, String>>,
    /// Whether it says that it tells case, though it does not.
    lies: bool,
}

fn fold(path: &str) -> String {
    let upper: String = decomposed_form(path).chars().flat_map(char::to_uppercase).collect();
    upper.to_lowercase()
}

#[async_trait]
impl Storage for Folding {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.inner.look(&fold(path)).await
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.inner.open(&fold(path)).await
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        let placed = self.look(path).await?.and_then(|found| found.stamp);
        let named = self.is_named(path).await?;
        if let (Some(mine), Some(theirs)) = (&stamp, &placed)
            && mine.is_of_other(theirs)
            && !named
        {
            return Err(StorageError::new(StorageErrorKind::BadKey, "store", path, "another entity's output"));
        }
        self.given.lock().expect("no panic").entry(fold(path)).or_insert_with(|| path.to_owned());
        self.inner.store(&fold(path), content, stamp).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.given.lock().expect("no panic").remove(&fold(path));
        self.inner.remove(&fold(path)).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        let mut all = Page::default();
        self.given.lock().expect("no panic").values().filter(|path| path.starts_with(prefix)).for_each(|p| all.push(p));
        page(&all);
        Ok(())
    }

    fn place(&self) -> String {
        "folding".to_owned()
    }

    fn name_rules(&self) -> NameRules {
        NameRules { longest_segment: 255, tells_case: self.lies, ..NameRules::default() }
    }

    async fn is_named(&self, path: &str) -> Result<bool, StorageError> {
        Ok(self.given.lock().expect("no panic").get(&fold(path)).is_some_and(|given| given == path))
    }
}

/// Runs the graph over sources in memory and outputs in `out`.
async fn run(names: &[String], out: &Arc<Folding>) -> Tally {
    run_with(names, out, &ForceNames::None, IdsFrom::Sources).await
}

async fn run_with(names: &[String], out: &Arc<Folding>, force: &ForceNames, ids: IdsFrom) -> Tally {
    let sources = Arc::new(MemoryStorage::default());
    for name in names {
        let bytes = Content::Bytes(content(name).into());
        sources.store(&format!("{name}.json"), bytes, None).await.expect("stored");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let registry = builtin::registry();
    let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
    let graph = GRAPH.replace("SRC", "./src").replace("OUT", "./out");
    let plan = check_text(&graph, &folder.path().join("g.yaml"), surroundings).expect("a good graph");
    let store = |name: &str, store: Arc<dyn Storage>| (StoreName::new(name).expect("a name"), store);
    let stores = vec![store("src", sources), store("out", out.clone())];
    let opening = Opening { access: Access::Hold, stores, ..Opening::default() };
    let session = Engine::open(plan, &registry, &opening).expect("opened");
    let selection = session.selection(None, false, None, force, false).expect("a selection");
    let ids = session.ids(&selection, ids).expect("a source");
    let request = RunRequest { selection, ids, limit: None, max_dead: None, over: None };
    let ended = session.run(request, &Unwatched).await.expect("run");
    assert!(ended.ended.complete);
    ended.ended.tally
}

fn made(tally: &Tally) -> [u64; 2] {
    [tally.jobs.iter().map(|job| job.done).sum(), tally.jobs.iter().map(|job| job.dead).sum()]
}

#[actix::test]
async fn names_of_all_scripts_are_told_apart_in_a_store_that_does_not_tell_case() {
    let out = Arc::new(Folding::default());
    let mut names = names();
    names.extend(["Straße 1", "STRASSE 1", "strasse 1", "TWIN/x", "twin/x"].map(str::to_owned));
    let tally = run(&names, &out).await;
    assert_eq!(made(&tally), [2 * names.len() as u64, 0]);
    let mut outputs = BTreeMap::new();
    let given = out.given.lock().expect("no panic").clone();
    for path in given.into_values() {
        let bytes = out.open(&path).await.expect("made").content.read().expect("read").to_vec();
        let made: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        let id = made["x"]["x"]["id"].as_str().or(made["x"]["id"].as_str()).expect("an id").to_owned();
        if names[names.len() - 5..].contains(&id) {
            continue;
        }
        outputs.insert(path, bytes);
    }
    all_are_made(&outputs);
    assert_eq!(made(&run(&names, &out).await), [0, 0], "made again");
}

#[actix::test]
async fn outputs_of_former_versions_in_such_a_store_are_those_of_the_name_that_they_have() {
    let out = Arc::new(Folding::default());
    for job in ["a", "b"] {
        let bytes = Content::Bytes(content("of a former version").into());
        out.store(&format!("{job}/T.json"), bytes, None).await.expect("stored");
    }
    let tally = run(&["T".to_owned(), "t".to_owned()], &out).await;
    // `T` is there; `t` has the same name to the store, and is refused rather than taken for it.
    assert_eq!(made(&tally), [0, 2], "{tally:?}");
}

#[actix::test]
async fn a_store_that_does_not_tell_case_and_says_it_does_has_one_of_two_refused_by_name() {
    let out = Arc::new(Folding { lies: true, ..Folding::default() });
    let tally = run(&["T".to_owned(), "t".to_owned()], &out).await;
    assert_eq!(made(&tally), [2, 2], "{tally:?}");
    let whose = out.look("b/t.json").await.expect("looked").and_then(|found| found.stamp).and_then(|s| s.entity);
    let bytes = out.open("b/t.json").await.expect("made").content.read().expect("read");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    assert!(text.contains(&format!("\"{}\"", whose.expect("an entity"))), "{text}");
}

#[actix::test]
async fn what_is_forced_in_such_a_store_leaves_the_outputs_of_other_names_alone() {
    let out = Arc::new(Folding::default());
    let names = ["T".to_owned(), "t".to_owned()];
    assert_eq!(made(&run(&names, &out).await), [4, 0]);
    let there = out.given.lock().expect("no panic").clone();
    let capital = || IdsFrom::Named(vec![EntityId::new("T").expect("an id")]);
    assert_eq!(made(&run_with(&names, &out, &ForceNames::All, capital()).await), [2, 0]);
    assert_eq!(*out.given.lock().expect("no panic"), there);
    // What a former version made of `T` itself goes once it is made anew.
    let out = Arc::new(Folding::default());
    for job in ["a", "b"] {
        let job = JobName::new(job).expect("a name");
        let runs = Arc::new([(job.clone(), RunId::new(1, 0))].into());
        let (path, stamp) =
            (format!("{job}/T.json"), Stamp { job, entity: None, runs, hash: String::new(), making: None });
        out.store(&path, Content::Bytes(content("T").into()), Some(stamp)).await.expect("stored");
    }
    assert_eq!(made(&run_with(&names[..1], &out, &ForceNames::All, capital()).await), [2, 0]);
    let there: Vec<String> = out.given.lock().expect("no panic").values().cloned().collect();
    assert!(there.len() == 2 && there.iter().all(|path| path.contains("/T~")), "{there:?}");
}

#[test]
fn templates_that_differ_in_case_alone_are_refused_where_case_is_not_told() {
    let graph = |graph: &str| graph.replace("SRC", "./src").replace("OUT", "./out").replace("out:b/{id}", "out:A/{id}");
    let shared = GRAPH.replace("src:{id}.json", "out:in/{id}.json").replace("out:a/{id}", "out:IN/{id}");
    for (graph, says) in [(graph(GRAPH), "may be the same key as"), (graph(&shared), "may overwrite the source")] {
        for (lies, refused) in [(true, false), (false, true)] {
            let folder = tempfile::tempdir().expect("a folder");
            let registry = builtin::registry();
            let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
            let plan = check_text(&graph, &folder.path().join("g.yaml"), surroundings).expect("a good graph");
            let store = |name: &str, store: Arc<dyn Storage>| (StoreName::new(name).expect("a name"), store);
            let out = Folding { lies, ..Folding::default() };
            let stores = vec![store("src", Arc::new(MemoryStorage::default())), store("out", Arc::new(out))];
            let opened = Engine::open(plan, &registry, &Opening { stores, ..Opening::default() });
            match opened.map(drop) {
                Err(error) if refused => assert!(error.to_string().contains(says), "{error}"),
                opened => assert!(opened.is_ok() && !refused, "{opened:?}"),
            }
        }
    }
}
