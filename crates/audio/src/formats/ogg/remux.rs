//! Puts the packets of a Vorbis track out of another container into Ogg pages, for a decoder that reads nothing else.

use std::io::{self, Read};

use symphonia::core::{errors::Error, formats::FormatReader};

use super::page::pages_of;

/// Bytes of the first of the three headers.
const IDENTIFICATION: usize = 30;

/// The pages of a track.
pub(crate) struct Remuxed {
    reader: Box<dyn FormatReader>,
    track: u32,
    sequence: u32,
    bytes: Vec<u8>,
    given: usize,
    /// How many packets the container has at least that have not come yet.
    awaited: u64,
}

impl Remuxed {
    /// Begins with the headers, of which `headers` holds the first and the third; none where it does not. The container is
    /// known to have `packets` packets or more.
    pub(crate) fn new(reader: Box<dyn FormatReader>, track: u32, headers: &[u8], packets: u64) -> Option<Self> {
        let (first, third) = headers.split_at_checked(IDENTIFICATION)?;
        if !first.starts_with(b"\x01vorbis") || !third.starts_with(b"\x05vorbis") {
            return None;
        }
        let mut sequence = 0;
        let mut bytes = pages_of(first, true, &mut sequence);
        for header in [&b"\x03vorbis\0\0\0\0\0\0\0\0\x01"[..], third] {
            bytes.extend(pages_of(header, false, &mut sequence));
        }
        Some(Self { reader, track, sequence, bytes, given: 0, awaited: packets })
    }

    /// The end of the stream, or of what its reader finds of it.
    fn end(&self) -> io::Result<usize> {
        match self.awaited {
            0 => Ok(0),
            missing => Err(io::Error::other(format!("{missing} of its packets cannot be found"))),
        }
    }
}

impl Read for Remuxed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.bytes.len() {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => {
                    // Libvorbis passes over what is no sound, and all that follows would come early.
                    if packet.data.first().is_some_and(|first| first & 1 == 1) {
                        return Err(io::Error::other("one of its packets is no Vorbis sound"));
                    }
                    self.awaited = self.awaited.saturating_sub(1);
                    self.bytes = pages_of(&packet.data, false, &mut self.sequence);
                    self.given = 0;
                }
                Ok(Some(_)) => {}
                Ok(None) => return self.end(),
                // Whether the container is cut off is told elsewhere.
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return self.end(),
                Err(Error::IoError(error)) => return Err(error),
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        let now = (self.bytes.len() - self.given).min(buffer.len());
        buffer[..now].copy_from_slice(&self.bytes[self.given..][..now]);
        self.given += now;
        Ok(now)
    }
}
