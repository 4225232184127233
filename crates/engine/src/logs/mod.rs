//! The log lines of works: what a node keeps of them, what is asked of it, and how the answers of many are put together.
//!
//! ```text
//! log of the process ──▶ ring ──▶ answers ── told ──▶ gathering ──▶ who asked
//!                                    ▲                    │
//!                                    └──────── ask ───────┘
//! ```
//!
//! A node publishes no line that nobody asked for: whoever wants lines asks all nodes by the exchange of reports, and asks
//! again for as long as it follows. Lines may be lost as reports may; they are numbered, so what is missing is counted.

#[cfg(feature = "amqp")]
pub mod answers;
pub mod filter;
#[cfg(feature = "amqp")]
pub mod gathering;
pub mod line;
pub mod ring;
#[cfg(feature = "amqp")]
pub mod speak;
#[cfg(feature = "amqp")]
pub mod wire;
