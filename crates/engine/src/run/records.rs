//! The records that a run writes while it goes on: they wait for a state that is in trouble, as all work does.

use std::time::Duration;

use euterpe_actors::storage::StorageError;
use tokio::sync::watch;

use super::running::{Running, Stop};

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(10);

/// The name under which people are told of it, where the name of a job would stand.
const STATE: &str = "state";

impl Running {
    /// Writes or reads a record of the run, and waits while the state is in trouble.
    ///
    /// # Errors
    /// That of the state, where it is none that may pass, or the run is to stop meanwhile.
    pub(crate) async fn keep_record<T>(
        &self,
        write: impl AsyncFnMut() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        patiently(self.stopped(), |text, over| self.tracker.trouble(STATE, text, over), write).await
    }
}

/// Tries until it succeeds; tells once of trouble, and once of its end.
async fn patiently<T>(
    mut stop: watch::Receiver<Stop>,
    tell: impl Fn(String, bool),
    mut write: impl AsyncFnMut() -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    let (mut wait, mut told) = (FIRST, false);
    loop {
        let error = match write().await {
            Err(error) if error.is_trouble() => error,
            written => {
                if told {
                    tell("the records of the run are kept again".into(), true);
                }
                return written;
            }
        };
        if !std::mem::replace(&mut told, true) {
            tell(format!("a record of the run cannot be kept, waiting for it: {error}"), false);
        }
        tokio::select! {
            biased;
            () = Stop::Drain.is_told(&mut stop) => return Err(error),
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use euterpe_actors::storage::StorageErrorKind;
    use tokio::time::Instant;

    use super::*;

    fn error(kind: StorageErrorKind) -> StorageError {
        StorageError::new(kind, "store", "runs/1/end.json", "no room left on the disk")
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_waits_for_a_state_that_is_full_and_is_told_of_once() {
        let (_stopper, stop) = watch::channel(Stop::No);
        let (told, began) = (RefCell::new(Vec::new()), Instant::now());
        let write = async || match began.elapsed() < Duration::from_secs(130) {
            true => Err(error(StorageErrorKind::Full)),
            false => Ok(7),
        };
        let kept = patiently(stop, |text, over| told.borrow_mut().push((text, over)), write).await;
        assert_eq!(kept.expect("kept"), 7);
        assert!(began.elapsed() <= Duration::from_secs(140), "{:?}", began.elapsed());
        let told = told.into_inner();
        assert_eq!(told.iter().map(|(_, over)| *over).collect::<Vec<_>>(), [false, true]);
        assert!(told[0].0.contains("no room left"), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_told_to_stop_does_not_wait_for_its_records() {
        let (stopper, stop) = watch::channel(Stop::No);
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            stopper.send_replace(Stop::Drain);
        };
        let full = async || Err::<(), _>(error(StorageErrorKind::Full));
        let (kept, ()) = futures::join!(patiently(stop, |_, _| {}, full), stopping);
        assert_eq!(kept.expect_err("given up").kind, StorageErrorKind::Full);
    }

    #[tokio::test]
    async fn an_error_that_does_not_pass_is_not_waited_for() {
        let (_stopper, stop) = watch::channel(Stop::No);
        let lost = async || Err::<(), _>(error(StorageErrorKind::BadKey));
        let kept = patiently(stop, |_, _| panic!("told"), lost).await;
        assert_eq!(kept.expect_err("given up").kind, StorageErrorKind::BadKey);
    }
}
