//! The pages of one of the streams of an Ogg file that play at the same time.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use euterpe_actors::storage::Content;

use super::{
    super::source::Source,
    page::{Found, Page},
    survey::Link,
};

/// The pages of one of the streams that play at the same time.
pub(super) struct OneStream {
    reader: BufReader<io::Take<Source>>,
    serial: u32,
    pub(super) page: Page,
    given: usize,
}

impl OneStream {
    /// The stream of a number in a link.
    pub(super) fn open(content: &Content, link: &Link, serial: u32) -> io::Result<Self> {
        let mut source = Source::open(content)?;
        source.seek(SeekFrom::Start(link.start))?;
        let reader = BufReader::with_capacity(1 << 16, source.take(link.end - link.start));
        Ok(Self { reader, serial, page: Page::default(), given: 0 })
    }

    /// Reads the next page of the stream; false at its end.
    pub(super) fn next_page(&mut self) -> io::Result<bool> {
        while self.page.read(&mut self.reader)? == Found::Page {
            if self.page.serial() == self.serial {
                return Ok(true);
            }
        }
        self.page.bytes.clear();
        Ok(false)
    }
}

impl Read for OneStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.page.bytes.len() {
            self.given = 0;
            if !self.next_page()? {
                return Ok(0);
            }
        }
        let now = (self.page.bytes.len() - self.given).min(buffer.len());
        buffer[..now].copy_from_slice(&self.page.bytes[self.given..][..now]);
        self.given += now;
        Ok(now)
    }
}
