//! What an output tells of its making, and whether something above it is newer.

use std::time::SystemTime;

use crate::storage::{Making, ObjectInfo, Stamp};

/// An output that tells what it was made from.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) stamp: &'a Stamp,
    pub(super) making: &'a Making,
    pub(super) modified: Option<SystemTime>,
}

impl Made<'_> {
    /// Whether the output of an ancestor was made after it. The runs tell, or the time, where another program wrote that.
    pub(super) fn is_before_output(&self, above: &ObjectInfo) -> bool {
        let stamped = above.stamp.as_ref().and_then(|stamp| Some((stamp.run()?, *self.stamp.runs.get(&stamp.job)?)));
        stamped.map_or_else(|| self.is_before_source(above), |(run, then)| run > then)
    }

    /// Whether a source came after it.
    pub(super) fn is_before_source(&self, source: &ObjectInfo) -> bool {
        match (source.arrived, self.modified) {
            // A bucket tells whole seconds: a source of the same second may have come after.
            (Some(came), Some(modified)) => came > modified || (came == modified && is_whole_second(came)),
            _ => true,
        }
    }
}

/// What the output was made from, where it tells that.
pub(super) fn made(found: &ObjectInfo) -> Option<(&Stamp, &Making)> {
    let stamp = found.stamp.as_ref()?;
    Some((stamp, stamp.making.as_deref()?))
}

fn is_whole_second(time: SystemTime) -> bool {
    time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0)
}
