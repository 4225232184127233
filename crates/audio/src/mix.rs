//! Brings a block of planar samples to another number of channels.
//!
//! One channel is the mean of all. Two from one are two copies. Two from a surround layout follow ITU-R BS.775-3, annex 4:
//! centre and surrounds enter their side at −3 dB, the low-frequency channel is left out, and the sum is scaled so that it
//! cannot exceed full scale. Anything else is refused, for there is no right way to guess it.

use euterpe_actors::outcome::Fault;
use symphonia::core::audio::Position;

/// How each output channel is put together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mix {
    /// As it is.
    Keep,
    /// The mean of all channels.
    Mean,
    /// The one channel, as often as needed.
    Copies(usize),
    /// Weights for left and right, one pair for each input channel.
    Stereo(Vec<[f32; 2]>),
}

impl Mix {
    /// The mix from `have` channels, standing at `layout` where that is known, to `want`.
    pub(crate) fn between(have: usize, layout: Option<Position>, want: usize) -> Result<Self, Fault> {
        match (have, want) {
            (have, want) if have == want => Ok(Self::Keep),
            (_, 1) => Ok(Self::Mean),
            (1, want) => Ok(Self::Copies(want)),
            (_, 2) => layout.and_then(|layout| fold(layout, have)).map(Self::Stereo).ok_or_else(|| {
                Fault::bad_input(format!(
                    "the track has {have} channels and does not say where they stand; ask for `channels: 1` or {have}, or \
                     convert it to stereo first"
                ))
            }),
            _ => {
                let other = if have == 2 { "1 or 2".to_owned() } else { format!("1, 2 or {have}") };
                Err(Fault::bad_input(format!(
                    "the track has {have} channels, of which nobody can make {want}; ask for `channels:` {other}"
                )))
            }
        }
    }

    /// Mixes `block` into `out`, whose vectors are reused.
    pub(crate) fn apply<'a>(&self, block: &'a [Vec<f32>], out: &'a mut Vec<Vec<f32>>) -> &'a [Vec<f32>] {
        match self {
            Self::Keep => block,
            Self::Mean => {
                out.resize_with(1, Vec::new);
                mean_into(block, &mut out[0]);
                out
            }
            Self::Copies(channels) => {
                out.resize_with(*channels, Vec::new);
                for copy in out.iter_mut() {
                    copy.clone_from(&block[0]);
                }
                out
            }
            Self::Stereo(weights) => {
                out.resize_with(2, Vec::new);
                for (side, mixed) in out.iter_mut().enumerate() {
                    mixed.clear();
                    mixed.resize(block[0].len(), 0.0);
                    for (channel, weight) in block.iter().zip(weights).filter(|(_, weight)| weight[side] != 0.0) {
                        for (sum, sample) in mixed.iter_mut().zip(channel) {
                            *sum += weight[side] * sample;
                        }
                    }
                }
                out
            }
        }
    }
}

/// The mean of all channels of a block, into a vector that is reused.
pub(crate) fn mean_into(block: &[Vec<f32>], mean: &mut Vec<f32>) {
    mean.clone_from(&block[0]);
    if block.len() == 1 {
        return;
    }
    for channel in &block[1..] {
        for (sum, sample) in mean.iter_mut().zip(channel) {
            *sum += sample;
        }
    }
    let channels = block.len() as f32;
    for sum in mean {
        *sum /= channels;
    }
}

/// Half of the first channel minus half of the second, into a vector that is reused; silence of one channel.
pub(crate) fn difference_into(block: &[Vec<f32>], difference: &mut Vec<f32>) {
    difference.clone_from(&block[0]);
    for (left, right) in difference.iter_mut().zip(&block[block.len() - 1]) {
        *left = (*left - right) / 2.0;
    }
}

/// Weights of a layout's channels, in the order of their bits, for left and right.
fn fold(layout: Position, channels: usize) -> Option<Vec<[f32; 2]>> {
    const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let mut weights = Vec::with_capacity(channels);
    for position in layout.iter() {
        weights.push(match position {
            Position::FRONT_LEFT => [1.0, 0.0],
            Position::FRONT_RIGHT => [0.0, 1.0],
            Position::FRONT_CENTER => [HALF, HALF],
            Position::REAR_LEFT | Position::SIDE_LEFT => [HALF, 0.0],
            Position::REAR_RIGHT | Position::SIDE_RIGHT => [0.0, HALF],
            Position::REAR_CENTER => [0.5, 0.5],
            Position::LFE1 => [0.0, 0.0],
            _ => return None,
        });
    }
    let loudest = [0, 1].map(|side| weights.iter().map(|weight: &[f32; 2]| weight[side]).sum::<f32>());
    let scale = 1.0 / loudest[0].max(loudest[1]).max(1.0);
    weights.iter_mut().flatten().for_each(|weight| *weight *= scale);
    (weights.len() == channels).then_some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(mix: &Mix, block: &[Vec<f32>]) -> Vec<Vec<f32>> {
        mix.apply(block, &mut Vec::new()).to_vec()
    }

    #[test]
    fn one_channel_is_the_mean_and_two_from_one_are_copies() {
        let mean = Mix::between(2, None, 1).expect("a mean");
        assert_eq!(mixed(&mean, &[vec![1.0, 0.5], vec![0.0, -0.5]]), [[0.5, 0.0]]);
        let copies = Mix::between(1, None, 2).expect("copies");
        assert_eq!(mixed(&copies, &[vec![0.25]]), [[0.25], [0.25]]);
        assert_eq!(Mix::between(6, None, 6).expect("kept"), Mix::Keep);
    }

    #[test]
    fn surround_folds_to_stereo_without_its_bass_channel_and_never_beyond_full_scale() {
        let layout = Position::FRONT_LEFT
            | Position::FRONT_RIGHT
            | Position::FRONT_CENTER
            | Position::LFE1
            | Position::REAR_LEFT
            | Position::REAR_RIGHT;
        let mix = Mix::between(6, Some(layout), 2).expect("a fold");
        let full = mixed(&mix, &vec![vec![1.0]; 6]);
        assert!((full[0][0] - 1.0).abs() < 1e-6 && (full[1][0] - 1.0).abs() < 1e-6, "{full:?}");
        let mut bass = vec![vec![0.0]; 6];
        bass[3] = vec![1.0];
        assert_eq!(mixed(&mix, &bass), [[0.0], [0.0]]);
        let mut left = vec![vec![0.0]; 6];
        left[0] = vec![1.0];
        assert_eq!(mixed(&mix, &left)[1], [0.0]);
    }

    #[test]
    fn channels_that_nobody_can_place_are_refused_with_what_to_ask_for() {
        let fault = Mix::between(3, None, 2).expect_err("unknown places");
        assert!(fault.text.contains("ask for `channels: 1` or 3"), "{fault}");
        assert!(Mix::between(2, None, 6).is_err());
    }
}
