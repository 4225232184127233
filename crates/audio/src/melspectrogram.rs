//! `audio.melspectrogram`: the energy of a track in mel bands over time, as a NumPy array.
//!
//! The output is a `.npy` file: `float32`, little endian, C order, shape `(n_mels, 1 + samples / hop)`, of the mean of the
//! channels, or of another one. It agrees with `librosa.feature.melspectrogram` of the same samples (centred frames, zeros beyond the ends,
//! periodic Hann window, Slaney's mel scale and norm, or what the options say) within 0.01 dB wherever it is less than 80 dB below its peak.

use euterpe_actors::{
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};

use super::{
    decibels::{Decibels, Levels, Reference, level_problems, reference, reference_schema},
    entry::of_track,
    framing::{Framing, Padding},
    mel::{Bands, MelNorm, band_problems, filters_for},
    npy::{Dtype, Matrix},
    options::feature_options,
    spectrum::{Spectra, frame_problems},
};

feature_options! {
    /// The options of `audio.melspectrogram`.
    Melspectrogram {
        /// Samples in a frame, 16 to 65536 (default: 2048).
        n_fft: usize = 2048,
        /// Samples from one frame to the next, 1 to 1048576 (default: 512).
        hop: usize = 512,
        /// Mel bands, 1 to 1024 (default: 128).
        n_mels: usize = 128,
        /// The lowest frequency in Hz (default: 0).
        fmin: f64 = 0.0,
        /// The highest frequency in Hz (default: half of the sample rate).
        fmax: Option<f64> = None,
        /// The exponent of the magnitude, above 0 up to 4: 2 (the default) for power, 1 for magnitude.
        power: f64 = 2.0,
        /// Space the bands on the scale of HTK instead of Slaney's (default: false).
        htk: bool = false,
        /// How high the filters are: `slaney` (the default: each has an area of 1), or `none` (each has a peak of 1).
        norm: MelNorm = MelNorm::Slaney,
        /// Frame `t` is centred on sample `t · hop` (default: true); otherwise it begins there, and none reaches beyond the end.
        center: bool = true,
        /// What stands beyond the ends of the track: `constant` (the default) silence, `reflect` its mirror image, `edge` its first and last sample.
        pad_mode: Padding = Padding::Constant,
        /// Write decibels instead: 10·log10 of the power, at least −100 (default: false).
        decibels: bool = false,
        /// What 0 dB is: a value (default: 1), or `max` for the largest of the track.
        #[serde(rename = "ref", deserialize_with = "reference")]
        #[schemars(schema_with = "reference_schema")]
        reference: Reference = Reference::Value(1.0),
        /// No level is more than so many decibels below the loudest of the track, above 0 up to 1000 (default: none is left out).
        top_db: Option<f64> = None,
        /// The type of the numbers: `f32` (the default), or `f16`, half the size with three digits.
        dtype: Dtype = Dtype::F32,
    }
}

impl Settings for Melspectrogram {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        problems.extend(frame_problems(self.n_fft, self.hop));
        problems.extend(band_problems(self.n_mels, self.fmin, self.fmax));
        problems.extend(level_problems(self.reference, self.top_db, self.decibels));
        if !(self.power > 0.0 && self.power <= 4.0) {
            problems
                .push(OptionProblem::new("power", format!("expected more than 0 and at most 4, got {}", self.power)));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track(
        "audio.melspectrogram",
        "energy in mel bands over time, as a NumPy array (librosa's numbers)",
        &["npy"],
        melspectrogram,
    )
}

fn melspectrogram(work: &Work, settings: &Melspectrogram) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let Melspectrogram { fmin, fmax, htk, norm, .. } = *settings;
    let bands = Bands { count: settings.n_mels, fmin, fmax, htk, norm };
    let filters = filters_for(bands, settings.n_fft, sound.rate())?;
    let framing = Framing { center: settings.center, padding: settings.pad_mode };
    let spectra = Spectra::new(settings.n_fft, settings.hop).framed(framing);
    let mut out = Out::new(settings, work);
    let mut raised = vec![0.0; settings.n_fft / 2 + 1];
    let frame = |power: &[f64]| {
        let spectrum = if settings.power == 2.0 {
            power
        } else {
            for (raised, power) in raised.iter_mut().zip(power) {
                *raised = power.powf(settings.power / 2.0);
            }
            &raised
        };
        out.push(filters.iter().map(|filter| filter.apply(spectrum)))
    };
    sound.hear_power(spectra, frame)?;
    match out {
        Out::Energy(matrix) => matrix.finish(),
        Out::Decibels(levels) => levels.finish(),
    }
}

/// What is written of the bands.
enum Out {
    Energy(Matrix),
    Decibels(Levels),
}

impl Out {
    fn new(settings: &Melspectrogram, work: &Work) -> Self {
        let Melspectrogram { power, reference, top_db, n_mels, .. } = *settings;
        match settings.decibels {
            false => Self::Energy(Matrix::new(n_mels, settings.dtype.into(), work)),
            true => {
                Self::Decibels(Levels::new(Decibels { power, reference, top_db }, n_mels, settings.dtype.into(), work))
            }
        }
    }

    fn push(&mut self, energies: impl Iterator<Item = f64>) -> Result<(), Fault> {
        match self {
            Self::Energy(matrix) => matrix.push(energies.map(|energy| energy as f32)),
            Self::Decibels(levels) => levels.push(energies),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        mel,
        testing::{run, tone, wav, work},
    };
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
    fn conventions_change_what_they_name() {
        let track = wav(22_050, &[tone(1000.0, 22_050, 22_050)]);
        let of = |with| values(&made(with, &track).expect("made"));
        let loud = of(json!({"decibels": true, "ref": "max", "top_db": 60}));
        let (least, most) =
            loud.iter().fold((0f32, -99f32), |(least, most), &value| (least.min(value), most.max(value)));
        assert!(most == 0.0 && (least + 60.0).abs() < 1e-3, "{least} to {most}");
        let whole = made(json!({"center": false}), &track).expect("made");
        assert!(String::from_utf8_lossy(&whole[10..128]).contains("'shape': (128, 40)"));
        let half = made(json!({"dtype": "f16"}), &track).expect("made");
        assert!(String::from_utf8_lossy(&half[10..128]).contains("'<f2'") && half.len() == 128 + 128 * 44 * 2);
        let [slaney, htk, plain] = [json!({}), json!({"htk": true}), json!({"norm": "none"})].map(of);
        assert!(slaney != htk && plain.iter().zip(&slaney).all(|(plain, slaney)| plain >= slaney));
        let fault = entry().open(&json!({"ref": "max"}), &OpenContext::default()).err().expect("refused");
        assert!(fault[0].to_string().starts_with("ref: is of decibels"), "{fault:?}");
    }

    #[test]
    fn bands_above_what_the_track_holds_are_refused() {
        let fault = made(json!({"fmax": 16_000}), &wav(22_050, &[tone(440.0, 22_050, 4000)])).expect_err("too high");
        assert!(fault.text.contains("holds nothing above 11025 Hz"), "{fault}");
        let with = json!({"n_fft": 0, "hop": 0, "n_mels": 0, "fmin": 500, "fmax": 100, "power": -1});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 5);
    }
}
