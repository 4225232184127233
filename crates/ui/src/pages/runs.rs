//! Runs: what each was asked to do, how it ended, what took long.

use maud::{Markup, html};

use super::{button, entity_link, page, pager, run_address, waiting, when};
use crate::query::{Query, address};
use crate::shared::Shared;
use crate::snapshot::{RunCounts, RunLine, RunState};
use crate::wanted::{Verb, Wanted};
use crate::words::{count, duration, number, time};
use std::time::Duration;

/// How many runs a page has.
const ROWS: usize = 50;

/// All runs, page by page.
pub(crate) fn runs(shared: &Shared, query: &Query) -> Markup {
    let newest = shared.newest();
    let Some(snapshot) = newest.snapshot.clone() else { return waiting(shared, &newest, "/runs", "Runs") };
    let at = query.number("page").unwrap_or(0).min(snapshot.runs.len() / ROWS);
    let some: Vec<RunLine> = snapshot.runs.iter().skip(at * ROWS).take(ROWS).cloned().collect();
    let body = html! {
        div id="run-table" class="wide" data-live { (table(&some)) }
        (pager("/runs", &[], at, ROWS, snapshot.runs.len()))
    };
    page(shared, &newest, "/runs", "Runs", &body)
}

/// Some runs.
pub(crate) fn table(runs: &[RunLine]) -> Markup {
    if runs.is_empty() {
        return html! { p class="quiet" { "There is no run yet." } };
    }
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Run" } th scope="col" { "Began" } th scope="col" { "How it is" }
                    th scope="col" class="number" { "Took" } th scope="col" class="number" { "Entities" }
                    th scope="col" class="number" { "Made" } th scope="col" class="number" { "Dead" } th scope="col" { "Asked for" }
                }
            }
            tbody {
                @for run in runs {
                    tr {
                        th scope="row" { a href=(run_address(run.run)) { code { (run.run) } } }
                        td { (when(run.run.millis())) }
                        td { (state(run.state)) }
                        td class="number" { @match run.took() { Some(took) => (duration(took)), None => "–" } }
                        td class="number" { @match run.entities { Some(entities) => (number(entities)), None => "?" } }
                        td class="number" { (number(run.jobs.iter().map(|(_, counts)| counts.done).sum())) }
                        td class="number" { (number(run.dead_letters as u64)) }
                        td { (run.asked) }
                    }
                }
            }
        }
    }
}

fn state(state: RunState) -> Markup {
    let (class, word, meaning) = match state {
        RunState::Complete => ("done", "complete", "everything came to its end"),
        RunState::Over => {
            ("done", "all ended", "it was stopped or only published, and everything came to its end since")
        }
        RunState::Stopped => ("stale", "stopped", "somebody stopped it; it can be taken up"),
        RunState::Unended => ("missing", "at work or died", "it has no end record: it goes on, or its process died"),
    };
    html! { span class={ "state " (class) } title=(meaning) { (word) } }
}

/// One run.
pub(crate) fn run(shared: &Shared, query: &Query) -> Markup {
    let newest = shared.newest();
    let Some(snapshot) = newest.snapshot.clone() else { return waiting(shared, &newest, "/runs", "Run") };
    let id = query.text("run");
    let Some(run) = snapshot.run(&id) else {
        return super::failed(shared, "Run", &format!("There is no run `{id}` in the records of this graph."));
    };
    let resume = Wanted { verb: Verb::Resume, ids: Vec::new(), job: None, reason: None, run: Some(id.clone()) };
    let body = html! {
        div id="run" data-live {
            dl class="facts" {
                dt { "asked for" } dd { (run.asked) }
                dt { "began" } dd { (time(run.run.millis())) }
                dt { "how it is" } dd { (state(run.state)) }
                @if let Some(ended) = run.ended { dt { "ended" } dd { (time(ended)) } }
                @if let Some(took) = run.took() { dt { "took" } dd { (duration(took)) } }
                @if let Some(entities) = run.entities { dt { "entities" } dd { (number(entities)) } }
                dt { "dead letters now" } dd {
                    @if run.dead_letters == 0 { "none" }
                    @else { a href=(address("/dead", &[("run", &id)])) { (number(run.dead_letters as u64)) } }
                }
            }
            h2 { "What became of its entities" }
            (jobs(run))
            h2 { "Longest works" }
            (slowest(run))
        }
        @if matches!(run.state, RunState::Stopped | RunState::Unended) { div class="actions" { (button(shared, &resume, "Take up what is open…")) } }
    };
    page(shared, &newest, "/runs", &format!("Run {id}"), &body)
}

fn jobs(run: &RunLine) -> Markup {
    if run.jobs.is_empty() {
        return html! { p class="quiet" { "That is in its end record, and it has none: it goes on, or its process died." } };
    }
    let all = run.jobs.iter().map(|(_, counts)| counts.millis).sum::<u64>().max(1) as f64;
    let each = |counts: &RunCounts| (counts.done > 0).then(|| Duration::from_millis(counts.millis / counts.done));
    html! {
        div class="wide" { table {
            thead { tr {
                th scope="col" { "Job" }
                @for head in ["made", "there before", "skipped", "dead", "work", "share of it", "for each"] { th scope="col" class="number" { (head) } }
            } }
            tbody { @for (job, counts) in &run.jobs { tr {
                th scope="row" { (job) }
                @for many in [counts.done, counts.exists, counts.skipped, counts.dead] { td class="number" { (number(many)) } }
                td class="number" { (duration(Duration::from_millis(counts.millis))) }
                td class="number" { (format!("{:.0} %", counts.millis as f64 / all * 100.0)) }
                td class="number" { @match each(counts) { Some(time) => (duration(time)), None => "–" } }
            } } }
        } }
    }
}

fn slowest(run: &RunLine) -> Markup {
    if run.slowest.is_empty() {
        return html! { p class="quiet" { "None is noted." } };
    }
    let most = run.slowest.iter().map(|(.., millis)| *millis).max().unwrap_or(1).max(1) as f64;
    html! {
        div class="wide" { table {
            caption class="quiet" { "The " (count(run.slowest.len() as u64, "longest try", "longest tries")) " of a work." }
            thead { tr { th scope="col" { "Entity" } th scope="col" { "Job" } th scope="col" class="number" { "Time" } th scope="col" { span class="hidden" { "as a bar" } } } }
            tbody { @for (job, entity, millis) in &run.slowest { tr {
                td { (entity_link(entity.as_str())) }
                td { (job) }
                td class="number" { (duration(Duration::from_millis(*millis))) }
                td { svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" { rect class="work" x="0" y="0" height="8" width=(format!("{:.1}", *millis as f64 / most * 100.0)) {} } }
            } } }
        } }
    }
}
