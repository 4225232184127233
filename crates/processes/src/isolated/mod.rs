//! Does suspect work in a child process, so that what kills a process costs a child and not the node.
//!
//! A panic is caught where it happens. An abort, an overflown stack and a failed allocation end the process, and with it
//! all other work in hand. Work that may have ended a process before ([`Work::isolate`]) is therefore given to a warm child
//! of the same binary. The child opens the same transform, takes one request at a time, and leaves its outputs as files in
//! the scratch folder. If it dies, that was one failed try.
//!
//! [`Work::isolate`]: euterpe_actors::transform::Work::isolate

mod child;
mod protocol;
mod serve;
mod transform;

pub use child::ISOLATED_VERB;
pub use protocol::TransformSpec;
pub use serve::serve_isolated;
pub use transform::isolated;
