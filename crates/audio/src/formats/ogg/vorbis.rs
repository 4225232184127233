//! Decodes Vorbis with libvorbis, the reference implementation, link by link of a chain.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read},
    rc::Rc,
};

use crate::refusal::Refusal;
use symphonia::core::audio::Position;
use vorbis_rs::{VorbisDecoder, VorbisError, VorbisLibraryErrorKind};

use super::super::{
    blocks::{Blocks, LOUDEST, Sound, usual_layout},
    faults::{breaks_off, changed, check_pieces, damaged, unread},
    trim::{Tail, Trim, cut_frames},
};
use crate::limits::check_shape;

/// The pages of one stream.
pub(crate) type Pages = Box<dyn Read>;

/// Opens the pages of a link.
pub(crate) type OpenLink = Box<dyn FnOnce() -> io::Result<Pages>>;

/// Libvorbis takes an error of reading for the end. It is kept here, to be told apart.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Option<io::Error>>>);

impl Kept {
    /// Refuses a stream whose reading failed.
    fn check(&self) -> Result<(), Refusal> {
        self.0.take().map_or(Ok(()), |error| Err(unread(&error)))
    }
}

/// Pages, and the error in which they end.
struct Watched {
    pages: Pages,
    kept: Kept,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pages.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.kept.0.replace(Some(error));
            }
            kind.into()
        })
    }
}

/// Streams that are being read, one after the other.
pub(crate) struct Vorbis {
    decoder: VorbisDecoder<Watched>,
    kept: Kept,
    later: VecDeque<OpenLink>,
    rate: u32,
    channels: usize,
    /// Whether the file ends before its last page.
    open: bool,
    trim: Trim,
    tail: Tail,
    frames: u64,
    blocks: u64,
    holes: u64,
}

impl Vorbis {
    /// Opens the first of some links.
    ///
    /// # Errors
    /// Where its headers cannot be read.
    pub(crate) fn open(mut links: VecDeque<OpenLink>, open: bool) -> Result<Self, Refusal> {
        let first = links.pop_front().ok_or_else(|| damaged("it holds no sound"))?;
        let kept = Kept::default();
        let decoder = decoder(first, &kept)?;
        let (rate, channels) = (decoder.sampling_frequency().get(), usize::from(decoder.channels().get()));
        check_shape(rate, channels)?;
        Ok(Self {
            decoder,
            kept,
            later: links,
            rate,
            channels,
            open,
            trim: Trim::new(0),
            tail: Tail::new(0),
            frames: 0,
            blocks: 0,
            holes: 0,
        })
    }

    /// Leaves out frames at the start and at the end, as another container than Ogg asks for.
    pub(crate) fn trimmed(self, start: u64, end: u64) -> Self {
        Self { trim: Trim::new(start), tail: Tail::new(end), ..self }
    }

    /// Goes on with the next link; false after the last.
    fn next_link(&mut self) -> Result<bool, Refusal> {
        let Some(next) = self.later.pop_front() else { return Ok(false) };
        self.decoder = decoder(next, &self.kept)?;
        let shape = (self.decoder.sampling_frequency().get(), usize::from(self.decoder.channels().get()));
        if shape != (self.rate, self.channels) {
            return Err(changed(self.frames, self.rate));
        }
        Ok(true)
    }
}

impl Blocks for Vorbis {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        loop {
            match self.decoder.decode_audio_block() {
                Ok(Some(audio)) => {
                    let channels = audio.samples();
                    self.blocks += 1;
                    self.frames += channels.first().map_or(0, |channel| channel.len()) as u64;
                    block.resize_with(channels.len(), Vec::new);
                    for (own, &from) in block.iter_mut().zip(order(channels.len()).iter()) {
                        own.clear();
                        own.extend_from_slice(channels[from]);
                    }
                    let skipped = self.trim.skip(block[0].len());
                    cut_frames(block, skipped);
                    self.tail.hold(block);
                    if !block[0].is_empty() {
                        return Ok(true);
                    }
                }
                Ok(None) => {
                    self.kept.check()?;
                    if !self.next_link()? {
                        return Ok(false);
                    }
                }
                // What is missing was told from the pages already; here it is the rest of a packet of a stream that was cut out
                // of a longer one.
                Err(VorbisError::LibraryError(error)) if error.kind() == VorbisLibraryErrorKind::Hole => {
                    self.blocks += 1;
                    self.holes += 1;
                }
                Err(error) => {
                    self.kept.check()?;
                    return Err(fault(&error));
                }
            }
        }
    }

    fn sound(&self) -> Sound {
        Sound { rate: self.rate, layout: layout(self.channels), declared: None, loudest: LOUDEST }
    }

    fn codec(&self) -> Cow<'static, str> {
        "vorbis".into()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        if self.open {
            return Err(breaks_off(frames, self.rate));
        }
        if frames == 0 {
            return Err(Refusal::bad_input("the file holds no sound; replace it with a whole copy"));
        }
        check_pieces(self.holes.saturating_sub(1), self.blocks)
    }
}

fn decoder(open: OpenLink, kept: &Kept) -> Result<VorbisDecoder<Watched>, Refusal> {
    let pages = open().map_err(|error| unread(&error))?;
    VorbisDecoder::new(Watched { pages, kept: kept.clone() })
        .map_err(|error| kept.check().err().unwrap_or_else(|| fault(&error)))
}

fn fault(error: &VorbisError) -> Refusal {
    match error {
        VorbisError::LibraryError(error) if error.kind() == VorbisLibraryErrorKind::Io => {
            Refusal::failed(format!("could not read the track: {error}"))
        }
        error => damaged(&format!("its Vorbis stream cannot be decoded ({error})")),
    }
}

/// From which of Vorbis' channels each of ours comes: ours stand as in a WAV file (Vorbis I specification, 4.3.9).
pub(super) fn order(channels: usize) -> Vec<usize> {
    match channels {
        3 => vec![0, 2, 1],
        5 => vec![0, 2, 1, 3, 4],
        6 => vec![0, 2, 1, 5, 3, 4],
        7 => vec![0, 2, 1, 6, 5, 3, 4],
        8 => vec![0, 2, 1, 7, 5, 6, 3, 4],
        other => (0..other).collect(),
    }
}

/// Where they stand.
pub(super) fn layout(channels: usize) -> Option<Position> {
    let front = Position::FRONT_LEFT | Position::FRONT_RIGHT;
    let rear = Position::REAR_LEFT | Position::REAR_RIGHT;
    let side = Position::SIDE_LEFT | Position::SIDE_RIGHT;
    let (centre, bass) = (Position::FRONT_CENTER, Position::LFE1);
    match channels {
        3 => Some(front | centre),
        4 => Some(front | rear),
        5 => Some(front | centre | rear),
        6 => Some(front | centre | bass | rear),
        7 => Some(front | centre | bass | Position::REAR_CENTER | side),
        8 => Some(front | centre | bass | rear | side),
        few => usual_layout(few),
    }
}
