//! RabbitMQ: a real one. Most tests have a virtual host of their own at a broker that they share; who does something to the
//! broker itself has one of its own.

mod audit; //   what an audit learns from broker and nodes
mod brokers; // a cluster of three brokers of which one or two die
mod catalogue; // the example catalogue over real music, on three nodes
mod certificates; // of a test's own: an authority, a server, a client, one that nobody signed
mod chaos; //   faults of every kind, by a seed
mod cluster; // a graph in a folder, and node processes that serve it
mod everyday; // what ctrl-c leaves, and how to go on; what waits
mod faults; //  one fault of the broker at a time
mod fuzzed; //  bodies of all kinds from anybody: each is accounted for, and the node stays as it is
mod logs; //    `logs` over a broker: the lines of all nodes, and of those that come later
mod management; // what HTTP tells of a broker, and changes in it
mod network; // machines as network namespaces, with cables that can be pulled
mod nodes; //   what several nodes make, each once; the verbs over a broker
mod others; //  the manual's examples for other programs, really run
mod pairs; //   all that run and node can differ in, at every moment
mod partition; // a node that is cut off from the broker
mod proxy; //   connections that are reset
mod python; //  Python transforms on nodes: one is killed
mod refresh; //   what a run makes anew, nodes of another mind make anew, too
mod refusals; // what is refused, waited for, named
mod secrets; // no word of a broker's user or password anywhere
mod server; //  the broker process
mod setups; //  runs and nodes that mean something else by the same name
mod suite; //   the adapter passes the suite of the port
mod timeouts; // a broker that takes messages away from who holds them for long
mod tls; //     encrypted connections, and those that are refused
mod traces; //  what an entity causes on three nodes, as one tree
mod upgrades; // messages that are queued while program or graph change
mod vhost; //   a virtual host of a test's own
mod waiters; // thousands who wait for one, and failures above them
mod window; //  how much of a run the queues hold at once

use std::time::{Duration, Instant};

pub use cluster::{Cluster, Said};
pub use server::{Rabbit, free_port};
pub use vhost::{Vhost, shared};

/// Waits until something holds that real processes bring about, but not for ever.
#[track_caller]
pub fn soon(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    loop {
        let asked = Instant::now();
        if holds() {
            return;
        }
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        // A deadline against real processes, which are to have most of the machine while a test only looks at them.
        std::thread::sleep(Duration::from_millis(50).max(2 * asked.elapsed()));
    }
}
