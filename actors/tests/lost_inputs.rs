//! A transform that fails because its input is not there any more, or was not for a while: its disk is away, or was mounted anew,
//! or the file is gone. No try is spent.

mod support;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::{Fault, FaultKind};
use euterpe_actors::plan::{JobSpec, NodePlan};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::memory::MemoryStorage;
use euterpe_actors::storage::{Content, Object, Storage, StorageError, StorageErrorKind, Stores};
use euterpe_actors::transform::{Product, TransformFactory, Work, inline};
use euterpe_actors::wire;
use futures::FutureExt;
use support::wrapped::{Change, Wrapped};

/// What becomes of the input while the first try works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// Nothing.
    None,
    /// Its disk is away until the store was asked three times.
    Disk,
    /// It is removed.
    File,
    /// Its disk is away and back before anybody looks: it lies on another one by its number.
    Remounted,
}

/// A store whose objects are handed out as files.
#[derive(Debug)]
struct Files {
    within: MemoryStorage,
    folder: tempfile::TempDir,
    /// How often it is still asked in vain.
    away: AtomicUsize,
}

impl Files {
    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.replace('/', "-"))
    }
}

#[async_trait]
impl Change for Files {
    fn within(&self) -> &dyn Storage {
        &self.within
    }
    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        let left = |left: usize| left.checked_sub(1);
        if self.away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok() {
            return Err(StorageError::new(StorageErrorKind::Unavailable, "open", path, "is the disk mounted?"));
        }
        let object = self.within.open(path).await?;
        let Content::Bytes(bytes) = &object.content else { panic!("held in memory") };
        let file = self.file(path);
        if file.is_symlink() {
            std::fs::remove_file(&file).expect("removed");
        }
        std::fs::write(file, bytes).expect("written");
        Ok(Object { content: Content::File(self.file(path)), ..object })
    }
}

/// How often each job was tried, and how many dead letters there are at the end.
#[derive(Debug, PartialEq, Eq)]
struct End {
    tracks: usize,
    mels: usize,
    letters: usize,
}

/// One entity goes through two jobs. The first try of the second one loses its input and fails with a fault of this kind; there
/// is no second one.
fn run(loss: Loss, kind: FaultKind) -> End {
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Wrapped(Files { within: MemoryStorage::default(), folder, away: AtomicUsize::new(0) }));
        let [tracks, mels] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let transform: TransformFactory = inline({
            let (store, tracks, mels) = (store.clone(), tracks.clone(), mels.clone());
            move |work: Work| {
                let Some(input) = work.inputs.first() else {
                    tracks.fetch_add(1, Ordering::Relaxed);
                    return Ok(Product::bytes(&b"track"[..]));
                };
                if mels.fetch_add(1, Ordering::Relaxed) > 0 {
                    return Ok(Product::bytes(&b"mel"[..]));
                }
                match loss {
                    Loss::None | Loss::Remounted => {}
                    Loss::Disk => store.away.store(3, Ordering::Relaxed),
                    Loss::File => store.within.remove(&input.path).now_or_never().expect("at once").expect("removed"),
                }
                if loss != Loss::None {
                    std::fs::remove_file(store.file(&input.path)).expect("removed");
                }
                if loss == Loss::Remounted {
                    std::os::unix::fs::symlink(ELSEWHERE, store.file(&input.path)).expect("linked");
                }
                Err(Fault::new(kind, "cannot stat the input"))
            }
        });
        let retry = RetryPolicy { retries: 0, ..RetryPolicy::default() };
        let spec = |job: &str, parents: &[usize]| JobSpec { retry, ..support::job(job, parents, transform.clone()) };
        let plan = Arc::new(NodePlan::new(vec![spec("track", &[]), spec("mel", &[0])]));
        let name = |job: &str| JobName::new(job).expect("a name");
        let broker = InProcess::new([name("track"), name("mel")]);
        let state = Arc::new(MemoryStorage::default());
        let stores = Stores::new([(support::store(), store.clone() as Arc<dyn Storage>)]);
        let settings =
            NodeSettings { state: StateStore::new(state.clone()), ..support::node(&plan, broker.clone(), stores) };
        let node = Node::start(settings);
        let wave = Arc::new(Wave { id: 1, origins: vec![name("track")], only: None });
        let target = Target { job: name("track"), entity: EntityId::new("t").expect("an id") };
        let message = EntityMessage::new(1, RunId::new(1, 0), target, plan.digest, Base::Down(wave));
        let body = wire::encode(&message).expect("it fits");
        broker.publish(vec![Outgoing::now(name("track"), body)]).await.expect("published");
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        let letters = StateStore::new(state).keys("dead/").await.expect("listed").len();
        End { tracks: tracks.load(Ordering::Relaxed), mels: mels.load(Ordering::Relaxed), letters }
    })
}

/// A file of another mount, that can be read.
const ELSEWHERE: &str = "/proc/self/status";

const KINDS: [FaultKind; 5] =
    [FaultKind::Failed, FaultKind::BadInput, FaultKind::Fatal, FaultKind::Killed, FaultKind::Panicked];

#[test]
fn a_failure_whose_input_is_on_a_disk_that_is_away_is_trouble_of_its_store() {
    for kind in KINDS {
        assert_eq!(run(Loss::Disk, kind), End { tracks: 1, mels: 2, letters: 0 }, "{kind:?}");
    }
}

#[test]
fn an_input_that_was_removed_under_the_work_is_made_again() {
    for kind in KINDS {
        assert_eq!(run(Loss::File, kind), End { tracks: 2, mels: 2, letters: 0 }, "{kind:?}");
    }
}

#[test]
fn a_failure_whose_input_was_mounted_anew_meanwhile_is_not_charged() {
    for kind in KINDS {
        assert_eq!(run(Loss::Remounted, kind), End { tracks: 1, mels: 2, letters: 0 }, "{kind:?}");
    }
}

#[test]
fn a_failure_whose_input_is_there_is_charged() {
    for kind in KINDS {
        assert_eq!(run(Loss::None, kind), End { tracks: 1, mels: 1, letters: 1 }, "{kind:?}");
    }
}
