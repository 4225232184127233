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
    Ok(made(name, with, file, Content::Bytes(input.into()), &[suffix])?.swap_remove(0))
}

/// Makes the output of a transform from a file.
pub fn file(name: &str, with: Value, path: &Path, suffix: &str) -> Result<Bytes, Fault> {
    Ok(files(name, with, path, &[suffix])?.swap_remove(0))
}

/// Makes the outputs of a transform from a file, one for each suffix.
pub fn files(name: &str, with: Value, path: &Path, suffixes: &[&str]) -> Result<Vec<Bytes>, Fault> {
    made(name, with, &path.to_string_lossy(), Content::File(path.to_owned()), suffixes)
}

fn made(name: &str, with: Value, path: &str, content: Content, suffixes: &[&str]) -> Result<Vec<Bytes>, Fault> {
    let job = OpenContext {
        inputs: vec!["audio".to_owned()],
        outputs: suffixes
            .iter()
            .map(|suffix| OutputShape { name: String::new(), suffix: (*suffix).to_owned() })
            .collect(),
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
        suffixes: suffixes.iter().map(|suffix| (*suffix).to_owned()).collect(),
        scratch: scratch.clone(),
        attempt: 0,
        timeout: Duration::from_secs(600),
        isolate: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let product = runtime.block_on(transform.apply(work))?;
    let outputs = product.0.iter().map(|output| output.read().expect("the output is there")).collect();
    drop(scratch);
    Ok(outputs)
}
