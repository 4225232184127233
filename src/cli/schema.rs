//! `schema`: writes the JSON Schema of graph files.

use super::{Exit, Output};
use crate::app::App;
use crate::config::schema;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Writes the schema, with the transforms that this program knows.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(_: &Args, app: &App, out: Output) -> anyhow::Result<Exit> {
    out.text(&serde_json::to_string_pretty(&schema::schema(app.registry()))?)?;
    Ok(Exit::Ok)
}
