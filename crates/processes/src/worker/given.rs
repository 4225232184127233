//! The inputs of one entity in the forms that a worker asked for: files, bytes in the frame, samples to be mapped.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use euterpe_actors::{
    ids::InputName,
    outcome::Fault,
    storage::Content,
    transform::{Input, OpenContext, OutputShape, Product, SamplePlace, Scratch, TransformFactory, Work},
};
use serde_json::json;

use super::{
    Launcher, frames,
    speech::{Form, Given, Order, Ready, Said},
};
use crate::isolated::{Recipe, isolated};

/// One entity, to be sent.
pub(super) struct Sent {
    /// The frame.
    pub(super) frame: Vec<u8>,
    /// What it speaks of and that has no name: there as long as this is.
    _held: Vec<File>,
}

/// The frame with one entity, and what has to be kept meanwhile.
pub(super) async fn order(launcher: &Launcher, ready: &Ready, work: &Work) -> Result<Sent, Fault> {
    let scratch = std::path::absolute(work.scratch.promised()).map_err(|error| trouble(&error))?;
    let (mut inputs, mut attached, mut held) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut room = ready.attach;
    for (number, input) in work.inputs.iter().enumerate() {
        let form = ready.inputs.get(input.name.as_str()).copied().unwrap_or_default();
        let path = &*input.path;
        let given = match (form, &input.object.content) {
            (Form::Audio, _) => audio(launcher, work, input, number, &mut held).await?,
            (Form::Bytes, Content::Bytes(bytes)) if bytes.len() <= room => {
                room -= bytes.len();
                attached.push(bytes.clone());
                Given::Attached { attached: bytes.len(), path }
            }
            (_, Content::File(file)) => {
                let file = std::path::absolute(file).map_err(|error| trouble(&error))?;
                Given::File { file, size: input.object.info.size, path }
            }
            (_, Content::Bytes(bytes)) => {
                let file = lay_out(&work.scratch, number, path, bytes).await?;
                Given::File { file, size: bytes.len() as u64, path }
            }
        };
        inputs.insert(input.name.as_str(), given);
    }
    debug_assert!(work.inputs.iter().map(|input| input.name.as_str()).eq(&launcher.inputs));
    let outputs =
        launcher.suffixes.iter().enumerate().map(|(number, suffix)| scratch.join(name("out", number, suffix)));
    let order = Order {
        entity: work.entity.as_str(),
        attempt: work.attempt,
        timeout: work.timeout.as_secs_f64(),
        scratch: &scratch,
        inputs,
        outputs: outputs.collect(),
    };
    let frame = frames::encode(&Said::Work(order), &attached).map_err(|error| trouble(&error))?;
    Ok(Sent { frame, _held: held })
}

/// A name in the scratch folder: `out-1.json`.
pub(super) fn name(what: &str, number: usize, suffix: &str) -> String {
    if suffix.is_empty() { format!("{what}-{}", number + 1) } else { format!("{what}-{}.{suffix}", number + 1) }
}

async fn lay_out(scratch: &Scratch, number: usize, path: &str, bytes: &Bytes) -> Result<PathBuf, Fault> {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let plain = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let file = folder(scratch)?.join(name("in", number, if plain { extension } else { "" }));
    tokio::fs::write(&file, bytes).await.map_err(|error| trouble(&error))?;
    Ok(file)
}

fn folder(scratch: &Scratch) -> Result<PathBuf, Fault> {
    scratch.path().and_then(std::path::absolute).map_err(|error| trouble(&error))
}

/// Decodes a track into a file of samples, beside the other workers.
async fn audio<'w>(
    launcher: &Launcher,
    work: &Work,
    input: &'w Input,
    number: usize,
    held: &mut Vec<File>,
) -> Result<Given<'w>, Fault> {
    let folder = folder(&work.scratch)?;
    let audio = folder.join(name("in", number, "f32"));
    let mut one = only(work, input.clone(), work.scratch.clone())?;
    if work.isolate {
        // It may have killed a process before: what is decoded here is a WAV file of our own making.
        let scratch = Scratch::at(folder.join(name("decoded", number, "")));
        let content = decoded_elsewhere(launcher, only(work, input.clone(), scratch.clone())?).await?;
        one.inputs[0].object.content = content;
        one.inputs[0].path = "decoded.wav".into();
        one.scratch = scratch;
    }
    let (to, codec) = (audio.clone(), launcher.codec()?);
    let decoded = tokio::task::spawn_blocking(move || codec.decode(&one, "audio", &to)).await;
    let ended = |error| Fault::failed(format!("the decoder of `{}` ended: {error}", input.name));
    let (raw, place) = decoded.map_err(ended)??;
    let audio = match place {
        SamplePlace::File => audio,
        SamplePlace::Memory(memory) => {
            let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
            held.push(memory);
            path.into()
        }
    };
    Ok(Given::Audio { audio, rate: raw.rate, channels: raw.channels, frames: raw.frames, path: &input.path })
}

/// The part of the work that is about one track.
fn only(work: &Work, input: Input, scratch: Scratch) -> Result<Work, Fault> {
    let name = InputName::new("audio").map_err(|error| Fault::fatal(error.to_string()))?;
    Ok(Work {
        entity: work.entity.clone(),
        inputs: vec![Input { name, ..input }],
        suffixes: vec!["wav".to_owned()].into(),
        scratch,
        attempt: work.attempt,
        timeout: work.timeout,
        isolate: work.isolate,
    })
}

/// Decodes a track in a child process that may die.
async fn decoded_elsewhere(launcher: &Launcher, work: Work) -> Result<Content, Fault> {
    let context = OpenContext {
        inputs: vec!["audio".to_owned()],
        outputs: vec![OutputShape { name: String::new(), suffix: "wav".to_owned() }],
        timeout: work.timeout,
        ..OpenContext::default()
    };
    let (transform, with) = ("audio.transcode".to_owned(), json!({"bits": "f32"}));
    let here: TransformFactory = Arc::new(|| Err(Fault::fatal("suspect work is not done here")));
    let mut transcode = isolated(here, Recipe { transform, with, context, memory: launcher.memory }, true)()?;
    let Product(mut contents) = transcode.apply(work).await?;
    contents.pop().ok_or_else(|| Fault::fatal("`audio.transcode` made no track"))
}

fn trouble(error: &io::Error) -> Fault {
    Fault::failed(format!("could not lay out the work for a worker process: {error}"))
}
