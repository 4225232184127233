//! Reads Ogg files: pages are checked before, Vorbis goes to libvorbis, Opus to libopus, FLAC to symphonia.

mod one_stream;
#[cfg(feature = "opus")]
mod opus;
#[cfg(feature = "opus")]
mod opus_head;
#[cfg(feature = "opus")]
mod opus_pages;
#[cfg(feature = "opus")]
mod packets;
mod page;
mod remux;
mod survey;
mod vorbis;

use crate::refusal::Refusal;
use euterpe_actors::storage::Content;

#[cfg(feature = "opus")]
pub(crate) use self::opus::{OpenStream, Opus, Stream};
use super::{
    blocks::Blocks,
    faults::{unread, unsupported, unsupported_anywhere},
    packets::{Facts, Packets},
    source::{Source, Spliced},
};
use one_stream::OneStream;
#[cfg(feature = "opus")]
pub(crate) use opus_head::OpusHead;
#[cfg(feature = "opus")]
pub(crate) use packets::Ended;
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
        #[cfg(not(feature = "opus"))]
        Codec::Opus => return Err(unsupported("Opus").of_cut_file(found.open)),
        #[cfg(feature = "opus")]
        Codec::Opus => {
            let links = streams.into_iter().map(|(link, stream)| {
                let content = content.clone();
                let open: OpenStream = Box::new(move || {
                    opus_pages::stream(OneStream::open(&content, &link, stream.serial).map_err(|error| unread(&error))?)
                });
                open
            });
            return Ok(Box::new(Opus::open(links.collect(), found.open)?));
        }
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
        let open: OpenLink = Box::new(move || Ok(Box::new(OneStream::open(&content, &link, stream.serial)?)));
        open
    });
    Ok(Box::new(Vorbis::open(links.collect(), found.open)?))
}
