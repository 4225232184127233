//! The outputs of a worker as the outputs of the job: files of the scratch folder, bytes of the frame, encoded samples.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use euterpe_actors::{
    blocking_threads::on_blocking_thread,
    outcome::Fault,
    storage::Content,
    transform::{Product, SampleCodec, Work},
};

use super::{launcher::Launcher, protocol::Output};
use crate::file_names::file_name;

/// The outputs in the order of the job. Attached ones follow each other in `attachment`.
pub(super) async fn product(
    launcher: &Launcher,
    work: &Work,
    outputs: Vec<Output>,
    mut attachment: Bytes,
) -> Result<Product, Fault> {
    let wanted = launcher.suffixes.len();
    if outputs.len() != wanted {
        let text = format!("`{}` made {} outputs, the job has {wanted}", launcher.name, outputs.len());
        return Err(Fault::fatal(text));
    }
    let mut contents = Vec::with_capacity(wanted);
    for (index, (output, suffix)) in outputs.into_iter().zip(&launcher.suffixes).enumerate() {
        contents.push(match output {
            Output::Attached { attached } if attached <= attachment.len() => {
                Content::Bytes(attachment.split_to(attached))
            }
            Output::Attached { .. } => {
                return Err(Fault::failed(format!("`{}` attached less than it said", launcher.name)));
            }
            Output::File { file } => Content::File(own_file(work, &file)?),
            Output::Audio { audio, rate, channels } => {
                let from = own_file(work, &audio)?;
                let folder = work.scratch.folder()?;
                let to = folder.join(file_name("encoded", index, suffix));
                Content::File(encode(launcher.codec()?, from, (rate, channels), suffix.clone(), to).await?)
            }
        });
    }
    Ok(Product(contents))
}

async fn encode(
    codec: Arc<dyn SampleCodec>,
    from: PathBuf,
    (rate, channels): (u32, usize),
    suffix: String,
    to: PathBuf,
) -> Result<PathBuf, Fault> {
    let encoded = on_blocking_thread(move || {
        codec.encode(&from, rate, channels, &suffix, &to)?;
        Ok(to)
    });
    encoded.await.map_err(|error| Fault::of_io("the encoder ended", &error))?
}

/// A plain file of the scratch folder. A link or a file elsewhere may lead to something that the worker did not make.
fn own_file(work: &Work, file: &Path) -> Result<PathBuf, Fault> {
    let scratch = std::path::absolute(work.scratch.promised()).map_err(|error| trouble(&error))?;
    let inside = file.starts_with(&scratch) && !file.components().any(|part| part == Component::ParentDir);
    if !inside {
        let text = format!("an output lies at {}, outside of the scratch folder; write it there", file.display());
        return Err(Fault::fatal(text));
    }
    match fs::symlink_metadata(file) {
        Ok(found) if found.is_file() => Ok(file.to_owned()),
        Ok(_) => Err(Fault::failed(format!("the output {} is something else than a plain file", file.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Fault::failed(format!("the output {} was not written", file.display())))
        }
        Err(error) => Err(trouble(&error)),
    }
}

fn trouble(error: &io::Error) -> Fault {
    Fault::of_io("could not take what a worker process made", error)
}
