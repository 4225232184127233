//! Dead letters: by job and reason, with examples; those of one group page by page, with what each says.

use euterpe_actors::outcome::Reason;
use euterpe_engine::{Letter, Session, Which};
use maud::{Markup, html};

use super::{button, entity_link, job_choices, page, pager, run_address, waiting, when};
use crate::query::{Query, address};
use crate::shared::Shared;
use crate::snapshot::{LetterLine, Snapshot};
use crate::wanted::{Verb, Wanted};
use crate::words::{count, number};

/// How many letters a page has.
const ROWS: usize = 25;
/// How many letters are read at the most where a text is looked for in what they say.
const SEARCHED: usize = 2000;

/// Which letters a query means; what cannot be the name of a reason is refused.
pub(crate) fn which(query: &Query) -> Result<Which, String> {
    let reason = match query.get("reason") {
        None => None,
        Some(name) => match Reason::ALL.into_iter().find(|reason| reason.to_string() == name) {
            Some(reason) => Some(reason),
            None => return Err(format!("there is no reason `{name}`")),
        },
    };
    let named = |name| query.get(name).map(str::to_owned);
    Ok(Which { entities: Vec::new(), run: named("run"), job: named("job"), reason })
}

/// The page: all groups, or the letters of what was chosen.
///
/// # Errors
/// A run or job that is not there; what keeps the records from being read.
pub(crate) async fn letters(shared: &Shared, session: &Session, query: &Query) -> anyhow::Result<Markup> {
    let newest = shared.newest();
    let Some(snapshot) = newest.snapshot.clone() else { return Ok(waiting(shared, &newest, "/dead", "Dead letters")) };
    let is_all = ["job", "reason", "run", "text", "id"].iter().all(|name| query.get(name).is_none());
    let body = match is_all {
        true => html! { (form(query, &snapshot)) div id="groups" data-live { (groups(shared, &snapshot)) } },
        false => html! { (form(query, &snapshot)) (chosen(shared, session, query).await?) },
    };
    Ok(page(shared, &newest, "/dead", "Dead letters", &body))
}

fn form(query: &Query, snapshot: &Snapshot) -> Markup {
    html! {
        form class="filter" method="get" action="/dead" role="search" {
            label { "Job " select name="job" { (job_choices(snapshot, query.get("job"))) } }
            label { "Reason " select name="reason" {
                option value="" { "any reason" }
                @for reason in Reason::ALL { option value=(reason) selected[query.get("reason") == Some(reason.to_string().as_str())] { (reason) } }
            } }
            label { "Text " input type="text" name="text" value=(query.text("text")) placeholder="in what it says, or in the id" spellcheck="false"; }
            @if let Some(run) = query.get("run") { input type="hidden" name="run" value=(run); }
            button type="submit" { "Show" }
        }
    }
}

fn groups(shared: &Shared, snapshot: &Snapshot) -> Markup {
    if snapshot.letters.is_empty() {
        return html! {
            p { "Nothing failed for good." @if snapshot.made_good > 0 { " " (count(snapshot.made_good, "dead letter was", "dead letters were")) " made good since." } }
        };
    }
    let all = Wanted { verb: Verb::Retry, ids: Vec::new(), job: None, reason: None, run: None };
    html! {
        p { (count(snapshot.dead(), "dead letter", "dead letters")) " in " (count(snapshot.letters.len() as u64, "group", "groups")) "." }
        @for group in &snapshot.letters { (self::group(shared, group)) }
        @if snapshot.letters.len() > 1 { div class="actions" { (button(shared, &all, "Try all again…")) } }
    }
}

fn group(shared: &Shared, group: &LetterLine) -> Markup {
    let (job, reason) = (group.job.as_str(), group.reason.to_string());
    let wanted =
        |verb| Wanted { verb, ids: Vec::new(), job: Some(job.to_owned()), reason: Some(reason.clone()), run: None };
    html! {
        section class="letters" aria-label={ (job) ", " (reason) } {
            h2 { a href=(address("/dead", &[("job", job), ("reason", &reason)])) { (job) ": " (reason) } " " span class="badge dead" { (number(group.count)) } }
            p class="quiet" { @if group.first == group.last { (when(group.last)) } @else { "from " (when(group.first)) " to " (when(group.last)) } }
            ul class="examples" { @for (entity, text) in &group.examples { li { (entity_link(entity)) ": " span class="said" { (text) } } } }
            @if group.count > group.examples.len() as u64 { p { a href=(address("/dead", &[("job", job), ("reason", &reason)])) { "All " (number(group.count)) } } }
            div class="actions" { (button(shared, &wanted(Verb::Retry), "Try again…")) (button(shared, &wanted(Verb::Drop), "Give up…")) }
        }
    }
}

async fn chosen(shared: &Shared, session: &Session, query: &Query) -> anyhow::Result<Markup> {
    let which = match which(query) {
        Ok(which) => which,
        Err(why) => return Ok(html! { p class="banner bad" role="alert" { (why) } }),
    };
    let text = query.text("text").to_lowercase();
    let at = query.number("page").unwrap_or(0).min(usize::MAX / ROWS);
    let (mut note, mut found_ids) = (None, Vec::new());
    let (total, shown) = match text.is_empty() {
        true => session.letter_page(&which, at * ROWS, ROWS).await?,
        false => {
            let (all, letters) = session.letter_page(&which, 0, SEARCHED).await?;
            if all > SEARCHED {
                let (looked, all) = (number(SEARCHED as u64), number(all as u64));
                note =
                    Some(format!("Looked for in the first {looked} of {all}; choose a job or a reason to see others."));
            }
            let holds = |letter: &Letter| {
                let letter = &letter.letter;
                [&letter.text, &letter.stderr, &letter.entity].iter().any(|said| said.to_lowercase().contains(&text))
            };
            let found: Vec<Letter> = letters.into_iter().filter(holds).collect();
            found_ids = found.iter().take(500).map(|found| found.letter.entity.clone()).collect();
            found_ids.sort_unstable();
            found_ids.dedup();
            (found.len(), found.into_iter().skip(at * ROWS).take(ROWS).collect())
        }
    };
    let pairs: Vec<(&str, &str)> =
        ["job", "reason", "run", "text"].into_iter().filter_map(|name| Some((name, query.get(name)?))).collect();
    let wanted = |verb| Wanted {
        verb,
        ids: found_ids.clone(),
        job: which.job.clone(),
        reason: which.reason.map(|reason| reason.to_string()),
        run: which.run.clone(),
    };
    Ok(html! {
        @if let Some(note) = &note { p class="banner" { (note) } }
        p { (count(total as u64, "dead letter", "dead letters")) "." }
        form id="chosen" action="/command" method="get" {
            @for found in &shown { (letter(found)) }
            @if !shared.read_only && !shown.is_empty() {
                @for (name, value) in [("job", &which.job), ("reason", &which.reason.map(|reason| reason.to_string())), ("run", &which.run)] {
                    @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
                }
                div class="actions" {
                    button type="submit" name="do" value="retry" { "Try the chosen again…" }
                    button type="submit" name="do" value="drop" { "Give the chosen up…" }
                }
            }
        }
        (pager("/dead", &pairs, at, ROWS, total))
        @if total > 0 { div class="actions" { (button(shared, &wanted(Verb::Retry), "Try all of these again…")) (button(shared, &wanted(Verb::Drop), "Give all of these up…")) } }
    })
}

fn letter(found: &Letter) -> Markup {
    let letter = &found.letter;
    html! {
        article class={ "letter " @if found.made_good { "good" } } {
            p {
                label class="check" { input type="checkbox" name="id" value=(letter.entity); span class="hidden" { "choose " (letter.entity) } }
                (entity_link(&letter.entity)) " · " (letter.job) ": " b { (letter.reason) } " after " (count(u64::from(letter.tries), "try", "tries")) ", " (when(letter.millis))
                @if let Some(run) = letter.run { ", in run " a href=(run_address(run)) { code { (run) } } }
                @if found.made_good { ", made good since" }
            }
            p class="said" { (letter.text) }
            @if !letter.stderr.is_empty() { details { summary { "What it printed" } pre class="text" tabindex="0" { (letter.stderr) } } }
        }
    }
}
