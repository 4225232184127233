//! S3: the storage suite over three servers, each in a process of its own; what is counted, broken, lied about.

mod claims; // the suite of the port of claims, by a server's clock that its test sets
mod cluster; // the example catalogue on three nodes, its records in a bucket too
mod faults; // a server behind a proxy that resets, cuts off, is slow or silent; processes that are killed; secrets
mod hold; //   records that a process holds, alone or with others
mod nodes; //  two nodes with everything in a bucket: each work once, and hardly more when they are killed
mod peculiar; // what is peculiar to S3: keys, parts, versions, servers that decline, cut off or are not there
mod promises; // what a bucket keeps of what S3 promises is found out; one that lies is found out too
mod proxy; // what stands between a client and a server, and breaks things
mod run; //    the program over buckets
mod server; // servers to test against
mod state; //  the verbs with their records in a bucket; a run that is killed
mod suite; //  the suite of the storage port
mod two_nodes; // one store as two nodes have it

use std::sync::Arc;

use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::storage::Stamp;

/// A stamp by the run that started at `millis`.
fn stamp(millis: u64) -> Stamp {
    let job = JobName::new("mel").expect("a plain name");
    Stamp { job: job.clone(), runs: Arc::new([(job, RunId::new(millis, 0))].into()), hash: String::new() }
}
