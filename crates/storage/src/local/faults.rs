//! A plan for tests: which calls of the disk fail.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use rustix::io::Errno;

/// Which calls fail, and which were made.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    calls: Vec<&'static str>,
    /// The number of the first call that fails, the error, and whether all later ones fail too.
    fail: Option<(usize, Errno, bool)>,
}

impl Faults {
    pub(super) fn step(&self, call: &'static str) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = plan.calls.len();
        plan.calls.push(call);
        match plan.fail {
            Some((first, error, stays)) if at == first || (stays && at > first) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Starts counting anew; the calls made until now.
    pub(super) fn plan(&self, fail: Option<(usize, Errno, bool)>) -> Vec<&'static str> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *plan, Plan { calls: Vec::new(), fail }).calls
    }
}
