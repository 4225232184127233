//! Opens an input's bytes for a decoder, with an end to how much a decoder may read.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
};

use bytes::Bytes;
use euterpe_actors::storage::Content;
use symphonia::core::io::MediaSource;

/// Bytes in memory or in a file, read by whoever seeks in them.
pub(crate) enum Source {
    Memory(Cursor<Bytes>),
    File(File, u64),
}

impl Source {
    pub(crate) fn open(content: &Content) -> io::Result<Self> {
        match content {
            Content::Bytes(bytes) => Ok(Self::Memory(Cursor::new(bytes.clone()))),
            Content::File(path) => {
                let file = File::open(path)?;
                let length = file.metadata()?.len();
                Ok(Self::File(file, length))
            }
        }
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(cursor) => cursor.get_ref().len() as u64,
            Self::File(_, length) => *length,
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(cursor) => cursor.read(buffer),
            Self::File(file, _) => file.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(cursor) => cursor.seek(to),
            Self::File(file, _) => file.seek(to),
        }
    }
}

/// A source that ends once it was read several times over: a file whose parts point at each other cannot hold a decoder
/// for ever.
pub(crate) struct Metered {
    source: Source,
    left: u64,
}

impl Metered {
    pub(crate) fn new(source: Source) -> Self {
        let left = source.length().saturating_mul(8).saturating_add(64 << 20);
        Self { source, left }
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the file makes its reader go round in circles"));
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
        let mut metered = Metered::new(Source::open(&content).expect("memory opens"));
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
}
