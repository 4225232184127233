//! Reads Ogg files: pages are checked before, Vorbis goes to libvorbis, FLAC to symphonia.

mod page;
mod remux;
mod survey;
mod vorbis;

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::refusal::Refusal;
use euterpe_actors::storage::Content;

use super::{
    blocks::Blocks,
    faults::{unread, unsupported, unsupported_anywhere},
    packets::{Facts, Packets},
    source::{Source, Spliced},
};
use page::{Found, Page};
pub(crate) use remux::Remuxed;
use survey::{Codec, Link, survey};
pub(crate) use vorbis::{OpenLink, Vorbis};

/// Opens the first stream of sound in an Ogg file.
///
/// # Errors
/// Where the file is damaged, or holds no sound that is read.
pub(crate) fn open(content: &Content) -> Result<Box<dyn Blocks>, Refusal> {
    let source = || Source::open(content);
    let found = survey(source().map_err(|error| unread(&error))?)?;
    let chosen = |link: &Link| link.streams.iter().find(|stream| stream.codec != Codec::Other).cloned();
    let streams: Option<Vec<_>> = found.links.iter().map(|link| Some((link.clone(), chosen(link)?))).collect();
    let Some(streams) = streams.filter(|streams| !streams.is_empty()) else {
        return Err(Refusal::bad_input("this is not audio: the file has no audio track"));
    };
    let first = streams[0].1.codec.clone();
    match first {
        Codec::Sound(name) => return Err(unsupported(name).of_cut_file(found.open)),
        _ if streams.iter().any(|(_, stream)| stream.codec != first) => {
            return Err(unsupported_anywhere("a chain of several codecs in one Ogg file"));
        }
        Codec::Vorbis => {}
        _ if streams.len() > 1 => return Err(unsupported_anywhere("a chain of several FLAC streams in one Ogg file")),
        _ => {
            let part = streams[0].0.start..streams[0].0.end;
            let whole = Spliced::new(Vec::new(), source().map_err(|error| unread(&error))?, part);
            let facts = Facts { track: Some(streams[0].1.serial), cut: found.open, ..Facts::default() };
            return Ok(Box::new(Packets::open(whole, "oga", facts)?));
        }
    }
    let links = streams.into_iter().map(|(link, stream)| {
        let content = content.clone();
        let open: OpenLink = Box::new(move || {
            let mut source = Source::open(&content)?;
            source.seek(SeekFrom::Start(link.start))?;
            let reader = BufReader::with_capacity(1 << 16, source.take(link.end - link.start));
            Ok(Box::new(OneStream { reader, serial: stream.serial, page: Page::default(), given: 0 }))
        });
        open
    });
    Ok(Box::new(Vorbis::open(links.collect(), found.open)?))
}

/// The pages of one of the streams that play at the same time.
struct OneStream {
    reader: BufReader<io::Take<Source>>,
    serial: u32,
    page: Page,
    given: usize,
}

impl Read for OneStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.page.bytes.len() {
            self.given = 0;
            if self.page.read(&mut self.reader)? != Found::Page {
                self.page.bytes.clear();
                return Ok(0);
            }
            if self.page.serial() != self.serial {
                self.given = self.page.bytes.len();
            }
        }
        let now = (self.page.bytes.len() - self.given).min(buffer.len());
        buffer[..now].copy_from_slice(&self.page.bytes[self.given..][..now]);
        self.given += now;
        Ok(now)
    }
}
