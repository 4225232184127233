//! The catalogue, page by page: entities by the beginning of their ids, by a text in them, by the state of their jobs.

use euterpe_engine::ItemState;
use maud::{Markup, html};

use super::{entity_link, job_choices, page, pager, waiting};
use crate::catalogue::{Filter, Row};
use crate::query::{Query, address};
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::words::{STATES, count, number};

/// How many entities a page has.
pub(crate) const ROWS: usize = 50;

/// Which entities a query means.
pub(crate) fn filter_of(query: &Query, snapshot: &Snapshot) -> Filter {
    let states = STATES.into_iter().filter(|state| query.all("state").any(|name| name == state.name()));
    Filter {
        prefix: query.text("prefix"),
        text: query.text("text"),
        states: states.collect(),
        // A job that is not there has no entities.
        job: query.get("job").map(|job| snapshot.job(job).unwrap_or(usize::MAX)),
    }
}

/// The page.
pub(crate) fn browse(shared: &Shared, query: &Query) -> Markup {
    let newest = shared.newest();
    let Some(snapshot) = newest.snapshot.clone() else { return waiting(shared, &newest, "/browse", "Browse") };
    let filter = filter_of(query, &snapshot);
    let body = html! {
        (form(query, &snapshot, &filter))
        @match &snapshot.catalogue {
            Some(catalogue) => {
                @let at = query.number("page").unwrap_or(0).min(catalogue.len() / ROWS);
                @let found = catalogue.rows(&filter, at * ROWS, ROWS);
                div id="entities" class="wide" data-live {
                    p { (count(found.total as u64, "entity", "entities")) @if found.total < catalogue.len() { " of " (number(catalogue.len() as u64)) } }
                    (table(&snapshot, &found.rows))
                    (pager("/browse", &pairs(query), at, ROWS, found.total))
                }
            }
            None => p class="banner" {
                "The catalogue has more entities than this page keeps in memory (2,000,000); type an id to see it. " code { "euterpe ls" } " lists all."
            }
        }
    };
    page(shared, &newest, "/browse", "Browse", &body)
}

fn pairs(query: &Query) -> Vec<(&str, &str)> {
    let one = ["prefix", "text", "job"].into_iter().filter_map(|name| Some((name, query.get(name)?)));
    one.chain(query.all("state").map(|state| ("state", state))).collect()
}

fn form(query: &Query, snapshot: &Snapshot, filter: &Filter) -> Markup {
    html! {
        form class="filter" method="get" action="/browse" role="search" {
            label { "Id begins with " input type="text" name="prefix" value=(filter.prefix) spellcheck="false"; }
            label { "holds " input type="text" name="text" value=(filter.text) spellcheck="false"; }
            label { "Job " select name="job" { (job_choices(snapshot, query.get("job"))) } }
            fieldset {
                legend { "in state" }
                @for state in STATES {
                    label class="check" {
                        input type="checkbox" name="state" value=(state.name()) checked[filter.states.contains(&state)];
                        span class={ "dot " (state.name()) } {} (state.name())
                    }
                }
            }
            button type="submit" { "Show" }
        }
        form class="filter" method="get" action="/entity" {
            label { "Open the entity " input type="text" name="id" required spellcheck="false"; }
            button type="submit" { "Open" }
        }
        form class="filter" method="get" action="/compare" {
            label { "Compare " input type="text" name="a" required spellcheck="false"; }
            label { "with " input type="text" name="b" required spellcheck="false"; }
            button type="submit" { "Compare" }
        }
    }
}

fn table(snapshot: &Snapshot, rows: &[Row<'_>]) -> Markup {
    if rows.is_empty() {
        return html! { p class="quiet" { "There is none of that kind." } };
    }
    html! {
        table class="entities" {
            thead { tr {
                th scope="col" { "Entity" }
                @for job in &snapshot.jobs { th scope="col" class="job" { (job.name) } }
            } }
            tbody { @for row in rows { tr {
                th scope="row" { (entity_link(row.id)) }
                @for (job, state) in snapshot.jobs.iter().zip(&row.states) {
                    td class="cell" { (cell(row.id, job.name.as_str(), *state)) }
                }
            } } }
        }
    }
}

fn cell(id: &str, job: &str, state: Option<ItemState>) -> Markup {
    html! {
        @match state {
            Some(state) => a class="plain" href={ (address("/entity", &[("id", id)])) "#job-" (job) } {
                span class={ "dot " (state.name()) } {} span class="word" { (state.name()) }
            },
            None => span class="quiet" title="this job takes other ids" { "·" },
        }
    }
}
