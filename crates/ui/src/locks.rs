//! Locks whose holder may have died.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a lock holds, whatever became of who held it before.
pub(crate) fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
