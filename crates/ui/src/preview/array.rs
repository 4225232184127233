//! Arrays of numbers: their shape and what they hold, and a picture of them.

use euterpe_tables::{Array, Data, read_npy};
use maud::{Markup, html};

use crate::objects::Place;
use crate::words::number;

/// The shape, the type and the range of an array.
pub(super) fn facts(place: &Place, bytes: &[u8]) -> Markup {
    let array = match read_npy(bytes) {
        Ok(array) => array,
        Err(why) => return html! { p class="bad" { "The array cannot be read: " (why) } },
    };
    let shape: Vec<String> = array.shape.iter().map(ToString::to_string).collect();
    let kind = match &array.data {
        Data::Bool(_) => "truth values",
        Data::Int(_) => "whole numbers",
        Data::Float32(_) => "floats of at most 32 bits",
        Data::Float(_) => "floats of 64 bits",
    };
    let values = array.data.floats();
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let (least, most) =
        finite.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
    html! {
        dl class="facts" {
            dt { "shape" } dd { @if shape.is_empty() { "a single number" } @else { (shape.join(" × ")) } }
            dt { "type" } dd { (kind) }
            @if !finite.is_empty() {
                dt { "least" } dd { (plain(least)) }
                dt { "mean" } dd { (plain(mean)) }
                dt { "greatest" } dd { (plain(most)) }
            }
            @if finite.len() < values.len() {
                dt { "not finite" } dd { (number((values.len() - finite.len()) as u64)) }
            }
        }
        @if cfg!(feature = "audio") && !finite.is_empty() && table_of(&array).is_some() {
            @if is_of_levels(&finite) { p class="quiet" { "Drawn in decibels below the greatest value, down to −80." } }
            img class="heat" src=(place.address("/drawn/heat")) loading="lazy"
                alt="the array as a picture: the last dimension to the right, the one before it upwards; bright is great";
        }
    }
}

/// Whether values are powers or amplitudes of a wide range, of which nothing would be seen as they are.
fn is_of_levels(values: &[f64]) -> bool {
    let most = values.iter().copied().fold(0.0, f64::max);
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().all(|value| *value >= 0.0) && most > 30.0 * mean
}

/// Values as they are drawn: those of a wide range in decibels below the greatest.
#[cfg_attr(not(feature = "audio"), allow(dead_code))] // without it nothing is drawn
pub(super) fn levels(mut values: Vec<f64>) -> Vec<f64> {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if is_of_levels(&finite) {
        let most = finite.iter().copied().fold(0.0, f64::max);
        values
            .iter_mut()
            .filter(|value| value.is_finite())
            .for_each(|value| *value = (10.0 * (*value / most).log10()).max(-80.0));
    }
    values
}

fn plain(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        0.001..1e6 => format!("{value:.4}"),
        _ => format!("{value:.4e}"),
    }
}

/// How many columns the first table of an array has, and its values by rows; none where it has no two numbers.
pub(super) fn table_of(array: &Array) -> Option<(usize, Vec<f64>)> {
    let columns = *array.shape.last()?;
    let rows = array.shape.len().checked_sub(2).map_or(1, |at| array.shape[at]);
    let length = columns.checked_mul(rows)?;
    let values = array.data.floats();
    (length > 1).then(|| values.get(..length).map(|values| (columns, values.to_vec())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_table_of_an_array_is_drawn() {
        let array = |shape: &[usize]| Array {
            shape: shape.to_vec(),
            data: Data::Int((0..shape.iter().product::<usize>() as i64).collect()),
        };
        assert_eq!(table_of(&array(&[2, 3])), Some((3, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0])));
        assert_eq!(table_of(&array(&[4, 2, 3])), table_of(&array(&[2, 3])));
        assert_eq!(table_of(&array(&[3])), Some((3, vec![0.0, 1.0, 2.0])));
        assert_eq!((table_of(&array(&[])), table_of(&array(&[0, 3])), table_of(&array(&[1]))), (None, None, None));
        assert_eq!(levels(vec![1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        assert_eq!(levels(vec![-1.0, 0.0, 99.0]), [-1.0, 0.0, 99.0]);
        let wide: Vec<f64> = (0..100).map(|at| if at == 7 { 1000.0 } else { 0.0 }).chain([10.0, f64::NAN]).collect();
        let drawn = levels(wide);
        assert!(
            drawn[7] == 0.0 && drawn[0] == -80.0 && (drawn[100] + 20.0).abs() < 1e-9 && drawn[101].is_nan(),
            "{drawn:?}"
        );
        assert_eq!([plain(0.0), plain(-80.0), plain(1e-9)], ["0", "-80.0000", "1.0000e-9"]);
    }
}
