//! The command line: a verb parses its flags, calls one method of a session, and prints what comes back.
//!
//! `args` has the flags that several verbs share and their meaning, `read` what goes before what, `page` what people see,
//! `verbs` a file for each verb: one variant and one arm for each here.

mod args;
mod exit;
mod page;
mod read;
mod verbs;

use clap::{CommandFactory, Parser, Subcommand};
use euterpe_actors::transform::Registry;
use euterpe_processes::{ISOLATED_VERB, REAPER_VERB, serve_isolated, serve_reaper};

pub use exit::Exit;

use crate::telemetry::LogFormat;

use page::Output;
#[cfg(not(all(feature = "amqp", feature = "ui")))]
use verbs::absent;
#[cfg(feature = "ui")]
use verbs::ui;
use verbs::{
    accept, audit, cluster, completions, config_show, create, credentials, dead, explain, export, gc, graph, lint,
    logs, ls, open, plan, profile, prune, run, runs, schema, test, verify, watch,
};
#[cfg(feature = "amqp")]
use verbs::{deploy, node, publish, status};

/// Runs graphs of media jobs over whole catalogues: each output once, every entity accounted for.
#[derive(Debug, Parser)]
#[command(name = "euterpe", version, long_version = long_version(), arg_required_else_help = true, max_term_width = 100)]
pub struct Command {
    /// Print facts as JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,

    /// Also show what transforms print, log and measure, and why a try failed; -vv shows everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// How lines on standard error are written: as text, or as JSON, an object in each line.
    #[arg(long = "log", global = true, value_name = "FORMAT", env = "EUTERPE_LOG_FORMAT", value_enum, default_value_t)]
    pub log: LogFormat,

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
    /// Run a graph whenever its sources change, until told to stop.
    Watch(watch::Args),
    /// Show a graph in a browser: its jobs at work, what they made to be seen and heard, its runs, what failed.
    #[cfg(feature = "ui")]
    Ui(ui::Args),
    /// Not in this program: it was built without the feature `ui`.
    #[cfg(not(feature = "ui"))]
    Ui(absent::Args),
    /// Serve a graph's queues on this machine, over a broker, until told to stop.
    #[cfg(feature = "amqp")]
    Node(node::Args),
    /// Not in this program: it was built without the feature `amqp`.
    #[cfg(not(feature = "amqp"))]
    Node(absent::Args),
    /// Send entities to a graph's nodes, over a broker, and return.
    #[cfg(feature = "amqp")]
    Publish(publish::Args),
    /// Not in this program: it was built without the feature `amqp`.
    #[cfg(not(feature = "amqp"))]
    Publish(absent::Args),
    /// Show how a graph is at work over a broker: its queues, its nodes.
    #[cfg(feature = "amqp")]
    Status(status::Args),
    /// Not in this program: it was built without the feature `amqp`.
    #[cfg(not(feature = "amqp"))]
    Status(absent::Args),
    /// Show what transforms print and log, and why tries fail: of all nodes over a broker, else of a run in its records.
    Logs(logs::Args),
    /// Bring up a local cluster with Docker Compose: RabbitMQ, an object store, nodes.
    Up(cluster::UpArgs),
    /// Stop the local cluster.
    Down(cluster::DownArgs),
    /// Show the containers of the local cluster.
    Ps(cluster::PsArgs),
    /// Write what Kubernetes needs to run the nodes of a graph.
    #[cfg(feature = "amqp")]
    Deploy(deploy::Args),
    /// Not in this program: it was built without the feature `amqp`.
    #[cfg(not(feature = "amqp"))]
    Deploy(absent::Args),
    /// Say what a run would do, and why; writes nothing.
    Plan(plan::Args),
    /// Tell the whole story of one entity: what is there, what is not, why, and what to do.
    Explain(explain::Args),
    /// List entities and what jobs made of them: state, size, age, place.
    Ls(ls::Args),
    /// Open an output with the player or viewer of this machine.
    Open(open::Args),
    /// Write what jobs made into one table with a row for each entity: Parquet, CSV or JSON Lines.
    Export(export::Args),
    /// Look at the runs that were started; account for their entities, take up what is open.
    Runs(runs::Args),
    /// Look at what failed for good; try it again or give it up.
    Dead(dead::Args),
    /// Declare good what jobs made before their options or their code were changed; touches no output.
    Accept(accept::Args),
    /// Remove what dead processes left behind, and records of runs that are long done; `-n` only shows it.
    Gc(gc::Args),
    /// Show outputs that nothing accounts for any more: of jobs and entities that are gone. With `--delete`, remove them.
    Prune(prune::Args),
    /// Check a graph file; touches no network.
    Lint(lint::Args),
    /// Check a graph file, then reach what it needs: stores, worker processes, broker.
    Verify(verify::Args),
    /// Tell what in a valid graph will bite: threads, timeouts, memory, pins, what differs between nodes.
    Audit(audit::Args),
    /// Measure one job for some entities: time by phase, CPU, memory, bytes; nothing of it is kept.
    Profile(profile::Args),
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
    /// Do one try of `profile` in a process of its own; started by it only.
    #[command(name = profile::MEASURE_VERB, hide = true)]
    Measure {
        /// The process that asks.
        parent: u32,
    },
    /// End what a killed node's children have started; started by nodes only.
    #[command(name = REAPER_VERB, hide = true)]
    Reap,
    /// Make up the credentials of a local cluster, unless they are there.
    Credentials(credentials::Args),
    /// Write a shell's completions, to be kept where the shell looks for them.
    Completions(completions::Args),
}

impl Command {
    /// How this process logs. A child of a node tells it in the words that the node keeps of it.
    pub fn log_format(&self) -> LogFormat {
        match &self.verb {
            Verb::Transform { .. } | Verb::Reap => LogFormat::Text,
            _ => self.log,
        }
    }

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
            Verb::Watch(args) => watch::run(args, registry, out),
            #[cfg(feature = "ui")]
            Verb::Ui(args) => ui::run(args, registry, out),
            #[cfg(not(feature = "ui"))]
            Verb::Ui(args) => absent::run(args, "ui", "ui"),
            #[cfg(feature = "amqp")]
            Verb::Node(args) => node::run(args, registry, out),
            #[cfg(not(feature = "amqp"))]
            Verb::Node(args) => absent::run(args, "node", "amqp"),
            #[cfg(feature = "amqp")]
            Verb::Publish(args) => publish::run(args, registry, out),
            #[cfg(not(feature = "amqp"))]
            Verb::Publish(args) => absent::run(args, "publish", "amqp"),
            #[cfg(feature = "amqp")]
            Verb::Status(args) => status::run(args, registry, out),
            #[cfg(not(feature = "amqp"))]
            Verb::Status(args) => absent::run(args, "status", "amqp"),
            Verb::Logs(args) => logs::run(args, registry, out),
            Verb::Up(args) => cluster::up(args, registry, out),
            Verb::Down(args) => cluster::down(args, registry, out),
            Verb::Ps(args) => cluster::ps(args, out),
            #[cfg(feature = "amqp")]
            Verb::Deploy(args) => deploy::run(args, registry, out),
            #[cfg(not(feature = "amqp"))]
            Verb::Deploy(args) => absent::run(args, "deploy", "amqp"),
            Verb::Plan(args) => plan::run(args, registry, out),
            Verb::Explain(args) => explain::run(args, registry, out),
            Verb::Ls(args) => ls::run(args, registry, out),
            Verb::Open(args) => open::run(args, registry, out),
            Verb::Export(args) => export::run(args, registry, out),
            Verb::Runs(args) => runs::run(args, registry, out),
            Verb::Dead(args) => dead::run(args, registry, out),
            Verb::Accept(args) => accept::run(args, registry, out),
            Verb::Gc(args) => gc::run(args, registry, out),
            Verb::Prune(args) => prune::run(args, registry, out),
            Verb::Verify(args) => verify::run(args, registry, out),
            Verb::Lint(args) => lint::run(args, registry, out),
            Verb::Audit(args) => audit::run(args, registry, out),
            Verb::Profile(args) => profile::run(args, registry, out, (self.verbose, self.log)),
            Verb::Measure { parent } => profile::measure_once(registry, *parent, out),
            Verb::Graph(args) => graph::run(args, registry, out),
            Verb::Schema(args) => schema::run(args, registry, out),
            Verb::Config(args) => config_show::run(args, registry, out),
            Verb::Transform { parent } => serve_isolated(registry, *parent).map(|()| Exit::Ok),
            Verb::Reap => Ok(serve_reaper().map(|()| Exit::Ok)?),
            Verb::Credentials(args) => credentials::run(args, out),
            Verb::Completions(args) => completions::run(args, Self::command(), out),
        }
    }
}

/// The version, and what the program was built with.
fn long_version() -> String {
    let features = [
        ("s3", cfg!(feature = "s3")),
        ("amqp", cfg!(feature = "amqp")),
        ("audio", cfg!(feature = "audio")),
        ("opus", cfg!(feature = "opus")),
        ("python", cfg!(feature = "python")),
        ("otlp", cfg!(feature = "otlp")),
        ("parquet", cfg!(feature = "parquet")),
        ("ui", cfg!(feature = "ui")),
    ];
    let names = |built: bool| {
        let names: Vec<&str> = features.iter().filter(|(_, is)| *is == built).map(|(name, _)| *name).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    format!("{}\nbuilt with:    {}\nbuilt without: {}", env!("CARGO_PKG_VERSION"), names(true), names(false))
}
