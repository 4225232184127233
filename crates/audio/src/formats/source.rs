//! Opens an input's bytes for a decoder, with an end to how much a decoder may read.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use euterpe_actors::storage::Content;
use symphonia::core::io::MediaSource;

/// Bytes in memory or in a file, read by whoever seeks in them.
pub(crate) enum Source {
    Memory(Cursor<Bytes>),
    File { file: File, start: u64, length: u64 },
}

impl Source {
    pub(crate) fn open(content: &Content) -> io::Result<Self> {
        Self::open_at(content, 0)
    }

    /// Opens what is behind so many bytes, as if they were not there.
    pub(crate) fn open_at(content: &Content, start: u64) -> io::Result<Self> {
        match content {
            Content::Bytes(bytes) => {
                let start = start.min(bytes.len() as u64) as usize;
                Ok(Self::Memory(Cursor::new(bytes.slice(start..))))
            }
            Content::File(path) => {
                let mut file = File::open(path)?;
                let all = file.metadata()?.len();
                let start = start.min(all);
                file.seek(SeekFrom::Start(start))?;
                Ok(Self::File { file, start, length: all - start })
            }
        }
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(cursor) => cursor.get_ref().len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(cursor) => cursor.read(buffer),
            Self::File { file, .. } => file.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // The system refuses places that no file can have; for a damaged header they are as good as the end.
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(at.min(self.length())),
            other => other,
        };
        match self {
            Self::Memory(cursor) => cursor.seek(to),
            Self::File { file, start, .. } => {
                let to = if let SeekFrom::Start(at) = to { SeekFrom::Start(at + *start) } else { to };
                file.seek(to).map(|at| at.saturating_sub(*start))
            }
        }
    }
}

/// A header of our own in front of a part of a source: for a reader that believes what headers say.
pub(crate) struct Spliced {
    head: Vec<u8>,
    source: Source,
    /// The bytes of the source that follow the header.
    part: Range<u64>,
    /// Bytes that stand in the place of those of the file, from a place in what is read.
    patch: Option<(u64, [u8; 4])>,
    at: u64,
}

impl Spliced {
    pub(crate) fn new(head: Vec<u8>, source: Source, part: Range<u64>) -> Self {
        Self { head, source, part, patch: None, at: 0 }
    }

    /// Puts four bytes into the place of those that the file has there.
    pub(crate) fn patched(mut self, at: u64, bytes: [u8; 4]) -> Self {
        self.patch = Some((at, bytes));
        self
    }

    /// All of a source.
    #[cfg(test)]
    pub(crate) fn whole(source: Source) -> Self {
        let part = 0..source.length();
        Self::new(Vec::new(), source, part)
    }

    pub(crate) fn length(&self) -> u64 {
        self.head.len() as u64 + (self.part.end - self.part.start)
    }
}

impl Read for Spliced {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = self.head.get(self.at as usize..).unwrap_or(&[]);
        let read = if head.is_empty() {
            let left = self.length().saturating_sub(self.at);
            let most = left.min(buffer.len() as u64) as usize;
            self.source.seek(SeekFrom::Start(self.part.start + self.at - self.head.len() as u64))?;
            self.source.read(&mut buffer[..most])?
        } else {
            let now = head.len().min(buffer.len());
            buffer[..now].copy_from_slice(&head[..now]);
            now
        };
        if let Some((at, bytes)) = self.patch {
            for (place, byte) in (at..).zip(bytes) {
                let own = place.checked_sub(self.at).and_then(|offset| buffer[..read].get_mut(offset as usize));
                if let Some(own) = own {
                    *own = byte;
                }
            }
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Spliced {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or_else(|| io::Error::other("it points to a place outside of itself"))?;
        Ok(self.at)
    }
}

/// A source that ends once it was read several times over: a file whose parts point at each other cannot hold a decoder
/// for ever.
pub(crate) struct Metered {
    source: Spliced,
    left: u64,
}

impl Metered {
    pub(crate) fn new(source: Spliced) -> Self {
        let left = source.length().saturating_mul(8).saturating_add(64 << 20);
        Self { source, left }
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("it makes its reader go round in circles"));
        }
        let read = self.source.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

impl MediaSource for Metered {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.source.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_read_over_and_over_ends_with_an_error() {
        let content = Content::Bytes(Bytes::from(vec![7; 1 << 20]));
        let mut metered = Metered::new(Spliced::whole(Source::open(&content).expect("memory opens")));
        let mut block = vec![0; 1 << 20];
        let mut rounds = 0;
        let error = loop {
            metered.seek(SeekFrom::Start(0)).expect("seeks");
            match metered.read_exact(&mut block) {
                Ok(()) => rounds += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(rounds, 72);
        assert!(error.to_string().contains("in circles"));
    }

    #[test]
    fn a_source_begins_where_it_is_told_and_ends_where_no_file_can_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").expect("written");
        for content in [Content::Bytes(Bytes::from_static(b"0123456789")), Content::File(path)] {
            let mut source = Source::open_at(&content, 4).expect("opens");
            let mut read = |to| {
                let mut all = String::new();
                let at = source.seek(to).expect("seeks");
                source.read_to_string(&mut all).expect("read");
                (at, all)
            };
            assert_eq!(read(SeekFrom::Current(0)), (0, "456789".to_owned()));
            assert_eq!(read(SeekFrom::Start(2)), (2, "6789".to_owned()));
            assert_eq!(read(SeekFrom::End(-1)), (5, "9".to_owned()));
            assert_eq!(read(SeekFrom::Start(u64::MAX)), (6, String::new()));
            assert_eq!(Source::open_at(&content, 11).expect("opens").length(), 0);
        }
    }

    #[test]
    fn a_header_of_our_own_stands_before_a_part_of_a_source() {
        let content = Content::Bytes(Bytes::from_static(b"0123456789"));
        let mut spliced = Spliced::new(b"head".to_vec(), Source::open(&content).expect("memory opens"), 3..6);
        let mut all = String::new();
        spliced.read_to_string(&mut all).expect("read");
        assert_eq!(all, "head345");
        spliced.seek(SeekFrom::End(-2)).expect("seeks");
        all.clear();
        spliced.read_to_string(&mut all).expect("read");
        assert_eq!(all, "45");
    }

    #[test]
    fn four_bytes_are_others_than_in_the_file_however_they_are_read() {
        let content = Content::Bytes(Bytes::from_static(b"0123456789"));
        for size in 1..=10 {
            let source = Source::open(&content).expect("memory opens");
            let mut spliced = Spliced::whole(source).patched(3, *b"abcd");
            let (mut all, mut piece) = (Vec::new(), vec![0; size]);
            loop {
                let got = spliced.read(&mut piece).expect("read");
                if got == 0 {
                    break;
                }
                all.extend_from_slice(&piece[..got]);
            }
            assert_eq!(all, b"012abcd789", "in pieces of {size}");
        }
    }
}
