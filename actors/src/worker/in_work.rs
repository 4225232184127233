//! What holds that a try that was told to have begun is told to have ended, whatever becomes of its worker.

use std::sync::Arc;

use crate::context::NodeContext;
use crate::events::Event;
use crate::ids::JobName;
use crate::message::{EntityMessage, Target};

/// A try has begun, and its message is not settled. Dropped before that, it tells that the try is abandoned: its worker
/// panicked, or was told to end now.
pub(super) struct InWork {
    node: Arc<NodeContext>,
    target: Target,
    message: u64,
    settled: bool,
}

impl InWork {
    /// Tells that a try begins.
    pub fn begins(node: &Arc<NodeContext>, job: &JobName, message: &EntityMessage) -> Self {
        node.settings.observer.on(&Event::Started { job, entity: &message.target.entity, message });
        let target = Target { job: job.clone(), entity: message.target.entity.clone() };
        Self { node: node.clone(), target, message: message.id, settled: false }
    }

    /// The message is settled, which is told as such.
    pub fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        if !self.settled {
            let Target { job, entity } = &self.target;
            self.node.settings.observer.on(&Event::Abandoned { job, entity, message: self.message });
        }
    }
}
