//! The variables that put single stores elsewhere: `EUTERPE_STORE_OLD_MUSIC` for the store `old-music`.

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::wording::{did_you_mean, printable};

/// What their names begin with.
const START: &str = "EUTERPE_STORE_";

/// The variable that names the place of a store.
pub(crate) fn variable_of(store: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{START}{}", store.chars().map(plain).collect::<String>())
}

/// A sentence for each of these variables of the environment that would put a store elsewhere, if the graph had such a store.
pub fn idle_variables(plan: &Plan, set: impl IntoIterator<Item = String>) -> Vec<String> {
    let known: Vec<String> = plan.stores.iter().map(|store| variable_of(store.name.as_str())).collect();
    let idle: BTreeSet<String> =
        set.into_iter().filter(|name| name.starts_with(START) && !known.contains(name)).collect();
    let sentence = |name: &String| {
        let near = did_you_mean(name, known.iter().map(String::as_str));
        format!("the variable `{}` is for no store of graph `{}`{near}", printable(name), plan.graph)
    };
    idle.iter().map(sentence).collect()
}
