//! The option `decoder`: who reads a file.

use schemars::JsonSchema;
use serde::Deserialize;

/// Who reads a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecoderChoice {
    /// The readers of this program, and the program `ffmpeg` for kinds that they do not read, where it is on the PATH.
    #[default]
    Auto,
    /// The readers of this program alone.
    Native,
    /// The program `ffmpeg` alone.
    Ffmpeg,
}
