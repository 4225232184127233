//! How long the parts of a message's work take.

use std::time::Duration;

use tokio::time::Instant;

use crate::events::WorkTimes;

/// Runs from the arrival of a message to the end of its work, part by part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    last: Instant,
    times: WorkTimes,
}

impl Stopwatch {
    /// Since the message came.
    pub fn since(arrived: Instant) -> Self {
        Self { last: arrived, times: WorkTimes::default() }
    }

    /// What was waited for is there.
    pub fn waited(&mut self) {
        self.times.wait = self.lap();
    }

    /// The inputs are open.
    pub fn fetched(&mut self) {
        self.times.fetch = self.lap();
    }

    /// The transform has ended.
    pub fn worked(&mut self) {
        self.times.work = self.lap();
    }

    /// The outputs are in place, or were not kept.
    pub fn stored(&mut self) {
        self.times.store = Some(self.lap());
    }

    /// What carries the message on is published.
    pub fn published(mut self) -> WorkTimes {
        self.times.publish = self.lap();
        self.times
    }

    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }
}
