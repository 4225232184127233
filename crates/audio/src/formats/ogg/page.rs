//! A page of an Ogg file (RFC 3533, section 6): read, checked, and put together.

use std::io::{self, Read};

use symphonia::core::{checksum::Crc32, io::Monitor};

use super::super::bytes::{little, read_up_to};

/// Bytes of a page's header before the table of its segments.
const HEADER: usize = 27;

/// A page, with its header.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
}

/// What is at a place in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A page with the right checksum.
    Page,
    /// A page whose checksum is wrong.
    Damaged,
    /// The beginning of a page.
    Part,
    /// Something else.
    Other,
    /// The end of the file.
    End,
}

impl Page {
    /// Reads what comes next into this page.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn read<R: Read>(&mut self, reader: &mut R) -> io::Result<Found> {
        self.bytes.resize(HEADER, 0);
        let got = read_up_to(reader, &mut self.bytes)?;
        if got < HEADER || !self.bytes.starts_with(b"OggS") {
            let part = got > 0 && self.bytes.starts_with(&b"OggS"[..got.min(4)]);
            return Ok(match got {
                0 => Found::End,
                _ if part => Found::Part,
                _ => Found::Other,
            });
        }
        let segments = usize::from(self.bytes[26]);
        self.bytes.resize(HEADER + segments, 0);
        if read_up_to(reader, &mut self.bytes[HEADER..])? < segments {
            return Ok(Found::Part);
        }
        let body: usize = self.bytes[HEADER..].iter().map(|&length| usize::from(length)).sum();
        self.bytes.resize(HEADER + segments + body, 0);
        if read_up_to(reader, &mut self.bytes[HEADER + segments..])? < body {
            return Ok(Found::Part);
        }
        Ok(if checksum(&self.bytes) == little(&self.bytes, 22, 4) as u32 { Found::Page } else { Found::Damaged })
    }

    /// Whether this page begins a stream.
    pub(crate) fn is_first(&self) -> bool {
        self.bytes[5] & 2 != 0
    }

    /// Whether this page ends a stream.
    pub(crate) fn is_last(&self) -> bool {
        self.bytes[5] & 4 != 0
    }

    #[cfg(feature = "opus")]
    /// Whether it begins with the rest of a packet.
    pub(crate) fn is_continued(&self) -> bool {
        self.bytes[5] & 1 != 0
    }

    #[cfg(feature = "opus")]
    /// The lengths of the pieces of packets that it carries.
    pub(crate) fn segments(&self) -> &[u8] {
        self.bytes.get(HEADER..HEADER + usize::from(self.bytes[26])).unwrap_or(&[])
    }

    /// Where the stream stands at the end of this page; none where no packet ends on it.
    pub(crate) fn position(&self) -> Option<u64> {
        Some(little(&self.bytes, 6, 8)).filter(|&position| position != u64::MAX)
    }

    /// The stream's number.
    pub(crate) fn serial(&self) -> u32 {
        little(&self.bytes, 14, 4) as u32
    }

    /// The page's number in its stream.
    pub(crate) fn sequence(&self) -> u32 {
        little(&self.bytes, 18, 4) as u32
    }

    /// What it carries.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER + usize::from(self.bytes[26])..).unwrap_or(&[])
    }
}

/// Puts one packet into pages of its own, without a position.
pub(crate) fn pages_of(packet: &[u8], first: bool, sequence: &mut u32) -> Vec<u8> {
    const SERIAL: u32 = 1;
    let mut lacing = vec![255; packet.len() / 255];
    lacing.push((packet.len() % 255) as u8);
    let (mut pages, mut rest) = (Vec::new(), packet);
    for (number, segments) in lacing.chunks(255).enumerate() {
        let (body, later) = rest.split_at(segments.iter().map(|&length| usize::from(length)).sum());
        rest = later;
        let position = if first { 0 } else { u64::MAX };
        let flags = u8::from(number > 0) | u8::from(first) << 1;
        let head = [&b"OggS\0"[..], &[flags], &position.to_le_bytes(), &SERIAL.to_le_bytes()].concat();
        let tail = [&sequence.to_le_bytes()[..], &[0; 4], &[segments.len() as u8], segments, body].concat();
        let mut page = [head, tail].concat();
        let sum = checksum(&page);
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        pages.extend(page);
        *sequence += 1;
    }
    pages
}

/// The checksum of a page, for which its own field counts as zero.
fn checksum(page: &[u8]) -> u32 {
    let mut sum = Crc32::new(0);
    sum.process_buf_bytes(&page[..22]);
    sum.process_buf_bytes(&[0; 4]);
    sum.process_buf_bytes(&page[26..]);
    sum.crc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_any_length_come_back_out_of_their_pages() {
        for length in [0, 1, 254, 255, 256, 65_024, 65_025, 65_026, 200_000] {
            let packet: Vec<u8> = (0..length).map(|n: u32| (n % 250) as u8).collect();
            let mut sequence = 7;
            let bytes = pages_of(&packet, false, &mut sequence);
            let (mut reader, mut page, mut back) = (&bytes[..], Page::default(), Vec::new());
            let mut expected = 7;
            while !reader.is_empty() {
                assert_eq!(page.read(&mut reader).expect("memory reads"), Found::Page);
                assert_eq!((page.sequence(), page.serial()), (expected, 1));
                back.extend_from_slice(page.body());
                expected += 1;
            }
            assert!(back == packet && expected == sequence, "{length}");
        }
    }

    #[test]
    fn a_changed_bit_a_cut_and_other_bytes_are_told_apart() {
        let whole = pages_of(b"a packet", true, &mut 0);
        let read = |bytes: &[u8]| Page::default().read(&mut &bytes[..]).expect("memory reads");
        assert_eq!(read(&whole), Found::Page);
        let mut changed = whole.clone();
        *changed.last_mut().expect("bytes") ^= 1;
        assert_eq!(read(&changed), Found::Damaged);
        for cut in 1..whole.len() {
            assert_eq!(read(&whole[..cut]), Found::Part, "cut at {cut}");
        }
        assert_eq!((read(b""), read(b"TAG, and more than a header of it")), (Found::End, Found::Other));
    }
}
