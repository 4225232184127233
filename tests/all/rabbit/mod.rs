//! RabbitMQ: a real one, started by each test on a port of its own.

#![allow(dead_code)]

mod catalogue; // the example catalogue over real music, on three nodes
mod chaos; //   faults of every kind, by a seed
mod cluster; // a graph in a folder, and node processes that serve it
mod faults; //  one fault of the broker at a time
mod nodes; //   what several nodes make, each once; the verbs over a broker
mod proxy; //   connections that are reset
mod refusals; // what is refused, waited for, named
mod server; //  the broker process
mod suite; //   the adapter passes the suite of the port
mod waiters; // thousands who wait for one, and failures above them

use std::time::{Duration, Instant};

pub use cluster::Cluster;
pub use server::Rabbit;

/// Waits until something holds that real processes bring about, but not for ever.
#[track_caller]
pub fn soon(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(50)); // a deadline against real processes
    }
}
