//! The words, ports, protocol and actors of Euterpe: a complete system in memory.
//!
//! A [graph](plan) of jobs is run on entities. What travels is the [entity message](message): "bring this job to done
//! for this entity", with its continuation. It waits in the queues of a [broker], is taken by a worker of the job's
//! [pool], and ends in exactly one [outcome]. What was made lies in [storage]; storage alone says what is done.
//!
//! Reading order: [message], then `worker/lifecycle.rs`, `worker/steps.rs` and `worker/pass_on.rs`, which together are the
//! protocol; then [memory] (what a node remembers), `dedupe.rs` (shared look-ups), `parent_trigger.rs` (asking for what is
//! missing) and [node].
//!
//! Floors, top to bottom; a module uses only modules below it:
//!
//! ```text
//! node
//! pool
//! worker
//! context: what all workers of a node share
//! dedupe, parent_trigger
//! memory
//! foreign, accounting, continuation, standing, edges, freshness, addressing, turns: decisions as plain values
//! ports: broker, claims, storage, transform, state, events, wire; setup; plan, which names them
//! words: ids, message, node_trouble, disk_room, blocking_threads, outcome, template, retry, trace,
//! work_span
//! ```
//!
//! Nothing here knows of AMQP, S3, audio, YAML or a command line: those come as adapters of the ports [broker],
//! [claims], [storage] and [transform].

pub mod accounting;
pub mod actors_thread;
pub mod address;
mod addressing;
pub mod awake;
pub mod blocking_threads;
pub mod broker;
pub mod claims;
pub mod context;
mod continuation;
mod dedupe;
pub mod disk_room;
pub mod edges;
pub mod events;
pub mod foreign;
pub mod freshness;
pub mod ids;
pub mod memory;
pub mod message;
pub mod mutants;
pub mod node;
pub mod node_trouble;
pub mod out_of_date;
pub mod outcome;
mod parent_trigger;
pub mod plan;
pub mod points;
pub mod pool;
pub mod process;
pub mod refresh;
pub mod retry;
pub mod setup;
pub mod standard;
pub mod standing;
pub mod state;
pub mod storage;
pub mod template;
pub mod trace;
pub mod transform;
pub mod turns;
pub mod wire;
pub mod work_span;
mod worker;
