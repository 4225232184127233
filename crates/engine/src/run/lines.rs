//! Lists of ids: one a line, as programs of all systems write them.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::memory::Fingerprint;
use euterpe_actors::storage::name_as_text;

use super::found::{BadName, Found, Sink, found};
use super::walk::{KnownIds, Walk};

/// How much of a line is read: far more than an id may have.
const LONGEST: u64 = 1 << 16;

/// Reads ids from lines. A byte order mark at the start, blanks at the ends of lines, empty lines, and lines that start
/// with `#` are passed over; with `hashes` such lines are ids. An id that stands there again is the same entity, and is given
/// once.
pub(super) fn read_lines<R: Read>(
    mut lines: BufReader<R>,
    name: &str,
    hashes: bool,
    walk: Option<Arc<Walk>>,
    sink: &mut Sink,
) -> anyhow::Result<()> {
    let (mut line, mut known, mut bad) = (Vec::new(), KnownIds::of(walk), HashSet::new());
    let mut is_first = true;
    loop {
        line.clear();
        let read = Read::take(&mut lines, LONGEST).read_until(b'\n', &mut line);
        if read.with_context(|| format!("could not read ids from {name}"))? == 0 {
            return Ok(());
        }
        let cut = line.last() != Some(&b'\n') && line.len() as u64 == LONGEST;
        if cut {
            let mut rest = Vec::new();
            while !rest.ends_with(b"\n") {
                rest.clear();
                if Read::take(&mut lines, LONGEST).read_until(b'\n', &mut rest)? == 0 {
                    break;
                }
            }
        }
        let is_start = std::mem::take(&mut is_first);
        if is_start && (line.starts_with(b"\xFF\xFE") || line.starts_with(b"\xFE\xFF")) {
            anyhow::bail!("{name} is UTF-16; save it as UTF-8");
        }
        let text = if is_start { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line) } else { &line };
        let found = match std::str::from_utf8(text) {
            Ok(text) => {
                let text = text.trim_matches(|c: char| c.is_ascii_whitespace()); // other blanks may belong to a name
                if text.is_empty() || (!hashes && text.starts_with('#')) {
                    continue;
                }
                found(text)
            }
            Err(_) => Found::Bad(BadName::new(&name_as_text(text.trim_ascii()), "it is not UTF-8 text".into())),
        };
        let found = match found {
            Found::Id(id, written) if !known.is_new(Fingerprint::of("", id.as_str())) => {
                written.map(|written| Found::Name(id, written))
            }
            Found::Bad(name) if !bad.insert(Fingerprint::of("bad", &name.name)) => None,
            new => Some(new),
        };
        // Whoever writes lines one by one wants them run one by one.
        let go_on = found.is_none_or(|found| sink.put(found)) && (!lines.buffer().is_empty() || sink.flush());
        if !go_on {
            return Ok(());
        }
    }
}
