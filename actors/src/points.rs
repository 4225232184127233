//! Named points at which a test may end the process. Nothing at all without the feature `faults`.

/// Every point, in the order in which a run with one entity that works, one that fails and one that is declined would
/// meet them first.
#[cfg(feature = "faults")]
pub const POINTS: [&str; 34] = [
    "before_manifest",
    "folder_made",
    "temp_made",
    "half_written",
    "written",
    "stamped",
    "synced",
    "before_rename",
    "after_rename",
    "folder_synced",
    "after_manifest",
    "before_chunk",
    "after_chunk",
    "before_feed",
    "arrived",
    "before_work",
    "after_work",
    "before_store",
    "after_store",
    "decided",
    "before_publish",
    "after_publish",
    "before_ack",
    "after_ack",
    "before_requests",
    "after_requests",
    "before_letter",
    "after_letter",
    "before_skip",
    "after_skip",
    "before_drain",
    "before_end",
    "after_end",
    "parked",
];

/// Says that a point was reached.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn reach(_point: &'static str) {}

/// Says which object this thread writes from now on.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn write_begins(_path: &str) {}

/// Whether a test wants this call to find no room.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn refused(_call: &'static str) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use hooked::{reach, refuse, refused, watch, write_begins, writes_below};

#[cfg(feature = "faults")]
mod hooked {
    use std::cell::RefCell;
    use std::sync::OnceLock;

    static WATCH: OnceLock<fn(&'static str)> = OnceLock::new();
    static REFUSE: OnceLock<fn(&'static str) -> bool> = OnceLock::new();

    thread_local! {
        static WRITTEN: RefCell<String> = const { RefCell::new(String::new()) };
    }

    /// Says which object this thread writes from now on.
    pub fn write_begins(path: &str) {
        WRITTEN.with_borrow_mut(|written| path.clone_into(written));
    }

    /// Whether the object that this thread last began to write has a path that starts so.
    pub fn writes_below(prefix: &str) -> bool {
        WRITTEN.with_borrow(|written| written.starts_with(prefix))
    }

    /// Calls `hook` at each point from now on. The first call counts.
    pub fn watch(hook: fn(&'static str)) {
        WATCH.get_or_init(|| hook);
    }

    /// Asks `hook` before each call that changes a disk from now on. The first call counts.
    pub fn refuse(hook: fn(&'static str) -> bool) {
        REFUSE.get_or_init(|| hook);
    }

    /// Says that a point was reached.
    pub fn reach(point: &'static str) {
        debug_assert!(super::POINTS.contains(&point), "the point {point} is not in the list");
        if let Some(hook) = WATCH.get() {
            hook(point);
        }
    }

    /// Whether a test wants this call to find no room.
    pub fn refused(call: &'static str) -> bool {
        REFUSE.get().is_some_and(|hook| hook(call))
    }
}
