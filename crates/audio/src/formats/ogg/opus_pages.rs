//! The packets of an Opus stream in Ogg, behind its headers.

use std::io;

use super::{
    super::faults::{damaged, unread},
    one_stream::OneStream,
    opus::Stream,
    opus_head::OpusHead,
    packets::{Ended, Packets},
};
use crate::refusal::Refusal;

/// The packets of an Opus stream, page by page.
struct OpusPages {
    stream: OneStream,
    packets: Packets,
}

impl OpusPages {
    fn next(&mut self) -> io::Result<Option<Ended>> {
        match self.stream.next_page()? {
            true => self.packets.of_page(&self.stream.page).map(Some),
            false => Ok(None),
        }
    }

    /// The next header, which ends on a page of its own.
    fn header(&mut self) -> Result<Vec<u8>, Refusal> {
        loop {
            let ended = self.next().map_err(|error| unread(&error))?;
            let ended = ended.ok_or_else(|| damaged("its Opus headers are missing"))?;
            if let Some(packet) = ended.packets.into_iter().next() {
                return Ok(packet);
            }
        }
    }
}

/// Reads the headers of an Opus stream: what the sound is, and comments.
pub(super) fn stream(stream: OneStream) -> Result<Stream, Refusal> {
    let mut pages = OpusPages { stream, packets: Packets::default() };
    let head = OpusHead::read(&pages.header()?)?;
    if !pages.header()?.starts_with(b"OpusTags") {
        return Err(damaged("its Opus headers are missing"));
    }
    // A stream that was cut out of a longer one may begin within a packet.
    pages.packets = Packets::default();
    Ok(Stream { head, pages: Box::new(move || pages.next()) })
}
