//! The tempo of a curve of strengths: the period at which it is most like itself, as `librosa.feature.tempo` finds it.
//!
//! Around each frame, eight seconds of the curve under a Hann window are correlated with themselves and scaled to a maximum of 1;
//! of the mean of all frames, `ln(1 + 10⁶ · x)` and the log of a normal distribution over octaves of tempo are added, and the largest
//! wins (Grosche, Müller and Kurth, ICASSP 2010; Ellis 2007).

use std::f64::consts::TAU;

use realfft::{RealFftPlanner, num_complex::Complex};

/// The seconds of the curve that are seen at once.
const SEEN: u32 = 8;
/// Faster is no tempo, in beats a minute.
const FASTEST: f64 = 320.0;

/// The period in frames, of a curve with `rate / hop` frames a second; none where eight seconds are fewer than two frames.
///
/// `start_bpm` is the most likely tempo.
pub(super) fn period(strengths: &[f32], rate: u32, hop: usize, start_bpm: f64) -> Option<usize> {
    let window = (u64::from(SEEN) * u64::from(rate) / hop as u64) as usize;
    if window < 2 {
        return None;
    }
    let bpm = |lag: usize| 60.0 * f64::from(rate) / (hop as f64 * lag as f64);
    let slower = (1..window).find(|lag| bpm(*lag) < FASTEST).unwrap_or(1);
    let likeness = self_likeness(strengths, window);
    let score = |lag: usize| {
        let octaves = bpm(lag).log2() - start_bpm.log2();
        (1e6 * likeness[lag]).ln_1p() - 0.5 * octaves * octaves
    };
    (slower..window)
        .map(|lag| (lag, score(lag)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|best| best.0)
}

/// How like itself the curve is at each lag below `window`, in the mean of all frames.
fn self_likeness(strengths: &[f32], window: usize) -> Vec<f64> {
    let size = (2 * window - 1).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let (mut frame, mut bins) = (forward.make_input_vec(), forward.make_output_vec());
    let mut scratch = vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
    let hann: Vec<f64> = (0..window).map(|n| 0.5 - 0.5 * (TAU * n as f64 / window as f64).cos()).collect();
    let half = window / 2;
    let mut mean = vec![0.0; window];
    for at in 0..strengths.len() {
        frame.fill(0.0);
        for (offset, (sample, weight)) in frame.iter_mut().zip(&hann).enumerate() {
            *sample = weight * padded(strengths, at + offset, half);
        }
        forward.process_with_scratch(&mut frame, &mut bins, &mut scratch).expect(OWN);
        bins.iter_mut().for_each(|bin| *bin = Complex::from(bin.norm_sqr()));
        inverse.process_with_scratch(&mut bins, &mut frame, &mut scratch).expect(OWN);
        let largest = frame[..window].iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        // What the transforms leave of silence is no likeness.
        let scale = if largest / (size as f64) < f64::MIN_POSITIVE { 0.0 } else { 1.0 / largest };
        mean.iter_mut().zip(&frame).for_each(|(sum, value)| *sum += scale * value);
    }
    mean.iter_mut().for_each(|sum| *sum /= strengths.len() as f64);
    mean
}

const OWN: &str = "the buffers are those that the transforms made for themselves";

/// The curve with `half` more frames on both sides, in which it falls to 0 in a straight line.
fn padded(strengths: &[f32], at: usize, half: usize) -> f64 {
    let share = |left: usize| left as f64 / half as f64;
    match at.checked_sub(half) {
        None => f64::from(strengths[0]) * share(at),
        Some(at) if at < strengths.len() => f64::from(strengths[at]),
        Some(at) => f64::from(strengths[strengths.len() - 1]) * share((half + strengths.len() - 1).saturating_sub(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_has_the_tempo_of_its_distance() {
        // 22,050 / 512 frames a second: 20 frames are 129.2 beats a minute, 25 are 103.4.
        for distance in [20usize, 25] {
            let strengths: Vec<f32> = (0..1000).map(|at| if at % distance == 7 { 1.0 } else { 0.0 }).collect();
            assert_eq!(period(&strengths, 22_050, 512, 120.0), Some(distance));
        }
        assert_eq!(period(&[1.0; 10], 1000, 8000, 120.0), None);
    }

    #[test]
    fn the_curve_falls_to_nothing_on_both_sides() {
        let all: Vec<f64> = (0..10).map(|at| padded(&[2.0, 6.0], at, 4)).collect();
        assert_eq!(all, [0.0, 0.5, 1.0, 1.5, 2.0, 6.0, 4.5, 3.0, 1.5, 0.0]);
    }
}
