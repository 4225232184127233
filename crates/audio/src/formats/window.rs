//! A moving window on a stream of frames: looks ahead without losing what it saw.

use std::io::{self, Seek, SeekFrom};

use super::{bytes::read_up_to, source::Source};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// A part of a source, seen from a place that moves forward.
pub(crate) struct Window {
    source: Source,
    buffer: Vec<u8>,
    /// The place within `buffer`.
    at: usize,
    /// Bytes of the part that are not in the buffer yet.
    unread: u64,
}

impl Window {
    /// Begins at `start`, for so many bytes.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub(crate) fn new(mut source: Source, start: u64, length: u64) -> io::Result<Self> {
        source.seek(SeekFrom::Start(start))?;
        Ok(Self { source, buffer: Vec::new(), at: 0, unread: length })
    }

    /// The next `length` bytes, or fewer before the end.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub(crate) fn peek(&mut self, length: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.at < length && self.unread > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
            let from = self.buffer.len();
            let more = ((length - from).max(CHUNK) as u64).min(self.unread) as usize;
            self.buffer.resize(from + more, 0);
            let got = read_up_to(&mut self.source, &mut self.buffer[from..])?;
            self.buffer.truncate(from + got);
            self.unread = if got == more { self.unread - got as u64 } else { 0 };
        }
        let end = self.buffer.len().min(self.at.saturating_add(length));
        Ok(&self.buffer[self.at..end])
    }

    /// Moves forward.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub(crate) fn skip(&mut self, length: u64) -> io::Result<()> {
        let here = length.min((self.buffer.len() - self.at) as u64);
        self.at += here as usize;
        let beyond = (length - here).min(self.unread);
        if beyond > 0 {
            self.source.seek_relative(beyond as i64)?;
            self.unread -= beyond;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    #[test]
    fn what_was_seen_is_seen_again_and_the_end_of_the_part_is_the_end() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let source = Source::open(&Content::Bytes(Bytes::from(bytes.clone()))).expect("memory opens");
        let mut window = Window::new(source, 10, 150_000).expect("a window");
        assert_eq!(window.peek(5).expect("seen"), &bytes[10..15]);
        window.skip(2).expect("skipped");
        assert_eq!(window.peek(70_000).expect("seen"), &bytes[12..70_012]);
        window.skip(149_990).expect("skipped");
        assert_eq!(window.peek(100).expect("seen"), &bytes[150_002..150_010]);
        window.skip(100).expect("skipped");
        assert!(window.peek(1).expect("seen").is_empty());
    }
}
