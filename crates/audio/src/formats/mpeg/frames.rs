//! Finds the frames of an MPEG audio stream, one after the other, and passes over what is none: tags and junk.

use std::io;

use super::{
    super::{bytes::id3v2_length, tags::ape_length, window::Window},
    header::Header,
};

/// The longest frame is 2,881 bytes; that and the header of the next one are looked at,
const LONGEST: usize = 2881 + 4;
/// and two more of them where it is not sure what they are.
const LOOKED_AT: usize = 3 * LONGEST;

/// So much of something else may stand before the first frame.
const MOST_BEFORE: usize = 1 << 20;
/// So much of something else may follow the last one: lyrics, what an editor left. More is sound that is missing.
const MOST_BEHIND: usize = 1 << 16;

/// What comes next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// A frame of so many bytes at the window's place.
    Frame(Header, usize),
    /// So many bytes are neither a frame nor a tag, and are passed over.
    Junk(u64),
    /// Frames of another layer or rate: another file in a row.
    Changed,
    /// The last frame is not all there.
    Cut,
    /// No frames any more.
    End,
}

/// The frames of a stream.
pub(crate) struct Frames {
    pub(crate) window: Window,
    /// What the frames have in common, once there was one.
    kind: Option<Header>,
}

impl Frames {
    pub(crate) fn new(window: Window) -> Self {
        Self { window, kind: None }
    }

    /// Looks at what comes next; the caller takes a frame out of the window.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        loop {
            let kind = self.kind;
            let ahead = self.window.peek(LOOKED_AT)?;
            if let Some(tag) = tag_length(ahead) {
                self.window.skip(tag)?;
                continue;
            }
            if kind.is_some() && ahead.len() < 4 && ahead.first() == Some(&0xff) {
                return Ok(Next::Cut);
            }
            if kind.is_some_and(|kind| is_another(&kind, ahead)) {
                return Ok(Next::Changed);
            }
            let header = Header::read(ahead).filter(|header| kind.is_none_or(|kind| header.goes_with(&kind)));
            let Some((header, bytes)) = header.and_then(|header| Some((header, header.bytes?))) else {
                return self.pass_over_junk();
            };
            if bytes > ahead.len() {
                return if kind.is_some() { Ok(Next::Cut) } else { self.pass_over_junk() };
            }
            if kind.is_some() || confirmed(&header, &ahead[bytes..]) {
                self.kind = Some(kind.unwrap_or(header));
                return Ok(Next::Frame(header, bytes));
            }
            return self.pass_over_junk();
        }
    }

    /// Goes on to the next frame that another one, a tag or the end follows.
    fn pass_over_junk(&mut self) -> io::Result<Next> {
        let (mut passed, mut scanned) = (false, 0usize);
        loop {
            let kind = self.kind;
            let ahead = self.window.peek(1 << 15)?;
            if ahead.len() < 4 {
                return Ok(Next::End);
            }
            let last = ahead.len() < 1 << 15;
            // What is too near to the end of the window is looked at again, with more behind it.
            let places = if last { ahead.len() - 3 } else { ahead.len() - LOOKED_AT };
            let found = (usize::from(!passed)..places).find(|&at| {
                let here = &ahead[at..];
                // Few bytes are 0xff: the rest need not be looked at.
                match here[0] {
                    0xff if kind.is_some_and(|kind| is_another(&kind, here)) => true,
                    0xff => Header::read(here)
                        .filter(|header| kind.is_none_or(|kind| header.goes_with(&kind)))
                        .and_then(|header| Some((header, here.get(header.bytes?..)?)))
                        .is_some_and(|(header, behind)| match kind {
                            Some(_) => confirmed(&header, behind),
                            None => confirmed_twice(&header, behind),
                        }),
                    b'I' | b'T' | b'A' => tag_length(here).is_some(),
                    _ => false,
                }
            });
            self.window.skip(found.unwrap_or(places) as u64)?;
            passed = true;
            scanned += found.unwrap_or(places);
            if found.is_some() || (last && kind.is_some() && scanned > MOST_BEHIND) {
                return Ok(Next::Junk(scanned as u64));
            }
            if last || (kind.is_none() && scanned > MOST_BEFORE) {
                return Ok(Next::End);
            }
        }
    }
}

/// Whether what follows a frame shows that it was one.
fn confirmed(header: &Header, behind: &[u8]) -> bool {
    match Header::read(behind) {
        Some(next) => next.goes_with(header),
        None => behind.len() < 4 || tag_length(behind).is_some(),
    }
}

/// The same for the next frame, too: in the midst of something else, two headers may be chance.
fn confirmed_twice(header: &Header, behind: &[u8]) -> bool {
    let next = Header::read(behind).filter(|next| next.goes_with(header)).and_then(|next| Some((next, next.bytes?)));
    match next {
        Some((next, bytes)) => behind.get(bytes..).is_none_or(|behind| confirmed(&next, behind)),
        None => confirmed(header, behind),
    }
}

/// Whether three frames of another layer or rate begin here.
fn is_another(kind: &Header, bytes: &[u8]) -> bool {
    let Some(first) = Header::read(bytes).filter(|header| !header.goes_with(kind)) else { return false };
    let mut at = first.bytes;
    for _ in 0..2 {
        let next = at.and_then(|at| Some((at, Header::read(bytes.get(at..)?)?)));
        at = match next {
            Some((at, next)) if next.goes_with(&first) => next.bytes.map(|bytes| at + bytes),
            _ => return false,
        };
    }
    true
}

/// The length of a tag that begins here.
fn tag_length(ahead: &[u8]) -> Option<u64> {
    if let Some(length) = id3v2_length(ahead).filter(|_| ahead.get(3).is_some_and(|&version| version < 0xff)) {
        return Some(length);
    }
    if let Some(length) = ape_length(ahead) {
        return Some(length);
    }
    // ID3v1 stands at the end only.
    (ahead.starts_with(b"TAG") && (ahead.len() == 128 || ahead.get(128..).is_some_and(is_start))).then_some(128)
}

/// Whether a frame or a tag begins here: two files in a row have an ID3v1 between them.
fn is_start(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.starts_with(b"ID3") || bytes.starts_with(b"TAG") || Header::read(bytes).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::source::Source;
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    fn frame() -> Vec<u8> {
        [&[0xff, 0xfb, 0x90, 0x64][..], &[0x11; 413]].concat()
    }

    /// What is found, each frame as its length.
    fn found(bytes: Vec<u8>) -> Vec<Next> {
        let length = bytes.len() as u64;
        let source = Source::open(&Content::Bytes(Bytes::from(bytes))).expect("memory opens");
        let mut frames = Frames::new(Window::new(source, 0, length).expect("a window"));
        let mut all = Vec::new();
        loop {
            let next = frames.next().expect("memory reads");
            if let Next::Frame(_, bytes) = next {
                frames.window.skip(bytes as u64).expect("memory reads");
            }
            let over = matches!(next, Next::End | Next::Cut | Next::Changed);
            all.push(next);
            if over {
                return all;
            }
        }
    }

    fn count(bytes: Vec<u8>) -> (usize, usize, Next) {
        let mut all = found(bytes);
        let last = all.pop().expect("an end");
        let frames = all.iter().filter(|next| matches!(next, Next::Frame(..))).count();
        (frames, all.len() - frames, last)
    }

    #[test]
    fn tags_before_between_and_behind_are_no_junk() {
        let id3 = [&b"ID3\x04\0\0\0\0\x01\0"[..], &[0xff; 128]].concat();
        let old = [&b"TAG"[..], &[b'x'; 125]].concat();
        let ape = [&b"APETAGEX\xd0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\0"[..], &[0; 8]].concat();
        let bytes = [id3.clone(), frame(), frame(), old.clone(), id3, frame(), ape, old].concat();
        assert_eq!(count(bytes), (3, 0, Next::End));
    }

    #[test]
    fn junk_is_passed_over_and_counted_and_a_cut_within_a_frame_is_seen() {
        let junk = vec![0x55; 100_000];
        assert_eq!(count([junk.clone(), frame(), frame()].concat()), (2, 1, Next::End));
        assert_eq!(count([frame(), frame(), junk.clone(), frame(), frame()].concat()), (4, 1, Next::End));
        assert_eq!(count([frame(), frame(), junk[..9000].to_vec()].concat()), (2, 0, Next::End));
        assert_eq!(count([frame(), frame(), junk].concat()), (2, 1, Next::End));
        assert_eq!(count([frame(), frame()[..300].to_vec()].concat()), (1, 0, Next::Cut));
        assert_eq!(count(vec![7; 50_000]), (0, 0, Next::End));
    }

    #[test]
    fn frames_of_another_rate_are_no_junk_wherever_they_begin() {
        let other = [&[0xff, 0xfb, 0x94, 0x64][..], &[0x11; 380]].concat().repeat(4); // 48 kHz
        let first = frame().repeat(3);
        assert_eq!(count([&first[..], &other].concat()), (3, 0, Next::Changed));
        assert_eq!(count([&first[..], &[0x55; 999], &other].concat()), (3, 1, Next::Changed));
        assert_eq!(count([&first[..], &[0x55; 40_000], &other].concat()), (3, 1, Next::Changed));
        assert_eq!(count([&other[..384], &other, &first].concat()), (5, 0, Next::Changed));
    }
}
