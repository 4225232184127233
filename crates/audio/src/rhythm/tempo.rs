//! `audio.tempo`: the tempo and the beats of a track, as JSON.
//!
//! What `librosa.beat.beat_track` tells of the same samples with its defaults. The members: `entity`; `rate_hz` and `hop`; `tempo_bpm`,
//! beats a minute, null for silence; `beats_s`, in seconds from where reading began.

use euterpe_actors::{
    ids::EntityId,
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::Serialize;

use super::super::{entry::of_track, json, options::feature_options, spectrum::frame_problems};
use super::{
    beats::beats,
    envelope::{Aggregate, envelope},
    tempogram::period,
};

/// Samples in a frame.
const N_FFT: usize = 2048;

feature_options! {
    /// The options of `audio.tempo`.
    Tempo {
        /// Samples from one frame to the next, 64 to 1048576 (default: 512). A beat stands on a frame, and a period is a whole number of them.
        hop: usize = 512,
        /// The most likely tempo in beats a minute, 20 to 320 (default: 120).
        start_bpm: f64 = 120.0,
        /// How close the beats keep to the tempo, above 0 up to 100000 (default: 100).
        tightness: f64 = 100.0,
        /// Leave out weak beats at the beginning and at the end (default: true).
        trim: bool = true,
    }
}

impl Settings for Tempo {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.sound().problems();
        if (1..64).contains(&self.hop) {
            problems.push(OptionProblem::new("hop", format!("expected 64 to 1048576, got {}", self.hop)));
        }
        problems.extend(frame_problems(N_FFT, self.hop));
        if !(20.0..=320.0).contains(&self.start_bpm) {
            let message = format!("expected 20 to 320 beats a minute, got {}", self.start_bpm);
            problems.push(OptionProblem::new("start_bpm", message));
        }
        if !(self.tightness > 0.0 && self.tightness <= 1e5) {
            let message = format!("expected more than 0 and at most 100000, got {}", self.tightness);
            problems.push(OptionProblem::new("tightness", message));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.tempo", "tempo and beats, as JSON (librosa's numbers)", &["json"], tempo)
}

#[derive(Serialize)]
struct Told<'w> {
    entity: &'w EntityId,
    rate_hz: u32,
    hop: usize,
    tempo_bpm: Option<f64>,
    beats_s: Vec<f64>,
}

fn tempo(work: &Work, settings: &Tempo) -> Result<Product, Fault> {
    let mut sound = settings.sound().open(work)?;
    let (rate, hop) = (sound.rate(), settings.hop);
    let strengths = envelope(work, &mut sound, (N_FFT, hop), Aggregate::Median)?;
    let mut told = Told { entity: &work.entity, rate_hz: rate, hop, tempo_bpm: None, beats_s: Vec::new() };
    if strengths.iter().any(|strength| *strength != 0.0) {
        let period = period(&strengths, rate, hop, settings.start_bpm).ok_or_else(|| {
            Fault::bad_input(format!(
                "eight seconds at {rate} Hz are fewer than two hops of {hop}; choose a smaller `hop`"
            ))
        })?;
        let seconds = |frame: usize| json::rounded((frame * hop) as f64 / f64::from(rate));
        told.tempo_bpm = Some(json::rounded(60.0 * f64::from(rate) / (hop * period) as f64));
        told.beats_s = beats(strengths, period, settings.tightness, settings.trim).into_iter().map(seconds).collect();
    }
    json::in_words(&told)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{run, tone, wav, work};
    use super::*;
    use serde_json::{Value, json};

    fn told(samples: Vec<f32>) -> Value {
        let factory = entry().open(&json!({}), &OpenContext::default()).expect("good options");
        let json = run(&factory, work("t", &[("audio", "t.wav", &wav(22_050, &[samples]))], "json")).expect("made");
        serde_json::from_slice(&json).expect("JSON")
    }

    /// Noise of a twentieth of a second, in each of these distances in samples.
    fn clicks(distance: usize, seconds: usize) -> Vec<f32> {
        let mut state = 1u32;
        let noise = |at: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let fades = 1.0 - (at % distance) as f32 / 1102.0;
            if fades > 0.0 { fades * (state as f32 / u32::MAX as f32 - 0.5) } else { 0.0 }
        };
        (0..seconds * 22_050).map(noise).collect()
    }

    #[test]
    fn clicks_have_the_tempo_of_their_distance_and_a_beat_each() {
        // 20 hops of 512 samples: 129.2 beats a minute.
        let told = told(clicks(10_240, 20));
        assert_eq!(told["tempo_bpm"], json!(129.199219));
        let beats: Vec<f64> = serde_json::from_value(told["beats_s"].clone()).expect("seconds");
        assert!((38..=43).contains(&beats.len()), "{told}");
        let apart = 10_240.0 / 22_050.0;
        for beat in &beats {
            let off = (beat / apart - (beat / apart).round()) * apart;
            assert!(off.abs() < 0.05, "{beat} is {off} s beside a click");
        }
    }

    #[test]
    fn silence_has_no_tempo() {
        let told = told(vec![0.0; 44_100]);
        assert_eq!((&told["tempo_bpm"], &told["beats_s"]), (&Value::Null, &json!([])));
        assert_eq!(
            super::entry()
                .open(&json!({"hop": 0, "start_bpm": 0, "tightness": 0}), &OpenContext::default())
                .err()
                .expect("refused")
                .len(),
            3
        );
        assert!(!tone(440.0, 8000, 1).is_empty());
    }
}
