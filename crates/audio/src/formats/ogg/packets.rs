//! The packets of one stream of an Ogg file, page by page (RFC 3533, section 6).

use std::io;

use super::page::Page;

/// What ends on one page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) packets: Vec<Vec<u8>>,
    /// Where the stream stands at the end of the page.
    pub(crate) position: Option<u64>,
    /// Whether it is the last page of the stream.
    pub(crate) last: bool,
}

/// Puts packets together that go over pages.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    /// The beginning of one that ends on a later page.
    begun: Vec<u8>,
    /// Whether the first page was seen.
    under_way: bool,
}

impl Packets {
    /// The packets that end on the next page of the stream.
    ///
    /// # Errors
    /// Where the page does not go on with what the one before it began.
    pub(crate) fn of_page(&mut self, page: &Page) -> io::Result<Ended> {
        let mut ended = Ended { packets: Vec::new(), position: page.position(), last: page.is_last() };
        let (mut body, mut is_rest) = (page.body(), page.is_continued() && self.begun.is_empty());
        if !page.is_continued() && !self.begun.is_empty() {
            return Err(io::Error::other("one of its packets has no end"));
        }
        if is_rest && self.under_way {
            return Err(io::Error::other("one of its packets has no beginning"));
        }
        self.under_way = true;
        for &length in page.segments() {
            let (piece, rest) = body.split_at(usize::from(length).min(body.len()));
            body = rest;
            // A stream that was cut out of a longer one begins with the rest of a packet.
            if !is_rest {
                self.begun.extend_from_slice(piece);
            }
            if length < 255 {
                let packet = std::mem::take(&mut self.begun);
                if !std::mem::take(&mut is_rest) {
                    ended.packets.push(packet);
                }
            }
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::{Found, pages_of};
    use super::*;

    fn page(bytes: &[u8]) -> Page {
        let mut page = Page::default();
        assert_eq!(page.read(&mut &bytes[..]).expect("memory reads"), Found::Page);
        page
    }

    #[test]
    fn packets_that_go_over_pages_are_put_together_and_others_told() {
        let packet: Vec<u8> = (0..70_000u32).map(|n| (n % 250) as u8).collect();
        let bytes = pages_of(&packet, false, &mut 0);
        let (first, second) = bytes.split_at(27 + 255 + 255 * 255);
        let mut packets = Packets::default();
        assert_eq!(packets.of_page(&page(first)).expect("goes on"), Ended::default());
        assert_eq!(packets.of_page(&page(second)).expect("ends").packets, std::slice::from_ref(&packet));
        let mut middle = Packets::default();
        assert!(middle.of_page(&page(second)).expect("the rest of something").packets.is_empty());
        assert!(middle.of_page(&page(second)).is_err(), "no beginning");
        assert!(middle.of_page(&page(first)).is_ok() && middle.of_page(&page(first)).is_err(), "no end");
        let small = pages_of(b"", false, &mut 0);
        assert_eq!(Packets::default().of_page(&page(&small)).expect("a page").packets, [b""]);
    }
}
