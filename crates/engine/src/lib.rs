//! Euterpe as a library: a graph opened, and everything that can be done with it.
//!
//! ```text
//! graph file ──euterpe_graph_file::load──▶ Plan ──Engine::open──▶ Session ──▶ run, publish, resume, retry, serve,
//!                                           ▲                                plan, check, explain, status, verify, gc, test
//!                  builtin::registry ───────┘ the transforms that jobs may name
//! ```
//!
//! A [`Session`] holds one [`Workspace`]: the stores, the state, the transforms and the scratch space of a graph, opened
//! once and passed whole. Its methods are the verbs of the program; a verb of the command line parses its flags, calls one
//! of them, and prints what comes back. A run is seen and stopped from outside by way of a [`Watch`].
//!
//! Sessions live on one thread: call their methods within an `actix::System`.
//!
//! | folder | what |
//! |---|---|
//! | `workspace` | what a plan names, opened: the only place that sees both configuration and actors |
//! | `run` | how a run goes: ids, survey, sink, tracker; in this process or over a broker; a node and its reports |
//! | `session` | a file for each method |
//! | `logs` | the log lines of works: kept by nodes, asked of all of them |
//! | `metrics` | what a process counts of its work |
//! | `audit` | what is valid and will bite: a file for each rule |
//! | `profile` | one job's work under measurement |
//! | `traces` | the spans of its work, until they are sent |
//! | `builtin` | the transforms that come with the program |

// Without buckets, or without a broker elsewhere, some values never exist and some code has no caller.
#![cfg_attr(not(feature = "s3"), allow(unreachable_code, unused_variables, clippy::diverging_sub_expression))]
#![cfg_attr(not(feature = "amqp"), allow(dead_code))]

mod audit;
pub mod builtin;
mod clock;
#[cfg(feature = "faults")]
pub mod faults;
mod logs;
mod metrics;
mod mistake;
pub mod profile;
mod run;
mod session;
mod traces;
mod workspace;

#[cfg(feature = "amqp")]
pub use audit::audit_broker;
pub use audit::{Audit, Warning, audit, audit_without_broker};
#[cfg(feature = "audio")]
pub use euterpe_audio::{Chart, HeatMap};
pub use euterpe_tables::{Arrays, Format as TableFormat, Statistic, Written as Exported};
pub use logs::filter::LogFilter;
#[cfg(feature = "amqp")]
pub use logs::gathering::{LogNews, NodeLine};
pub use logs::line::{LogLevel, LogLine};
pub use logs::ring::LogRing;
#[cfg(feature = "amqp")]
pub use logs::speak::Speaking;
pub use metrics::Metrics;
pub use mistake::{Mistake, find_job};
pub use run::arrivals::Arrivals;
pub use run::follow::Ended;
pub use run::former::{Former, FormerGroup};
pub use run::ids::Ids;
pub use run::in_hand::Held;
#[cfg(feature = "amqp")]
pub use run::node_views::AtWork;
pub use run::outdated::{Outdated, OutdatedGroup};
pub use run::over::Over;
pub use run::passed::{Passed, PassedKind};
#[cfg(feature = "amqp")]
pub use run::queue_watch::watch_queues;
pub use run::report::{JobReport, NodeReport};
pub use run::running::{Running, Stop};
#[cfg(feature = "amqp")]
pub use run::serve::{Beat, Serving, serve};
pub use run::tally::{JobTally, Tally};
pub use run::tracker::Trouble;
pub use run::watch::{Notice, Unwatched, Watch};
pub use session::*;
pub use traces::{Attribute, Span, SpanBuffer, SpanKind, Traces};
pub use workspace::{Access, Lock, Opening, STATE_FOLDER, Workspace, code_files, missing_programs};
