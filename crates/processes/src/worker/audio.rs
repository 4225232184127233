//! A track as samples for a worker: decoded by the node, or in a child process if the work is suspect.

use std::{fs::File, os::fd::AsRawFd, path::PathBuf, sync::Arc};

use euterpe_actors::{
    blocking_threads::on_blocking_thread,
    ids::InputName,
    outcome::Fault,
    storage::Content,
    transform::{Input, OpenContext, OutputShape, Product, SamplePlace, Scratch, TransformFactory, Work},
};
use serde_json::json;

use super::{launcher::Launcher, protocol};
use crate::file_names::file_name;
use crate::isolated::{TransformSpec, isolated};

/// Decodes a track into a file of samples in `folder`, on another thread than the workers'. A file in memory has no name,
/// and goes to `nameless`.
pub(super) async fn decoded<'w>(
    launcher: &Launcher,
    work: &Work,
    input: &'w Input,
    index: usize,
    folder: PathBuf,
    nameless: &mut Vec<File>,
) -> Result<protocol::Input<'w>, Fault> {
    let mut track = only(work, input.clone(), work.scratch.clone())?;
    if work.isolate {
        // The track may have killed a process before: what is decoded here is then a WAV file of our own making.
        let scratch = Scratch::at(folder.join(file_name("decoded", index, "")));
        let content = decoded_elsewhere(launcher, only(work, input.clone(), scratch.clone())?).await?;
        track.inputs[0].object.content = content;
        track.inputs[0].path = "decoded.wav".into();
        track.scratch = scratch;
    }
    let audio = folder.join(file_name("in", index, "f32"));
    let (to, codec) = (audio.clone(), launcher.codec()?);
    let decoded = on_blocking_thread(move || codec.decode(&track, "audio", &to)).await;
    let ended = |error| Fault::of_io(format!("the decoder of `{}` ended", input.name), &error);
    let (raw, place) = decoded.map_err(ended)??;
    let audio = match place {
        SamplePlace::File => audio,
        SamplePlace::Memory(memory) => {
            let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
            nameless.push(memory);
            path.into()
        }
    };
    Ok(protocol::Input::Audio { audio, rate: raw.rate, channels: raw.channels, frames: raw.frames, path: &input.path })
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
    let mut transcode = isolated(here, TransformSpec { transform, with, context, memory: launcher.memory }, true)()?;
    let Product(mut contents) = transcode.apply(work).await?;
    contents.pop().ok_or_else(|| Fault::fatal("`audio.transcode` made no track"))
}
