//! `graph`: draws the graph.

use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use crate::cli::Exit;
use crate::cli::args::GraphFile;
use crate::cli::page::Output;
use euterpe_actors::transform::Registry;
use euterpe_engine::Mistake;
use euterpe_graph_file::drawing::{Picture, dot, mermaid, svg, text};

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: GraphFile,

    /// How to draw it; by default as the suffix of the file says, else as text.
    #[arg(short, long, value_enum)]
    format: Option<Format>,

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
    let drawing = match args.format_wanted()? {
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
    /// The format that was asked for, or that the suffix of the file stands for.
    ///
    /// # Errors
    /// A suffix of another kind of file.
    fn format_wanted(&self) -> Result<Format, Mistake> {
        let suffix = self.output.as_ref().and_then(|path| path.extension()).and_then(|suffix| suffix.to_str());
        match (self.format, suffix.map(str::to_ascii_lowercase).as_deref()) {
            (Some(format), _) => Ok(format),
            (None, None | Some("txt" | "text")) => Ok(Format::Text),
            (None, Some("svg")) => Ok(Format::Svg),
            (None, Some("dot" | "gv")) => Ok(Format::Dot),
            (None, Some("mmd" | "mermaid" | "md")) => Ok(Format::Mermaid),
            (None, Some(other)) => Err(Mistake(format!(
                "no drawing is written as `.{}`: end the file in .svg, .dot, .mmd or .txt, or name a format with -f; \
                 `dot -Tpng` of Graphviz makes a picture of other kinds from .dot",
                other.escape_debug()
            ))),
        }
    }
}
