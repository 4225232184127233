//! `audio.silence`: where a track is silent, as JSON.
//!
//! Silent is a stretch of at least `min_duration` seconds in which no sample of any channel is louder than `threshold_db` below full
//! scale. The members: `entity`; `duration_s` of what was read; `silent_s`, the sum; `leading_s` and `trailing_s`, the silence that it
//! begins and ends with; `silences`, each with `start_s` and `end_s` from where reading began. Times are rounded to milliseconds.

use euterpe_actors::{
    ids::EntityId,
    outcome::Fault,
    transform::{Entry, OpenContext, OptionProblem, Product, Settings, Work},
};
use serde::Serialize;

use super::{decode::Decoder, entry::of_track, options::part_options};

part_options! {
    /// The options of `audio.silence`.
    Silence {
        /// What is not louder than so many decibels counts as silent, −150 to 0 (default: −60).
        threshold_db: f64 = -60.0,
        /// The shortest silence that is told, in seconds, 0.001 to 3600 (default: 0.5).
        min_duration: f64 = 0.5,
    }
}

impl Settings for Silence {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = self.part().problems(self.bounds());
        if !(-150.0..=0.0).contains(&self.threshold_db) {
            let message = format!("expected -150 to 0 dB, got {}", self.threshold_db);
            problems.push(OptionProblem::new("threshold_db", message));
        }
        if !(0.001..=3600.0).contains(&self.min_duration) {
            let message = format!("expected 0.001 to 3600 seconds, got {}", self.min_duration);
            problems.push(OptionProblem::new("min_duration", message));
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    of_track("audio.silence", "where a track is silent, as JSON", &["json"], silence)
}

#[derive(Serialize)]
struct Told<'w> {
    entity: &'w EntityId,
    duration_s: f64,
    silent_s: f64,
    leading_s: f64,
    trailing_s: f64,
    silences: Vec<Stretch>,
}

#[derive(Serialize)]
struct Stretch {
    start_s: f64,
    end_s: f64,
}

/// Finds stretches of frames that are all silent.
struct Finder {
    /// The loudest sample that is silent.
    most: f32,
    /// How many frames a stretch needs.
    least: u64,
    frames: u64,
    /// Where the silence began that goes on now.
    since: Option<u64>,
    found: Vec<(u64, u64)>,
}

impl Finder {
    fn push(&mut self, planes: &[&[f32]]) {
        for frame in 0..planes.first().map_or(0, |plane| plane.len()) {
            if planes.iter().all(|plane| plane[frame].abs() <= self.most) {
                self.since.get_or_insert(self.frames);
            } else {
                self.close();
            }
            self.frames += 1;
        }
    }

    /// Ends the silence that goes on.
    fn close(&mut self) {
        if let Some(since) = self.since.take().filter(|since| self.frames - since >= self.least) {
            self.found.push((since, self.frames));
        }
    }
}

fn silence(work: &Work, settings: &Silence) -> Result<Product, Fault> {
    let mut track = Decoder::open(work, "audio", settings.bounds())?;
    let rate = f64::from(track.rate());
    let mut finder = Finder {
        most: 10f64.powf(settings.threshold_db / 20.0) as f32,
        least: ((settings.min_duration * rate).round() as u64).max(1),
        frames: 0,
        since: None,
        found: Vec::new(),
    };
    settings.part().hear(&mut track, |block, part| {
        let planes: Vec<&[f32]> = block.iter().map(|channel| &channel[part.clone()]).collect();
        finder.push(&planes);
        Ok(())
    })?;
    finder.close();
    let (found, frames) = (finder.found, finder.frames);
    let seconds = |frames: u64| (frames as f64 / rate * 1000.0).round() / 1000.0;
    let length = |stretch: Option<&(u64, u64)>| stretch.map_or(0.0, |(start, end)| seconds(end - start));
    let told = Told {
        entity: &work.entity,
        duration_s: seconds(frames),
        silent_s: seconds(found.iter().map(|(start, end)| end - start).sum()),
        leading_s: length(found.first().filter(|(start, _)| *start == 0)),
        trailing_s: length(found.last().filter(|(_, end)| *end == frames)),
        silences: found.iter().map(|(start, end)| Stretch { start_s: seconds(*start), end_s: seconds(*end) }).collect(),
    };
    let mut text = serde_json::to_vec_pretty(&told)
        .map_err(|error| Fault::fatal(format!("could not write the silences: {error}")))?;
    text.push(b'\n');
    Ok(Product::bytes(text))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, tone, wav, work};
    use super::*;
    use serde_json::{Value, json};

    fn found(with: Value, channels: &[Vec<f32>]) -> Value {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        let json = run(&factory, work("t", &[("audio", "t.wav", &wav(8000, channels))], "json")).expect("made");
        serde_json::from_slice(&json).expect("JSON")
    }

    /// Half a second of a tone; each of its zeros stands alone.
    fn sound() -> Vec<f32> {
        tone(1000.0, 8000, 4000).into_iter().map(|sample| if sample.abs() < 0.01 { 0.25 } else { sample }).collect()
    }

    #[test]
    fn silences_are_told_with_those_at_both_ends() {
        let track = [vec![0.0; 8000], sound(), vec![0.0005; 6000], sound(), vec![0.0; 2000], sound(), vec![0.0; 4000]];
        let got = found(Value::Null, &[track.concat()]);
        let want = json!({
            "entity": "t", "duration_s": 4.0, "silent_s": 2.25, "leading_s": 1.0, "trailing_s": 0.5,
            "silences": [{"start_s": 0.0, "end_s": 1.0}, {"start_s": 1.5, "end_s": 2.25}, {"start_s": 3.5, "end_s": 4.0}]
        });
        assert_eq!(got, want);
        let short = found(json!({"min_duration": 0.25, "threshold_db": -80}), &[track.concat()]);
        assert_eq!(short["silences"][1], json!({"start_s": 2.75, "end_s": 3.0}), "{short}");
        let part = found(json!({"start": 0.5, "duration": 0.75}), &[track.concat()]);
        assert_eq!(
            (&part["duration_s"], &part["leading_s"], &part["trailing_s"]),
            (&json!(0.75), &json!(0.5), &json!(0.0))
        );
    }

    #[test]
    fn it_is_silent_only_where_all_channels_are() {
        let (quiet, loud) = (vec![0.0; 12_000], [vec![0.0; 4000], sound(), vec![0.0; 4000]].concat());
        let got = found(Value::Null, &[quiet.clone(), loud]);
        assert_eq!((&got["silent_s"], got["silences"].as_array().map(Vec::len)), (&json!(1.0), Some(2)));
        let got = found(Value::Null, &[quiet.clone(), quiet]);
        assert_eq!((&got["leading_s"], &got["trailing_s"]), (&json!(1.5), &json!(1.5)));
    }

    #[test]
    fn thresholds_that_no_sound_can_have_are_refused_by_name() {
        let with = json!({"threshold_db": 3, "min_duration": 0, "start": -1});
        assert_eq!(entry().open(&with, &OpenContext::default()).err().expect("refused").len(), 3);
    }
}
