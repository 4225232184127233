//! Why a file is not read: its kind is known and has no reader here, or something else is wrong with it.

use std::{fmt, io, ops::Deref};

use euterpe_actors::outcome::Fault;

/// What is known of the length of a file that has no reader here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Whether the file ends within something.
    pub(crate) cut: bool,
    /// How many frames it declares.
    pub(crate) declared: Option<u64>,
}

/// A fault of the input, which knows whether another program may read the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The file is of a kind that has no reader here.
    Unsupported {
        /// The kind, as sentences name it.
        what: String,
        /// The sentence for whoever has no other program.
        fault: Fault,
        /// What is known of its length.
        extent: Extent,
    },
    /// The file is of no kind that is known here: no sound, or of a format without a name here.
    Unknown(Fault),
    /// Damaged, cut off, of a kind that nobody reads, or out of reach.
    Other(Fault),
}

impl Refusal {
    /// The input cannot be used.
    pub(crate) fn bad_input(text: impl Into<String>) -> Self {
        Self::Other(Fault::bad_input(text))
    }

    /// Worth another try.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Other(Fault::failed(text))
    }

    /// As [`Fault::of_io`].
    pub(crate) fn of_io(action: impl fmt::Display, error: &io::Error) -> Self {
        Self::Other(Fault::of_io(action, error))
    }

    /// Adds that the file ends within something, where that is so.
    pub(crate) fn of_cut_file(self, is_cut: bool) -> Self {
        match self {
            Self::Unsupported { what, fault, extent } => {
                Self::Unsupported { what, fault, extent: Extent { cut: extent.cut || is_cut, ..extent } }
            }
            other => other,
        }
    }

    /// Adds how many frames the file declares, where it does.
    pub(crate) fn of_frames(self, declared: Option<u64>) -> Self {
        match self {
            Self::Unsupported { what, fault, extent } => {
                Self::Unsupported { what, fault, extent: Extent { declared, ..extent } }
            }
            other => other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Deref for Refusal {
    type Target = Fault;

    fn deref(&self) -> &Fault {
        match self {
            Self::Unsupported { fault, .. } | Self::Unknown(fault) | Self::Other(fault) => fault,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Other(fault)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported { fault, .. } | Refusal::Unknown(fault) | Refusal::Other(fault) => fault,
        }
    }
}
