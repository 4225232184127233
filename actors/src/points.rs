//! Named points at which a test may end the process. Nothing at all without the feature `faults`.

/// Says that a point was reached.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn reach(_point: &'static str) {}

#[cfg(feature = "faults")]
pub use hooked::{reach, watch};

#[cfg(feature = "faults")]
mod hooked {
    use std::sync::OnceLock;

    static WATCH: OnceLock<fn(&'static str)> = OnceLock::new();

    /// Calls `hook` at each point from now on. The first call counts.
    pub fn watch(hook: fn(&'static str)) {
        WATCH.get_or_init(|| hook);
    }

    /// Says that a point was reached.
    pub fn reach(point: &'static str) {
        if let Some(hook) = WATCH.get() {
            hook(point);
        }
    }
}
