//! How frames lie on a track, and what stands beyond its ends where they reach there.

use schemars::JsonSchema;
use serde::Deserialize;

/// What stands beyond the ends of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Silence.
    #[default]
    Constant,
    /// The track's mirror image, without its first or last sample: NumPy's `reflect`.
    Reflect,
    /// The first or the last sample, again and again.
    Edge,
}

impl Padding {
    /// The sample at an index of a track, or beyond its ends.
    pub(crate) fn sample(self, track: &[f32], at: isize) -> f32 {
        let count = track.len() as isize;
        let index = match self {
            Self::Reflect if count > 1 => {
                let within = at.rem_euclid(2 * (count - 1));
                within.min(2 * (count - 1) - within)
            }
            Self::Edge | Self::Reflect => at.clamp(0, (count - 1).max(0)),
            Self::Constant => at,
        };
        usize::try_from(index).ok().and_then(|index| track.get(index)).copied().unwrap_or(0.0)
    }
}

/// Where frames lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    /// Whether frame `t` is centred on sample `t · hop`; otherwise it begins there, and none reaches beyond the end.
    pub(crate) center: bool,
    /// What stands beyond the ends; of no account where frames are not centred.
    pub(crate) padding: Padding,
}

impl Default for Framing {
    fn default() -> Self {
        Self { center: true, padding: Padding::Constant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_ends_is_what_numpy_pads_with() {
        let padded = |padding: Padding, track: &[f32]| -> Vec<f32> {
            (-4..track.len() as isize + 4).map(|at| padding.sample(track, at)).collect()
        };
        assert_eq!(padded(Padding::Constant, &[1., 2.]), [0., 0., 0., 0., 1., 2., 0., 0., 0., 0.]);
        assert_eq!(padded(Padding::Edge, &[1., 2.]), [1., 1., 1., 1., 1., 2., 2., 2., 2., 2.]);
        assert_eq!(padded(Padding::Reflect, &[1., 2., 3.]), [1., 2., 3., 2., 1., 2., 3., 2., 1., 2., 3.]);
        assert_eq!(padded(Padding::Reflect, &[5.]), [5.; 9]);
    }
}
