//! Mean, deviation and bounds of a curve, without holding it.

use serde::{Serialize, Serializer, ser::SerializeMap};

/// What is known of the numbers so far.
#[derive(Clone, Debug)]
pub(super) struct Statistics {
    count: u64,
    mean: f64,
    /// The sum of the squared distances from the mean (Welford).
    spread: f64,
    min: f32,
    max: f32,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, spread: 0.0, min: f32::INFINITY, max: f32::NEG_INFINITY }
    }
}

impl Statistics {
    /// Takes the next number.
    pub(super) fn push(&mut self, value: f32) {
        self.count += 1;
        let distance = f64::from(value) - self.mean;
        self.mean += distance / self.count as f64;
        self.spread += distance * (f64::from(value) - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

impl Serialize for Statistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(4))?;
        members.serialize_entry("mean", &(self.mean as f32))?;
        members.serialize_entry("std", &((self.spread / self.count.max(1) as f64).sqrt() as f32))?;
        members.serialize_entry("min", &self.min)?;
        members.serialize_entry("max", &self.max)?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_whole_curve() {
        let mut statistics = Statistics::default();
        [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().for_each(|value| statistics.push(value));
        assert_eq!(statistics.count(), 8);
        let told = serde_json::to_value(&statistics).expect("JSON");
        assert_eq!(told, serde_json::json!({"mean": 5.0, "std": 2.0, "min": 2.0, "max": 9.0}));
    }
}
