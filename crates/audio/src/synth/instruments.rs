//! How each part sounds: small oscillators, envelopes and noise, added up sample by sample.

use std::f32::consts::TAU;

use super::score::{Dice, LOOP, Note, Part, Score};

/// Plays a score over and over into two channels of a length; not scaled to any level.
pub(super) fn play(score: &Score, rate: u32, frames: usize) -> Vec<Vec<f32>> {
    let mut sound = vec![vec![0.0; frames]; 2];
    let sixteenth = f64::from(rate) * 60.0 / score.tempo / 4.0;
    let mut round = 0;
    while (round * LOOP) as f64 * sixteenth < frames as f64 {
        for note in score.notes.iter().filter(|note| enters(note.part) <= round) {
            let start = ((round * LOOP + note.at) as f64 * sixteenth).round() as usize;
            if start < frames {
                let length = (note.length as f64 * sixteenth) as usize;
                // The noise of a drum differs from hit to hit and is the same from run to run.
                let mut voice = Voice::new(note, rate as f32, length, start as u64);
                let angle = (note.pan + 1.0) * TAU / 8.0;
                let (left, right) = (angle.cos(), angle.sin());
                let end = (start + voice.frames).min(frames);
                let [into_left, into_right] = &mut sound[..] else { break };
                for (left_sample, right_sample) in into_left[start..end].iter_mut().zip(&mut into_right[start..end]) {
                    let sample = voice.next();
                    *left_sample += left * sample;
                    *right_sample += right * sample;
                }
            }
        }
        round += 1;
    }
    sound
}

/// The round in which a part comes in: the plucked voice waits for the second.
fn enters(part: Part) -> usize {
    usize::from(part == Part::Pluck)
}

/// One note while it sounds.
struct Voice {
    part: Part,
    rate: f32,
    frames: usize,
    held: f32,
    level: f32,
    step: f32,
    time: f32,
    phases: [f32; 3],
    smooth: [f32; 2],
    dice: Dice,
}

impl Voice {
    fn new(note: &Note, rate: f32, length: usize, seed: u64) -> Self {
        let (level, tail) = match note.part {
            Part::Pad => (0.10, 0.6),
            Part::Bass => (0.34, 0.12),
            Part::Pluck => (0.20, 0.9),
            Part::Kick => (0.75, 0.35),
            Part::Snare => (0.32, 0.25),
            Part::Hat => (0.12, 0.08),
        };
        let frequency = 440.0 * 2f32.powf((note.pitch - 69) as f32 / 12.0);
        Self {
            part: note.part,
            rate,
            frames: length + (tail * rate) as usize,
            held: length as f32 / rate,
            level: level * note.strength,
            step: frequency / rate,
            time: 0.0,
            phases: [0.0, 0.33, 0.67],
            smooth: [0.0; 2],
            dice: Dice::new(seed),
        }
    }

    fn next(&mut self) -> f32 {
        let time = self.time;
        self.time += 1.0 / self.rate;
        let sound = match self.part {
            Part::Pad => self.pad(time),
            Part::Bass => self.bass(time),
            Part::Pluck => self.pluck(time),
            Part::Kick => self.kick(time),
            Part::Snare => self.snare(time),
            Part::Hat => self.hat(time),
        };
        self.level * sound
    }

    /// Three sawtooths a little apart, made soft by a low-pass that opens slowly.
    fn pad(&mut self, time: f32) -> f32 {
        let mut sum = 0.0;
        for (phase, detune) in self.phases.iter_mut().zip([0.996, 1.0, 1.004]) {
            *phase = (*phase + self.step * detune).fract();
            sum += 2.0 * *phase - 1.0;
        }
        let open = 600.0 + 900.0 * (time / 2.0).min(1.0);
        self.low_pass(sum, open) * attack(time, 0.08) * release(time, self.held, 0.2)
    }

    fn bass(&mut self, time: f32) -> f32 {
        let turn = self.turn();
        let tone = (TAU * turn).sin() + 0.4 * (2.0 * TAU * turn).sin() + 0.15 * (3.0 * TAU * turn).sin();
        tone * attack(time, 0.004) * (-2.5 * time).exp() * release(time, self.held, 0.04)
    }

    /// A bell-like tone: one sine bends another, less and less (frequency modulation).
    fn pluck(&mut self, time: f32) -> f32 {
        let turn = self.turn();
        let bend = 1.8 * (-9.0 * time).exp() * (2.0 * TAU * turn).sin();
        (TAU * turn + bend).sin() * attack(time, 0.002) * (-5.0 * time).exp() * release(time, self.held + 0.5, 0.15)
    }

    /// A sine that falls from a click to a thud.
    fn kick(&mut self, time: f32) -> f32 {
        self.phases[0] += (48.0 + 140.0 * (-28.0 * time).exp()) / self.rate;
        (TAU * self.phases[0]).sin() * (-9.0 * time).exp() * attack(time, 0.001)
    }

    fn snare(&mut self, time: f32) -> f32 {
        self.phases[0] += 185.0 / self.rate;
        let noise = self.dice.noise();
        let hiss = noise - self.low_pass(noise, 900.0);
        (0.5 * (TAU * self.phases[0]).sin() * (-18.0 * time).exp() + hiss * (-16.0 * time).exp()) * attack(time, 0.001)
    }

    fn hat(&mut self, time: f32) -> f32 {
        let noise = self.dice.noise();
        (noise - self.low_pass(noise, 6_000.0)) * (-55.0 * time).exp()
    }

    fn turn(&mut self) -> f32 {
        self.phases[0] = (self.phases[0] + self.step).fract();
        self.phases[0]
    }

    /// Two one-pole low-passes in a row.
    fn low_pass(&mut self, input: f32, hz: f32) -> f32 {
        let weight = (TAU * hz / self.rate).min(1.0);
        self.smooth[0] += weight * (input - self.smooth[0]);
        self.smooth[1] += weight * (self.smooth[0] - self.smooth[1]);
        self.smooth[1]
    }
}

fn attack(time: f32, seconds: f32) -> f32 {
    (time / seconds).min(1.0)
}

fn release(time: f32, held: f32, seconds: f32) -> f32 {
    if time <= held { 1.0 } else { (-(time - held) / seconds).exp() }
}
