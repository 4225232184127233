//! Writes what a transform tells of a track as JSON.

use euterpe_actors::{outcome::Fault, transform::Product};
use serde::Serialize;

/// An output of JSON, indented, with a line feed at its end.
///
/// # Errors
/// A fatal fault where `told` has no form in JSON.
pub(crate) fn in_words(told: &impl Serialize) -> Result<Product, Fault> {
    let mut text = serde_json::to_vec_pretty(told)
        .map_err(|error| Fault::fatal(format!("could not write what was found as JSON: {error}")))?;
    text.push(b'\n');
    Ok(Product::bytes(text))
}

/// Whether the primary output of some work is JSON.
pub(crate) fn is_wanted(suffixes: &[String]) -> bool {
    suffixes.first().is_some_and(|suffix| suffix == "json")
}

/// A time or a level rounded to millionths: what lies behind that is noise of the arithmetic.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
