//! The pages, a file for each, and what they have in common.
//!
//! What may change while a page is shown stands in an element with an `id` and `data-live`: when there is news the script fetches
//! the same page again and puts the new one in its place. Without scripts a page is read anew by hand.

pub(crate) mod browse;
pub(crate) mod commands;
pub(crate) mod compare;
pub(crate) mod entity;
pub(crate) mod letters;
pub(crate) mod nodes;
pub(crate) mod overview;
pub(crate) mod runs;

use maud::{DOCTYPE, Markup, html};

use crate::query::{address, encoded};
use crate::shared::Shared;
use crate::snapshot::{JobLine, Newest, Snapshot};
use crate::wanted::Wanted;
use crate::words::{STATES, duration, now, number, time};
use euterpe_engine::ItemState;
use std::time::Duration;

/// The pages that the navigation leads to: address, name.
const PAGES: [(&str, &str); 6] = [
    ("/", "Overview"),
    ("/browse", "Browse"),
    ("/runs", "Runs"),
    ("/dead", "Dead letters"),
    ("/nodes", "Nodes"),
    ("/commands", "Commands"),
];

/// A whole page. `at` is the address of the page of the navigation that it belongs to.
pub(crate) fn page(shared: &Shared, newest: &Newest, at: &str, title: &str, body: &Markup) -> Markup {
    let graph = newest.snapshot.as_ref().map_or("Euterpe", |snapshot| snapshot.graph.as_str());
    let dead = newest.snapshot.as_ref().map_or(0, |snapshot| snapshot.dead());
    let at_work = shared.commands.all().iter().filter(|started| started.now().ended.is_none()).count();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (graph) }
                link rel="stylesheet" href="/ui.css";
                link rel="icon" type="image/svg+xml" href="/icon.svg";
                script src="/ui.js" defer {}
                @if newest.snapshot.is_none() { noscript { meta http-equiv="refresh" content="3"; } }
            }
            body {
                a class="skip" href="#main" { "Skip to the page" }
                header {
                    a class="name" href="/" { (graph) }
                    nav aria-label="Pages" id="nav" data-live {
                        @for (address, name) in PAGES {
                            a href=(address) aria-current=[(address == at).then_some("page")] {
                                (name)
                                @if address == "/dead" && dead > 0 { " " span class="badge dead" { (number(dead)) } }
                                @if address == "/commands" && at_work > 0 { " " span class="badge" { (at_work) } }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" {
                    div id="trouble" data-live {
                        @if let Some(trouble) = &newest.trouble {
                            p class="banner bad" role="alert" { "What is shown is no longer up to date: " (trouble) }
                        }
                    }
                    h1 { (title) }
                    (body)
                }
                footer {
                    p id="as-of" data-live { (as_of(newest)) }
                    p id="link" class="quiet" hidden { "No news: the connection to the server is lost. Trying again." }
                }
            }
        }
    }
}

fn as_of(newest: &Newest) -> Markup {
    match &newest.snapshot {
        None => html! { "The catalogue is being counted." },
        Some(snapshot) => html! { "Counted " (time(snapshot.millis)) " in " (duration(snapshot.took)) "." },
    }
}

/// A page that waits for the first count.
pub(crate) fn waiting(shared: &Shared, newest: &Newest, at: &str, title: &str) -> Markup {
    let body = html! {
        div id="content" data-live {
            @match &newest.trouble {
                None => p { "The catalogue is being counted; this page shows it as soon as that is done." }
                Some(_) => p { "Nothing could be counted yet; it is tried again." }
            }
        }
    };
    page(shared, newest, at, title, &body)
}

/// A page that says what could not be shown.
pub(crate) fn failed(shared: &Shared, title: &str, text: &str) -> Markup {
    let body = html! { p class="banner bad" role="alert" { (text) } };
    page(shared, &shared.newest(), "", title, &body)
}

/// What a command would do, as a button that leads to a page which shows that first; nothing where nothing may be started.
pub(crate) fn button(shared: &Shared, wanted: &Wanted, label: &str) -> Markup {
    if shared.read_only {
        return html! {};
    }
    html! {
        form class="inline" action="/command" method="get" {
            @for (name, value) in wanted.fields() { input type="hidden" name=(name) value=(value); }
            button type="submit" { (label) }
        }
    }
}

/// A bar with a piece for each state, as long as its share.
pub(crate) fn bar(job: &JobLine) -> Markup {
    let total = job.total().max(1) as f64;
    let words: Vec<String> = STATES
        .iter()
        .filter(|state| job.count(**state) > 0)
        .map(|state| format!("{} {}", number(job.count(*state)), state.name()))
        .collect();
    let share = |state: &ItemState| job.count(*state) as f64 / total * 100.0;
    let piece = |at: usize| (STATES[at], STATES[..at].iter().map(share).sum::<f64>(), share(&STATES[at]));
    html! {
        svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=(words.join(", ")) {
            @for (state, x, width) in (0..STATES.len()).map(piece).filter(|(.., width)| *width > 0.0) {
                rect class=(state.name()) x=(format!("{x:.2}")) y="0" width=(format!("{:.2}", width.max(0.6))) height="8" {}
            }
        }
    }
}

/// An entity's id as a link to its page.
pub(crate) fn entity_link(id: &str) -> Markup {
    html! { a class="id" href=(address("/entity", &[("id", id)])) { bdi { (id) } } }
}

/// A time, with how long ago that is.
pub(crate) fn when(millis: u64) -> Markup {
    // Pages that are renewed each second would only count.
    let ago = Duration::from_secs(now().saturating_sub(millis) / 1000);
    html! { time datetime=(time(millis).replace(" UTC", "Z").replacen(' ', "T", 1)) title=(time(millis)) { (ago_words(ago)) " ago" } }
}

/// How long ago something was: in whole seconds, minutes, hours or days.
fn ago_words(ago: Duration) -> String {
    match ago.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => duration(ago),
    }
}

/// Links to the pages before and behind one of so many rows.
pub(crate) fn pager(path: &str, pairs: &[(&str, &str)], at: usize, rows: usize, total: usize) -> Markup {
    let link = |number: usize| {
        let mut all = pairs.to_vec();
        let number = number.to_string();
        all.push(("page", &number));
        address(path, &all)
    };
    let last = total.saturating_sub(1) / rows;
    html! {
        @if total > rows {
            nav class="pager" aria-label="Pages of the list" {
                @if at > 0 { a rel="prev" href=(link(at - 1)) { "← Before" } }
                span { (number((at * rows + 1) as u64)) "–" (number(((at + 1) * rows).min(total) as u64)) " of " (number(total as u64)) }
                @if at < last { a rel="next" href=(link(at + 1)) { "Next →" } }
            }
        }
    }
}

/// The jobs of a snapshot as choices of a form.
pub(crate) fn job_choices(snapshot: &Snapshot, chosen: Option<&str>) -> Markup {
    html! {
        option value="" selected[chosen.is_none()] { "any job" }
        @for job in &snapshot.jobs {
            option value=(job.name) selected[chosen == Some(job.name.as_str())] { (job.name) }
        }
    }
}

/// An address of a run.
pub(crate) fn run_address(run: impl std::fmt::Display) -> String {
    format!("/run?run={}", encoded(&run.to_string()))
}
