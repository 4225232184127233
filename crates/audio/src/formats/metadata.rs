//! The tags and pictures of a file: as symphonia reads them, where it does.

use euterpe_actors::storage::Content;
use symphonia::core::{
    errors::Error,
    formats::{FormatOptions, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::{MetadataContainer, MetadataOptions, StandardTag, Tag},
};

use super::{
    container::container,
    faults::unread,
    info::{self, Tags},
    source::{Metered, Source, Spliced},
};
use crate::refusal::Refusal;

/// What a file says of itself beside its sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// Values by their names, in the order of the file.
    pub(crate) tags: Tags,
    pub(crate) pictures: Vec<Picture>,
}

/// A picture within a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// What it shows, such as `front_cover`.
    pub(crate) shows: Option<String>,
    /// Its media type, such as `image/jpeg`.
    pub(crate) media_type: Option<String>,
    /// How large it is.
    pub(crate) bytes: usize,
}

/// Reads the tags and pictures of a file; none where they stand in a way that is not read.
///
/// # Errors
/// Where the file cannot be read.
pub(crate) fn metadata(content: &Content) -> Result<Option<Metadata>, Refusal> {
    let (container, start) = container(content)?;
    let mut source = Source::open_at(content, start).map_err(|error| unread(&error))?;
    match container {
        "wav" => return Ok(Some(Metadata { tags: info::of_wav(&mut source)?, pictures: Vec::new() })),
        "caf" => return Ok(Some(Metadata { tags: info::of_caf(&mut source)?, pictures: Vec::new() })),
        "w64" | "au" => return Ok(None),
        _ => {}
    }
    let source = Source::open(content).map_err(|error| unread(&error))?;
    let all = 0..source.length();
    let source = Metered::new(Spliced::new(Vec::new(), source, all));
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    let options = (FormatOptions::default(), MetadataOptions::default());
    let mut reader = match symphonia::default::get_probe().probe(&Hint::new(), stream, options.0, options.1) {
        Ok(reader) => reader,
        Err(Error::IoError(error)) if error.raw_os_error().is_some() => return Err(unread(&error)),
        Err(_) => return Ok(None),
    };
    let (mut log, mut found) = (reader.metadata(), Metadata::default());
    loop {
        if let Some(revision) = log.current() {
            found.add(&revision.media);
            revision.per_track.iter().for_each(|track| found.add(&track.metadata));
        }
        if log.pop().is_none() {
            return Ok(Some(found));
        }
    }
}

impl Metadata {
    fn add(&mut self, more: &MetadataContainer) {
        for tag in &more.tags {
            let values = self.tags.entry(name(tag)).or_default();
            let value = value(tag);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        self.pictures.extend(more.visuals.iter().map(|visual| Picture {
            shows: visual.usage.map(|usage| words(&format!("{usage:?}"))),
            media_type: visual.media_type.clone(),
            bytes: visual.data.len(),
        }));
    }
}

/// `FrontCover` as `front_cover`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The name of a tag: one for all containers where it is a usual one, else that of the file, in small letters.
fn name(tag: &Tag) -> String {
    let usual = match &tag.std {
        Some(StandardTag::TrackTitle(_)) => "title",
        Some(StandardTag::Artist(_)) => "artist",
        Some(StandardTag::Album(_)) => "album",
        Some(StandardTag::AlbumArtist(_)) => "album_artist",
        Some(StandardTag::Composer(_)) => "composer",
        Some(StandardTag::Performer(_)) => "performer",
        Some(StandardTag::Conductor(_)) => "conductor",
        Some(StandardTag::Genre(_)) => "genre",
        Some(StandardTag::TrackNumber(_)) => "track",
        Some(StandardTag::TrackTotal(_)) => "track_total",
        Some(StandardTag::DiscNumber(_)) => "disc",
        Some(StandardTag::DiscTotal(_)) => "disc_total",
        Some(
            StandardTag::ReleaseDate(_)
            | StandardTag::ReleaseYear(_)
            | StandardTag::RecordingDate(_)
            | StandardTag::RecordingYear(_),
        ) => "date",
        Some(StandardTag::Comment(_)) => "comment",
        Some(StandardTag::Description(_)) => "description",
        Some(StandardTag::Lyrics(_)) => "lyrics",
        Some(StandardTag::Copyright(_)) => "copyright",
        Some(StandardTag::Encoder(_)) => "encoder",
        Some(StandardTag::EncodedBy(_)) => "encoded_by",
        Some(StandardTag::Label(_)) => "label",
        Some(StandardTag::IdentIsrc(_)) => "isrc",
        Some(StandardTag::Bpm(_)) => "bpm",
        Some(StandardTag::InitialKey(_)) => "key",
        Some(StandardTag::Language(_)) => "language",
        Some(StandardTag::CompilationFlag(_)) => "compilation",
        _ => return tag.raw.key.to_lowercase(),
    };
    usual.to_owned()
}

fn value(tag: &Tag) -> String {
    match &tag.std {
        Some(
            StandardTag::TrackNumber(number)
            | StandardTag::TrackTotal(number)
            | StandardTag::DiscNumber(number)
            | StandardTag::DiscTotal(number)
            | StandardTag::Bpm(number),
        ) => number.to_string(),
        Some(StandardTag::CompilationFlag(is_one)) => is_one.to_string(),
        _ => tag.raw.value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use symphonia::core::meta::RawTag;

    #[test]
    fn usual_tags_have_one_name_in_all_containers() {
        let tag = |key: &str, value: &str, std| Tag { raw: RawTag::new(key, value), std };
        let mut found = Metadata::default();
        let tags = vec![
            tag("TRCK", "3/12", Some(StandardTag::TrackNumber(3))),
            tag("TRCK", "3/12", Some(StandardTag::TrackTotal(12))),
            tag("ARTIST", "one", Some(StandardTag::Artist("one".to_owned().into()))),
            tag("TPE1", "one", Some(StandardTag::Artist("one".to_owned().into()))),
            tag("artist", "two", Some(StandardTag::Artist("two".to_owned().into()))),
            tag("X-Mine", "of my own", None),
        ];
        found.add(&MetadataContainer { tags, visuals: Vec::new() });
        let wanted = [("artist", vec!["one", "two"]), ("track", vec!["3"]), ("track_total", vec!["12"])];
        let wanted = wanted.into_iter().chain([("x-mine", vec!["of my own"])]);
        let found: Vec<(String, Vec<String>)> = found.tags.into_iter().collect();
        assert_eq!(
            found,
            wanted
                .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
                .collect::<Vec<(String, Vec<String>)>>()
        );
        assert_eq!(words("FrontCover"), "front_cover");
    }
}
