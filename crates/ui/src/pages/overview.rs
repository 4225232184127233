//! The overview: the graph, how each job stands, what is slow, what is left, what failed.

use euterpe_engine::ItemState;
use maud::{Markup, html};

use super::{bar, button, page, runs, waiting};
use crate::history::History;
use crate::query::address;
use crate::shared::Shared;
use crate::snapshot::{JobLine, Newest, Snapshot};
use crate::wanted::{Verb, Wanted};
use crate::words::{STATES, count, duration, meaning, number, rate};

/// How many runs are shown.
const RUNS: usize = 5;
/// Of how many spans the line over the last hour consists.
const SPANS: u64 = 120;

/// The page.
pub(crate) fn overview(shared: &Shared) -> Markup {
    let newest = shared.newest();
    let Some(snapshot) = newest.snapshot.clone() else { return waiting(shared, &newest, "/", "Overview") };
    let history = shared.history();
    let run = Wanted { verb: Verb::Run, ids: Vec::new(), job: None, reason: None, run: None };
    let body = html! {
        section aria-labelledby="sum-up" {
            h2 id="sum-up" class="hidden" { "In a word" }
            div id="tiles" class="tiles" data-live { (tiles(&snapshot, &history)) }
            div class="actions" { (button(shared, &run, "Run the graph…")) (publish(shared)) }
        }
        section aria-labelledby="jobs" {
            h2 id="jobs" { "Jobs" }
            div id="job-table" class="wide" data-live { (table(shared, &snapshot, &history)) }
            p class="legend" { @for state in STATES { span { span class={ "dot " (state.name()) } {} " " (state.name()) ": " (meaning(state)) } " " } }
        }
        section aria-labelledby="graph" {
            h2 id="graph" { "Graph" }
            div id="graph-picture" class="wide" data-live {
                img class="graph" src={ "/graph.svg?v=" (newest.version) } alt={ "the graph: " (described(&snapshot)) };
            }
        }
        section aria-labelledby="last-runs" {
            h2 id="last-runs" { "Last runs" }
            div id="run-table" class="wide" data-live { (runs::table(&snapshot.runs[..snapshot.runs.len().min(RUNS)])) }
        }
    };
    page(shared, &newest, "/", "Overview", &body)
}

fn described(snapshot: &Snapshot) -> String {
    let jobs: Vec<String> = snapshot.jobs.iter().map(|job| job.name.to_string()).collect();
    format!("{}, {}", count(jobs.len() as u64, "job", "jobs"), jobs.join(", "))
}

#[cfg_attr(not(feature = "amqp"), allow(unused_variables))]
fn publish(shared: &Shared) -> Markup {
    #[cfg(feature = "amqp")]
    if crate::locks::locked(&shared.broker).is_some() {
        let publish = Wanted { verb: Verb::Publish, ids: Vec::new(), job: None, reason: None, run: None };
        return button(shared, &publish, "Publish to the nodes…");
    }
    html! {}
}

fn tile(label: &str, value: &str, note: &Markup) -> Markup {
    html! { div class="tile" { span class="label" { (label) } strong { (value) } span class="note" { (note) } } }
}

fn tiles(snapshot: &Snapshot, history: &History) -> Markup {
    let (left, dead) = (snapshot.left(), snapshot.dead());
    let names = |many: u64| {
        html! {
            @if many > 0 { (count(many, "name is no entity", "names are no entities")) }
            @else if snapshot.is_from_runs { "that runs were given; the graph has no source to list" }
        }
    };
    let at_pace = match history.left(left).filter(|_| left > 0) {
        Some((soon, late)) if duration(soon) == duration(late) => html! { "about " (duration(soon)) " at this pace" },
        Some((soon, late)) => html! { (duration(soon)) " to " (duration(late)) " at the pace of the last minutes" },
        None if left > 0 => html! { "nothing comes just now" },
        None if dead > 0 => html! { "nothing but what failed" },
        None => html! { "everything is there" },
    };
    let all: f64 = (0..snapshot.jobs.len()).map(|job| history.rate(job)).sum();
    html! {
        (tile("Entities", &number(snapshot.entities), &names(snapshot.bad_names)))
        (tile("Outputs left to make", &number(left), &at_pace))
        (tile("Pace", &rate(all), &sparkline(&history.line(SPANS))))
        (tile("Dead letters", &number(dead), &html! {
            @if dead > 0 { a href="/dead" { "what failed, and what to do" } } @else { "nothing failed for good" }
        }))
        @if let Some((job, share)) = bottleneck(snapshot) {
            (tile("Takes most of the time", &job, &html! { (format!("{:.0} %", share * 100.0)) " of the work of the newest run" }))
        }
    }
}

/// The job that takes most of the work, where there are several.
fn bottleneck(snapshot: &Snapshot) -> Option<(String, f64)> {
    let shares = snapshot.shares();
    let most = shares.iter().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    (shares.len() > 1).then(|| (most.0.to_string(), most.1))
}

/// Outputs a second over the last hour.
fn sparkline(line: &[(f64, f64)]) -> Markup {
    let most = line.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    if most <= 0.0 {
        return html! { "nothing came in the last hour" };
    }
    let point = |(share, rate): &(f64, f64)| format!("{:.1},{:.1}", share * 160.0, 24.0 - rate / most * 22.0);
    let points: Vec<String> = line.iter().map(point).collect();
    html! {
        svg class="line" viewBox="0 0 160 26" role="img" aria-label=(format!("outputs a second over the last hour, at most {most:.1}")) {
            polyline points=(points.join(" ")) {}
        }
        "last hour"
    }
}

#[cfg_attr(not(feature = "amqp"), allow(unused_variables))]
fn table(shared: &Shared, snapshot: &Snapshot, history: &History) -> Markup {
    #[cfg(feature = "amqp")]
    let broker = crate::locks::locked(&shared.broker).clone();
    #[cfg(not(feature = "amqp"))]
    let broker: Option<()> = None;
    let shares = snapshot.shares();
    let share = |job: &JobLine| shares.iter().find(|(name, _)| *name == job.name).map(|(_, share)| *share);
    let cell = |job: &JobLine, state: ItemState| {
        let many = job.count(state);
        html! {
            td class="number" {
                @if many == 0 { span class="quiet" { "–" } }
                @else { a href=(address("/browse", &[("job", job.name.as_str()), ("state", state.name())])) { (number(many)) } }
            }
        }
    };
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Job" }
                    th scope="col" { span class="hidden" { "Shares of the states" } }
                    @for state in STATES { th scope="col" class="number" { (state.name()) } }
                    th scope="col" class="number" { "pace" }
                    th scope="col" class="number" { "of the time" }
                    @if broker.is_some() {
                        th scope="col" class="number" { "waiting" }
                        th scope="col" class="number" { "in work" }
                        th scope="col" class="number" { "oldest" }
                    }
                }
            }
            tbody {
                @for (at, job) in snapshot.jobs.iter().enumerate() {
                    tr {
                        th scope="row" { a href=(address("/browse", &[("job", job.name.as_str())])) { (job.name) } span class="what" { (job.transform) } }
                        td { (bar(job)) }
                        @for state in STATES { (cell(job, state)) }
                        td class="number" { (rate(history.rate(at))) }
                        td class="number" { @match share(job) { Some(share) => (format!("{:.0} %", share * 100.0)), None => "–" } }
                        (queue_cells(broker.as_ref(), job))
                    }
                }
            }
        }
        (misfits(broker.as_ref()))
    }
}

#[cfg(feature = "amqp")]
fn queue_cells(broker: Option<&crate::broker::BrokerView>, job: &JobLine) -> Markup {
    let Some(broker) = broker else { return html! {} };
    let seconds = |seconds: u64| duration(std::time::Duration::from_secs(seconds));
    html! {
        @match broker.queue(job.name.as_str()) {
            Some(queue) => {
                td class="number" { @match queue.ready { Some(ready) => (number(ready)), None => "no queue" } }
                td class="number" { (number(queue.in_work)) " of " (number(queue.workers)) }
                td class="number" { @if queue.oldest > 0 { (seconds(queue.oldest)) } @else { "–" } }
            }
            None => { td {} td {} td {} }
        }
    }
}

#[cfg(feature = "amqp")]
fn misfits(broker: Option<&crate::broker::BrokerView>) -> Markup {
    let Some(broker) = broker else { return html! {} };
    html! {
        @if let Some(trouble) = &broker.trouble { p class="banner bad" role="alert" { "The broker: " (trouble) } }
        @for queue in &broker.jobs {
            @if let Some(misfit) = &queue.misfit { p class="banner bad" role="alert" { (queue.job) ": " (misfit) } }
        }
    }
}

#[cfg(not(feature = "amqp"))]
fn queue_cells(_: Option<&()>, _: &JobLine) -> Markup {
    html! {}
}

#[cfg(not(feature = "amqp"))]
fn misfits(_: Option<&()>) -> Markup {
    html! {}
}

/// The picture of the graph, as a file of its own.
pub(crate) fn picture(newest: &Newest) -> Option<String> {
    newest.snapshot.as_ref().map(|snapshot| snapshot.picture.clone())
}
