//! `audio.descriptors`: what a track sounds like in a few numbers for each moment, as a NumPy array or as statistics in JSON.
//!
//! Of one channel, frame by frame, as librosa's functions of these names define them with their defaults (spectra of magnitudes,
//! centred frames, zeros beyond the ends, periodic Hann window), within 1e-3:
//!
//! `spectral_centroid` and `spectral_bandwidth` in Hz, `spectral_rolloff` in Hz (85 % of the magnitudes lie below),
//! `spectral_flatness` (0 for a tone, 1 for noise), `zero_crossing_rate` (a share of the samples), `rms` (full scale is 1), and
//! `spectral_contrast` in dB, of `contrast_bands` octaves from 200 Hz on and of what lies below them.
//!
//! A `.npy` file holds the curves: `float32`, little endian, C order, shape `(7 + contrast_bands, 1 + samples / hop)`, rows in the
//! order above. A `.json` file holds `entity`, `rate_hz`, `hop`, `frames`, and for each descriptor `mean`, `std` (of all frames),
//! `min` and `max`.

mod contrast;
mod statistics;

use euterpe_actors::{
    ids::EntityId,
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::{Serialize, Serializer};

use super::{
    entry::of_track,
    npy::{Cell, Matrix},
    options::feature_options,
    spectrum::{Heard, Spectra, frame_problems},
    spool::Spool,
};
use contrast::Contrast;
use statistics::Statistics;

/// The descriptors that are one number for each frame, in their order.
const SINGLE: [&str; 6] =
    ["spectral_centroid", "spectral_bandwidth", "spectral_rolloff", "spectral_flatness", "zero_crossing_rate", "rms"];

/// The share of the magnitudes that lies below the roll-off.
const ROLLOFF: f64 = 0.85;
/// What counts as zero where crossings are counted.
const NEARLY_ZERO: f32 = 1e-10;

feature_options! {
    /// The options of `audio.descriptors`.
    Descriptors {
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
        /// Octaves of the spectral contrast from 200 Hz on, 1 to 8 (default: 6). The last one begins below half of the sample rate.
        contrast_bands: usize = 6,
    }
}

impl Settings for Descriptors {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        if !(1..=8).contains(&self.contrast_bands) {
            let message = format!("expected 1 to 8 octaves, got {}", self.contrast_bands);
            problems.push(OptionProblem::new("contrast_bands", message));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.descriptors",
        "centroid, bandwidth, roll-off, flatness, contrast, zero crossings and level over time (librosa's numbers)",
        &["npy", "json"],
        descriptors,
    )
}

fn descriptors(work: &Work, settings: &Descriptors) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let rate = sound.rate();
    let mut contrast = Contrast::new(settings.contrast_bands, settings.n_fft, rate)?;
    let mut spectra = Spectra::new(settings.n_fft, settings.hop);
    let bin = f64::from(rate) / settings.n_fft as f64;
    // The loudest peak of all, which the contrast is measured by, is known at the end only.
    let mut rows = Spool::new(SINGLE.len() + 2 * contrast.rows(), work);
    let mut magnitudes = vec![0.0; settings.n_fft / 2 + 1];
    let mut frame = |heard: Heard<'_>| {
        for (magnitude, bin) in magnitudes.iter_mut().zip(heard.bins) {
            *magnitude = bin.norm();
        }
        let real = &heard.samples[heard.real];
        let single = spectral(&magnitudes, bin).into_iter().chain([
            crossings(real) as f64 / heard.samples.len() as f64,
            (real.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / heard.samples.len() as f64).sqrt(),
        ]);
        rows.push(single.map(|value| value as f32).chain(contrast.levels(&magnitudes).iter().copied()))
    };
    sound.hear(|samples| spectra.push_bins(samples, &mut frame))?;
    spectra.finish_bins(&mut frame)?;
    let count = SINGLE.len() + contrast.rows();
    let described = |row: &[f32]| {
        let (single, levels) = row.split_at(SINGLE.len());
        single.iter().copied().chain(contrast.of_levels(levels)).collect::<Vec<f32>>()
    };
    if work.suffixes.first().is_some_and(|suffix| suffix == "json") {
        let mut statistics = vec![Statistics::default(); count];
        rows.each(|row| {
            statistics.iter_mut().zip(described(row)).for_each(|(statistics, value)| statistics.push(value));
            Ok(())
        })?;
        return in_words(work, settings, rate, &statistics);
    }
    let mut matrix = Matrix::new(count, Cell::Float, work);
    rows.each(|row| matrix.push(described(row)))?;
    matrix.finish()
}

/// Centroid, bandwidth, roll-off and flatness of a spectrum whose bins are so many Hz apart.
fn spectral(magnitudes: &[f64], bin: f64) -> [f64; 4] {
    let sum: f64 = magnitudes.iter().sum();
    // A sum that no float32 can hold is that of silence.
    let whole = if sum < f64::from(f32::MIN_POSITIVE) { 1.0 } else { sum };
    let hz = |at: usize| at as f64 * bin;
    let weighed = magnitudes.iter().enumerate();
    let centroid = weighed.clone().map(|(at, magnitude)| hz(at) * magnitude / whole).sum::<f64>();
    let spread = weighed.map(|(at, magnitude)| (hz(at) - centroid).powi(2) * magnitude / whole).sum::<f64>();
    let mut below = 0.0;
    let rolloff = magnitudes.iter().position(|magnitude| {
        below += magnitude;
        below >= ROLLOFF * sum
    });
    let powers = magnitudes.iter().map(|magnitude| magnitude.powi(2).max(1e-10));
    let count = magnitudes.len() as f64;
    let (logs, powers) = powers.fold((0.0, 0.0), |(logs, sum), power| (logs + power.ln(), sum + power));
    [centroid, spread.sqrt(), hz(rolloff.unwrap_or(magnitudes.len() - 1)), (logs / count).exp() / (powers / count)]
}

/// How often the samples go from one side of zero to the other; zero lies on the upper side.
fn crossings(samples: &[f32]) -> usize {
    let below = |sample: &f32| *sample < -NEARLY_ZERO;
    samples.windows(2).filter(|two| below(&two[0]) != below(&two[1])).count()
}

/// The statistics of a track, in the order in which they are written.
#[derive(Serialize)]
struct Told<'t> {
    entity: &'t EntityId,
    rate_hz: u32,
    hop: usize,
    frames: u64,
    #[serde(flatten)]
    single: Named<'t>,
    spectral_contrast: &'t [Statistics],
}

/// Those of the descriptors that are one number for each frame, by name.
struct Named<'t>(&'t [Statistics]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(SINGLE.iter().zip(self.0))
    }
}

fn in_words(work: &Work, settings: &Descriptors, rate: u32, statistics: &[Statistics]) -> Result<Product, Fault> {
    let (single, contrast) = statistics.split_at(SINGLE.len());
    let told = Told {
        entity: &work.entity,
        rate_hz: rate,
        hop: settings.hop,
        frames: statistics.first().map_or(0, Statistics::count),
        single: Named(single),
        spectral_contrast: contrast,
    };
    let mut text = serde_json::to_vec_pretty(&told)
        .map_err(|error| Fault::fatal(format!("could not write the descriptors: {error}")))?;
    text.push(b'\n');
    Ok(Product::bytes(text))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cells, run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value, rate: u32, samples: Vec<f32>, suffix: &str) -> Result<Vec<u8>, Fault> {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        let track = wav(rate, &[samples]);
        run(&factory, work("t", &[("audio", "t.wav", &track)], suffix)).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn a_tone_is_narrow_and_stands_where_it_is() {
        let curves = made(json!({}), 22_050, tone(1000.0, 22_050, 22_050), "npy").expect("made");
        let (shape, values) = cells(&curves);
        assert!(shape.contains("'shape': (13, 44)"), "{shape}");
        let middle = |row: usize| values[row * 44 + 20];
        assert!((middle(0) - 1000.0).abs() < 20.0 && middle(1) < 150.0, "{} {}", middle(0), middle(1));
        assert!((middle(2) - 1000.0).abs() < 22.0 && middle(3) < 1e-3, "{} {}", middle(2), middle(3));
        // Two crossings in each period, half of full scale as a sine.
        assert!((middle(4) - 2000.0 / 22_050.0).abs() < 2e-3 && (middle(5) - 0.5 / 2f32.sqrt()).abs() < 1e-3);
        let text = made(json!({}), 22_050, tone(1000.0, 22_050, 22_050), "json").expect("made");
        let text = String::from_utf8(text).expect("text");
        assert!(text.starts_with("{\n  \"entity\": \"t\",\n  \"rate_hz\": 22050,"), "{text}");
        let facts: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (facts["frames"].as_u64(), facts["spectral_contrast"].as_array().map(Vec::len)),
            (Some(44), Some(7))
        );
        let mean: f32 = values[..44].iter().sum::<f32>() / 44.0;
        assert!(
            (facts["spectral_centroid"]["mean"].as_f64().expect("a number") - f64::from(mean)).abs() < 0.01,
            "{facts}"
        );
    }

    #[test]
    fn silence_has_a_number_for_everything() {
        let (_, values) = cells(&made(json!({}), 22_050, vec![0.0; 10_000], "npy").expect("made"));
        let row = |row: usize| values[row * 20];
        assert_eq!([row(0), row(1), row(2), row(3), row(4), row(5), row(6)], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn octaves_beyond_the_track_are_refused_with_the_number_that_fits() {
        let fault = made(json!({}), 8000, tone(440.0, 8000, 8000), "npy").expect_err("too many");
        assert!(fault.text.contains("ask for `contrast_bands: 5`"), "{fault}");
        assert!(made(json!({"contrast_bands": 5}), 8000, tone(440.0, 8000, 8000), "npy").is_ok());
    }
}
