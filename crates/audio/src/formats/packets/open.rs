//! Lets symphonia find the track in a container, and makes decoders for it.

use crate::refusal::Refusal;
use symphonia::core::{
    audio::{Channels, GenericAudioBufferRef},
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{CODEC_ID_AAC, CODEC_ID_FLAC},
    },
    errors::Error,
    formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

use super::{
    super::{
        aac::config::Config,
        blocks::usual_layout,
        faults::{damaged, unread, unsupported},
        source::{Metered, Spliced},
    },
    Facts,
};
use crate::limits::check_shape;

pub(super) type Probed = (Box<dyn FormatReader>, Track, AudioCodecParameters);

/// Refuses FLAC whose samples are wider than its decoder takes them. Ffmpeg 5.1 decodes nothing of it.
///
/// # Errors
/// Where they are.
pub(super) fn check_width(parameters: &AudioCodecParameters) -> Result<(), Refusal> {
    match parameters.codec == CODEC_ID_FLAC && parameters.bits_per_sample.is_some_and(|bits| bits > 24) {
        true => Err(Refusal::bad_input(
            "FLAC of more than 24 bits is not supported; convert the file with `flac -d FILE.flac` first",
        )),
        false => Ok(()),
    }
}

/// The rate and the channels of what was decoded.
pub(super) fn shape(audio: &GenericAudioBufferRef<'_>) -> Result<(u32, Channels), Refusal> {
    let (rate, channels) = (audio.spec().rate(), audio.spec().channels().clone());
    check_shape(rate, channels.count())?;
    Ok((rate, channels))
}

/// Lets symphonia find the track.
pub(super) fn probed(source: Spliced, extension: &str, facts: &Facts) -> Result<Probed, Refusal> {
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let stream = MediaSourceStream::new(Box::new(Metered::new(source)), MediaSourceStreamOptions::default());
    let reader = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| match error {
            Error::IoError(error) if error.raw_os_error().is_some() => unread(&error),
            Error::Unsupported(what) => unsupported(&format!("this kind of file ({what})")),
            error => {
                Refusal::bad_input(format!("the file is damaged or cut off ({error}); replace it with a whole copy"))
            }
        })?;
    let own = facts.track.and_then(|id| reader.tracks().iter().find(|track| track.id == id));
    let track = own
        .or_else(|| reader.default_track(TrackType::Audio))
        .ok_or_else(|| Refusal::bad_input("this is not audio: the file has no audio track"))?
        .clone();
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio()).cloned();
    let parameters = parameters.ok_or_else(|| unsupported("a track that does not say how its sound is encoded"))?;
    Ok((reader, track, parameters))
}

/// A decoder of AAC-LC. It is told what it has to know, and nothing that it would misunderstand.
///
/// # Errors
/// Where it does not know the rate.
pub(crate) fn aac_decoder(config: Config) -> Result<Box<dyn AudioDecoder>, Refusal> {
    check_shape(config.rate, config.channels)?;
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_AAC).with_sample_rate(config.rate);
    if let Some(layout) = usual_layout(config.channels) {
        parameters.with_channels(Channels::Positioned(layout));
    }
    decoder(&parameters)
}

pub(super) fn decoder(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Refusal> {
    let options = AudioDecoderOptions::default().verify(true).gapless(false);
    symphonia::default::get_codecs().make_audio_decoder(parameters, &options).map_err(|error| match error {
        Error::Unsupported(what) => unsupported(&format!("this track ({what})")),
        error => damaged(&format!("its track cannot be decoded ({error})")),
    })
}
