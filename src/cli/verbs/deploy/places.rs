//! Where stores and state are for pods: in buckets, or in volumes that all of them have. A folder of one machine is neither.

use std::path::{Component, Path, PathBuf};

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::{Location, Store};

/// Folders of the container that are taken.
const TAKEN: [&str; 7] = ["/graph", "/scratch", "/secrets", "/proc", "/sys", "/dev", "/usr"];

/// A volume that all pods have.
#[derive(Clone, Debug)]
pub struct Volume {
    /// The PersistentVolumeClaim.
    pub claim: String,
    /// Where it is mounted, absolute.
    pub folder: PathBuf,
    /// Whether nothing is written to it.
    pub is_read_only: bool,
}

/// What nodes are told of the places.
#[derive(Debug, Default)]
pub struct Places {
    /// The flags for stores and state.
    pub flags: Vec<String>,
    /// The volumes.
    pub volumes: Vec<Volume>,
    /// Whether something lies in a bucket.
    pub in_buckets: bool,
}

/// Reads a volume as it is typed.
///
/// # Errors
/// What is wrong with it.
pub fn volume(text: &str) -> Result<(String, PathBuf), String> {
    let (claim, folder) = text.split_once('=').ok_or("write CLAIM=FOLDER, such as media=/srv/media")?;
    super::names::label(claim)?;
    let path = Path::new(folder);
    let is_plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || path == Path::new("/") || !is_plain || folder.contains(':') {
        return Err(format!("`{folder}` is no folder for a volume; write an absolute path, such as /srv/media"));
    }
    match TAKEN.iter().find(|taken| path.starts_with(taken)) {
        Some(taken) => {
            Err(format!("`{taken}` is taken in the container; mount the volume elsewhere, such as at /srv/media"))
        }
        None => Ok((claim.to_owned(), path.to_owned())),
    }
}

/// What nodes are told of the places of a plan. Folders that pods cannot share are added to `problems`.
pub fn places(
    plan: &Plan,
    state: Option<&Location>,
    volumes: &[(String, PathBuf)],
    problems: &mut Vec<String>,
) -> Places {
    let mut places = Places::default();
    let mut written = Vec::new(); // folders
    let remedy = |what: &str| {
        format!("give {what}, or mount a volume that all pods write to (ReadWriteMany) over it: --volume CLAIM=FOLDER")
    };
    let shared = |path: &Path| volumes.iter().any(|(_, folder)| path.starts_with(folder));
    match state {
        None => problems.push(format!(
            "the state would lie beside the graph file, in each pod; {}",
            remedy("--state s3://BUCKET/PREFIX")
        )),
        Some(Location::Folder { path, .. }) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if !shared(&path) {
                let remedy = remedy("--state s3://BUCKET/PREFIX");
                problems.push(format!("the state is the folder {} of this machine; {remedy}", path.display()));
            }
            places.flags.extend(["--state".into(), path.display().to_string()]);
            written.push(path);
        }
        Some(bucket) => {
            places.in_buckets = true;
            places.flags.extend(["--state".into(), bucket.text()]);
        }
    }
    for store in &plan.stores {
        let is_written = plan.jobs.iter().flat_map(|job| &job.outputs).any(|output| output.store == store.name);
        if let Some(path) = store.location.folder() {
            if !shared(path) {
                let remedy = remedy(&format!("--store {}=s3://BUCKET/PREFIX", store.name));
                problems.push(format!(
                    "store `{}` is the folder {} of this machine; {remedy}",
                    store.name,
                    path.display()
                ));
            }
            if is_written {
                written.push(path.to_owned());
            }
        }
        places.in_buckets |= store.location.folder().is_none();
        places.flags.extend(flag(store));
    }
    let is_read_only = |folder: &Path| !written.iter().any(|path| path.starts_with(folder));
    let volume = |(claim, folder): &(String, PathBuf)| Volume {
        claim: claim.clone(),
        folder: folder.clone(),
        is_read_only: is_read_only(folder),
    };
    places.volumes = volumes.iter().map(volume).collect();
    for (at, (claim, folder)) in volumes.iter().enumerate() {
        if volumes[..at].iter().any(|(_, other)| other == folder) {
            problems.push(format!("--volume {claim}={}: another volume is mounted there", folder.display()));
        }
    }
    places
}

/// How a node is told of a store. A bucket that the graph file names stays as it is there; a folder is given, because one that
/// is relative to the graph file would be another one in the container.
fn flag(store: &Store) -> Vec<String> {
    match store.is_given() || store.location.folder().is_some() {
        true => vec!["--store".into(), format!("{}={}", store.name, store.location.text())],
        false => Vec::new(),
    }
}
