//! Levels in decibels, with librosa's conventions: what 0 dB is, and how far below the loudest one a level may lie.
//!
//! A level is `20 / power · log10` of a magnitude to the exponent `power`; nothing counts as less than a power of 1e-10.

use euterpe_actors::{
    outcome::Fault,
    transform::{OptionProblem, Product, Work},
};
use serde::Deserialize;

use super::{
    npy::{Cell, Matrix},
    spool::Spool,
};

/// The least power that has a level.
const LEAST: f64 = 1e-10;

/// What 0 dB is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    /// This value.
    Value(f64),
    /// The largest value of the track.
    Max,
}

impl Reference {
    /// What is wrong with it.
    pub(crate) fn problem(self) -> Option<OptionProblem> {
        let is_good = !matches!(self, Self::Value(value) if !(value > 0.0 && value.is_finite()));
        (!is_good).then(|| OptionProblem::new("ref", "expected a number above 0, or `max`"))
    }
}

/// A number, or `max`.
pub(crate) fn reference<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Reference, D::Error> {
    let written = serde_json::Value::deserialize(deserializer)?;
    match (written.as_f64(), written.as_str()) {
        (Some(value), _) => Ok(Reference::Value(value)),
        (_, Some("max")) => Ok(Reference::Max),
        _ => Err(serde::de::Error::custom(format!("expected a number above 0, or `max`, got {written}"))),
    }
}

pub(crate) fn reference_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "max"}], "default": 1})
}

/// What is wrong with the options of levels; `are_asked_for` says whether levels are written at all.
pub(crate) fn level_problems(reference: Reference, top_db: Option<f64>, are_asked_for: bool) -> Vec<OptionProblem> {
    let mut problems: Vec<OptionProblem> = reference.problem().into_iter().collect();
    if let Some(top_db) = top_db.filter(|top_db| !(*top_db > 0.0 && *top_db <= 1000.0)) {
        let message = format!("expected more than 0 and at most 1000 dB, got {top_db}");
        problems.push(OptionProblem::new("top_db", message));
    }
    if !are_asked_for {
        let given = [("ref", reference != Reference::Value(1.0)), ("top_db", top_db.is_some())];
        let message = "is of decibels, and none are written; ask for them, or leave it out";
        problems.extend(given.iter().filter(|(_, given)| *given).map(|(name, _)| OptionProblem::new(*name, message)));
    }
    problems
}

/// How values become levels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decibels {
    /// The exponent of the magnitudes that the values are.
    pub(crate) power: f64,
    pub(crate) reference: Reference,
    /// No level lies more than this below the loudest.
    pub(crate) top_db: Option<f64>,
}

impl Decibels {
    /// The level of a value, where 1 is 0 dB.
    fn of(&self, value: f64) -> f64 {
        20.0 / self.power * value.max(LEAST.powf(self.power / 2.0)).log10()
    }

    /// What is added to all levels, given the loudest.
    pub(crate) fn shift(&self, loudest: f32) -> f32 {
        match self.reference {
            Reference::Value(value) => -self.of(value) as f32,
            Reference::Max => -loudest,
        }
    }

    /// Whether the loudest level must be known before any is written.
    fn is_relative(&self) -> bool {
        self.reference == Reference::Max || self.top_db.is_some()
    }
}

/// Values on their way into a matrix of levels.
pub(crate) struct Levels {
    decibels: Decibels,
    matrix: Matrix,
    /// Levels that wait for the loudest one.
    waiting: Option<Spool>,
    loudest: f32,
}

impl Levels {
    pub(crate) fn new(decibels: Decibels, rows: usize, cell: Cell, work: &Work) -> Self {
        let waiting = decibels.is_relative().then(|| Spool::new(rows, work));
        Self { decibels, matrix: Matrix::new(rows, cell, work), waiting, loudest: f32::NEG_INFINITY }
    }

    /// Takes a column.
    ///
    /// # Errors
    /// As [`Matrix::push`] and [`Spool::push`].
    pub(crate) fn push(&mut self, values: impl Iterator<Item = f64>) -> Result<(), Fault> {
        let Self { decibels, matrix, waiting, loudest } = self;
        let Some(waiting) = waiting else {
            let shift = f64::from(decibels.shift(0.0));
            return matrix.push(values.map(|value| (decibels.of(value) + shift) as f32));
        };
        waiting.push(values.map(|value| {
            let level = decibels.of(value) as f32;
            *loudest = loudest.max(level);
            level
        }))
    }

    /// The whole file.
    ///
    /// # Errors
    /// As [`Matrix::push`].
    pub(crate) fn finish(self) -> Result<Product, Fault> {
        let Self { decibels, mut matrix, waiting, loudest } = self;
        let floor = decibels.top_db.map_or(f32::NEG_INFINITY, |top_db| loudest - top_db as f32);
        let shift = decibels.shift(loudest);
        if let Some(waiting) = waiting {
            waiting.each(|column| matrix.push(column.iter().map(|level| level.max(floor) + shift)))?;
        }
        matrix.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cells, work};
    use super::*;

    fn written(power: f64, reference: Reference, top_db: Option<f64>) -> Vec<f32> {
        let decibels = Decibels { power, reference, top_db };
        let mut levels = Levels::new(decibels, 2, Cell::Float, &work("t", &[], "npy"));
        for column in [[1.0, 0.01], [100.0, 0.0]] {
            levels.push(column.into_iter()).expect("taken");
        }
        cells(&levels.finish().expect("written").0[0].read().expect("read")).1
    }

    #[test]
    fn levels_are_librosas() {
        assert_eq!(written(2.0, Reference::Value(1.0), None), [0.0, 20.0, -20.0, -100.0]);
        assert_eq!(written(2.0, Reference::Value(10.0), None), [-10.0, 10.0, -30.0, -110.0]);
        assert_eq!(written(2.0, Reference::Max, None), [-20.0, 0.0, -40.0, -120.0]);
        assert_eq!(written(2.0, Reference::Value(1.0), Some(30.0)), [0.0, 20.0, -10.0, -10.0]);
        assert_eq!(written(1.0, Reference::Max, Some(60.0)), [-40.0, 0.0, -60.0, -60.0]);
    }

    #[test]
    fn what_is_of_decibels_is_refused_where_there_are_none() {
        assert_eq!(level_problems(Reference::Max, Some(80.0), false).len(), 2);
        assert_eq!(level_problems(Reference::Value(0.0), Some(0.0), true).len(), 2);
        assert!(level_problems(Reference::Max, Some(80.0), true).is_empty());
        assert!(level_problems(Reference::Value(1.0), None, false).is_empty());
    }
}
