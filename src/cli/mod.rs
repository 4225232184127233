//! The command line: one file per verb, one variant and one arm for each here.

pub mod broker;
mod cache;
mod completions;
mod config_show;
mod create;
mod dead;
mod explain;
mod gc;
mod graph;
mod graph_file;
mod lint;
mod node;
mod output;
mod place;
mod plan;
mod publish;
pub mod run;
mod runs;
mod schema;
mod status;
mod test;
mod verify;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use graph_file::GraphFile;
pub use output::Output;

use euterpe_actors::transform::Registry;
use euterpe_processes::{ISOLATED_VERB, REAPER_VERB, serve_isolated, serve_reaper};

/// Runs graphs of media jobs over whole catalogues: each output once, every entity accounted for.
#[derive(Debug, Parser)]
#[command(name = "euterpe", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Command {
    /// Print facts as JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a folder with a graph, a Python transform and its test, to begin with.
    Create(create::Args),
    /// Run a graph: make every output that is missing, once, and account for every entity.
    Run(run::Args),
    /// Serve a graph's queues on this machine, over a broker, until told to stop.
    Node(node::Args),
    /// Send entities to a graph's nodes, over a broker, and return.
    Publish(publish::Args),
    /// Show how a graph is at work over a broker: its queues, its nodes.
    Status(status::Args),
    /// Say what a run would do, and why; writes nothing.
    Plan(plan::Args),
    /// Tell the whole story of one entity: what is there, what is not, why, and what to do.
    Explain(explain::Args),
    /// Look at the runs that were started; account for their entities, take up what is open.
    Runs(runs::Args),
    /// Look at what failed for good; try it again or give it up.
    Dead(dead::Args),
    /// Remove what dead processes left behind, and records of runs that are long done; `-n` only shows it.
    Gc(gc::Args),
    /// Check a graph file; touches no network.
    Lint(lint::Args),
    /// Check a graph file, then reach what it needs: stores, worker processes, broker.
    Verify(verify::Args),
    /// Run the tests that stand in a graph file, and those of its Python transforms.
    Test(test::Args),
    /// Draw the graph: as text, DOT, Mermaid or SVG.
    Graph(graph::Args),
    /// Write the JSON Schema of graph files, for editors; or of the messages of other programs.
    Schema(schema::Args),
    /// Look at the configuration.
    Config(config_show::Args),
    /// Do the work of a node in a process that may die; started by nodes only.
    #[command(name = ISOLATED_VERB, hide = true)]
    Transform {
        /// The process of the node.
        parent: u32,
    },
    /// End what a killed node's children have started; started by nodes only.
    #[command(name = REAPER_VERB, hide = true)]
    Reap,
    /// Write a shell's completions, to be kept where the shell looks for them.
    Completions(completions::Args),
}

impl Command {
    /// Does what the command line says.
    ///
    /// # Errors
    /// What went wrong, as a sentence for the person at the terminal.
    pub fn run(&self, registry: &Registry) -> anyhow::Result<Exit> {
        let out = Output { json: self.json };
        match &self.verb {
            Verb::Create(args) => create::run(args, out),
            Verb::Test(args) => test::run(args, registry, out),
            Verb::Run(args) => run::run(args, registry, out),
            Verb::Node(args) => node::run(args, registry, out),
            Verb::Publish(args) => publish::run(args, registry, out),
            Verb::Status(args) => status::run(args, registry, out),
            Verb::Plan(args) => plan::run(args, registry, out),
            Verb::Explain(args) => explain::run(args, registry, out),
            Verb::Runs(args) => runs::run(args, registry, out),
            Verb::Dead(args) => dead::run(args, registry, out),
            Verb::Gc(args) => gc::run(args, registry, out),
            Verb::Verify(args) => verify::run(args, registry, out),
            Verb::Lint(args) => lint::run(args, registry, out),
            Verb::Graph(args) => graph::run(args, registry, out),
            Verb::Schema(args) => schema::run(args, registry, out),
            Verb::Config(args) => config_show::run(args, registry, out),
            Verb::Transform { parent } => serve_isolated(registry, *parent).map(|()| Exit::Ok),
            Verb::Reap => Ok(serve_reaper().map(|()| Exit::Ok)?),
            Verb::Completions(args) => completions::run(args, out),
        }
    }
}

/// How the program ends; the codes are part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well: 0.
    Ok,
    /// It failed: 1.
    Failed,
    /// The command line makes no sense: 2.
    Usage,
    /// The graph file is not valid: 3.
    GraphInvalid,
    /// Finished, and some entities are dead letters: 4.
    DeadLetters,
    /// Stopped by a signal: 130.
    Interrupted,
}

impl Exit {
    /// The code that the operating system gets.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::GraphInvalid => 3,
            Exit::DeadLetters => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
