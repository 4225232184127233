//! `audio.melspectrogram`: the energy of a track in mel bands over time, as a NumPy array.
//!
//! The output is a `.npy` file: `float32`, little endian, C order, shape `(n_mels, 1 + samples / hop)`, of the mean of the
//! channels. It agrees with `librosa.feature.melspectrogram` of the same samples (centred frames, zeros beyond the ends,
//! periodic Hann window, Slaney's mel scale and norm) within 0.01 dB wherever it is less than 80 dB below its peak.

use euterpe_actors::{
    outcome::Fault,
    transform::{Product, TransformFactory, Work, blocking::blocking},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    EXTENSIONS, MAX_MINUTES, NOT_DECODED,
    decode::{Bounds, Decoder, Lengths},
    mel, minutes_problem,
    mix::mean_into,
    npy,
    spectrum::Spectra,
};
use euterpe_actors::transform::{Entry, InputRule, OpenContext, OptionProblem, Settings};

/// The most numbers that one output may hold: 2 GiB of them.
const MAX_CELLS: usize = 1 << 29;

/// The options of `audio.melspectrogram`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Melspectrogram {
    /// Samples in a frame, 16 to 65536 (default: 2048).
    pub n_fft: usize,
    /// Samples from one frame to the next, 1 to 1048576 (default: 512).
    pub hop: usize,
    /// Mel bands, 1 to 1024 (default: 128).
    pub n_mels: usize,
    /// The lowest frequency in Hz (default: 0).
    pub fmin: f64,
    /// The highest frequency in Hz (default: half of the track's sample rate).
    pub fmax: Option<f64>,
    /// The exponent of the magnitude, above 0 up to 4: 2 (the default) for power, 1 for magnitude.
    pub power: f64,
    /// Write decibels instead: 10·log10 of the power, at least −100 (default: false).
    pub decibels: bool,
    /// The longest track that is read, in minutes (default: 1440, a day).
    pub max_minutes: u32,
    /// Sound beyond the length that a file declares: `as-found` (the default) reads it, `strict` refuses the file.
    pub lengths: Lengths,
}

impl Default for Melspectrogram {
    fn default() -> Self {
        Self {
            n_fft: 2048,
            hop: 512,
            n_mels: 128,
            fmin: 0.0,
            fmax: None,
            power: 2.0,
            decibels: false,
            max_minutes: MAX_MINUTES,
            lengths: Lengths::AsFound,
        }
    }
}

impl Settings for Melspectrogram {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems: Vec<OptionProblem> = minutes_problem(self.max_minutes).into_iter().collect();
        let counts =
            [("n_fft", self.n_fft, 16, 65_536), ("hop", self.hop, 1, 1 << 20), ("n_mels", self.n_mels, 1, 1024)];
        for (name, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                problems.push(OptionProblem::new(name, format!("expected {least} to {most}, got {value}")));
            }
        }
        if !(self.fmin >= 0.0 && self.fmin.is_finite()) {
            problems.push(OptionProblem::new("fmin", format!("expected a frequency from 0 Hz on, got {}", self.fmin)));
        }
        if let Some(fmax) = self.fmax.filter(|fmax| !(*fmax > self.fmin && fmax.is_finite())) {
            let message = format!("expected a frequency above fmin ({} Hz), got {fmax}", self.fmin);
            problems.push(OptionProblem::new("fmax", message));
        }
        if !(self.power > 0.0 && self.power <= 4.0) {
            problems
                .push(OptionProblem::new("power", format!("expected more than 0 and at most 4, got {}", self.power)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    Entry::new("audio.melspectrogram", "energy in mel bands over time, as a NumPy array (librosa's numbers)", open)
        .inputs(InputRule::Exactly(&["audio"]))
        .reads(EXTENSIONS)
        .cannot_read(NOT_DECODED)
        .writes(&["npy"])
}

fn open(settings: Melspectrogram, _: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
    Ok(blocking("melspectrogram", move || Ok(Box::new(move |work: &Work| melspectrogram(work, &settings)))))
}

fn melspectrogram(work: &Work, settings: &Melspectrogram) -> Result<Product, Fault> {
    let bounds = Bounds { minutes: settings.max_minutes, lengths: settings.lengths };
    let mut track = Decoder::open(work, "audio", bounds)?;
    let half = f64::from(track.rate()) / 2.0;
    let fmax = settings.fmax.unwrap_or(half);
    if fmax > half || settings.fmin >= half {
        return Err(Fault::bad_input(format!(
            "the track at {} Hz holds nothing above {half} Hz, and the job asks for {} to {fmax} Hz; lower fmin and fmax",
            track.rate(),
            settings.fmin
        )));
    }
    let filters = mel::filters(settings.n_mels, settings.fmin, fmax, settings.n_fft, track.rate());
    let mut spectra = Spectra::new(settings.n_fft, settings.hop);
    let mut columns: Vec<f32> = Vec::new();
    let mut raised = vec![0.0; settings.n_fft / 2 + 1];
    let mut frame = |power: &[f64]| {
        let spectrum = if settings.power == 2.0 {
            power
        } else {
            for (raised, power) in raised.iter_mut().zip(power) {
                *raised = power.powf(settings.power / 2.0);
            }
            &raised
        };
        columns.extend(filters.iter().map(|filter| filter.apply(spectrum) as f32));
    };
    let mut mono = Vec::new();
    while let Some(block) = track.next_block()? {
        mean_into(block, &mut mono);
        spectra.push(&mono, &mut frame);
        let cells = track.frames() as usize / settings.hop * settings.n_mels;
        if cells > MAX_CELLS {
            return Err(Fault::bad_input(
                "the output would take more than 2 GiB; choose a larger `hop`, fewer `n_mels`, or split the track",
            ));
        }
    }
    spectra.finish(&mut frame);
    if settings.decibels {
        // The floor is a power of 1e-10, whatever the exponent.
        let floor = 1e-10f64.powf(settings.power / 2.0);
        let scale = 20.0 / settings.power;
        for value in &mut columns {
            *value = (scale * f64::from(*value).max(floor).log10()) as f32;
        }
    }
    Ok(Product::bytes(npy::from_columns(&columns, settings.n_mels)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, tone, wav, work};
    use super::*;
    use serde_json::json;

    fn made(with: serde_json::Value, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        run(&factory, work("t", &[("audio", "t.wav", bytes)], "npy")).map(|bytes| bytes.to_vec())
    }

    fn values(npy: &[u8]) -> Vec<f32> {
        npy[128..].chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect()
    }

    #[test]
    fn a_tone_lights_its_band_in_every_frame() {
        let bytes = made(serde_json::Value::Null, &wav(22_050, &[tone(1000.0, 22_050, 22_050)])).expect("made");
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"));
        let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
        assert!(header.contains("'shape': (128, 44)"), "{header}");
        let cells = values(&bytes);
        let at = |row: usize| cells[row * 44 + 20];
        let loudest = (0..128).max_by(|&a, &b| at(a).total_cmp(&at(b))).expect("rows");
        let step = mel::mel_of(11_025.0) / 129.0;
        let hz = mel::hz_of(step * (loudest + 1) as f64);
        assert!((hz - 1000.0).abs() < 40.0, "the loudest band is at {hz} Hz");
    }

    #[test]
    fn decibels_have_a_floor_so_that_silence_is_a_number() {
        let bytes = made(json!({"decibels": true}), &wav(22_050, &[vec![0.0; 4000]])).expect("made");
        assert!(values(&bytes).iter().all(|&value| (value + 100.0).abs() < 1e-4));
    }

    #[test]
    fn bands_above_what_the_track_holds_are_refused() {
        let fault = made(json!({"fmax": 16_000}), &wav(22_050, &[tone(440.0, 22_050, 4000)])).expect_err("too high");
        assert!(fault.text.contains("holds nothing above 11025 Hz"), "{fault}");
        let with = json!({"n_fft": 0, "hop": 0, "n_mels": 0, "fmin": 500, "fmax": 100, "power": -1});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 5);
    }
}
