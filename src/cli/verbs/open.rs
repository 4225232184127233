//! `open`: an output in the player or viewer of this machine.

use std::process::Command;

use anyhow::{Context, bail};
use euterpe_actors::ids::EntityId;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Mistake, Opening};

use crate::cli::Exit;
use crate::cli::args::{Place, wait_for};
use crate::cli::page::Output;

/// What opens files on this machine.
const USUAL: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Open an output with the player or viewer of this machine.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// The entity.
    #[arg(value_name = "ID")]
    entity: String,

    /// The job whose output is opened.
    #[arg(value_name = "JOB")]
    job: String,

    /// Which of its outputs, where it has several; by default the primary one.
    #[arg(value_name = "OUTPUT")]
    output: Option<String>,

    /// Only print where it lies: the path of a file, or the URL of an object.
    #[arg(long)]
    print: bool,

    /// Open it with this program, with its arguments; by default with what the machine opens such files with.
    #[arg(long = "with", value_name = "PROGRAM", env = "EUTERPE_OPENER")]
    opener: Option<String>,
}

/// Opens an output; exit 1 where it is not there, or the program fails.
///
/// # Errors
/// A job, entity or output that cannot be; what keeps the output from being read or opened.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.place.open_as_in(None, registry, out, Opening::default())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let entity = EntityId::of_name(&args.entity)
        .map_err(|bad| Mistake(format!("`{}` cannot be an entity: {bad}", args.entity.escape_debug())))?;
    let (place, file) = wait_for(async {
        let found = session.find_output(&entity, &args.job, args.output.as_deref()).await?;
        let file = if args.print { None } else { Some(session.openable_file(&found).await?) };
        anyhow::Ok((found.place, file))
    })?;
    if out.json {
        out.fact(&serde_json::json!({"event": "open", "place": place, "file": file}))?;
    } else if args.print {
        out.text(&place)?;
    }
    let Some(file) = file else { return Ok(Exit::Ok) };
    let typed = args.opener.as_deref().filter(|opener| !opener.trim().is_empty()).unwrap_or(USUAL);
    let mut words = typed.split_whitespace();
    let program = words.next().unwrap_or(USUAL);
    let started = Command::new(program).args(words).arg(&file).status();
    let status = started.with_context(|| {
        format!("could not start `{program}`; name a player or viewer by --with or EUTERPE_OPENER, or see {place}")
    })?;
    if !status.success() {
        bail!("`{typed}` could not open {}: {status}", file.display());
    }
    Ok(Exit::Ok)
}
