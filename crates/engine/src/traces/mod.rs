//! The spans of what a process does, one trace for each entity and run, until somebody sends them to a collector.
//!
//! ```text
//! events of the node ──▶ observe ─┐
//!                                 ├──▶ buffer ──▶ whoever sends them
//! entities of the run ─▶ roots ───┘
//! ```

mod buffer;
mod observe;
mod roots;
mod span;

use std::sync::Arc;

use euterpe_actors::events::Observer;
use euterpe_actors::trace::Sampling;

pub use buffer::SpanBuffer;
use observe::Traced;
pub(crate) use roots::Roots;
pub use span::{Attribute, Span, SpanKind};

/// The spans of one process.
#[derive(Debug)]
pub struct Traces {
    graph: String,
    pub(crate) sampling: Sampling,
    buffer: Arc<SpanBuffer>,
}

impl Traces {
    /// Of a process that works on `graph`.
    pub fn new(graph: &str, sampling: Sampling) -> Self {
        Self { graph: graph.to_owned(), sampling, buffer: Arc::default() }
    }

    /// Where the spans wait to be sent.
    pub fn buffer(&self) -> &Arc<SpanBuffer> {
        &self.buffer
    }

    /// Makes spans of what `inner` observes, too, on a node of this name.
    pub fn beside(&self, inner: Arc<dyn Observer>, node: &str) -> Arc<dyn Observer> {
        Arc::new(Traced { graph: self.graph.clone(), node: node.to_owned(), buffer: self.buffer.clone(), inner })
    }
}
