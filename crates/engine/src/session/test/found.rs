//! What became of a target of a test.

use euterpe_actors::storage::Content as Bytes;

/// What became of a target.
pub(super) enum Found {
    /// It is there.
    There(Bytes),
    /// It is not; what else went wrong may say why.
    Nothing(Vec<String>),
    /// There is a dead letter: reason, sentence, the last that was printed.
    Dead(String, String, String),
    /// It was declined, with this reason.
    Skipped(String),
}
