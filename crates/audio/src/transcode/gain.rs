//! A measured gain: how much louder or softer a track is to be made.

use euterpe_actors::{outcome::Fault, transform::OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;
use symphonia::core::audio::Position;

use crate::loudness::{Meter, decibels};

/// How loud a track is to be.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// The integrated loudness that it gets, in LUFS after EBU R 128, -70 to 0.
    pub lufs: f64,
    /// The highest true peak that it may get, in dBTP, -70 to 0 (default: -1). Where the loudness would exceed it, the track stays softer.
    #[serde(default = "usual_peak")]
    pub true_peak: f64,
}

fn usual_peak() -> f64 {
    -1.0
}

impl Normalise {
    pub(super) fn problems(self) -> Vec<OptionProblem> {
        [("normalise.lufs", self.lufs), ("normalise.true_peak", self.true_peak)]
            .into_iter()
            .filter(|(_, value)| !(-70.0..=0.0).contains(value))
            .map(|(name, value)| OptionProblem::new(name, format!("expected -70 to 0, got {value}")))
            .collect()
    }
}

/// Measures blocks as they will be written, and says by how much they are to be multiplied.
pub(super) struct Measure {
    meter: Meter,
    wanted: Normalise,
}

impl Measure {
    /// # Errors
    /// A shape for which loudness is not defined.
    pub(super) fn new(wanted: Normalise, rate: u32, channels: usize, layout: Option<Position>) -> Result<Self, Fault> {
        Ok(Self { meter: Meter::new(rate, channels, layout, ebur128::Mode::I | ebur128::Mode::TRUE_PEAK)?, wanted })
    }

    pub(super) fn add(&mut self, block: &[Vec<f32>]) -> Result<(), Fault> {
        let planes: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
        self.meter.add(&planes)
    }

    /// The factor; 1 for silence, and for what is shorter than 0.4 s, which have no loudness.
    ///
    /// # Errors
    /// Those of the meter.
    pub(super) fn factor(&self) -> Result<f32, Fault> {
        let loudness = self.meter.integrated()?;
        if !loudness.is_finite() {
            return Ok(1.0);
        }
        let room = self.wanted.true_peak - decibels(self.meter.true_peak()?);
        Ok(10f64.powf((self.wanted.lufs - loudness).min(room) / 20.0) as f32)
    }
}
