//! A verb that this program was built without: it says so, whatever follows it.

use euterpe_engine::Mistake;

use crate::cli::Exit;

/// What is typed after the verb; nobody reads it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true, value_name = "ARGUMENT")]
    ignored: Vec<String>,
}

/// Says what the verb needs.
///
/// # Errors
/// Always.
pub fn run(_: &Args, verb: &str, feature: &str) -> anyhow::Result<Exit> {
    Err(Mistake(format!(
        "this program was built without the feature `{feature}`, which `euterpe {verb}` needs; build it with \
         `cargo install --features {feature}`"
    ))
    .into())
}
