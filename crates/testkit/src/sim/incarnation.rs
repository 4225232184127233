//! One incarnation of a simulated node: each start of the node after a crash or a drain is another.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The node, the number of its start, and whether it is over.
#[derive(Clone, Debug)]
pub(super) struct Incarnation {
    /// The node, from 0.
    pub(super) node: usize,
    /// Its starts so far.
    pub(super) number: u32,
    over: Arc<AtomicBool>,
    draining: Arc<AtomicBool>,
}

impl Incarnation {
    /// An incarnation that just began.
    pub(super) fn new(node: usize, number: u32) -> Self {
        Self { node, number, over: Arc::default(), draining: Arc::default() }
    }

    /// Whether the incarnation is over. Nothing that it does from then on has an effect.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether it was told to end.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Takes note that it is told to end.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Ends it.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl PartialEq for Incarnation {
    fn eq(&self, other: &Self) -> bool {
        (self.node, self.number) == (other.node, other.number)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}.{}", self.node, self.number)
    }
}
