//! What is played: tempo, key, chords and rhythm, drawn from a name.

/// A stream of numbers that depends on nothing but its seed (SplitMix64).
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound as u64) as usize
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }

    /// Even noise from −1 to 1.
    pub(super) fn noise(&mut self) -> f32 {
        (self.roll() >> 40) as f32 / 8_388_608.0 - 1.0
    }
}

/// Who plays a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Pad,
    Bass,
    Pluck,
    Kick,
    Snare,
    Hat,
}

/// One note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Note {
    pub(super) part: Part,
    /// Sixteenths from the start of the four bars.
    pub(super) at: usize,
    /// Its length in sixteenths.
    pub(super) length: usize,
    /// A MIDI note number; of no meaning for drums.
    pub(super) pitch: i32,
    /// From 0 to 1.
    pub(super) strength: f32,
    /// From −1 (left) to 1 (right).
    pub(super) pan: f32,
}

/// Sixteenths in the four bars that repeat.
pub(super) const LOOP: usize = 64;

/// Four bars that repeat, entering part by part.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Score {
    /// Quarter notes in a minute.
    pub(super) tempo: f64,
    pub(super) notes: Vec<Note>,
}

const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [i32; 7] = [0, 2, 3, 5, 7, 8, 10];

/// Degrees of the scale that sound well one after the other.
const PROGRESSIONS: [[usize; 4]; 8] =
    [[0, 4, 5, 3], [5, 3, 0, 4], [0, 5, 3, 4], [0, 3, 5, 4], [3, 0, 4, 5], [0, 2, 3, 4], [5, 4, 3, 4], [0, 5, 1, 4]];

impl Score {
    /// The score of a name.
    pub(super) fn from_name(name: &str) -> Self {
        let digest = blake3::hash(name.as_bytes());
        let mut seed = [0; 8];
        seed.copy_from_slice(&digest.as_bytes()[..8]);
        let mut dice = Dice::new(u64::from_le_bytes(seed));
        let tempo = 80.0 + dice.below(60) as f64;
        let key = 45 + dice.below(12) as i32;
        let scale = if dice.chance(50) { MINOR } else { MAJOR };
        let chords = PROGRESSIONS[dice.below(PROGRESSIONS.len())];
        let pitch = |degree: usize| key + scale[degree % 7] + 12 * (degree / 7) as i32;
        let mut notes = Vec::new();
        let bass = rhythm(&mut dice, 45);
        let pluck: Vec<Option<usize>> = (0..16).map(|_| dice.chance(60).then(|| dice.below(6))).collect();
        for (bar, &chord) in chords.iter().enumerate() {
            let start = bar * 16;
            for (voice, pan) in [(0, -0.6), (2, 0.0), (4, 0.6), (6, 0.25)] {
                // The seventh is for every other bar: it makes the chord turn to the next one.
                if voice == 6 && bar % 2 == 0 {
                    continue;
                }
                notes.push(Note {
                    part: Part::Pad,
                    at: start,
                    length: 16,
                    pitch: pitch(chord + voice) + 12,
                    strength: 0.5,
                    pan,
                });
            }
            for (step, &on) in bass.iter().enumerate() {
                if on {
                    let up = if step % 4 == 2 { 12 } else { 0 };
                    let strength = if step == 0 { 1.0 } else { 0.8 };
                    notes.push(Note {
                        part: Part::Bass,
                        at: start + step,
                        length: 3,
                        pitch: pitch(chord) - 12 + up,
                        strength,
                        pan: 0.0,
                    });
                }
            }
            for (step, tone) in pluck.iter().enumerate() {
                if let Some(tone) = tone {
                    let degree = chord + [0, 2, 4, 7, 9, 11][*tone];
                    let pan = if step % 2 == 0 { -0.5 } else { 0.5 };
                    let strength = if step % 4 == 0 { 0.9 } else { 0.6 };
                    notes.push(Note {
                        part: Part::Pluck,
                        at: start + step,
                        length: 4,
                        pitch: pitch(degree) + 24,
                        strength,
                        pan,
                    });
                }
            }
        }
        drums(&mut dice, &mut notes);
        Self { tempo, notes }
    }
}

/// A bar of sixteenths that always starts on the beat.
fn rhythm(dice: &mut Dice, percent: u64) -> [bool; 16] {
    let mut bar = [false; 16];
    for (step, on) in bar.iter_mut().enumerate() {
        *on = step == 0 || (step % 2 == 0 && dice.chance(percent));
    }
    bar
}

fn drums(dice: &mut Dice, notes: &mut Vec<Note>) {
    let kick = rhythm(dice, 25);
    let straight = dice.chance(50);
    for step in 0..LOOP {
        let mut hit = |part, strength, pan| notes.push(Note { part, at: step, length: 1, pitch: 0, strength, pan });
        if kick[step % 16] || (straight && step % 4 == 0) {
            hit(Part::Kick, 1.0, 0.0);
        }
        if step % 8 == 4 || (step >= LOOP - 4 && step % 2 == 1) {
            hit(Part::Snare, if step % 8 == 4 { 0.9 } else { 0.4 }, 0.1);
        }
        if step % 2 == 0 || dice.chance(20) {
            hit(Part::Hat, if step % 4 == 2 { 0.8 } else { 0.4 }, 0.3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_differ_in_tempo_and_notes_and_stay_within_their_bars() {
        let scores: Vec<Score> = (0..50).map(|n| Score::from_name(&format!("t-{n}"))).collect();
        assert!(scores.iter().any(|score| score.tempo != scores[0].tempo));
        for score in &scores {
            assert!((80.0..140.0).contains(&score.tempo));
            assert!(score.notes.iter().all(|note| note.at < LOOP && (20..=110).contains(&note.pitch.max(20))));
            for part in [Part::Pad, Part::Bass, Part::Kick, Part::Snare, Part::Hat] {
                assert!(score.notes.iter().any(|note| note.part == part), "{part:?} is silent");
            }
        }
        assert_eq!(scores[7], Score::from_name("t-7"));
    }
}
