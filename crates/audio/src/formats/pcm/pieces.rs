//! Reads pieces of a source as if they followed each other.

use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use crate::formats::source::Source;

/// Pieces of a source, of which the first may have been read in part.
pub(crate) struct Pieces {
    source: Source,
    left: VecDeque<Range<u64>>,
}

impl Pieces {
    pub(crate) fn new(source: Source, pieces: impl IntoIterator<Item = Range<u64>>) -> Self {
        Self { source, left: pieces.into_iter().collect() }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.left.front_mut() {
            if piece.is_empty() {
                self.left.pop_front();
                continue;
            }
            self.source.seek(SeekFrom::Start(piece.start))?;
            let most = (piece.end - piece.start).min(buffer.len() as u64) as usize;
            let read = self.source.read(&mut buffer[..most])?;
            piece.start += read as u64;
            return Ok(read);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    #[test]
    fn pieces_follow_each_other_in_the_order_that_is_given() {
        let content = Content::Bytes(Bytes::from_static(b"0123456789"));
        let read = |pieces: &[Range<u64>]| {
            let mut all = String::new();
            let source = Source::open(&content).expect("memory opens");
            Pieces::new(source, pieces.iter().cloned()).read_to_string(&mut all).expect("read");
            all
        };
        assert_eq!(read(&[6..9, 3..3, 0..2]), "67801");
        assert_eq!(read(&[8..20, 0..2]), "89", "a piece beyond the end ends all");
        assert_eq!(read(&[]), "");
    }
}
