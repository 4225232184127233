//! What a graph file is read against: the transforms, the environment, and flags.

use euterpe_actors::transform::Registry;

/// Looks up a variable of the environment by its name.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What a graph file is read against.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// The transforms that it may name.
    pub registry: &'s Registry,
    /// The variables that it may name.
    pub env: Environment<'s>,
    /// The stores that flags put elsewhere, as (name, folder or URL). Folders are relative to the working folder.
    pub stores: &'s [(String, String)],
}
