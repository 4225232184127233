//! The argument of verbs that do work: how much of this machine's disk keeps objects of buckets.

use euterpe_graph_file::units;

/// How many bytes are kept where nobody says.
const USUAL: u64 = 2 << 30;

/// What is kept here of what lies in buckets.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct CacheArgs {
    /// Keep so much of what was made or read in buckets on this machine, for who reads it next; 0 keeps nothing.
    #[arg(long = "cache", value_name = "SIZE", env = "EUTERPE_CACHE", default_value = "2GiB", value_parser = size)]
    pub bytes: u64,
}

impl Default for CacheArgs {
    fn default() -> Self {
        Self { bytes: USUAL }
    }
}

/// Reads a size with its unit, such as `2GiB`, or 0.
fn size(text: &str) -> Result<u64, String> {
    let read = if text == "0" { Some(0) } else { units::size(text) };
    read.ok_or_else(|| format!("`{text}` is no size; write one with its unit, such as 500MB or 2GiB, or 0 for nothing"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        cache: CacheArgs,
    }

    #[test]
    fn a_size_has_a_unit_unless_it_is_nothing_and_the_usual_one_is_said_once() {
        let read = |words: &[&str]| Typed::try_parse_from([&["x"], words].concat()).map(|typed| typed.cache.bytes);
        assert_eq!(read(&[]).ok(), Some(CacheArgs::default().bytes));
        assert_eq!(read(&["--cache", "500MB"]).ok(), Some(500_000_000));
        assert_eq!(read(&["--cache", "0"]).ok(), Some(0));
        let refused = read(&["--cache", "17"]).expect_err("no unit").to_string();
        assert!(refused.contains("such as 500MB or 2GiB"), "{refused}");
    }
}
