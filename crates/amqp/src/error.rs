//! Why the broker cannot be used, and whether trying again can help.

use thiserror::Error;

use super::refusal;

/// Why the broker cannot be used. Holds no credentials.
#[derive(Clone, Debug, Error)]
pub enum ConnectionError {
    /// It did not answer in time; holds what was tried.
    #[error("the broker did not answer within 10 s: {0}")]
    Silent(&'static str),
    /// It refused what was tried, or the connection broke over it.
    #[error("{what}: {said}")]
    Refused {
        /// What was tried.
        what: &'static str,
        /// What the broker or the system said.
        said: String,
    },
    /// The connection ended; holds the reason.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A file that the connection needs cannot be read or holds something else.
    #[error("{0}")]
    File(String),
    /// A queue or exchange of the graph exists with other settings.
    #[error("{0}")]
    Mismatch(String),
    /// This broker can never serve the graph, such as one that is too old.
    #[error("{0}")]
    Unfit(String),
}

impl ConnectionError {
    /// The error for an attempt that the broker refused, or over which the connection broke.
    pub(super) fn refused(what: &'static str, error: &lapin::Error) -> Self {
        ConnectionError::Refused { what, said: refusal::said(error) }
    }

    /// Whether trying again cannot help, because a person has to change something.
    pub fn is_final(&self) -> bool {
        match self {
            ConnectionError::File(_) | ConnectionError::Mismatch(_) | ConnectionError::Unfit(_) => true,
            ConnectionError::Refused { said, .. } => refusal::is_final(said),
            ConnectionError::Silent(_) | ConnectionError::Broken(_) => false,
        }
    }
}
