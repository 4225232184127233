//! `test`: the graph file's own tests and those of its Python transforms, in scratch folders.

use std::path::Path;
use std::time::Instant;

use euterpe_actors::transform::Registry;
#[cfg(feature = "python")]
use euterpe_engine::python_tests;
use euterpe_engine::{STATE_FOLDER, run_case};
use euterpe_graph_file::plan::Location;
use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{GraphFile, wait_for};
use crate::cli::page::{Output, words::count};

/// Run the tests that stand in a graph file, and those of its Python transforms. Nothing outside a scratch folder is
/// written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The graph.
    #[command(flatten)]
    graph: GraphFile,

    /// The folder of the graphs' state folders, where the environments of Python transforms lie; by default, and where
    /// the state is in a bucket, `.euterpe` beside the graph file.
    #[arg(long, value_name = "PLACE", env = "EUTERPE_STATE", value_parser = Location::parse)]
    state: Option<Location>,

    /// Only tests whose names hold this.
    #[arg(value_name = "NAME")]
    filter: Option<String>,
}

/// How one test went.
struct Verdict {
    name: String,
    /// What does not hold, in lines; empty where all does.
    wrong: Vec<String>,
    seconds: f64,
}

/// Runs the tests: exit 0 if all hold, 1 if one does not or there is none.
///
/// # Errors
/// What keeps the graph from being opened.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let plan = match args.graph.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let folder = args.state.as_ref().and_then(Location::folder).map(Path::to_owned);
    let kept = folder.unwrap_or_else(|| plan.folder.join(STATE_FOLDER));
    let names = std::cell::RefCell::new(Vec::new());
    let chosen = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        args.filter.as_deref().is_none_or(|filter| name.contains(filter))
    };
    let mut verdicts = Vec::new();
    for case in plan.tests.iter().filter(|case| chosen(&case.name)) {
        let began = Instant::now();
        let wrong = wait_for(run_case(case, &plan, &kept, registry))?;
        let verdict = Verdict { name: case.name.clone(), wrong, seconds: began.elapsed().as_secs_f64() };
        verdict.show(out)?;
        verdicts.push(verdict);
    }
    #[cfg(feature = "python")]
    for suite in python_tests(&plan).into_iter().filter(|suite| chosen(&suite.name)) {
        let began = Instant::now();
        let wrong = wait_for(suite.run(&kept))?;
        let verdict = Verdict { name: suite.name, wrong, seconds: began.elapsed().as_secs_f64() };
        verdict.show(out)?;
        verdicts.push(verdict);
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.wrong.is_empty()).count();
    let passed = verdicts.len() - failed;
    if out.json {
        out.fact(&json!({"event": "summary", "passed": passed, "failed": failed}))?;
    } else if let (true, Some(filter), false) = (verdicts.is_empty(), &args.filter, names.borrow().is_empty()) {
        let names: Vec<String> = names.borrow().iter().map(|name| format!("  {name}\n")).collect();
        out.text(&format!("no test's name holds `{}`; the tests are\n{}", filter.escape_debug(), names.concat()))?;
    } else if verdicts.is_empty() {
        out.text("no tests; write some under `tests:`, or in test_NAME.py beside a Python transform")?;
    } else {
        out.text(&format!("{}, {failed} failed", count(passed as u64, "test holds", "tests hold")))?;
    }
    Ok(if failed > 0 || verdicts.is_empty() { Exit::Failed } else { Exit::Ok })
}

impl Verdict {
    fn show(&self, out: Output) -> anyhow::Result<()> {
        let Self { name, wrong, seconds } = self;
        if out.json {
            out.fact(
                &json!({"event": "test", "name": name, "ok": wrong.is_empty(), "wrong": wrong, "seconds": seconds}),
            )?;
            return Ok(());
        }
        out.text(&format!("{} {name} ({seconds:.1} s)", if wrong.is_empty() { "ok  " } else { "FAIL" }))?;
        for line in wrong.iter().flat_map(|wrong| wrong.lines()) {
            out.text(&format!("     {line}"))?;
        }
        Ok(())
    }
}
