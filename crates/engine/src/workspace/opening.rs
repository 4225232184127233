//! How a graph is opened.

use std::path::PathBuf;
use std::sync::Arc;

use euterpe_actors::ids::StoreName;
use euterpe_actors::storage::Storage;
use euterpe_actors::trace::Sampling;
use euterpe_graph_file::plan::Location;

/// The folder beside the graph file that holds what is known of its runs.
pub const STATE_FOLDER: &str = ".euterpe";

/// How a graph is opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Workers over all pools; by default the cores.
    pub workers: Option<usize>,
    /// Where the graphs' records lie, a folder or a bucket; by default [`STATE_FOLDER`] beside the graph file. Each graph
    /// has a place of its own there, under its name.
    pub state: Option<Location>,
    /// Where environments and packages of worker processes lie; by default among the state folders.
    pub kept: Option<PathBuf>,
    /// Where private folders of works and workers are made; by default in the graph's folder on this machine.
    pub scratch: Option<PathBuf>,
    /// What it is opened for.
    pub access: Access,
    /// Stores of the caller's own, which take the place of those of the same names in the graph file.
    pub stores: Vec<(StoreName, Arc<dyn Storage>)>,
    /// How many bytes of objects of buckets are kept on this machine for the next reader, where it is opened to write.
    pub cache: u64,
    /// How many bytes of memory what is known of a catalogue may take while it is gone through; by default 256 MiB. What is beyond
    /// waits in a scratch file.
    pub memory: Option<u64>,
    /// Whether what this process works on is counted ([`Workspace::metrics`](super::Workspace::metrics)).
    pub metrics: bool,
    /// Which traces are recorded of what this process does ([`Workspace::traces`](super::Workspace::traces)), where any are.
    pub traces: Option<Sampling>,
}

/// What a graph is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// To look: nothing is made, not even a folder.
    #[default]
    Look,
    /// To write beside others who share it over a broker.
    Share,
    /// To write as the only one: nobody else may have the state meanwhile.
    Hold,
}
