//! One start of a simulated node: after a crash the same node has another life.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Which start of which node, and whether it is over.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// The node, from 0.
    pub(super) node: usize,
    /// Its starts so far.
    pub(super) number: u32,
    over: Arc<AtomicBool>,
}

impl Life {
    /// A life that just began.
    pub(super) fn new(node: usize, number: u32) -> Self {
        Self { node, number, over: Arc::default() }
    }

    /// Whether it crashed. Nothing that it does from then on has an effect.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Ends it.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl PartialEq for Life {
    fn eq(&self, other: &Self) -> bool {
        (self.node, self.number) == (other.node, other.number)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}.{}", self.node, self.number)
    }
}
