//! The last bytes of a stream, up to a bound.

/// How many bytes of what a child prints are kept for a dead letter.
const KEPT: usize = 4096;

/// The last 4 KiB of what was pushed.
#[derive(Debug, Default)]
pub(crate) struct Tail(Vec<u8>);

impl Tail {
    /// Adds bytes at the end.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT)..]);
        self.0.drain(..self.0.len().saturating_sub(KEPT));
    }

    /// Forgets all of it.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_kibibytes_are_kept_however_they_come() {
        let text: Vec<u8> = (0..100_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
        for part in [1000, 4096, 100_000] {
            let mut tail = Tail::default();
            text.chunks(part).for_each(|bytes| tail.push(bytes));
            assert_eq!(tail.bytes(), &text[text.len() - KEPT..]);
        }
    }
}
