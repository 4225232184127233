//! The inputs of one entity in the forms that a worker asked for: files, bytes in the frame, samples.

use std::{collections::BTreeMap, fs::File, io, path::PathBuf};

use bytes::Bytes;
use euterpe_actors::{
    outcome::Fault,
    storage::Content,
    transform::{Scratch, Work},
};

use super::{
    audio,
    launcher::Launcher,
    protocol::{self, Form, LONGEST, Ready, ToWorker},
};
use crate::file_names::{file_name, plain_extension};
use crate::supervised::encode;

/// One entity, ready to be sent.
pub(super) struct EncodedRequest {
    /// The frame.
    pub(super) frame: Vec<u8>,
    /// Files without a name that the frame speaks of: they are there as long as this is.
    _nameless: Vec<File>,
}

/// The frame with one entity, with its inputs laid out.
pub(super) async fn request(launcher: &Launcher, ready: &Ready, work: &Work) -> Result<EncodedRequest, Fault> {
    let scratch = std::path::absolute(work.scratch.promised()).map_err(|error| trouble(&error))?;
    let (mut inputs, mut attached, mut nameless) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut room = ready.attach;
    for (index, input) in work.inputs.iter().enumerate() {
        let form = ready.inputs.get(input.name.as_str()).copied().unwrap_or_default();
        let path = &*input.path;
        let sent = match (form, &input.object.content) {
            (Form::Audio, _) => {
                let folder = work.scratch.folder()?;
                audio::decoded(launcher, work, input, index, folder, &mut nameless).await?
            }
            (Form::Bytes, Content::Bytes(bytes)) if bytes.len() <= room => {
                room -= bytes.len();
                attached.push(bytes.clone());
                protocol::Input::Attached { attached: bytes.len(), path }
            }
            (_, Content::File(file)) => {
                let file = std::path::absolute(file).map_err(|error| trouble(&error))?;
                protocol::Input::File { file, size: input.object.info.size, path }
            }
            (_, Content::Bytes(bytes)) => {
                let file = write(&work.scratch, index, path, bytes).await?;
                protocol::Input::File { file, size: bytes.len() as u64, path }
            }
        };
        inputs.insert(input.name.as_str(), sent);
    }
    debug_assert!(work.inputs.iter().all(|input| launcher.inputs.iter().any(|name| name == input.name.as_str())));
    let outputs = launcher.suffixes.iter().enumerate();
    let outputs = outputs.map(|(index, suffix)| scratch.join(file_name("out", index, suffix))).collect();
    let request = protocol::Request {
        entity: work.entity.as_str(),
        attempt: work.attempt,
        timeout: work.timeout.as_secs_f64(),
        scratch: &scratch,
        inputs,
        outputs,
    };
    let frame = encode(&ToWorker::Work(request), &attached, LONGEST).map_err(|error| trouble(&error))?;
    Ok(EncodedRequest { frame, _nameless: nameless })
}

async fn write(scratch: &Scratch, index: usize, path: &str, bytes: &Bytes) -> Result<PathBuf, Fault> {
    let file = scratch.folder()?.join(file_name("in", index, plain_extension(path)));
    tokio::fs::write(&file, bytes).await.map_err(|error| trouble(&error))?;
    Ok(file)
}

fn trouble(error: &io::Error) -> Fault {
    Fault::of_io("could not lay out the work for a worker process", error)
}
