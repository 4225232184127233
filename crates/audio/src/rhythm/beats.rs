//! The beats of a curve of strengths, given their period, by dynamic programming: Ellis' beat tracker (Journal of New Music
//! Research 36, 2007) as `librosa.beat.beat_track` has it.

/// How far the last beat's score may lie below the median of the others.
const LAST: f64 = 0.5;

/// The frames of the beats.
///
/// `period` is their distance in frames (at least 1), `tightness` how much it costs to leave it; with `trim`, weak beats at both
/// ends are left out.
pub(super) fn beats(strengths: Vec<f32>, period: usize, tightness: f64, trim: bool) -> Vec<usize> {
    let local = local_scores(&strengths, period);
    drop(strengths);
    let (before, scores) = chain(&local, period, tightness);
    let mut beats = Vec::new();
    let mut next = Some(last_beat(&scores));
    while let Some(beat) = next {
        beats.push(beat);
        next = before[beat].checked_sub(1).map(|before| before as usize);
    }
    beats.reverse();
    let threshold = if trim { threshold(&local, &beats) } else { 0.0 };
    let strong = |score: &f64| *score > threshold;
    let (first, last) = (local.iter().position(strong), local.iter().rposition(strong));
    beats.retain(|beat| first.is_some_and(|first| first <= *beat) && last.is_some_and(|last| *beat <= last));
    beats
}

/// The strengths over their standard deviation, under a Gaussian of a 32nd of the period.
fn local_scores(strengths: &[f32], period: usize) -> Vec<f64> {
    let count = strengths.len() as f64;
    let mean = strengths.iter().map(|strength| f64::from(*strength)).sum::<f64>() / count;
    let squares = strengths.iter().map(|strength| (f64::from(*strength) - mean).powi(2)).sum::<f64>();
    let deviation = (squares / (count - 1.0)).sqrt() + f64::from(f32::MIN_POSITIVE);
    let weight = |at: usize| (-0.5 * ((at as f64 - period as f64) * 32.0 / period as f64).powi(2)).exp();
    let weights: Vec<f64> = (0..=2 * period).map(weight).collect();
    // The Gaussian is nothing but rounding beyond 7 deviations.
    let reach = (period * 7).div_ceil(32).min(period);
    let score = |at: usize| {
        // As in librosa, the very first strength takes no part.
        let near = at.saturating_sub(reach).max(1)..(at + reach + 1).min(strengths.len());
        near.map(|near| weights[period + at - near] * f64::from(strengths[near]) / deviation).sum()
    };
    (0..strengths.len()).map(score).collect()
}

/// For each frame the beat before it, counted from 1 (0 for none), and the score of the best chain of beats that ends there.
fn chain(local: &[f64], period: usize, tightness: f64) -> (Vec<u32>, Vec<f64>) {
    let (nearest, farthest) = ((period as f64 / 2.0).round_ties_even() as usize, 2 * period);
    let cost = |distance: usize| tightness * ((distance as f64).ln() - (period as f64).ln()).powi(2);
    let costs: Vec<f64> = (nearest.max(1)..=farthest).map(cost).collect();
    let weak = 0.01 * local.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut before, mut scores) = (Vec::with_capacity(local.len()), Vec::with_capacity(local.len()));
    let mut begun = false;
    for (at, score) in local.iter().enumerate() {
        let mut best = None;
        for (distance, cost) in (nearest.max(1)..).zip(&costs) {
            let Some(from) = at.checked_sub(distance) else { break };
            let with: f64 = scores[from] - cost;
            if best.is_none_or(|(best, _)| with > best) {
                best = Some((with, from));
            }
        }
        scores.push(score + best.map_or(0.0, |(best, _)| best));
        begun |= *score >= weak;
        before.push(best.filter(|_| begun).map_or(0, |(_, from)| from as u32 + 1));
    }
    (before, scores)
}

/// The last frame whose score is a peak and not far below the median of all peaks.
fn last_beat(scores: &[f64]) -> usize {
    let is_peak =
        |at: usize| at > 0 && scores[at] > scores[at - 1] && scores.get(at + 1).is_none_or(|next| scores[at] >= *next);
    let mut peaks: Vec<f64> = (0..scores.len()).filter(|at| is_peak(*at)).map(|at| scores[at]).collect();
    peaks.sort_unstable_by(f64::total_cmp);
    let (last, half) = (scores.len() - 1, peaks.len() / 2);
    let median = match peaks.len() {
        0 => return last,
        odd if odd % 2 == 1 => peaks[half],
        _ => f64::midpoint(peaks[half - 1], peaks[half]),
    };
    (0..=last).rev().find(|at| is_peak(*at) && scores[*at] >= LAST * median).unwrap_or(last)
}

/// Beats before the first and behind the last frame above this score are weak: half of the root mean square of the beats' scores, smoothed
/// over three.
fn threshold(local: &[f64], beats: &[usize]) -> f64 {
    let score = |at: usize| beats.get(at).map_or(0.0, |beat| local[*beat]);
    let smooth = |at: usize| score(at) + 0.5 * (score(at + 1) + at.checked_sub(1).map_or(0.0, score));
    // librosa's smoothing has two values more than there are beats.
    let count = beats.len() + 2;
    0.5 * ((0..count).map(|at| smooth(at).powi(2)).sum::<f64>() / count as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beats_of_a_pulse_are_its_pulses_even_where_one_is_missing() {
        // What librosa 0.11 tells of this curve, up to the last beat, which comes early.
        let mut strengths: Vec<f32> = (0..400).map(|at| if at % 20 == 7 { 1.0 } else { 0.01 }).collect();
        strengths[187] = 0.01;
        let want: Vec<usize> = (0..19).map(|beat| 7 + 20 * beat).chain([383]).collect();
        assert_eq!(beats(strengths, 20, 100.0, true), want);
    }

    #[test]
    fn silence_at_both_ends_has_no_beats_unless_they_are_asked_for() {
        let pulse = |at: usize| if (100..300).contains(&at) && at.is_multiple_of(20) { 1.0 } else { 0.0 };
        let strengths: Vec<f32> = (0..400).map(pulse).collect();
        let trimmed = beats(strengths.clone(), 20, 100.0, true);
        assert_eq!((trimmed.first(), trimmed.last()), (Some(&100), Some(&280)), "{trimmed:?}");
        assert!(beats(strengths, 20, 100.0, false).len() >= trimmed.len());
    }
}
