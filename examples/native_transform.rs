//! A program of one's own: everything that `euterpe` can do, with a transform in Rust beside those that come with it.
//!
//! ```sh
//! cargo run --example native_transform -- run GRAPH.yaml
//! ```
//!
//! A graph file names the transforms as it names any other, here `use: shout` and `use: words.count`.

use std::process::ExitCode;
use std::sync::Arc;

use euterpe::app::App;
use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::blocking::blocking;
use euterpe_actors::transform::{Entry, InputRule, OpenContext, OptionProblem, Product, Settings, Work, inline};
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of `words.count`. The documentation of each ends up in the graph file's schema.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct CountOptions {
    /// Count words of at least so many letters only (default: 0).
    at_least: usize,
}

impl Settings for CountOptions {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        match self.at_least {
            0..=100 => Vec::new(),
            odd => vec![OptionProblem::new("at_least", format!("expected a number from 0 to 100, got {odd}"))],
        }
    }
}

fn count(options: &CountOptions, work: &Work) -> Result<Product, Fault> {
    let text = &work.inputs[0];
    // A fault of the machine is tried again, one of the input is not.
    let bytes = text.object.content.read().map_err(|error| Fault::failed(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| Fault::bad_input(format!("{}: {error}", text.path)))?;
    let words = text.split_whitespace().filter(|word| word.chars().count() >= options.at_least).count();
    Ok(Product::bytes(format!("{words}\n")))
}

fn main() -> ExitCode {
    // Cheap and pure: runs where the worker runs.
    let shout = inline(|work| Ok(Product::bytes(work.entity.as_str().to_uppercase())));
    // Takes time: runs on a thread of its own, with a deadline, and a panic costs one try of one entity.
    let count = Entry::new("words.count", "counts the words of a text", |options: CountOptions, _| {
        let options = Arc::new(options);
        Ok(blocking("words.count", move || {
            let options = options.clone();
            Ok(Box::new(move |work: &Work| count(&options, work)))
        }))
    });
    App::new().transform("shout", shout).register(count.inputs(InputRule::Exactly(&["text"])).reads(&["txt"])).main()
}
