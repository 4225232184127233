//! Work for the tests of transforms: on inputs in memory, in a folder of its own.

use std::time::Duration;

use bytes::Bytes;
use euterpe_actors::{
    ids::{EntityId, InputName},
    outcome::Fault,
    storage::{Content, Object, ObjectInfo},
    transform::{Input, Scratch, TransformFactory, Work},
};

/// Work on inputs in memory (name, path, bytes) for one output of a suffix.
pub fn work(entity: &str, inputs: &[(&str, &str, &[u8])], suffix: &str) -> Work {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    let inputs = inputs.iter().map(|(name, path, bytes)| Input {
        name: InputName::new(name).expect("a plain name"),
        path: (*path).into(),
        object: Object {
            info: ObjectInfo::of_size(bytes.len() as u64),
            content: Content::Bytes(Bytes::copy_from_slice(bytes)),
            keep_alive: Default::default(),
        },
    });
    let scratch = Scratch::at(folder);
    scratch.path().expect("a scratch folder");
    Work {
        entity: EntityId::new(entity).expect("a good id"),
        inputs: inputs.collect(),
        suffixes: vec![suffix.to_owned()].into(),
        scratch,
        attempt: 0,
        timeout: Duration::from_secs(60),
        isolate: false,
    }
}

/// Runs a transform and reads its primary output.
pub fn run(factory: &TransformFactory, work: Work) -> Result<Bytes, Fault> {
    let scratch = work.scratch.clone();
    let mut transform = factory()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let product = runtime.block_on(transform.apply(work))?;
    let bytes = product.0[0].read().map_err(|error| Fault::failed(error.to_string()));
    drop(scratch);
    bytes
}
