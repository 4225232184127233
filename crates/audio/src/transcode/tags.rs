//! Tags and pictures of a track, carried over to what was made of it.

use std::{
    error::Error,
    fs::File,
    io::{self, BufReader, Cursor},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use euterpe_actors::{
    outcome::Fault,
    storage::Content,
    transform::{Work, blocking::panic_text},
};
use lofty::{
    config::{ParseOptions, ParsingMode, WriteOptions},
    file::TaggedFileExt,
    id3::v2::{Frame, Id3v2Tag},
    ogg::tag::VorbisComments,
    picture::{MimeType, Picture},
    probe::Probe,
    tag::{ItemKey, ItemValue, Tag, TagExt, TagItem, TagType},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// What becomes of the tags of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tags {
    /// They are carried over, pictures too.
    Keep,
    /// They are left out.
    None,
}

/// What is true of the file that the tags came from, and not of what was made of it.
const OWN: [ItemKey; 5] = [
    ItemKey::Length,
    ItemKey::EncoderSoftware,
    ItemKey::EncoderSettings,
    ItemKey::EncodingTime,
    ItemKey::OriginalMediaType,
];
/// What is no longer true where the sound was made louder, or softer.
const GAINS: [ItemKey; 6] = [
    ItemKey::ReplayGainAlbumGain,
    ItemKey::ReplayGainAlbumPeak,
    ItemKey::ReplayGainTrackGain,
    ItemKey::ReplayGainTrackPeak,
    ItemKey::R128TrackGain,
    ItemKey::R128AlbumGain,
];

/// Puts the tags of the input into the file at `path`, of a suffix. Tags that cannot be read are told, and left out: the sound is
/// what was asked for.
///
/// # Errors
/// Where they cannot be written.
pub(super) fn carry(work: &Work, path: &Path, suffix: &str, is_other_gain: bool) -> Result<(), Fault> {
    let mut tag = match catch_unwind(AssertUnwindSafe(|| read(&work.input("audio")?.object.content))) {
        Ok(Ok(Some(tag))) => tag,
        Ok(Ok(None)) => return Ok(()),
        Ok(Err(fault)) => return left_out(work, &fault.text),
        Err(panic) => return left_out(work, panic_text(&*panic)),
    };
    let wanted = kind(suffix);
    name_for_others(&mut tag, wanted);
    // What has no name in other formats is kept where the format stays; in MP4 such fields tell players where the sound begins.
    if tag.tag_type() != wanted || wanted == TagType::Mp4Ilst {
        tag.re_map(wanted);
    }
    let lost = check_pictures(&mut tag, wanted);
    if lost > 0 {
        tracing::warn!(entity = %work.entity, "pictures of a kind that .{suffix} cannot hold are left out: {lost}");
    }
    let is_untrue = |key| OWN.contains(&key) || is_other_gain && GAINS.contains(&key);
    tag.retain(|item| !is_untrue(item.key()));
    if tag.is_empty() {
        return Ok(());
    }
    let written = match wanted {
        TagType::VorbisComments => {
            // So fields that have no name in other formats are written, too.
            let mut comments = VorbisComments::from(tag);
            comments.set_vendor(String::new()); // another program made this file
            comments.save_to_path(path, WriteOptions::default())
        }
        TagType::Id3v2 => in_order(tag).save_to_path(path, WriteOptions::default()),
        _ => tag.save_to_path(path, WriteOptions::default()),
    };
    written.map_err(|error| match io_error(&error) {
        Some(error) => Fault::of_io("could not write the tags", error), // a full disk is no fault of the track
        None => Fault::failed(format!("could not write the tags: {error}; `tags: none` leaves them out")),
    })
}

/// The error of the system behind one of the library.
fn io_error<'e>(mut error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    while error.downcast_ref::<io::Error>().is_none() {
        error = error.source()?;
    }
    error.downcast_ref()
}

/// Frames in the order of their names, for the library hands them out in another one each time: the same tags give the same bytes.
fn in_order(tag: Tag) -> Id3v2Tag {
    let key = |frame: &Frame<'_>| match frame {
        Frame::Picture(_) => (frame.id_str().to_owned(), String::new()), // these keep their order
        other => (other.id_str().to_owned(), format!("{other:?}")),
    };
    let mut frames: Vec<Frame<'static>> = Id3v2Tag::from(tag).into_iter().collect();
    frames.sort_by_cached_key(key);
    let mut ordered = Id3v2Tag::new();
    for frame in frames {
        ordered.insert(frame);
    }
    ordered
}

fn left_out(work: &Work, why: &str) -> Result<(), Fault> {
    tracing::warn!(entity = %work.entity, "the tags of the track cannot be read, and are not carried over: {why}");
    Ok(())
}

/// The tags of a content; none where there are none, or its kind is not known to have any.
fn read(content: &Content) -> Result<Option<Tag>, Fault> {
    let unread = |error: &dyn std::fmt::Display| Fault::bad_input(error.to_string());
    let options = ParseOptions::new().read_properties(false).parsing_mode(ParsingMode::Relaxed);
    let mut file = match content {
        Content::File(path) => {
            let file = BufReader::new(File::open(path).map_err(|error| unread(&error))?);
            let probe = Probe::new(file).options(options).guess_file_type().map_err(|error| unread(&error))?;
            if probe.file_type().is_none() {
                return Ok(None);
            }
            probe.read().map_err(|error| unread(&error))?
        }
        Content::Bytes(bytes) => {
            let probe = Probe::new(Cursor::new(bytes)).options(options);
            let probe = probe.guess_file_type().map_err(|error| unread(&error))?;
            if probe.file_type().is_none() {
                return Ok(None);
            }
            probe.read().map_err(|error| unread(&error))?
        }
    };
    // A file may have several: that of its format tells most, and ID3v1 cuts everything off after 30 letters.
    let usual = file.primary_tag_type();
    let mut kinds: Vec<TagType> = file.tags().iter().map(Tag::tag_type).collect();
    kinds.sort_by_key(|kind| (*kind == TagType::Id3v1, *kind != usual));
    Ok(kinds.into_iter().filter_map(|kind| file.remove(kind)).reduce(filled))
}

/// A tag with what it lacks and another one has.
fn filled(mut tag: Tag, other: Tag) -> Tag {
    let new: Vec<TagItem> = other.items().filter(|item| tag.get(item.key()).is_none()).cloned().collect();
    new.into_iter().for_each(|item| tag.push_unchecked(item));
    if tag.pictures().is_empty() {
        other.pictures().iter().cloned().for_each(|picture| tag.push_picture(picture));
    }
    tag
}

/// Gives what the wanted kind of tags has under another name that name, too.
fn name_for_others(tag: &mut Tag, wanted: TagType) {
    let pairs = [
        (ItemKey::Year, ItemKey::RecordingDate),
        (ItemKey::Bpm, ItemKey::IntegerBpm),
        (ItemKey::IntegerBpm, ItemKey::Bpm),
        (ItemKey::Lyrics, ItemKey::UnsyncLyrics),
        (ItemKey::UnsyncLyrics, ItemKey::Lyrics),
    ];
    for (name, other) in pairs {
        let is_held = name.map_key(wanted).is_some() && name != ItemKey::Year;
        let Some(text) = tag.get_string(name).filter(|_| !is_held && tag.get(other).is_none()) else { continue };
        let text = match (other, text.trim().parse::<f64>()) {
            (ItemKey::IntegerBpm, Ok(bpm)) => format!("{bpm:.0}"),
            _ => text.to_owned(),
        };
        tag.push_unchecked(TagItem::new(other, ItemValue::Text(text)));
    }
}

/// Calls each picture what its bytes are, and takes away those that the wanted kind of tags cannot hold; how many these are.
fn check_pictures(tag: &mut Tag, wanted: TagType) -> usize {
    let count = tag.pictures().len();
    let pictures: Vec<Picture> = (0..count).map(|_| tag.remove_picture(0)).collect();
    for picture in pictures {
        let seen = Picture::from_reader(&mut Cursor::new(picture.data())).ok();
        let kind = seen.and_then(|seen| seen.mime_type().cloned()).or_else(|| picture.mime_type().cloned());
        let is_held = match &kind {
            Some(MimeType::Png | MimeType::Jpeg | MimeType::Bmp | MimeType::Gif) => true,
            Some(MimeType::Unknown(kind)) => {
                kind.starts_with("image/") && kind != "image/" && wanted != TagType::Mp4Ilst
            }
            _ => wanted != TagType::Mp4Ilst,
        };
        if is_held {
            let mut same = Picture::unchecked(picture.data().to_vec()).pic_type(picture.pic_type());
            if let Some(kind) = kind {
                same = same.mime_type(kind);
            }
            if let Some(description) = picture.description() {
                same = same.description(description.to_owned());
            }
            tag.push_picture(same.build());
        }
    }
    count - tag.pictures().len()
}

/// The tags of files of a suffix.
fn kind(suffix: &str) -> TagType {
    match suffix {
        "mp3" | "wav" => TagType::Id3v2,
        "m4a" => TagType::Mp4Ilst,
        _ => TagType::VorbisComments,
    }
}
