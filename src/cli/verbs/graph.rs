//! `graph`: draws the graph.

use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use crate::cli::Exit;
use crate::cli::args::GraphFile;
use crate::cli::page::Output;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::drawing::{Picture, dot, mermaid, svg, text};

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: GraphFile,

    /// How to draw it.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write to a file instead of standard output; its suffix chooses the format where none is given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree for the terminal.
    Text,
    /// For Graphviz.
    Dot,
    /// For Markdown pages that draw Mermaid.
    Mermaid,
    /// A picture.
    Svg,
}

/// Draws the graph of a valid file.
///
/// # Errors
/// Where the drawing cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let plan = match args.file.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let picture = Picture::of(&plan);
    if out.json {
        out.fact(&picture)?;
        return Ok(Exit::Ok);
    }
    let drawing = match args.format_wanted() {
        Format::Text => text::draw(&picture),
        Format::Dot => dot::draw(&picture),
        Format::Mermaid => mermaid::draw(&picture),
        Format::Svg => svg::draw(&picture),
    };
    match &args.output {
        Some(path) => std::fs::write(path, drawing).with_context(|| format!("could not write `{}`", path.display()))?,
        None => out.text(&drawing)?,
    }
    Ok(Exit::Ok)
}

impl Args {
    fn format_wanted(&self) -> Format {
        let suffix = self.output.as_ref().and_then(|path| path.extension()).and_then(|suffix| suffix.to_str());
        match (self.format, suffix) {
            (Format::Text, Some("svg")) => Format::Svg,
            (Format::Text, Some("dot" | "gv")) => Format::Dot,
            (Format::Text, Some("mmd" | "mermaid")) => Format::Mermaid,
            (format, _) => format,
        }
    }
}
