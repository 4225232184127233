//! Files of the graph's stores for the browser: what an entity's jobs read and make, whole or by ranges, and nothing else.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use actix_web::web::Bytes;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::ids::EntityId;
use euterpe_actors::storage::{Content, Object};
use euterpe_engine::{Mistake, Session};
use futures::stream::{self, Stream};

use crate::query::{Query, address};

/// How many bytes are read at once.
const CHUNK: u64 = 256 << 10;

/// Which file is meant: an output of a job for an entity, or what a job reads of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub entity: String,
    pub job: String,
    pub which: Which,
}

/// An output, or an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one of this name; the primary one where there is none.
    Output(String),
    /// The one of this name.
    Input(String),
}

impl Place {
    /// The one that a query means.
    ///
    /// # Errors
    /// Where something is missing in it.
    pub(crate) fn of(query: &Query) -> Result<Self, Mistake> {
        let missing = || Mistake("the address names no entity and job".to_owned());
        let (entity, job) = query.get("id").zip(query.get("job")).ok_or_else(missing)?;
        let which = match query.get("input") {
            Some(input) => Which::Input(input.to_owned()),
            None => Which::Output(query.text("output")),
        };
        Ok(Self { entity: entity.to_owned(), job: job.to_owned(), which })
    }

    /// An address below `path` that means it.
    pub(crate) fn address(&self, path: &str) -> String {
        let (input, output) = match &self.which {
            Which::Input(input) => (input.as_str(), ""),
            Which::Output(output) => ("", output.as_str()),
        };
        address(path, &[("id", &self.entity), ("job", &self.job), ("output", output), ("input", input)])
    }

    /// Opens it; with its name, and the place that people know.
    ///
    /// # Errors
    /// What is not there, or cannot be; the store's own.
    pub(crate) async fn open(&self, session: &Session) -> anyhow::Result<(String, Object)> {
        let entity = EntityId::of_name(&self.entity)
            .map_err(|bad| Mistake(format!("`{}` cannot be an entity: {bad}", self.entity.escape_debug())))?;
        match &self.which {
            Which::Input(input) => session.open_input(&entity, &self.job, input).await,
            Which::Output(output) => {
                let output = Some(output.as_str()).filter(|output| !output.is_empty());
                let found = session.find_output(&entity, &self.job, output).await?;
                Ok((found.path().to_owned(), session.open_output(&found).await?))
            }
        }
    }
}

/// How a file is to be shown, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sound.
    Sound,
    /// A picture that browsers show.
    Picture,
    Json,
    /// An array of numbers.
    Npy,
    Text,
    Other,
}

/// The kind of a file, and its media type.
pub(crate) fn kind_of(name: &str) -> (Kind, &'static str) {
    let end = name.rsplit_once('.').map_or_else(String::new, |(_, end)| end.to_ascii_lowercase());
    match end.as_str() {
        "flac" => (Kind::Sound, "audio/flac"),
        "wav" | "wave" | "bwf" => (Kind::Sound, "audio/wav"),
        "mp3" => (Kind::Sound, "audio/mpeg"),
        "ogg" | "oga" | "opus" => (Kind::Sound, "audio/ogg"),
        "m4a" | "m4b" | "mp4" => (Kind::Sound, "audio/mp4"),
        "aac" => (Kind::Sound, "audio/aac"),
        "webm" | "mka" | "mkv" => (Kind::Sound, "audio/webm"),
        "aif" | "aiff" | "aifc" => (Kind::Sound, "audio/aiff"),
        "caf" | "au" | "w64" | "rf64" | "wma" | "wv" | "ape" | "mpc" | "tta" | "dsf" | "ac3" => {
            (Kind::Sound, "application/octet-stream")
        }
        "png" => (Kind::Picture, "image/png"),
        "jpg" | "jpeg" => (Kind::Picture, "image/jpeg"),
        "gif" => (Kind::Picture, "image/gif"),
        "webp" => (Kind::Picture, "image/webp"),
        "svg" => (Kind::Picture, "image/svg+xml"),
        "json" => (Kind::Json, "application/json"),
        "npy" => (Kind::Npy, "application/octet-stream"),
        "txt" | "csv" | "tsv" | "md" | "yaml" | "yml" | "xml" | "html" | "htm" | "lrc" | "srt" | "log" | "jsonl" => {
            (Kind::Text, "text/plain; charset=utf-8")
        }
        _ => (Kind::Other, "application/octet-stream"),
    }
}

/// Sends an object, or the range of it that is asked for.
///
/// # Errors
/// What keeps it from being read.
pub(crate) async fn send(
    name: &str,
    object: Object,
    range: Option<&str>,
    is_download: bool,
) -> io::Result<HttpResponse> {
    let length = match &object.content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::File(path) => {
            let path = path.clone();
            on_blocking_thread(move || path.metadata().map(|file| file.len())).await??
        }
    };
    let (kind, media_type) = kind_of(name);
    let shown = matches!(kind, Kind::Sound | Kind::Picture) && !is_download;
    let (status, from, to) = match range.map(|range| wanted(range, length)) {
        None | Some(Range::Whole) => (StatusCode::OK, 0, length),
        Some(Range::Part(from, to)) => (StatusCode::PARTIAL_CONTENT, from, to),
        Some(Range::Outside) => {
            let whole = format!("bytes */{length}");
            return Ok(HttpResponse::RangeNotSatisfiable().insert_header((CONTENT_RANGE, whole)).finish());
        }
    };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CONTENT_LENGTH, to - from))
        // What a file holds is data here, and no page: its scripts and styles do nothing.
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"));
    if !shown {
        response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", plain_name(name))));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        response.insert_header((CONTENT_RANGE, format!("bytes {from}-{}/{length}", to - 1)));
    }
    Ok(response.no_chunking(to - from).streaming(pieces(object, from, to)))
}

/// What a header `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// All of it: there is no range, several, or one that cannot be read.
    Whole,
    /// From this byte to before that one.
    Part(u64, u64),
    /// Nothing that is there.
    Outside,
}

fn wanted(range: &str, length: u64) -> Range {
    let Some((from, to)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Range::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (number(from), number(to)) {
        (Some(from), _) if from >= length => Range::Outside,
        (Some(from), Some(to)) if to >= from => Range::Part(from, (to.min(length - 1)) + 1),
        (Some(from), None) if to.trim().is_empty() => Range::Part(from, length),
        (None, Some(last)) if from.trim().is_empty() => match last.min(length) {
            0 => Range::Outside,
            last => Range::Part(length - last, length),
        },
        _ => Range::Whole,
    }
}

fn pieces(object: Object, from: u64, to: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((object, None::<File>, from), move |(object, file, at)| async move {
        if at >= to {
            return None;
        }
        let most = CHUNK.min(to - at);
        let read = match &object.content {
            Content::Bytes(bytes) => Ok((None, bytes.slice(at as usize..(at + most) as usize))),
            Content::File(path) => {
                let path = path.clone();
                on_blocking_thread(move || read_piece(file, &path, at, most)).await.and_then(|read| read)
            }
        };
        match read {
            Ok((file, bytes)) => {
                let at = at + bytes.len() as u64;
                Some((Ok(bytes), (object, file, at)))
            }
            Err(error) => Some((Err(error), (object, None, to))),
        }
    })
}

fn read_piece(file: Option<File>, path: &std::path::Path, at: u64, most: u64) -> io::Result<(Option<File>, Bytes)> {
    let mut file = match file {
        Some(file) => file,
        None => {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(at))?;
            file
        }
    };
    let mut bytes = vec![0; most as usize];
    file.read_exact(&mut bytes)?;
    Ok((Some(file), bytes.into()))
}

/// The last part of a name, as it may stand in a header.
fn plain_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or("file");
    crate::query::encoded(last).replace(['/', ':'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_what_is_out_of_bounds_is_told() {
        for (range, meant) in [
            ("bytes=0-0", Range::Part(0, 1)),
            ("bytes=5-", Range::Part(5, 10)),
            ("bytes=-3", Range::Part(7, 10)),
            ("bytes=-99", Range::Part(0, 10)),
            ("bytes=2-99999999999", Range::Part(2, 10)),
            ("bytes=10-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("bytes=x-", Range::Whole),
            ("bytes=18446744073709551616-", Range::Whole),
            ("lines=0-1", Range::Whole),
        ] {
            assert_eq!(wanted(range, 10), meant, "{range}");
        }
        assert_eq!(wanted("bytes=0-", 0), Range::Outside);
    }

    #[test]
    fn a_place_has_an_address_that_means_it() {
        for which in [Which::Output(String::new()), Which::Output("plot".into()), Which::Input("audio".into())] {
            let place = Place { entity: "a b/&".into(), job: "mel".into(), which };
            let typed = place.address("/object");
            assert_eq!(Place::of(&Query::of(typed.split_once('?').expect("a query").1)).expect("whole"), place);
        }
        assert!(Place::of(&Query::of("id=x")).is_err());
        assert_eq!(kind_of("x/y.FLAC").0, Kind::Sound);
        assert_eq!(kind_of("x.tar/y").0, Kind::Other);
        assert_eq!(plain_name("a/\"b\r\n.json"), "%22b%0D%0A.json");
    }
}
