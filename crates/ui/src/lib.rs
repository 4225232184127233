//! Euterpe in a browser: a graph at work, what it made, what failed; pages that any browser reads, with or without scripts.
//!
//! ```text
//! survey (a thread, its own session) ──▶ Snapshot ──▶ pages: overview, runs, dead letters, browse, nodes
//!      │ every few seconds, while somebody looks            ▲ events: "there is a new one"
//!      ▼
//! stores, state, broker ◀── session of the server ──▶ pages of one entity: story, previews, files by ranges
//!                       ◀── commands: the verbs of the program, each in a process of its own
//! ```
//!
//! Pages show aggregates that the survey has counted, never more than a page of entities, and read of the stores only what an
//! entity's jobs read and make. What changes something is a verb of the program, shown before it is run.
//!
//! | module | what |
//! |---|---|
//! | `settings`, `server`, `guard` | what is served where and to whom; who is let in |
//! | `shared` | what all threads know: the newest snapshot, who looks, the commands |
//! | `survey`, `snapshot`, `catalogue`, `history` | counting a catalogue, and what is kept of it |
//! | `broker`, `listening` | queues and nodes |
//! | `wanted`, `commands` | a verb that somebody wants; those that were started from a page |
//! | `objects` | files of the stores, by ranges |
//! | `preview` | what a file holds, to be seen |
//! | `pages` | a file for each page |
//! | `api` | the same facts as JSON |

mod api;
#[cfg(feature = "amqp")]
mod broker;
mod catalogue;
mod commands;
mod events;
mod guard;
mod history;
#[cfg(feature = "amqp")]
mod listening;
mod locks;
mod objects;
mod pages;
mod preview;
mod query;
mod server;
mod settings;
mod shared;
mod snapshot;
mod survey;
mod wanted;
mod words;

pub use server::serve;
pub use settings::{Admission, Settings, random_token};
