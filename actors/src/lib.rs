//! The words, ports, protocol and actors of Euterpe: a complete system in memory.
//!
//! A [graph](plan) of jobs is run on entities. What travels is the [entity message](message): "bring this job to done
//! for this entity", with its continuation. It waits in the queues of a [broker], is taken by a [worker] of the job's
//! [pool], and ends in exactly one [outcome]. What was made lies in [storage]; storage alone says what is done.
//!
//! Reading order: [message], then `worker/run.rs` and `worker/settle.rs`, which together are the protocol; then
//! [dedupe] (what exists, who works on what), [parent_trigger] (asking for what is missing) and [node].
//!
//! Nothing here knows of AMQP, S3, audio, YAML or a command line: those come as adapters of the ports [broker],
//! [storage] and [transform].

pub mod accounting;
pub mod address;
pub mod broker;
pub mod claims;
pub mod context;
pub mod dedupe;
pub mod edges;
pub mod events;
pub mod foreign;
pub mod freshness;
pub mod ids;
pub mod message;
pub mod mutants;
pub mod node;
pub mod outcome;
pub mod parent_trigger;
pub mod plan;
pub mod points;
pub mod pool;
pub mod process;
pub mod retry;
pub mod state;
pub mod storage;
pub mod template;
pub mod transform;
pub mod wire;
pub mod worker;
