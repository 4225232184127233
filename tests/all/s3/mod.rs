//! S3: the storage suite over three servers, each in a process of its own; what is counted, broken, lied about.

mod bucket; // a bucket of a test's own at a server that all tests share
mod cache; // what was made or read here is not downloaded again
mod canary; // no output shows a secret
mod certificates; // a machine that trusts nobody
mod claims; // the suite of the port of claims, by a server's clock that its test sets
mod cluster; // the example catalogue on three nodes, its records in a bucket too
mod cost; //   what a plan says of requests
mod faults; // a large object through cuts and slow bytes; a process that is killed between parts
mod full_disk; // a disk that is full for a while
mod gc; //     uploads that nobody completes: shown, removed
mod hold; //   records that a process holds, alone or with others
mod lying; //  runs over a server that keeps no promise
mod nodes; //  two nodes with everything in a bucket: each work once, and hardly more when they are killed
mod peculiar; // what is peculiar to S3: keys, parts, versions, servers that decline, cut off or are not there
mod promises; // what a bucket keeps of what S3 promises is found out; one that lies is found out too
mod proxy; // what stands between a client and a server, and breaks things
mod pruning; // outputs that nothing accounts for
mod publishing; // what is published of a bucket
mod redirects; // a server that sends its askers elsewhere
mod run; //    the program over buckets
mod server; // servers to test against
mod state; //  the verbs with their records in a bucket; a run that is killed
mod storm; // ninety seconds of trouble
mod suite; //  the suite of the storage port
mod tables; // what is there listed, opened, exported
mod two_nodes; // one store as two nodes have it

use std::sync::Arc;

use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::storage::Stamp;

pub use bucket::shared;
pub use run::Studio;
pub use server::{BUCKET, Server};

/// A stamp by the run that started at `millis`.
fn stamp(millis: u64) -> Stamp {
    let job = JobName::new("mel").expect("a plain name");
    Stamp {
        job: job.clone(),
        runs: Arc::new([(job, RunId::new(millis, 0))].into()),
        entity: None,
        hash: String::new(),
        making: None,
    }
}
