//! Walks all elements of a Matroska file (RFC 9559): what its packets do not tell, and whether each element is where it may be.
//!
//! A reader of packets takes what it cannot read for the end. So this one counts the blocks, and whatever is no element, or
//! one that cannot be there, is damage.

use std::io::{BufReader, Read, Seek};

use crate::refusal::Refusal;

use super::{
    super::{
        bytes::{big, little, read_up_to},
        faults::{damaged, several, unread},
        tags::MOST_PADDING,
    },
    ebml::{Element, checksum, element, go_to, number},
    track::Tracks,
};

/// A description of tracks beyond this is no description.
const MAX_TRACKS: u64 = 16 << 20;

const EBML: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1f43_b675;
const TRACKS: u64 = 0x1654_ae6b;
const GROUP: u64 = 0xa0;
const BLOCK: u64 = 0xa1;
const SIMPLE: u64 = 0xa3;
const PADDING: u64 = 0x75a2;
const SUM: u64 = 0xbf;

/// What may stand within any element: emptiness, checksums, signatures.
const ANYWHERE: &[u64] = &[0xec, SUM, 0x1b53_8667];
/// What may stand within a segment: seek heads, description, clusters, tracks, cues, attachments, chapters, tags.
const IN_SEGMENT: &[u64] =
    &[0x114d_9b74, 0x1549_a966, CLUSTER, TRACKS, 0x1c53_bb6b, 0x1941_a469, 0x1043_a770, 0x1254_c367];
/// What may stand within a cluster: its time, silent tracks, its place, the size of the one before, blocks.
const IN_CLUSTER: &[u64] = &[0xe7, 0x5854, 0xa7, 0xab, SIMPLE, GROUP, 0xaf];

/// What a walk tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Walked {
    pub(super) tracks: Tracks,
    /// What is to be left out at the end of the track that is read, in nanoseconds.
    pub(super) padding: i64,
    /// How many blocks that track has.
    pub(super) blocks: u64,
    pub(super) cut: bool,
    /// Where its elements end: what follows is of no account, such as zeros up to the end of a sector.
    pub(super) end: u64,
}

/// An element that others are within, and where it ends if that is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    File,
    Segment(Option<u64>),
    Cluster(Option<u64>),
    Group(u64),
}

struct Walk<'a, R> {
    source: &'a mut BufReader<R>,
    length: u64,
    found: Walked,
    /// The elements that are open, the innermost last.
    open: Vec<Within>,
    segments: u32,
    /// The track of the last block.
    block_track: u64,
}

/// Walks a file of `length` bytes.
///
/// # Errors
/// Where it is damaged or several files in a row, or cannot be read.
pub(super) fn walk<R: Read + Seek>(source: &mut BufReader<R>, length: u64) -> Result<Walked, Refusal> {
    let open = vec![Within::File];
    let found = Walked { end: length, ..Walked::default() };
    let mut walk = Walk { source, length, found, open, segments: 0, block_track: 0 };
    let mut at = 0;
    while at < length {
        at = walk.step(at)?;
    }
    Ok(walk.found)
}

impl<R: Read + Seek> Walk<'_, R> {
    /// Takes the element at a place, and says where the next one is.
    fn step(&mut self, at: u64) -> Result<u64, Refusal> {
        while self.end().is_some_and(|end| at >= end) {
            self.open.pop();
        }
        let over = self.segments > 0 && self.open.len() == 1;
        go_to(self.source, at).map_err(|error| unread(&error))?;
        let Some(element) = element(self.source, at).map_err(|error| unread(&error))? else {
            self.found.cut |= !over && self.is_cut_or_damaged(at)?;
            if !self.found.cut {
                self.found.end = at;
            }
            return Ok(self.length);
        };
        if !self.place(element.name) {
            // Anything may follow a segment whose end is known, but not a part of it.
            let part = IN_SEGMENT.contains(&element.name);
            if part || !over {
                return Err(damaged("an element of it is where none can be"));
            }
            self.found.end = at;
            return Ok(self.length);
        }
        let end = element.size.map(|size| element.body.saturating_add(size));
        if end.zip(self.end()).is_some_and(|(own, outer)| own > outer) {
            return Err(damaged("an element of it reaches beyond the one around it"));
        }
        self.found.cut |= end.is_some_and(|end| end > self.length);
        self.enter(element, end)
    }

    /// Where the innermost element of a known size ends.
    fn end(&self) -> Option<u64> {
        self.open.iter().rev().find_map(|within| match *within {
            Within::Segment(end) | Within::Cluster(end) => end,
            Within::Group(end) => Some(end),
            Within::File => None,
        })
    }

    /// Finds the element that may hold one of such a name, and leaves those of unknown size within it; false where none may.
    fn place(&mut self, name: u64) -> bool {
        let ends_itself = |within: &Within| matches!(within, Within::Segment(None) | Within::Cluster(None));
        for depth in (0..self.open.len()).rev() {
            let fits = match self.open[depth] {
                Within::File => name == EBML || name == SEGMENT,
                Within::Segment(_) => IN_SEGMENT.contains(&name),
                Within::Cluster(_) => IN_CLUSTER.contains(&name),
                Within::Group(_) => true,
            };
            if fits || ANYWHERE.contains(&name) {
                self.open.truncate(depth + 1);
                return true;
            }
            if !ends_itself(&self.open[depth]) {
                return false;
            }
        }
        false
    }

    /// Reads what matters of an element, and says where the next one is: within it or behind it.
    fn enter(&mut self, element: Element, end: Option<u64>) -> Result<u64, Refusal> {
        let Element { name, body, size } = element;
        let behind = end.unwrap_or(self.length);
        go_to(self.source, body).map_err(|error| unread(&error))?;
        match name {
            SEGMENT if self.segments > 0 => return Err(several()),
            SEGMENT => {
                self.segments += 1;
                self.open.push(Within::Segment(end));
            }
            CLUSTER => self.open.push(Within::Cluster(end)),
            GROUP => self.open.push(Within::Group(behind)),
            TRACKS if self.found.tracks.numbers.is_empty() => {
                let tracks = self.piece(size.unwrap_or(0).min(MAX_TRACKS))?;
                self.found.tracks = Tracks::read(&tracks);
                return Ok(behind);
            }
            BLOCK | SIMPLE => {
                let head = self.piece(size.unwrap_or(0).min(8))?;
                self.block(&head)?;
                return Ok(behind);
            }
            PADDING => {
                let padding = self.piece(size.unwrap_or(0).min(8))?;
                if self.is_own(self.block_track) {
                    self.found.padding = big(&padding, 0, padding.len()) as i64;
                }
                return Ok(behind);
            }
            SUM => {
                self.check(behind)?;
                return Ok(behind);
            }
            _ => return Ok(behind),
        }
        Ok(body)
    }

    fn block(&mut self, head: &[u8]) -> Result<(), Refusal> {
        self.block_track = number(head).map_or(0, |(own, _)| own);
        if !self.found.tracks.numbers.contains(&self.block_track) && !self.found.tracks.numbers.is_empty() {
            return Err(damaged("a block of it belongs to no track"));
        }
        if self.is_own(self.block_track) {
            self.found.blocks += 1;
            self.found.padding = 0;
        }
        Ok(())
    }

    fn is_own(&self, number: u64) -> bool {
        self.found.tracks.sound.as_ref().is_some_and(|track| track.number == number)
    }

    /// Compares the checksum of a cluster, which stands at its beginning, with what follows.
    fn check(&mut self, from: u64) -> Result<(), Refusal> {
        let Some(&Within::Cluster(Some(end))) = self.open.last() else { return Ok(()) };
        let declared = little(&self.piece(4)?, 0, 4) as u32;
        if end <= self.length
            && checksum(self.source, end.saturating_sub(from)).map_err(|error| unread(&error))? != declared
        {
            return Err(damaged("the checksum of a cluster of it is wrong"));
        }
        Ok(())
    }

    /// What is no element: a few zeros up to the end do not matter, and the head of an element may be cut off.
    fn is_cut_or_damaged(&mut self, at: u64) -> Result<bool, Refusal> {
        go_to(self.source, at).map_err(|error| unread(&error))?;
        let (mut zeros, mut piece) = (true, vec![0; 1 << 12]);
        loop {
            let got = read_up_to(self.source, &mut piece).map_err(|error| unread(&error))?;
            zeros &= piece[..got].iter().all(|&byte| byte == 0);
            if got == 0 || !zeros {
                break;
            }
        }
        match zeros {
            true if self.length - at > MOST_PADDING => Err(damaged("a part of it is zeros")),
            true => Ok(false),
            false if self.length - at < 12 => Ok(true),
            false => Err(damaged("something of it is no element")),
        }
    }

    fn piece(&mut self, length: u64) -> Result<Vec<u8>, Refusal> {
        let mut piece = Vec::new();
        self.source.take(length).read_to_end(&mut piece).map_err(|error| unread(&error))?;
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn made(name: &[u8], body: &[u8]) -> Vec<u8> {
        [name, &[0x40 | (body.len() >> 8) as u8, body.len() as u8], body].concat()
    }

    fn file(open: bool) -> Vec<u8> {
        let entry = [made(&[0xd7], &[3]), made(&[0x83], &[2]), made(&[0x86], b"A_AAC"), made(&[0x56, 0xaa], &[1, 0])];
        let tracks = made(&[0x16, 0x54, 0xae, 0x6b], &made(&[0xae], &entry.concat()));
        let group = [made(&[0xa1], &[0x83, 0, 0, 0, 9, 9]), made(&[0x75, 0xa2], &[2, 0])].concat();
        let cluster = [made(&[0xa3], &[0x83, 0, 0, 0, 9]), made(&[0xa0], &group)].concat();
        let cluster = match open {
            true => [&[0x1f, 0x43, 0xb6, 0x75, 0xff][..], &cluster].concat(),
            false => made(&[0x1f, 0x43, 0xb6, 0x75], &cluster),
        };
        let body = [tracks, cluster].concat();
        let segment = match open {
            true => [&[0x18, 0x53, 0x80, 0x67, 0x01, 255, 255, 255, 255, 255, 255, 255][..], &body].concat(),
            false => made(&[0x18, 0x53, 0x80, 0x67], &body),
        };
        [made(&[0x1a, 0x45, 0xdf, 0xa3], b"webm"), segment].concat()
    }

    fn walked(bytes: &[u8]) -> Walked {
        walk(&mut BufReader::new(Cursor::new(bytes)), bytes.len() as u64).expect("elements")
    }

    #[test]
    fn delay_and_padding_are_found_whether_sizes_are_known_or_not() {
        for open in [true, false] {
            let found = walked(&file(open));
            assert_eq!((found.padding, found.blocks, found.cut), (512, 2, false), "{open}");
            let track = found.tracks.sound.expect("a track");
            assert_eq!((track.number, &track.codec[..], track.delay), (3, "A_AAC", 256), "{open}");
        }
    }

    #[test]
    fn a_file_that_ends_within_an_element_is_cut() {
        for open in [true, false] {
            let whole = file(open);
            assert!(walked(&whole[..whole.len() - 1]).cut, "{open}");
        }
    }
}
