//! The page of one profiled entity.

use euterpe_engine::profile::Measured;
use euterpe_graph_file::plan::Job;

use super::lines::Lines;
use super::statistics::{Numbers, Summary};
use super::tries::Try;
use crate::cli::page::words::{count, size};

/// What was measured, in lines.
pub fn page(
    job: &Job,
    id: &str,
    measured: Measured,
    tries: &[Try],
    summary: &Summary,
    lines: Option<&Lines>,
) -> String {
    let several = tries.len() > 1;
    let number = count(tries.len() as u64, "try", "tries");
    let mut page = format!(
        "{}({id}): {}, {number}{}\n",
        job.name,
        job.transform,
        if several { "; the median, and between what they lie" } else { "" }
    );
    let mut row = |name: &str, pick: &dyn Fn(&Numbers) -> f64, shown: &dyn Fn(f64) -> String, note: &str| {
        let [median, least, most] =
            [&summary.median, &summary.least, &summary.most].map(|numbers| shown(pick(numbers)));
        let spread = if several { format!("  {:<25}", format!("{least} to {most}")) } else { String::new() };
        page += format!("  {name:<12} {median:>11}{spread}  {note}").trim_end();
        page.push('\n');
    };
    let seconds = |seconds: f64| format!("{seconds:.3} s");
    let bytes = |bytes: f64| size(bytes as u64);
    if summary.median.start.is_some() {
        row(
            "start",
            &|numbers| numbers.start.unwrap_or(0.0),
            &seconds,
            "until the worker could begin, imports and setup",
        );
    }
    row("wait", &|numbers| numbers.wait, &seconds, "looking for the inputs");
    row("fetch", &|numbers| numbers.fetch, &seconds, "opening them");
    row("work", &|numbers| numbers.work, &seconds, "the transform");
    row("store", &|numbers| numbers.store, &seconds, "the outputs, into a scratch folder");
    let Numbers { cpu_user, cpu_system, .. } = summary.median;
    let split = format!("of the work: user {cpu_user:.3} s, system {cpu_system:.3} s");
    row("CPU", &|numbers| numbers.cpu, &seconds, &split);
    if measured != Measured::Command {
        row("CPU in all", &|numbers| numbers.process_cpu, &seconds, "of the process, with its start");
    }
    let before = tries.iter().map(|one| one.took.before).max().unwrap_or(0);
    let limit = job.memory.map_or(String::new(), |limit| format!("; `pool.memory` is {}", size(limit)));
    let memory = match measured {
        Measured::Command => format!("resident at most, the largest program{limit}"),
        _ => format!("resident at most, {} of it before the work{limit}", size(before)),
    };
    row("memory", &|numbers| numbers.peak_rss_bytes, &bytes, &memory);
    row("read", &|numbers| numbers.bytes_in, &bytes, "the inputs");
    row("made", &|numbers| numbers.bytes_out, &bytes, "the outputs");
    if let Some(together) = tries.iter().filter_map(|one| one.together).max() {
        page += &format!("  all of its processes together had up to {}\n", size(together));
    }
    page += &format!("  measured: {}\n", measured.words());
    if let Some(lines) = lines {
        page += &lines.page();
    }
    page
}
