//! Where something begins: the peaks of a curve of strengths, as `librosa.onset.onset_detect` picks them with its defaults.
//!
//! The curve is scaled to 0 … 1. A frame is a peak where it is the highest of the last 30 ms, stands at least 0.07 above the mean of
//! 100 ms on both sides, and lies more than 30 ms behind the peak before it (Böck and others, ISMIR 2012).

/// The seconds before a frame of which it is the highest, and that lie at least between two peaks.
const APART: f64 = 0.03;
/// The seconds before and after a frame whose mean it is measured by.
const AROUND: f64 = 0.1;
/// How far above that mean it stands.
const ABOVE: f64 = 0.07;

/// The frames at which something begins, of a curve with so many frames a second.
pub(super) fn onsets(strengths: &[f32], rate: u32, hop: usize) -> Vec<usize> {
    let least = strengths.iter().copied().fold(f32::INFINITY, f32::min);
    let most = strengths.iter().map(|strength| strength - least).fold(0.0, f32::max);
    if most == 0.0 {
        return Vec::new();
    }
    let scaled = |at: usize| (strengths[at] - least) / (most + f32::MIN_POSITIVE);
    let frames = |seconds: f64| (seconds * f64::from(rate) / hop as f64).floor() as usize;
    let (apart, around) = (frames(APART), frames(AROUND));
    let mut found = Vec::new();
    let mut at = 0;
    while at < strengths.len() {
        let value = scaled(at);
        let highest = (at.saturating_sub(apart)..=at).all(|before| scaled(before) <= value);
        let near = at.saturating_sub(around)..(at + around + 1).min(strengths.len());
        let count = near.len() as f64;
        if highest && f64::from(value) >= near.map(|near| f64::from(scaled(near))).sum::<f64>() / count + ABOVE {
            found.push(at);
            at += apart;
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_told_once_and_the_lower_one_beside_it_is_not() {
        // A hundred frames a second: 3 frames are 30 ms, 10 are 100 ms.
        let mut strengths = vec![0.0; 100];
        for (at, strength) in [(20, 1.0), (21, 0.9), (22, 0.95), (40, 0.2), (60, 0.06), (99, 0.5)] {
            strengths[at] = strength;
        }
        assert_eq!(onsets(&strengths, 10_000, 100), [20, 40, 99]);
    }

    #[test]
    fn a_flat_curve_has_no_peak() {
        assert!(onsets(&[0.0; 50], 22_050, 512).is_empty() && onsets(&[3.0; 50], 22_050, 512).is_empty());
        assert!(onsets(&[], 22_050, 512).is_empty());
    }
}
