//! Runs one transform on one file, without a graph.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use euterpe_actors::transform::{OpenContext, OutputShape};
use euterpe_actors::{
    ids::{EntityId, InputName},
    outcome::Fault,
    storage::{Content, Object, ObjectInfo},
    transform::{Input, Scratch, Work},
};
use serde_json::Value;

/// Makes the output of a transform from an input named `audio`: bytes under a file name, for one output of a suffix.
pub fn bytes(name: &str, with: Value, file: &str, input: impl Into<Bytes>, suffix: &str) -> Result<Bytes, Fault> {
    made(name, with, file, Content::Bytes(input.into()), suffix)
}

/// Makes the output of a transform from a file.
pub fn file(name: &str, with: Value, path: &Path, suffix: &str) -> Result<Bytes, Fault> {
    made(name, with, &path.to_string_lossy(), Content::File(path.to_owned()), suffix)
}

fn made(name: &str, with: Value, path: &str, content: Content, suffix: &str) -> Result<Bytes, Fault> {
    let job = OpenContext {
        inputs: vec!["audio".to_owned()],
        outputs: vec![OutputShape { name: String::new(), suffix: suffix.to_owned() }],
        ..OpenContext::default()
    };
    let registry = euterpe_engine::builtin::registry();
    let entry = registry.find(name).unwrap_or_else(|| panic!("no transform named {name}"));
    let mut transform = entry.open(&with, &job).unwrap_or_else(|problems| panic!("{problems:?}"))()?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scratch = Scratch::at(folder.path().join("scratch"));
    let object = Object { info: ObjectInfo::of_size(0), content, keep_alive: Default::default() };
    let work = Work {
        entity: EntityId::new("t-1").expect("a good id"),
        inputs: vec![Input { name: InputName::new("audio").expect("a plain name"), path: path.into(), object }],
        suffixes: vec![suffix.to_owned()].into(),
        scratch: scratch.clone(),
        attempt: 0,
        timeout: Duration::from_secs(600),
        isolate: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let product = runtime.block_on(transform.apply(work))?;
    let output = product.0[0].read().expect("the output is there");
    drop(scratch);
    Ok(output)
}
