//! `export`: what jobs made, as one table with a row for each entity.

use std::io;
use std::path::PathBuf;

use anyhow::Context;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Arrays, ExportRequest, Exported, Mistake, Statistic, TableFormat};

use crate::cli::Exit;
use crate::cli::args::{Entities, MemoryArgs, Place, wait_for};
use crate::cli::page::Output;
use crate::cli::page::words::{count, name, sentence};
use crate::telemetry;

mod destination;

use destination::Destination;

/// Write what jobs made into one table with a row for each entity.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// What these jobs made; by default all.
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,

    /// The table: its name ends in .parquet, .csv or .jsonl; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The format, where the name does not tell it.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    #[command(flatten)]
    entities: Entities,

    /// Only entities of which this run or a later one made something: its id, the beginning of one, or `last`.
    #[arg(long, value_name = "RUN")]
    since: Option<String>,

    /// Of arrays these numbers instead of lists: mean, std, min, max, median, sum, count, shape.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    arrays: Option<Vec<Statistic>>,

    /// A column whose values are not of one type becomes text, instead of an error.
    #[arg(long)]
    loose: bool,

    #[command(flatten)]
    memory: MemoryArgs,
}

/// A format, as it is typed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values.
    Csv,
    /// A JSON object in each line.
    Jsonl,
}

impl Args {
    fn is_stdout(&self) -> bool {
        self.output.as_os_str() == "-"
    }

    fn table_format(&self) -> Result<TableFormat, Mistake> {
        let by_name = || TableFormat::of_name(&self.output.to_string_lossy());
        let typed = self.format.map(|format| match format {
            Format::Parquet => TableFormat::Parquet,
            Format::Csv => TableFormat::Csv,
            Format::Jsonl => TableFormat::Jsonl,
        });
        typed.or_else(by_name).ok_or_else(|| {
            let file = self.output.display();
            Mistake(format!("`{file}` does not tell its format: name it .parquet, .csv or .jsonl, or say --format csv"))
        })
    }
}

/// Exports: exit 0, or 1 where an output holds something else than its suffix says.
///
/// # Errors
/// Jobs, ids and formats that cannot be; values of one column that are not of one type; what keeps the stores from being read and
/// the table from being written. Then nothing lies under its name that did not before, and so it is where this process is asked to
/// stop: exit 130.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let format = args.table_format()?;
    let session = match args.place.open_as_in(args.since.as_deref(), registry, out, args.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let exported = wait_for(async {
        let since = match &args.since {
            Some(run) => Some(session.find_run(run).await?),
            None => None,
        };
        let request = ExportRequest {
            jobs: args.jobs.clone(),
            ids: args.entities.ids(),
            prefix: args.entities.prefix.clone(),
            since,
            arrays: args.arrays.clone().map_or(Arrays::Lists, Arrays::Summaries),
            loose: args.loose,
            format,
        };
        let mut to = Destination::open(&args.output)?;
        let written = session.export(request, &mut to).await?;
        to.finish().with_context(|| format!("could not write {}", args.output.display()))?;
        anyhow::Ok(written)
    });
    let written = match exported {
        Err(error) if args.is_stdout() && is_closed_pipe(&error) => return Ok(Exit::Ok),
        written => written?,
    };
    tell(args, &written, out)?;
    Ok(if written.unreadable == 0 { Exit::Ok } else { Exit::Failed })
}

/// Whether nobody reads the table any more.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_closed))
}

/// Says what was written: on standard error where the table itself goes to standard output.
fn tell(args: &Args, written: &Exported, out: Output) -> anyhow::Result<()> {
    let Exported { rows, columns, unreadable, unreadable_example } = written;
    if let Some((id, job, why)) = unreadable_example {
        let many = count(*unreadable, "output cannot be read", "outputs cannot be read");
        telemetry::say(&format!("{many}, such as that of `{job}` for `{}`: {}", name(id), sentence(why)));
    }
    let file = args.output.display();
    match (args.is_stdout(), out.json) {
        (true, _) => {}
        (false, true) => out.fact(&serde_json::json!({
            "event": "export", "file": file.to_string(), "rows": rows, "columns": columns, "unreadable": unreadable,
        }))?,
        (false, false) => {
            let (rows, columns) = (count(*rows, "row", "rows"), count(*columns as u64, "column", "columns"));
            out.text(&format!("wrote {rows} of {columns} to {file}"))?;
        }
    }
    Ok(())
}
