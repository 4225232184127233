//! What the two loops tell each other: the state of the connection, and how far the adapter is on its way to the end.

/// The state of the publishing connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    /// Messages can be published.
    Open,
    /// The broker is short of memory or disk and accepts no messages for now. Messages in hand wait.
    Blocked,
    /// There is no connection; it is tried again and again.
    Closed,
}

/// How far the adapter is on its way to the end. A later phase is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Deliveries are taken and messages are published.
    Open,
    /// No more deliveries are taken; those in hand may still be settled.
    Settling,
    /// The connections are being closed.
    Closed,
}
