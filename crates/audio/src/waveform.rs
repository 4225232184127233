//! `audio.waveform`: the outline of a track for players and editors, in the data format of audiowaveform, version 2.
//!
//! For each pixel the least and the greatest of `samples_per_pixel` samples of one channel, as integers of 16 bits (`round(x ·
//! 32768)`, held at full scale), or of 8: those divided by 256 and rounded towards zero. The last pixel may be of fewer samples.
//!
//! A `.json` file holds `version` (2), `channels` (1), `sample_rate` in Hz, `samples_per_pixel`, `bits`, `length` (in pixels) and
//! `data` (least and greatest in turns). A `.dat` file holds the same, little endian: version, flags (1 for 8 bits), sample rate,
//! samples per pixel, length and channels, 32 bits each, and then the data.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::Serialize;

use super::{entry::of_track, options::feature_options};

/// The version of the format.
const VERSION: u32 = 2;
/// The most pixels of an output: those of a day at 192 kHz and 256 samples each are 65 million.
const MOST_PIXELS: usize = 1 << 26;

feature_options! {
    /// The options of `audio.waveform`.
    Waveform {
        /// Samples in a pixel, 2 to 1048576 (default: 256).
        samples_per_pixel: usize = 256,
        /// Bits of a number: 8 (the default) or 16.
        bits: u8 = 8,
    }
}

impl Settings for Waveform {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        if !(2..=1 << 20).contains(&self.samples_per_pixel) {
            let message = format!("expected 2 to 1048576, got {}", self.samples_per_pixel);
            problems.push(OptionProblem::new("samples_per_pixel", message));
        }
        if ![8, 16].contains(&self.bits) {
            problems.push(OptionProblem::new("bits", format!("expected 8 or 16, got {}", self.bits)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.waveform",
        "the outline of a track for players, as audiowaveform writes it",
        &["json", "dat"],
        waveform,
    )
}

/// The least and the greatest sample of each pixel.
struct Pixels {
    each: usize,
    /// Least and greatest in turns.
    data: Vec<i16>,
    /// How many samples the last pixel has so far.
    count: usize,
}

impl Pixels {
    fn push(&mut self, samples: &[f32]) -> Result<(), Fault> {
        for sample in samples {
            let sample = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            if self.count == 0 {
                self.data.extend([sample, sample]);
            }
            let last = self.data.len() - 2;
            self.data[last] = self.data[last].min(sample);
            self.data[last + 1] = self.data[last + 1].max(sample);
            self.count = (self.count + 1) % self.each;
        }
        if self.data.len() / 2 > MOST_PIXELS {
            return Err(Fault::bad_input(format!(
                "the outline would have more than {MOST_PIXELS} pixels; ask for more `samples_per_pixel`"
            )));
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Outline<'d> {
    version: u32,
    channels: u32,
    sample_rate: u32,
    samples_per_pixel: usize,
    bits: u8,
    length: usize,
    data: &'d [i16],
}

fn waveform(work: &Work, settings: &Waveform) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let mut pixels = Pixels { each: settings.samples_per_pixel, data: Vec::new(), count: 0 };
    sound.hear(|samples| pixels.push(samples))?;
    let mut data = pixels.data;
    if settings.bits == 8 {
        data.iter_mut().for_each(|number| *number /= 256);
    }
    let (length, rate) = (data.len() / 2, sound.rate());
    if work.suffixes.first().is_some_and(|suffix| suffix == "dat") {
        let numbers =
            [VERSION, u32::from(settings.bits == 8), rate, settings.samples_per_pixel as u32, length as u32, 1];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        match settings.bits {
            8 => bytes.extend(data.iter().map(|number| *number as i8 as u8)),
            _ => bytes.extend(data.iter().flat_map(|number| number.to_le_bytes())),
        }
        return Ok(Product::bytes(bytes));
    }
    let (samples_per_pixel, bits) = (settings.samples_per_pixel, settings.bits);
    let outline =
        Outline { version: VERSION, channels: 1, sample_rate: rate, samples_per_pixel, bits, length, data: &data };
    let mut text =
        serde_json::to_vec(&outline).map_err(|error| Fault::fatal(format!("could not write the outline: {error}")))?;
    text.push(b'\n');
    Ok(Product::bytes(text))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value, samples: &[i16], suffix: &str) -> Vec<u8> {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        let samples = samples.iter().map(|sample| f32::from(*sample) / 32_767.0).collect();
        let track = wav(8000, &[samples]);
        run(&factory, work("t", &[("audio", "t.wav", &track)], suffix)).expect("made").to_vec()
    }

    #[test]
    fn each_pixel_has_the_least_and_the_greatest_of_its_samples_and_the_last_what_is_left() {
        let samples = [100, -300, 5, 1000, 2000, 3000, -512, -256, -255, 255, 7];
        let told: serde_json::Value =
            serde_json::from_slice(&made(json!({"samples_per_pixel": 4, "bits": 16}), &samples, "json")).expect("JSON");
        let want = json!({
            "version": 2, "channels": 1, "sample_rate": 8000, "samples_per_pixel": 4, "bits": 16, "length": 3,
            "data": [-300, 1000, -512, 3000, -255, 255]
        });
        assert_eq!(told, want);
        let told: serde_json::Value =
            serde_json::from_slice(&made(json!({"samples_per_pixel": 4}), &samples, "json")).expect("JSON");
        assert_eq!(told["data"], json!([-1, 3, -2, 11, 0, 0]));
    }

    #[test]
    fn the_binary_form_says_the_same() {
        let samples = [100, -300, 5, 1000, 2000];
        let wide = made(json!({"samples_per_pixel": 4, "bits": 16}), &samples, "dat");
        let header: Vec<u8> = [2u32, 0, 8000, 4, 2, 1].iter().flat_map(|number| number.to_le_bytes()).collect();
        let data: Vec<u8> = [-300i16, 1000, 2000, 2000].iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(wide, [header, data].concat());
        let narrow = made(json!({"samples_per_pixel": 4}), &samples, "dat");
        assert_eq!((narrow[4], &narrow[24..]), (1, &[255, 3, 7, 7][..]));
    }

    #[test]
    fn other_numbers_of_bits_or_samples_are_refused_by_name() {
        let with = json!({"samples_per_pixel": 1, "bits": 24});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 2);
    }
}
