//! `audio.loudness`: how loud a track is, after EBU R 128 (ITU-R BS.1770-4), as JSON.
//!
//! The members, in this order: `entity`, the id; `integrated_lufs`; `range_lu` (EBU Tech 3342); `true_peak_dbtp` and
//! `sample_peak_dbfs`, each of the loudest channel; `duration_s`, rounded to three decimals; `rate_hz`; `channels`. The four
//! measurements are rounded to two decimals, and `null` where there is no such number (silence, or less than 0.4 s). They are
//! computed by the `ebur128` crate, a port of libebur128.

use ebur128::{Channel, EbuR128, Mode};
use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::Serialize;
use symphonia::core::audio::Position;

use super::{decode::Decoder, entry::of_track, options::part_options};

part_options! {
    /// The options of `audio.loudness`.
    Loudness {
    }
}

impl Settings for Loudness {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        self.part().problems(self.bounds())
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.loudness", "loudness, loudness range and peaks after EBU R 128, as JSON", &["json"], loudness)
}

#[derive(Serialize)]
struct Measured<'w> {
    entity: &'w str,
    integrated_lufs: Option<f64>,
    range_lu: Option<f64>,
    true_peak_dbtp: Option<f64>,
    sample_peak_dbfs: Option<f64>,
    duration_s: f64,
    rate_hz: u32,
    channels: usize,
}

fn loudness(work: &Work, settings: &Loudness) -> Result<Product, Fault> {
    let mut track = Decoder::open(work, "audio", settings.bounds())?;
    let (rate, channels) = (track.rate(), track.channels());
    let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::SAMPLE_PEAK;
    let mut meter = Meter::new(rate, channels, track.layout(), mode)?;
    let frames = settings.part().hear(&mut track, |block, part| {
        let planes: Vec<&[f32]> = block.iter().map(|channel| &channel[part.clone()]).collect();
        meter.add(&planes)
    })?;
    let integrated = meter.integrated()?;
    let measured = Measured {
        entity: work.entity.as_str(),
        integrated_lufs: rounded(integrated, 100.0),
        range_lu: integrated.is_finite().then(|| meter.range()).transpose()?.and_then(|range| rounded(range, 100.0)),
        true_peak_dbtp: rounded(decibels(meter.true_peak()?), 100.0),
        sample_peak_dbfs: rounded(decibels(meter.sample_peak()?), 100.0),
        duration_s: rounded(frames as f64 / f64::from(rate), 1000.0).unwrap_or(0.0),
        rate_hz: rate,
        channels,
    };
    let mut json = serde_json::to_vec_pretty(&measured)
        .map_err(|error| Fault::fatal(format!("could not write the measurement: {error}")))?;
    json.push(b'\n');
    Ok(Product::bytes(json))
}

/// An amplitude in dB of full scale.
pub(crate) fn decibels(amplitude: f64) -> f64 {
    20.0 * amplitude.log10()
}

/// A meter after EBU R 128 that knows where the channels stand.
pub(crate) struct Meter {
    meter: EbuR128,
    rate: u32,
    channels: usize,
}

impl Meter {
    /// A meter of what `mode` says.
    ///
    /// # Errors
    /// A fault of the input where loudness is not defined for such sound.
    pub(crate) fn new(rate: u32, channels: usize, layout: Option<Position>, mode: Mode) -> Result<Self, Fault> {
        let odd = |error| undefined(rate, channels, error);
        let mut meter = EbuR128::new(channels as u32, rate, mode).map_err(odd)?;
        if let Some(map) = layout.and_then(|layout| channel_map(layout, channels)) {
            meter.set_channel_map(&map).map_err(odd)?;
        }
        Ok(Self { meter, rate, channels })
    }

    /// Hears more: a slice of equal length for each channel.
    ///
    /// # Errors
    /// As [`Self::new`], and so for all others.
    pub(crate) fn add(&mut self, planes: &[&[f32]]) -> Result<(), Fault> {
        self.meter.add_frames_planar_f32(planes).map_err(|error| self.odd(error))
    }

    /// In LUFS; not finite for silence.
    pub(crate) fn integrated(&self) -> Result<f64, Fault> {
        self.meter.loudness_global().map_err(|error| self.odd(error))
    }

    /// In LU.
    fn range(&self) -> Result<f64, Fault> {
        self.meter.loudness_range().map_err(|error| self.odd(error))
    }

    /// The amplitude of the highest true peak of all channels.
    pub(crate) fn true_peak(&self) -> Result<f64, Fault> {
        self.highest(|channel| self.meter.true_peak(channel))
    }

    fn sample_peak(&self) -> Result<f64, Fault> {
        self.highest(|channel| self.meter.sample_peak(channel))
    }

    fn highest(&self, of: impl Fn(u32) -> Result<f64, ebur128::Error>) -> Result<f64, Fault> {
        (0..self.channels as u32)
            .try_fold(0.0, |most: f64, channel| Ok(most.max(of(channel).map_err(|error| self.odd(error))?)))
    }

    fn odd(&self, error: ebur128::Error) -> Fault {
        undefined(self.rate, self.channels, error)
    }
}

fn undefined(rate: u32, channels: usize, error: ebur128::Error) -> Fault {
    Fault::bad_input(format!("loudness is not defined for {channels} channels at {rate} Hz ({error})"))
}

/// None for what is no number; never a negative zero.
fn rounded(value: f64, steps: f64) -> Option<f64> {
    value.is_finite().then(|| (value * steps).round() / steps + 0.0)
}

/// The meaning of each channel to the meter, in the order of the block.
fn channel_map(layout: Position, channels: usize) -> Option<Vec<Channel>> {
    let map: Vec<Channel> = layout
        .iter()
        .map(|position| match position {
            Position::FRONT_LEFT => Channel::Left,
            Position::FRONT_RIGHT => Channel::Right,
            Position::FRONT_CENTER => Channel::Center,
            Position::REAR_LEFT | Position::SIDE_LEFT => Channel::LeftSurround,
            Position::REAR_RIGHT | Position::SIDE_RIGHT => Channel::RightSurround,
            Position::LFE1 | Position::LFE2 => Channel::Unused,
            _ => Channel::Center,
        })
        .collect();
    (map.len() == channels).then_some(map)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, tone, wav, work};
    use super::*;

    fn measured(bytes: &[u8]) -> serde_json::Value {
        let factory = entry().open(&serde_json::Value::Null, &OpenContext::default()).expect("good options");
        let json = run(&factory, work("t", &[("audio", "t.wav", bytes)], "json")).expect("measured");
        serde_json::from_slice(&json).expect("json")
    }

    #[test]
    fn a_tone_of_1_khz_is_as_loud_as_the_standard_says() {
        // BS.1770: a sine of 997 Hz at full scale on one channel reads −3.01 LKFS; half of full scale 6.02 less.
        let got = measured(&wav(48_000, &[tone(997.0, 48_000, 480_000)]));
        assert!((got["integrated_lufs"].as_f64().expect("a number") + 9.03).abs() < 0.05, "{got}");
        assert!((got["sample_peak_dbfs"].as_f64().expect("a number") + 6.02).abs() < 0.02, "{got}");
        assert_eq!((got["duration_s"].as_f64(), got["range_lu"].as_f64()), (Some(10.0), Some(0.0)));
    }

    #[test]
    fn a_part_is_measured_as_if_it_were_the_track() {
        let tones =
            [tone(997.0, 48_000, 96_000), tone(997.0, 48_000, 96_000).iter().map(|x| x / 4.0).collect()].concat();
        let factory = entry().open(&serde_json::json!({"start": 2, "duration": 1.5}), &OpenContext::default());
        let work = work("t", &[("audio", "t.wav", &wav(48_000, &[tones]))], "json");
        let json = run(&factory.expect("good options"), work).expect("measured");
        let got: serde_json::Value = serde_json::from_slice(&json).expect("json");
        assert_eq!(got["duration_s"].as_f64(), Some(1.5));
        assert!((got["integrated_lufs"].as_f64().expect("a number") + 9.03 + 12.04).abs() < 0.05, "{got}");
    }

    #[test]
    fn silence_has_no_loudness_instead_of_minus_infinity() {
        let got = measured(&wav(44_100, &[vec![0.0; 88_200], vec![0.0; 88_200]]));
        for member in ["integrated_lufs", "range_lu", "true_peak_dbtp", "sample_peak_dbfs"] {
            assert!(got[member].is_null(), "{got}");
        }
        assert_eq!(got["entity"], "t");
        assert_eq!((got["channels"].as_u64(), got["rate_hz"].as_u64()), (Some(2), Some(44_100)));
    }
}
