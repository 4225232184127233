//! Nodes and runs that mean something else by the same words: a node works only on messages whose publisher means the same.

#[path = "../support/mod.rs"]
mod support;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::broker::in_process::InProcess;
use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Outcome;
use euterpe_actors::pool::Drain;
use euterpe_actors::setup::{Setup, StoreIdentity};
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Content, Page, Storage, StorageError, StorageErrorKind, memory::MemoryStorage};
use support::wrapped::{Change, Wrapped};
use world::{Differs, ENTITIES, Ledger, RUN, World, name, plan, store};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    NodesFirst,
    RunFirst,
    OtherNodeInMidRun,
}

/// A run with a node that fits it and one that does not: what each of them did, and how many outputs of `mel` there are.
fn run(differs: Differs, order: Order) -> (Arc<Ledger>, Arc<Ledger>, usize) {
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let mine = World::new();
        let theirs = mine.other(differs);
        let broker = InProcess::new(mine.plan.jobs.iter().map(|job| job.name.clone()));
        if order == Order::RunFirst {
            mine.publish(&broker, 0..ENTITIES).await;
        }
        let (other, others) = match order {
            Order::OtherNodeInMidRun => (None, None),
            _ => theirs.node(&broker, 2).await.into_some(),
        };
        let (node, fitting) = mine.node(&broker, 1).await;
        if order != Order::RunFirst {
            mine.publish(&broker, 0..ENTITIES).await;
        }
        let (other, others) = match (other, others) {
            (Some(other), Some(others)) => (other, others),
            _ => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                theirs.node(&broker, 2).await
            }
        };
        broker.settled_to(0).await;
        for node in [node, other] {
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        }
        let made = mine.outputs("mel").await;
        (fitting, others, made)
    })
}

trait IntoSome<A, B> {
    fn into_some(self) -> (Option<A>, Option<B>);
}

impl<A, B> IntoSome<A, B> for (A, B) {
    fn into_some(self) -> (Option<A>, Option<B>) {
        (Some(self.0), Some(self.1))
    }
}

#[test]
fn whatever_differs_and_whoever_comes_first_a_fitting_node_does_all_the_work() {
    for differs in [Differs::Store, Differs::Template, Differs::Names, Differs::Recipe, Differs::State] {
        for order in [Order::NodesFirst, Order::RunFirst, Order::OtherNodeInMidRun] {
            let (fitting, other, made) = run(differs, order);
            assert_eq!(made, ENTITIES, "{differs:?}, {order:?}");
            let by_other: BTreeSet<JobName> = other.started().into_iter().map(|target| target.job).collect();
            // Another `mel` is no other `wav`: that job both can do.
            let allowed = if differs == Differs::Recipe { BTreeSet::from([name("wav")]) } else { BTreeSet::new() };
            assert!(by_other.is_subset(&allowed), "{differs:?}, {order:?}: {by_other:?}");
            let mels = fitting.started().into_iter().filter(|target| target.job == name("mel"));
            assert_eq!(mels.collect::<BTreeSet<_>>().len(), ENTITIES, "{differs:?}, {order:?}");
            let told = other.told.lock().expect("whole");
            let jobs: BTreeSet<&str> = told.iter().filter_map(|line| line.split(':').next()).collect();
            assert_eq!(told.len(), jobs.len(), "told once for each job: {told:?}");
        }
    }
}

#[test]
fn two_nodes_that_mean_the_same_share_the_work() {
    let (one, two, made) = run(Differs::Nothing, Order::RunFirst);
    assert_eq!(made, ENTITIES);
    assert!(!one.started().is_empty() && !two.started().is_empty());
    assert!(one.told.lock().expect("whole").is_empty() && two.told.lock().expect("whole").is_empty());
}

#[test]
fn without_a_fitting_node_nothing_is_made_and_it_is_told_why() {
    let because = [
        (Differs::Store, "another place for `d`: /mnt/there here, /mnt/here there"),
        (Differs::Template, "another graph: `mel` differs in its ids, inputs or outputs"),
        (Differs::Names, "another graph: `mel`, `wav` differ in their ids, inputs or outputs"),
        (Differs::State, "its records lie elsewhere"),
        (Differs::Empty, "nothing in `d` here (/mnt/here), and something there: is its disk mounted?"),
    ];
    for (differs, why) in because {
        actix::System::new().block_on(async move {
            tokio::time::pause();
            let mine = World::new();
            let theirs = mine.other(differs);
            let broker = InProcess::new(mine.plan.jobs.iter().map(|job| job.name.clone()));
            let (node, ledger) = theirs.node(&broker, 2).await;
            mine.publish(&broker, 0..1).await;
            tokio::time::sleep(Duration::from_secs(600)).await;
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
            assert!(ledger.started().is_empty());
            assert_eq!(broker.open(), 1, "it still waits for a node that fits");
            let told = ledger.told.lock().expect("whole");
            let text = format!("wav: run {RUN} means something else: {why}; start nodes o");
            assert!(told.len() == 1 && told[0].starts_with(&text), "{told:?}");
        });
    }
}

#[test]
fn a_node_whose_store_held_nothing_when_it_began_works_once_there_is_something() {
    actix::System::new().block_on(async {
        tokio::time::pause();
        let mine = World::new();
        let theirs = mine.other(Differs::Empty);
        assert_ne!(theirs.setup.digest, mine.setup.digest, "then nobody would compare");
        let broker = InProcess::new(mine.plan.jobs.iter().map(|job| job.name.clone()));
        let (node, ledger) = theirs.node(&broker, 2).await;
        mine.publish(&broker, 0..3).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(ledger.started().is_empty());
        theirs.objects.store("x", Content::Bytes(Bytes::from_static(b"x")), None).await.expect("stored");
        broker.settled_to(0).await;
        assert_eq!(theirs.outputs("mel").await, 3);
        // Whoever published over an empty store means no other one.
        theirs.publish(&broker, 3..6).await;
        broker.settled_to(0).await;
        assert_eq!(theirs.outputs("mel").await, 6);
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
    });
}

/// May be read, and not listed.
#[derive(Debug, Default)]
struct Unlisted(MemoryStorage);

#[async_trait]
impl Change for Unlisted {
    fn within(&self) -> &dyn Storage {
        &self.0
    }
    async fn list(
        &self,
        prefix: &str,
        _: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        Err(StorageError::new(StorageErrorKind::Denied, "list", prefix, "not allowed"))
    }
}

#[tokio::test]
async fn of_a_store_that_may_not_be_listed_nobody_knows_that_it_is_empty() {
    let store = Wrapped(Unlisted::default());
    assert!(!StoreIdentity::of_read(&store).await.expect("read").is_empty);
}

/// A run that was resumed under another graph: what it had in the queues before has no meaning any more, and would else
/// go round for ever.
#[test]
fn what_a_resumed_run_published_before_is_let_go() {
    actix::System::new().block_on(async {
        tokio::time::pause();
        let before = World::new();
        let after = before.other(Differs::Template);
        let broker = InProcess::new(before.plan.jobs.iter().map(|job| job.name.clone()));
        before.publish(&broker, 0..3).await;
        let state = StateStore::new(before.state.clone());
        let (node, ledger) = after.node(&broker, 1).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(broker.open(), 3);
        state.supersede(RUN, after.setup.digest).await.expect("recorded");
        after.publish(&broker, 0..3).await;
        broker.settled_to(0).await;
        assert_eq!(after.outputs("mel2").await, 3);
        assert_eq!(ledger.outcomes.lock().expect("whole")[&Outcome::HandedOver], 3);
        // Who publishes under the former setup again, as `dead retry` may, is heard again.
        state.readmit(RUN, before.setup.digest).await.expect("recorded");
        before.publish(&broker, 0..1).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(broker.open(), 1);
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
    });
}

#[test]
fn stores_are_told_apart_by_what_they_say_of_themselves_and_else_by_their_place() {
    let identity = |id: Option<&str>, place: &str| StoreIdentity {
        id: id.map(str::to_owned),
        place: place.to_owned(),
        is_empty: false,
        follows_links: None,
    };
    let mounted = |place| identity(Some("7f"), place);
    assert!(mounted("/mnt/nas").is(&mounted("/data/nas")), "one store at two places");
    assert!(!identity(Some("7f"), "/data").is(&identity(Some("80"), "/data")), "two stores of one path");
    assert!(identity(None, "/data").is(&mounted("/data")) && !identity(None, "/data").is(&identity(None, "/other")));
    let setup = |place| {
        let plan = plan("mel");
        Setup::new(&plan, |_| String::new(), BTreeMap::from([(store(), mounted(place))]), identity(None, "/s")).digest()
    };
    assert_eq!(setup("/mnt/nas"), setup("/data/nas"));
}

#[test]
fn setups_differ_where_only_one_of_them_follows_links_out_of_a_store() {
    let setup = |follows_links: Option<bool>| {
        let identity = |follows_links| StoreIdentity {
            id: Some("7f".to_owned()),
            place: "/data".to_owned(),
            is_empty: false,
            follows_links,
        };
        let stores = BTreeMap::from([(store(), identity(follows_links))]);
        Setup::new(&plan("mel"), |_| String::new(), stores, identity(None))
    };
    let job = "mel".parse().expect("a name");
    let said = |here, there| {
        let differences = setup(here).differences(&setup(there), &job);
        differences.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said(Some(true), Some(false)), [format!("`links: follow` for `{}` here, and not there", store())]);
    assert_eq!(said(Some(false), Some(true)), [format!("`links: follow` for `{}` there, and not here", store())]);
    for alike in [(Some(true), Some(true)), (Some(false), Some(false)), (None, Some(true)), (Some(true), None)] {
        assert!(said(alike.0, alike.1).is_empty(), "{alike:?}");
    }
    assert_ne!(setup(Some(true)).digest(), setup(Some(false)).digest());
    assert_eq!(setup(None).digest(), setup(Some(false)).digest(), "a former version does not tell");
}
