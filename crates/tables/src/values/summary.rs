//! Numbers that sum up an array, each as numpy computes it of all elements.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::array::{Array, Data};
use super::value::Value;

/// A number, or some, that sum up an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The arithmetic mean.
    Mean,
    /// The standard deviation of the population (numpy's `ddof=0`).
    Std,
    /// The least element.
    Min,
    /// The greatest element.
    Max,
    /// The middle element, or the mean of the two middle ones.
    Median,
    /// The sum.
    Sum,
    /// How many elements there are.
    Count,
    /// The length of each dimension.
    Shape,
}

const ALL: [(&str, Statistic); 8] = [
    ("mean", Statistic::Mean),
    ("std", Statistic::Std),
    ("min", Statistic::Min),
    ("max", Statistic::Max),
    ("median", Statistic::Median),
    ("sum", Statistic::Sum),
    ("count", Statistic::Count),
    ("shape", Statistic::Shape),
];

impl Statistic {
    /// How it is called.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for Statistic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ALL.iter().find(|(name, _)| *name == text).map(|(_, one)| *one).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
            format!("no summary is called `{text}`; they are {}", names.join(", "))
        })
    }
}

/// The statistics of an array, by name. Of no elements there is no mean, deviation, median, least or greatest. An element
/// that is no number makes all of these none, as in numpy.
pub fn summarize(array: &Array, statistics: &[Statistic]) -> Value {
    let floats = array.data.floats();
    let sum = sum(floats.iter().copied());
    let count = floats.len() as f64;
    let some = |value: f64| if floats.is_empty() { Value::Null } else { Value::Float(value) };
    let extreme = |better: fn(f64, f64) -> f64| {
        let nan = floats.iter().any(|one| one.is_nan());
        some(if nan { f64::NAN } else { floats.iter().copied().reduce(better).unwrap_or(f64::NAN) })
    };
    let of = |statistic: &Statistic| match statistic {
        Statistic::Mean => some(sum / count),
        Statistic::Std => {
            let mean = sum / count;
            some((self::sum(floats.iter().map(|one| (one - mean).powi(2))) / count).sqrt())
        }
        Statistic::Min => extreme(f64::min),
        Statistic::Max => extreme(f64::max),
        Statistic::Median => some(median(&floats)),
        Statistic::Sum => Value::Float(sum),
        Statistic::Count => Value::Int(floats.len() as i64),
        Statistic::Shape => Value::Array(Array {
            shape: vec![array.shape.len()],
            data: Data::Int(array.shape.iter().map(|length| *length as i64).collect()),
        }),
    };
    let named: BTreeMap<String, Value> = statistics.iter().map(|one| (one.name().to_owned(), of(one))).collect();
    Value::Object(named)
}

/// A sum that does not lose what is small beside what is large (Neumaier, 1974).
fn sum(floats: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for float in floats {
        let next = sum + float;
        lost += if sum.abs() >= float.abs() { (sum - next) + float } else { (float - next) + sum };
        sum = next;
    }
    if sum.is_finite() { sum + lost } else { sum }
}

fn median(floats: &[f64]) -> f64 {
    if floats.is_empty() || floats.iter().any(|one| one.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = floats.to_vec();
    let middle = sorted.len() / 2;
    let (below, upper, _) = sorted.select_nth_unstable_by(middle, f64::total_cmp);
    match floats.len() % 2 {
        1 => *upper,
        _ => {
            let lower = below.iter().copied().reduce(f64::max).unwrap_or(*upper);
            lower / 2.0 + *upper / 2.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(floats: &[f64], statistic: Statistic) -> Value {
        let array = Array { shape: vec![floats.len()], data: Data::Float(floats.to_vec()) };
        let Value::Object(named) = summarize(&array, &[statistic]) else { panic!("an object") };
        named[statistic.name()].clone()
    }

    #[test]
    fn the_numbers_are_those_of_numpy() {
        let floats = [4.0, 1.0, 3.0, 2.0];
        for (statistic, expected) in [
            (Statistic::Mean, 2.5),
            (Statistic::Std, 1.118_033_988_749_895),
            (Statistic::Min, 1.0),
            (Statistic::Max, 4.0),
            (Statistic::Median, 2.5),
            (Statistic::Sum, 10.0),
        ] {
            assert_eq!(of(&floats, statistic), Value::Float(expected), "{statistic:?}");
        }
        assert_eq!(of(&floats[..3], Statistic::Median), Value::Float(3.0));
        assert_eq!(of(&[1e16, 1.0, -1e16], Statistic::Sum), Value::Float(1.0));
        assert_eq!(of(&floats, Statistic::Count), Value::Int(4));
    }

    #[test]
    fn of_nothing_there_is_nothing_and_of_what_is_no_number_none() {
        for statistic in [Statistic::Mean, Statistic::Std, Statistic::Min, Statistic::Max, Statistic::Median] {
            assert_eq!(of(&[], statistic), Value::Null, "{statistic:?}");
            let Value::Float(none) = of(&[1.0, f64::NAN, 2.0], statistic) else { panic!("a float") };
            assert!(none.is_nan(), "{statistic:?}");
        }
        assert_eq!(of(&[], Statistic::Sum), Value::Float(0.0));
        assert_eq!(of(&[f64::INFINITY, 1.0], Statistic::Sum), Value::Float(f64::INFINITY));
        assert!("modus".parse::<Statistic>().is_err_and(|why| why.contains("they are mean, std")));
    }
}
