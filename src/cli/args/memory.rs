//! The argument of verbs that go through a catalogue: how much memory what is known of it takes.

use euterpe_engine::Opening;
use euterpe_graph_file::units;

/// How many bytes where nobody says.
const USUAL: u64 = 256 << 20;

/// How much memory what is known of a catalogue takes.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct MemoryArgs {
    /// Keep at most so much of what is known of the catalogue in memory; what is beyond waits in a scratch file.
    #[arg(id = "memory", long = "memory", value_name = "SIZE", env = "EUTERPE_MEMORY", default_value = "256MiB", value_parser = size)]
    pub bytes: u64,
}

impl Default for MemoryArgs {
    fn default() -> Self {
        Self { bytes: USUAL }
    }
}

impl MemoryArgs {
    /// How a graph is opened to look, with so much memory.
    pub fn opening(self) -> Opening {
        Opening { memory: Some(self.bytes), ..Opening::default() }
    }
}

/// Reads a size with its unit, such as `1GiB`.
fn size(text: &str) -> Result<u64, String> {
    units::size(text).ok_or_else(|| format!("`{text}` is no size; write one with its unit, such as 100MB or 1GiB"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        memory: MemoryArgs,
    }

    #[test]
    fn a_size_has_a_unit_and_the_usual_one_is_said_once() {
        let read = |words: &[&str]| Typed::try_parse_from([&["x"], words].concat()).map(|typed| typed.memory.bytes);
        assert_eq!(read(&[]).ok(), Some(MemoryArgs::default().bytes));
        assert_eq!(read(&["--memory", "1GiB"]).ok(), Some(1 << 30));
        let refused = read(&["--memory", "17"]).expect_err("no unit").to_string();
        assert!(refused.contains("such as 100MB or 1GiB"), "{refused}");
    }
}
