//! Time and CPU from the first delivery of a round to the end of its last one: neither connecting nor declaring.

use std::{sync::OnceLock, time::Instant};

use super::support::{cpu_of, cpu_seconds};

/// Measures one round.
pub struct Meter {
    broker: u32,
    first: OnceLock<Point>,
    last: OnceLock<Point>,
}

#[derive(Clone, Copy)]
struct Point {
    at: Instant,
    own: f64,
    broker: f64,
}

/// What a round cost, in seconds.
pub struct Round {
    pub wall: f64,
    pub own: f64,
    pub broker: f64,
}

impl Meter {
    /// A meter beside a broker of this process.
    pub fn new(broker: u32) -> Self {
        Self { broker, first: OnceLock::new(), last: OnceLock::new() }
    }

    fn now(&self) -> Point {
        Point { at: Instant::now(), own: cpu_seconds(), broker: cpu_of(self.broker) }
    }

    /// A delivery came; only the first counts.
    pub fn begins(&self) {
        self.first.get_or_init(|| self.now());
    }

    /// The last one is done.
    pub fn ends(&self) {
        self.last.get_or_init(|| self.now());
    }

    /// What it cost.
    pub fn round(&self) -> Round {
        let (first, last) = (self.first.get().expect("it began"), self.last.get().expect("it ended"));
        Round {
            wall: (last.at - first.at).as_secs_f64(),
            own: last.own - first.own,
            broker: last.broker - first.broker,
        }
    }
}
